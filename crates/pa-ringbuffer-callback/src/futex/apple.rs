//! Apple: `os_sync_wait_on_address` since macOS 14.4, and before that what it is built on, which C++'s
//! standard library uses.
//!
//! The functions are looked up at run time: a program that was linked on a newer system starts on an
//! older one.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use core::time::Duration;

type OsWait = unsafe extern "C" fn(*mut c_void, u64, usize, u32, u32, u64) -> c_int;
type OsWake = unsafe extern "C" fn(*mut c_void, usize, u32) -> c_int;
type UlockWait = unsafe extern "C" fn(u32, *mut c_void, u64, u32) -> c_int;
type UlockWake = unsafe extern "C" fn(u32, *mut c_void, u64) -> c_int;

/// `OS_SYNC_WAIT_ON_ADDRESS_NONE` and `OS_SYNC_WAKE_BY_ADDRESS_NONE`: within this process.
const WITHIN_PROCESS: u32 = 0;
/// `OS_CLOCK_MACH_ABSOLUTE_TIME`.
const CLOCK: u32 = 32;
/// `UL_COMPARE_AND_WAIT`, within this process, with `ULF_NO_ERRNO`.
const ULOCK: u32 = 1 | 0x0100_0000;
/// `RTLD_DEFAULT`.
const EVERYWHERE: *mut c_void = -2_isize as *mut c_void;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
}

/// Null until `is_there` has found them, two of the same generation.
static OS_WAIT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static OS_WAKE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static ULOCK_WAIT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static ULOCK_WAKE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

fn find(symbol: &CStr) -> *mut c_void {
    // SAFETY: a string; there is nothing to be unloaded.
    unsafe { dlsym(EVERYWHERE, symbol.as_ptr()) }
}

/// Looks the functions up. To be called before the other two.
pub(crate) fn is_there() -> bool {
    let wait = find(c"os_sync_wait_on_address_with_timeout");
    let wake = find(c"os_sync_wake_by_address_any");
    if !wait.is_null() && !wake.is_null() {
        OS_WAIT.store(wait, Ordering::Relaxed);
        OS_WAKE.store(wake, Ordering::Relaxed);
        return true;
    }
    let wait = find(c"__ulock_wait");
    let wake = find(c"__ulock_wake");
    if wait.is_null() || wake.is_null() {
        return false;
    }
    ULOCK_WAIT.store(wait, Ordering::Relaxed);
    ULOCK_WAKE.store(wake, Ordering::Relaxed);
    true
}

pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    let address = word.as_ptr().cast();
    let os = OS_WAIT.load(Ordering::Relaxed);
    if !os.is_null() {
        // 0 is an error here.
        let nanoseconds = (timeout.as_secs().saturating_mul(1_000_000_000))
            .saturating_add(u64::from(timeout.subsec_nanos()))
            .max(1);
        // SAFETY: this is the function's type, and the word is there.
        unsafe {
            let os = transmute::<*mut c_void, OsWait>(os);
            os(
                address,
                u64::from(expected),
                size_of::<u32>(),
                WITHIN_PROCESS,
                CLOCK,
                nanoseconds,
            );
        }
        return;
    }
    let ulock = ULOCK_WAIT.load(Ordering::Relaxed);
    if !ulock.is_null() {
        // 0 stands for no timeout here.
        let microseconds = (timeout.as_secs().saturating_mul(1_000_000))
            .saturating_add(u64::from(timeout.subsec_micros()))
            .clamp(1, u64::from(u32::MAX)) as u32;
        // SAFETY: as above.
        unsafe {
            let ulock = transmute::<*mut c_void, UlockWait>(ulock);
            ulock(ULOCK, address, u64::from(expected), microseconds);
        }
    }
}

pub(crate) fn wake(word: &AtomicU32) {
    let address = word.as_ptr().cast();
    let os = OS_WAKE.load(Ordering::Relaxed);
    if !os.is_null() {
        // SAFETY: this is the function's type, and only the address counts.
        unsafe {
            let os = transmute::<*mut c_void, OsWake>(os);
            os(address, size_of::<u32>(), WITHIN_PROCESS);
        }
        return;
    }
    let ulock = ULOCK_WAKE.load(Ordering::Relaxed);
    if !ulock.is_null() {
        // SAFETY: as above.
        unsafe {
            let ulock = transmute::<*mut c_void, UlockWake>(ulock);
            ulock(ULOCK, address, 0);
        }
    }
}
