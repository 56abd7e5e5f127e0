//! Detects whether a thread is inside a callback of a virtual device.

use core::cell::Cell;

std::thread_local! {
    static CALLING: Cell<bool> = const { Cell::new(false) };
}

/// Marks the current thread as inside a callback as long as this value lives.
pub(crate) struct Calling {
    before: bool,
}

impl Calling {
    /// Real-time safe in a program, where the flag exists from the thread's start. In a library
    /// that is loaded later, such as a Python extension, a thread's first access may allocate.
    pub(crate) fn begin() -> Self {
        Self {
            before: CALLING.replace(true),
        }
    }

    pub(crate) fn is_here() -> bool {
        CALLING.get()
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        CALLING.set(self.before);
    }
}
