//! Windows: `WaitOnAddress`, since Windows 8.
//!
//! The functions are looked up at run time: programs that use the C library need no import library
//! that they would not have linked anyway.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use core::time::Duration;

type WaitOnAddress = unsafe extern "system" fn(*mut c_void, *const u32, usize, u32) -> c_int;
type WakeByAddressSingle = unsafe extern "system" fn(*mut c_void);

#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetModuleHandleA(name: *const c_char) -> *mut c_void;
    fn GetProcAddress(module: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// Null until `is_there` has found them.
static WAIT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static WAKE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Looks the functions up. To be called before the other two.
pub(crate) fn is_there() -> bool {
    // Part of every process; never unloaded.
    const LIBRARY: &CStr = c"kernelbase.dll";
    // SAFETY: strings.
    let (wait, wake) = unsafe {
        let library = GetModuleHandleA(LIBRARY.as_ptr());
        if library.is_null() {
            return false;
        }
        (
            GetProcAddress(library, c"WaitOnAddress".as_ptr()),
            GetProcAddress(library, c"WakeByAddressSingle".as_ptr()),
        )
    };
    if wait.is_null() || wake.is_null() {
        return false;
    }
    WAIT.store(wait, Ordering::Relaxed);
    WAKE.store(wake, Ordering::Relaxed);
    true
}

pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    let wait = WAIT.load(Ordering::Relaxed);
    if !wait.is_null() {
        // At least the requested time. The largest number stands for no timeout.
        let milliseconds = (timeout.as_secs().saturating_mul(1000))
            .saturating_add(u64::from(timeout.subsec_nanos().div_ceil(1_000_000)));
        let milliseconds = milliseconds.min(u64::from(u32::MAX - 1)) as u32;
        // SAFETY: this is the function's type; the word and the value are there.
        unsafe {
            let wait = transmute::<*mut c_void, WaitOnAddress>(wait);
            wait(
                word.as_ptr().cast(),
                &raw const expected,
                size_of::<u32>(),
                milliseconds,
            );
        }
    }
}

pub(crate) fn wake(word: &AtomicU32) {
    let wake = WAKE.load(Ordering::Relaxed);
    if !wake.is_null() {
        // SAFETY: this is the function's type, and only the address counts.
        unsafe {
            let wake = transmute::<*mut c_void, WakeByAddressSingle>(wake);
            wake(word.as_ptr().cast());
        }
    }
}
