//! Linux: `futex`, in its oldest form, which every kernel has.

use core::ffi::{c_int, c_long};
use core::sync::atomic::AtomicU32;
use core::time::Duration;

/// The number of the system call; 0 where it is not known.
const FUTEX: c_long = if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
    202
} else if cfg!(any(target_arch = "x86", target_arch = "arm")) {
    240
} else if cfg!(any(
    target_arch = "aarch64",
    target_arch = "riscv64",
    target_arch = "loongarch64"
)) {
    98
} else if cfg!(any(target_arch = "powerpc", target_arch = "powerpc64")) {
    221
} else if cfg!(target_arch = "s390x") {
    238
} else {
    0
};

const FUTEX_WAIT: c_int = 0;
const FUTEX_WAKE: c_int = 1;
/// Not for several processes, which is faster.
const FUTEX_PRIVATE_FLAG: c_int = 128;

/// `struct timespec` of this system call, whatever the C library's is.
#[repr(C)]
struct Timespec {
    seconds: c_long,
    nanoseconds: c_long,
}

unsafe extern "C" {
    // Every C library has it. It is no cancellation point, and only ever sets `errno`.
    fn syscall(number: c_long, ...) -> c_long;
}

pub(crate) fn is_there() -> bool {
    FUTEX != 0
}

pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    let timeout = Timespec {
        seconds: c_long::try_from(timeout.as_secs()).unwrap_or(c_long::MAX),
        nanoseconds: timeout.subsec_nanos() as c_long,
    };
    // SAFETY: the kernel loads from the word, which is there, and copies the time.
    unsafe {
        syscall(
            FUTEX,
            word.as_ptr(),
            FUTEX_WAIT | FUTEX_PRIVATE_FLAG,
            expected,
            &raw const timeout,
        );
    }
}

pub(crate) fn wake(word: &AtomicU32) {
    // SAFETY: the kernel takes nothing but the address.
    unsafe {
        syscall(
            FUTEX,
            word.as_ptr(),
            FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
            1 as c_int,
        );
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_number_of_the_system_call_is_that_of_the_c_library() {
        assert_eq!(super::FUTEX, libc::SYS_futex);
        assert_eq!(super::FUTEX_WAIT, libc::FUTEX_WAIT);
        assert_eq!(super::FUTEX_WAKE, libc::FUTEX_WAKE);
        assert_eq!(super::FUTEX_PRIVATE_FLAG, libc::FUTEX_PRIVATE_FLAG);
    }
}
