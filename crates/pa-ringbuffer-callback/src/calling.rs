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
    /// Real-time safe: the flag is there from the thread's start.
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
