//! How the callback wakes a thread that sleeps until a ring has data or room.
//!
//! The program's side of each ring has a word: the number of frames that a thread sleeps for, or 0.
//! The two threads announce and check in opposite order:
//!
//! | sleeper | callback |
//! | --- | --- |
//! | stores the number in the word | stores the ring's index |
//! | sequentially consistent fence | sequentially consistent fence |
//! | checks the ring, and sleeps if the word is unchanged | checks the word, and the ring |
//!
//! One of the fences comes first, and stores before it are visible after the other one. Therefore
//! either the sleeper sees the frames and does not sleep, or the callback sees the word. The
//! callback clears the word before it wakes the sleeper: a thread that is not asleep yet will not
//! fall asleep, because the system compares the word. If the callback is late and clears the word
//! of the next sleep, it only ends that sleep early.
//!
//! The same applies to the flags of a finished stream in place of the ring's index.

use core::time::Duration;

use pa_ringbuffer::Side;

use crate::atomic::{AtomicU32, Ordering, fence};
use crate::futex;

/// The result of [`CallbackState::sleep`](crate::CallbackState::sleep).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Slept {
    /// The frames are available, or room for them.
    Ready,
    /// They are not, and the stream has finished.
    Finished,
    /// Neither: the timeout has expired, a signal arrived, or the wakeup was spurious.
    Early,
    /// The callback does not wake threads, so this thread has not slept.
    Off,
}

/// Whether the callback wakes threads, and which ones.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Wake {
    on: AtomicU32,
    /// The number of frames that the consumer sleeps for, or 0.
    input_wanted: AtomicU32,
    /// The number of frames that the producer sleeps for room for, or 0.
    output_wanted: AtomicU32,
}

impl Wake {
    /// Returns whether waking has the requested setting.
    pub(crate) fn set(&self, on: bool) -> bool {
        let possible = !on || futex::is_there();
        self.on.store(u32::from(on && possible), Ordering::Relaxed);
        possible
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed) != 0
    }

    fn wanted(&self, side: Side) -> &AtomicU32 {
        match side {
            Side::Consumer => &self.input_wanted,
            Side::Producer => &self.output_wanted,
        }
    }

    /// Sleeps unless `look` finds a reason not to.
    pub(crate) fn sleep(
        &self,
        side: Side,
        frames: usize,
        timeout: Duration,
        look: impl Fn() -> Slept,
    ) -> Slept {
        let word = self.wanted(side);
        // A number too large for the word is rounded down, which may end the sleep early.
        let wanted = u32::try_from(frames).unwrap_or(u32::MAX).max(1);
        word.store(wanted, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let mut slept = look();
        if slept == Slept::Early {
            futex::wait(word, wanted, timeout);
            slept = look();
        }
        word.store(0, Ordering::Relaxed);
        slept
    }

    /// Wakes the threads that sleep for what `has` finds available. Call this after the stores that
    /// `has` checks.
    pub(crate) fn wake(&self, has: impl Fn(Side, usize) -> bool) {
        fence(Ordering::SeqCst);
        for side in [Side::Consumer, Side::Producer] {
            let word = self.wanted(side);
            let wanted = word.load(Ordering::Relaxed);
            if wanted != 0 && has(side, wanted as usize) {
                word.store(0, Ordering::Relaxed);
                futex::wake(word);
            }
        }
    }
}
