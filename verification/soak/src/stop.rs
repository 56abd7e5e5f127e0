//! Ctrl-C ends the heat that is running; what was counted so far is still printed.

use std::sync::atomic::{AtomicBool, Ordering};

static STOPPED: AtomicBool = AtomicBool::new(false);

/// C's number for Ctrl-C, on all systems.
const SIGINT: i32 = 2;

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
}

extern "C" fn stop(_: i32) {
    STOPPED.store(true, Ordering::Relaxed);
}

/// From now on, Ctrl-C only sets what [`stopped`] returns.
pub fn stop_on_interrupt() {
    // SAFETY: C's own function; all that the handler does is to store a flag.
    unsafe { signal(SIGINT, stop) };
}

/// Whether the user has pressed it.
pub fn stopped() -> bool {
    STOPPED.load(Ordering::Relaxed)
}
