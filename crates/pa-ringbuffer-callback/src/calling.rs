//! Whether a thread is inside a callback of a virtual device.

use core::cell::Cell;

std::thread_local! {
    static CALLING: Cell<bool> = const { Cell::new(false) };
}

/// As long as it lives, this thread is.
pub(crate) struct Calling {
    before: bool,
}

impl Calling {
    /// Real-time safe: in a program, the flag is there from the thread's start. In a library that
    /// is loaded later, such as a Python extension, a thread's first look at it may allocate.
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
