//! Sections of a program in which an allocation, a system call or a panic is the end.

use std::alloc::{GlobalAlloc, Layout, System};
use std::mem::{forget, offset_of};
use std::panic::{set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// How a guarded section ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Allocated,
    Panicked,
    CalledTheSystem,
    /// What `waitpid` said: a crash, or a section without an end.
    Died(i32),
    /// The system forbids nothing: there is no seccomp.
    NotGuarded,
}

impl Outcome {
    /// What a process can say of itself, by its exit status.
    const SAID: [Self; 4] = [
        Self::Passed,
        Self::Allocated,
        Self::Panicked,
        Self::NotGuarded,
    ];

    /// Ends the process. That is the one system call that a section may make.
    fn exit(self) -> ! {
        let status = Self::SAID.iter().position(|outcome| *outcome == self);
        // SAFETY: it never returns, so nothing can be broken.
        unsafe { libc::_exit(status.map_or(-1, |status| status as i32)) }
    }

    fn of(status: i32) -> Self {
        if libc::WIFEXITED(status) {
            let said = Self::SAID.get(libc::WEXITSTATUS(status) as usize);
            said.copied().unwrap_or(Self::Died(status))
        } else if libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSYS {
            Self::CalledTheSystem
        } else {
            Self::Died(status)
        }
    }
}

/// Only ever true in a copy of the process, which has one thread.
static GUARDED: AtomicBool = AtomicBool::new(false);

fn leave_if_guarded(outcome: impl FnOnce() -> Outcome) {
    if GUARDED.load(Ordering::Relaxed) {
        outcome().exit();
    }
}

/// No memory for anybody. A panic takes some for its message, before its hook is called.
fn refuse() {
    leave_if_guarded(|| match std::thread::panicking() {
        true => Outcome::Panicked,
        false => Outcome::Allocated,
    });
}

/// The system's allocator, outside of guarded sections.
struct Guarding;

#[global_allocator]
static ALLOCATOR: Guarding = Guarding;

// SAFETY: the system's allocator keeps all promises, with the arguments as they came.
unsafe impl GlobalAlloc for Guarding {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        refuse();
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        refuse();
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        refuse();
        // SAFETY: the caller's promises are the same.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        refuse();
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Runs a section in a copy of this process, and says how it ended. What it returns is not dropped,
/// because that may free memory.
///
/// `fork` copies only the thread that calls it, which is all that the section needs. What was
/// prepared before is there, and need not be real-time safe.
pub(crate) fn guarded<R>(section: impl FnOnce() -> R) -> Outcome {
    run(section, false)
}

/// As [`guarded`], but the section may wake threads: by `futex`, as far as that does not block.
pub(crate) fn guarded_but_for_waking<R>(section: impl FnOnce() -> R) -> Outcome {
    run(section, true)
}

fn run<R>(section: impl FnOnce() -> R, may_wake: bool) -> Outcome {
    exit_on_panic();
    // SAFETY: the child neither returns nor does anything that another thread of this process could
    // have had in hand: see `enter` and the section itself, which must be real-time safe.
    let child = unsafe { libc::fork() };
    if child == 0 {
        enter(may_wake);
        forget(section());
        Outcome::Passed.exit();
    }
    assert!(child > 0, "no process: {}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: the child is ours, no other code waits for it, and the status is valid for writes.
    let waited = unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(waited, child, "{}", std::io::Error::last_os_error());
    Outcome::of(status)
}

/// Whether sections can be guarded here. Emulators of processors forbid nothing.
pub(crate) fn is_possible() -> bool {
    if let Ok(emulator) = std::env::var("EMULATOR") {
        eprintln!("skipped: {emulator} has no seccomp to forbid system calls");
        return false;
    }
    crate::require(
        guarded(|| ()) != Outcome::NotGuarded,
        "seccomp is needed to forbid system calls",
    )
}

/// The process that panics in a section has no time for a message.
fn exit_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            leave_if_guarded(|| Outcome::Panicked);
            usual(panic);
        }));
    });
}

/// From here on, the process may only compute and end.
fn enter(may_wake: bool) {
    // A section that never ends is ended, and one that is killed leaves no core file.
    // SAFETY: neither touches memory.
    unsafe {
        libc::alarm(60);
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
    if !forbid_system_calls(may_wake) {
        Outcome::NotGuarded.exit();
    }
    GUARDED.store(true, Ordering::Relaxed);
}

/// The kernel kills the process at the first system call that is not its end, nor, if that is
/// allowed, the one that wakes threads.
fn forbid_system_calls(may_wake: bool) -> bool {
    let number = offset_of!(libc::seccomp_data, nr) as u32;
    // The lower half of 64 bits.
    let lower = if cfg!(target_endian = "little") { 0 } else { 4 };
    let operation = (offset_of!(libc::seccomp_data, args) + size_of::<u64>() + lower) as u32;
    let wake = (libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG) as u32;
    // No call has this number.
    let futex = if may_wake {
        libc::SYS_futex as u32
    } else {
        u32::MAX
    };
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let compare = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let answer = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, k, jf| libc::sock_filter { code, jt: 0, jf, k };
    let mut steps = [
        step(load, number, 0),
        step(compare, libc::SYS_exit_group as u32, 1),
        step(answer, libc::SECCOMP_RET_ALLOW, 0),
        step(compare, futex, 3),
        step(load, operation, 0),
        step(compare, wake, 1),
        step(answer, libc::SECCOMP_RET_ALLOW, 0),
        step(answer, libc::SECCOMP_RET_KILL_PROCESS, 0),
    ];
    let program = libc::sock_fprog {
        len: steps.len() as u16,
        filter: steps.as_mut_ptr(),
    };
    // SAFETY: the kernel copies the program, which is there as long as the calls last.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            ) == 0
    }
}
