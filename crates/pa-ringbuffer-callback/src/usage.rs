//! The use of a virtual device: by its thread, by an offline call, or none.
//!
//! There is no lock, because a signal handler may interrupt the thread that holds it, and a process
//! may fork while another thread holds it. One word contains the whole state, so that its parts are
//! always consistent. It is sequentially consistent with the flag that closes a device: a use that
//! begins either sees the flag, or is seen by the thread that has set the flag and waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::DeviceError;

/// The engine is in use.
const USED: u64 = 1;
/// Used by the device's thread.
const ACTIVE: u64 = 2;
/// The current call is the last one of this use.
const STOP: u64 = 4;
/// The thread makes no more calls, but has not released what it keeps yet.
const ENDING: u64 = 8;
/// Between the flags and the process: the number of uses so far.
const ONE_USE: u64 = 16;
const USES: u64 = (1 << PROCESS) - ONE_USE;
/// Position of the process that uses the device. A forked child finds its parent's number there,
/// and knows that this use never ends: the child does not have the thread.
const PROCESS: u32 = 32;

/// Interval between two checks of a waiting thread.
const SHORTEST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(2);

pub(crate) struct Usage(AtomicU64);

fn here() -> u64 {
    u64::from(std::process::id()) << PROCESS
}

fn process(word: u64) -> u64 {
    word >> PROCESS << PROCESS
}

impl Usage {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn load(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Begins a use, `active` if it is the thread's.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Running`] if it is in use, and [`DeviceError::Forked`] if it was when this
    /// process was forked.
    pub(crate) fn begin(&self, active: bool) -> Result<(), DeviceError> {
        let flags = USED | if active { ACTIVE } else { 0 };
        let mut word = self.load();
        loop {
            if word & USED != 0 {
                return Err(if process(word) == here() {
                    DeviceError::Running
                } else {
                    DeviceError::Forked
                });
            }
            let new = word & USES | here() | flags;
            match (self.0).compare_exchange(word, new, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return Ok(()),
                Err(changed) => word = changed,
            }
        }
    }

    /// Records that the thread makes no more calls. The use continues until it has released what it
    /// keeps.
    pub(crate) fn become_inactive(&self) {
        // From one flag to the other.
        self.0.fetch_xor(ACTIVE | ENDING, Ordering::SeqCst);
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.is(ENDING)
    }

    /// Ends the use that this thread has begun.
    pub(crate) fn end(&self) {
        // Other threads may set STOP in the meantime.
        let _ = (self.0).fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| {
            Some(word.wrapping_add(ONE_USE) & USES)
        });
    }

    /// Asks the current use to end after the current call. It does not affect the next use.
    pub(crate) fn ask_to_stop(&self) {
        let _ = (self.0).fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| {
            (word & USED != 0).then_some(word | STOP)
        });
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.0.load(Ordering::Relaxed) & STOP != 0
    }

    pub(crate) fn is_active(&self) -> bool {
        self.is(ACTIVE)
    }

    fn is(&self, flag: u64) -> bool {
        let word = self.load();
        word & flag != 0 && process(word) == here()
    }

    /// The number of the current use, if its thread belongs to this process.
    pub(crate) fn present(&self) -> Option<u64> {
        self.is(USED).then(|| self.load() & USES)
    }

    /// Waits for the end of a use. Returns `false` if it continues after `timeout`.
    pub(crate) fn wait_for_end(&self, number: u64, timeout: Duration) -> bool {
        // A time beyond the clock's range is never.
        let end = Instant::now().checked_add(timeout);
        let mut pause = SHORTEST_PAUSE;
        while self.present() == Some(number) {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return false;
            }
            thread::sleep(left.map_or(pause, |left| pause.min(left)));
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_for_the_present_use_only() {
        let usage = Usage::new();
        usage.ask_to_stop();
        usage.begin(true).unwrap();
        assert!(!usage.is_stopping());
        usage.ask_to_stop();
        assert!(usage.is_stopping() && usage.is_active());
        usage.become_inactive();
        assert!(!usage.is_active() && usage.is_ending() && usage.present().is_some());
        usage.end();
        usage.begin(false).unwrap();
        assert!(!usage.is_stopping() && !usage.is_active() && !usage.is_ending());
    }

    #[test]
    fn one_use_at_a_time() {
        let usage = Usage::new();
        usage.begin(false).unwrap();
        assert!(matches!(usage.begin(true), Err(DeviceError::Running)));
        let first = usage.present().unwrap();
        assert!(!usage.wait_for_end(first, Duration::from_millis(5)));
        usage.end();
        assert_eq!(usage.present(), None);
        usage.begin(true).unwrap();
        assert!(usage.wait_for_end(first, Duration::MAX));
    }

    #[test]
    fn a_forked_child_neither_uses_nor_waits() {
        let usage = Usage::new();
        usage.begin(true).unwrap();
        let word = usage.load();
        (usage.0).store(word ^ (1 << PROCESS), Ordering::Relaxed);
        assert!(!usage.is_active());
        assert_eq!(usage.present(), None);
        assert!(matches!(usage.begin(true), Err(DeviceError::Forked)));
    }

    #[test]
    fn the_number_of_uses_stays_in_its_place() {
        let usage = Usage(AtomicU64::new(USES));
        usage.begin(true).unwrap();
        assert!(usage.is_active());
        usage.end();
        assert_eq!(usage.load(), 0);
    }
}
