//! Waiting for the other side of a ring.
//!
//! The other side of a ring does not know about waiting threads: it may be C code that has never
//! heard of this library, in a callback that must not make system calls. The waiting side therefore
//! checks the ring periodically and sleeps in between, without needing Python.

use std::thread;
use std::time::{Duration, Instant};

use pa_ringbuffer_callback::CallbackState;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::arguments::integer::Integer;
use crate::error;
use crate::object;

/// Interval between two checks while data may arrive at any moment: a callback is called more often
/// than every [`MOMENT`]. It adds half of this to the latency on average.
pub(crate) const INTERVAL: Duration = Duration::from_millis(1);

/// Interval between two checks after that. On a virtual machine, where waking up took 15 to 20
/// microseconds, checking every millisecond used 2 % of a core (`python comparison/waiting`): too
/// expensive for an idle stream.
pub(crate) const IDLE_INTERVAL: Duration = Duration::from_micros(2500);

/// How long data may arrive at any moment: a block of 2048 frames, with some delay.
const MOMENT: Duration = Duration::from_millis(50);

/// For waits in which a few more milliseconds do not matter.
pub(crate) const LONGEST_INTERVAL: Duration = Duration::from_millis(10);

/// The same with a callback that wakes threads: a stalled device does not wake them.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_millis(100);

/// Interval until the next check after a given waiting time.
pub(crate) fn interval_after(waited: Duration) -> Duration {
    if waited < MOMENT {
        INTERVAL
    } else {
        IDLE_INTERVAL
    }
}

/// Maximum delay until Ctrl-C is noticed.
const SIGNALS: Duration = Duration::from_millis(100);

/// Time without a call of the callback after which the device is asked whether it is active. Longer
/// than any block in practice, and short for a waiting person.
const QUIET: Duration = Duration::from_millis(250);

/// Time without a call after which a device that claims to be active is considered gone.
const GONE: Duration = Duration::from_secs(5);

/// A point in time, or `None` for never.
pub(crate) fn deadline(timeout: Option<f64>) -> PyResult<Option<Instant>> {
    match timeout {
        None => Ok(None),
        Some(seconds) if seconds.is_nan() => Err(error::value_error(
            "timeout must be a number of seconds, not nan",
        )),
        // A time beyond the clock's range is never.
        Some(seconds) => Ok(Duration::try_from_secs_f64(seconds.max(0.0))
            .ok()
            .and_then(|timeout| Instant::now().checked_add(timeout))),
    }
}

/// Why a wait has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The wait was successful.
    Done,
    /// The timeout has expired.
    Timeout,
    /// The stream has finished, so nothing will change.
    Finished,
    /// The stream should be running, but the device has made no call for a moment.
    Quiet,
}

impl Outcome {
    /// The outcome's name in Python.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Timeout => "timeout",
            Self::Finished => "finished",
            Self::Quiet => "quiet",
        }
    }

    /// The outcome with this name.
    pub(crate) fn named(name: &str) -> PyResult<Self> {
        [Self::Done, Self::Timeout, Self::Finished, Self::Quiet]
            .into_iter()
            .find(|outcome| outcome.name() == name)
            .ok_or_else(|| {
                error::value_error(format_args!(
                    "outcome must be 'done', 'timeout', 'finished' or 'quiet', not '{name}'"
                ))
            })
    }
}

/// A number of elements to wait for.
pub(crate) fn checked_size(size: Integer, capacity: usize) -> PyResult<usize> {
    let count = size.required("size")?;
    if count > capacity {
        return Err(error::value_error(format_args!(
            "size must be at most {capacity}, the number of elements in the ring, not {size}"
        )));
    }
    Ok(count)
}

/// Detects whether a stream continues.
pub(crate) struct Watchdog<'a> {
    state: &'a CallbackState,
    blocks: u64,
    last_look: Instant,
    quiet: Duration,
}

impl<'a> Watchdog<'a> {
    pub(crate) fn new(state: &'a CallbackState) -> Self {
        Self {
            state,
            blocks: state.counters().blocks(),
            last_look: Instant::now(),
            quiet: Duration::ZERO,
        }
    }

    /// Read before the ring, so that everything the callback did before the end is visible there.
    pub(crate) fn is_over(&self) -> bool {
        self.state.finish_reason().is_some()
    }

    /// Whether the device has stopped calling the callback.
    pub(crate) fn is_finished(&self) -> bool {
        self.state.is_finished()
    }

    /// Whether the device has made no call for a moment. Call this at least every few milliseconds.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let blocks = self.state.counters().blocks();
        let now = Instant::now();
        if blocks == self.blocks {
            // A suspended process has not been waiting.
            self.quiet += (now - self.last_look).min(LONGEST_SLEEP + LONGEST_INTERVAL);
        } else {
            self.quiet = Duration::ZERO;
        }
        self.blocks = blocks;
        self.last_look = now;
        self.quiet > QUIET
    }
}

/// Decides whether a device that was found quiet, but claims to be active, may call again.
#[derive(Clone, Copy, Default)]
pub(crate) struct Hope {
    /// Number of calls of the callback, and the time since which it has not changed.
    seen: Option<(u64, Instant)>,
}

impl Hope {
    pub(crate) fn is_left(&mut self, state: &CallbackState) -> bool {
        let (blocks, now) = (state.counters().blocks(), Instant::now());
        match self.seen {
            Some((before, since)) if before == blocks => now - since <= GONE,
            _ => {
                self.seen = Some((blocks, now));
                true
            }
        }
    }
}

/// Whether Python's signal handlers run on this thread.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    // SAFETY: the result is a new reference, or null with an exception.
    let threading = unsafe {
        Bound::from_owned_ptr_or_err(py, ffi::PyImport_ImportModule(c"threading".as_ptr()))
    }?;
    let main = object::call_method(&threading, c"main_thread", [])?;
    let ident = object::call_method(&threading, c"get_ident", [])?;
    object::attribute(&main, c"ident")?.eq(ident)
}

/// Takes steps, the first one immediately and all of them without needing Python, until one has an
/// outcome or the timeout expires. At least `interval` passes between two steps.
///
/// # Errors
///
/// What a signal handler raises, for example KeyboardInterrupt.
pub(crate) fn poll(
    py: Python<'_>,
    end: Option<Instant>,
    interval: Duration,
    step: impl FnMut() -> Option<Outcome> + Send,
) -> PyResult<Outcome> {
    let nap = |waited: Duration, left: Duration| {
        thread::sleep(interval_after(waited).max(interval).min(left));
    };
    wait(py, end, nap, step)
}

/// Like [`poll`], where `nap` sleeps between two steps: its arguments are the time waited so far
/// and the maximum time to sleep.
pub(crate) fn wait(
    py: Python<'_>,
    end: Option<Instant>,
    mut nap: impl FnMut(Duration, Duration) + Send,
    mut step: impl FnMut() -> Option<Outcome> + Send,
) -> PyResult<Outcome> {
    if let Some(outcome) = step() {
        return Ok(outcome);
    }
    let signals = is_main_thread(py)?;
    let begin = Instant::now();
    loop {
        let outcome = py.detach(|| {
            // There is no other reason to attach to Python, and the GIL may be contended.
            let look = signals.then(|| Instant::now() + SIGNALS);
            loop {
                let now = Instant::now();
                if end.is_some_and(|end| end <= now) {
                    return Some(Outcome::Timeout);
                }
                if look.is_some_and(|look| look <= now) {
                    return None;
                }
                // A signal that arrives just before the nap does not end it.
                let until = match (end, look) {
                    (Some(end), Some(look)) => Some(end.min(look)),
                    (end, look) => end.or(look),
                };
                nap(
                    now - begin,
                    until.map_or(Duration::MAX, |until| until - now),
                );
                if let Some(outcome) = step() {
                    return Some(outcome);
                }
            }
        });
        if let Some(outcome) = outcome {
            return Ok(outcome);
        }
        py.check_signals()?;
    }
}
