//! How the callback wakes a thread that sleeps until a ring has data or room.
//!
//! Each side of the stream that is not the callback's has a word: the number of frames that a thread
//! sleeps for, or 0. The two threads announce and look in opposite order:
//!
//! | sleeper | callback |
//! | --- | --- |
//! | stores the number in the word | stores the ring's index |
//! | sequentially consistent fence | sequentially consistent fence |
//! | looks at the ring, and sleeps if the word is unchanged | looks at the word, and at the ring |
//!
//! One of the fences comes first, and what was stored before it is seen after the other one. So
//! either the sleeper sees the frames and does not sleep, or the callback sees the word. It then
//! clears the word before it wakes: a sleeper that is not yet asleep will not fall asleep, because
//! the system compares the word. A callback that is too late, and clears a word that stands for the
//! next sleep, only ends that early.
//!
//! It is the same with the flags of a stream that is finished in the place of the ring's index.

use core::time::Duration;

use pa_ringbuffer::Side;

use crate::atomic::{AtomicU32, Ordering, fence};
use crate::futex;

/// What [`CallbackState::sleep`](crate::CallbackState::sleep) has found at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Slept {
    /// The frames are there, or room for them.
    Ready,
    /// They are not, and the stream is finished.
    Finished,
    /// Neither: the time is over, or a signal came, or there was no reason at all.
    Early,
    /// The callback wakes no threads, so this one has not slept.
    Off,
}

/// Whether the callback wakes, and the threads that it has to wake.
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
    /// Returns whether it is as it should be.
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

    /// Sleeps unless `look` finds that there is no reason to.
    pub(crate) fn sleep(
        &self,
        side: Side,
        frames: usize,
        timeout: Duration,
        look: impl Fn() -> Slept,
    ) -> Slept {
        let word = self.wanted(side);
        // A number too large for the word is rounded down: that may end the sleep early.
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

    /// Wakes the threads that sleep for what `has` says is there. What that looks at was stored
    /// before.
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
