//! Waiting for the other side of a ring.
//!
//! Nobody on the other side knows that somebody waits: it may be C that has never heard of this
//! library, in a callback that must not call the system. So the side that waits looks at the ring
//! from time to time, in between it sleeps, and it needs no Python for that.

use std::thread;
use std::time::{Duration, Instant};

use pa_ringbuffer_callback::CallbackState;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::arguments::integer::Integer;
use crate::error;
use crate::object;

/// Time between two looks, while something may come at any moment: a callback is called more often
/// than every [`MOMENT`]. What it adds to the latency is half of it on average.
pub(crate) const INTERVAL: Duration = Duration::from_millis(1);

/// Time between two looks after that. On a virtual machine, where waking up took 15 to 20
/// microseconds, looking every millisecond was 2 % of a core (`python comparison/waiting`); nobody
/// shall pay that for a stream that does not run.
pub(crate) const IDLE_INTERVAL: Duration = Duration::from_micros(2500);

/// How long something may come at any moment: a block of 2048 frames, with some delay.
const MOMENT: Duration = Duration::from_millis(50);

/// For those to whom some milliseconds more do not matter.
pub(crate) const LONGEST_INTERVAL: Duration = Duration::from_millis(10);

/// The same where the callback wakes: a device that has stalled does not.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_millis(100);

/// Time until the next look of somebody who has waited for some time.
pub(crate) fn interval_after(waited: Duration) -> Duration {
    if waited < MOMENT {
        INTERVAL
    } else {
        IDLE_INTERVAL
    }
}

/// How long Ctrl-C may take to be seen.
const SIGNALS: Duration = Duration::from_millis(50);

/// How long a device goes without a call of its callback until it is asked whether it is active. More
/// than one block that anybody uses, and not long for a person who waits.
const QUIET: Duration = Duration::from_millis(250);

/// How long a device that says it is active goes without a call until it is not believed any more.
const GONE: Duration = Duration::from_secs(5);

/// A point in time, or `None` for never.
pub(crate) fn deadline(timeout: Option<f64>) -> PyResult<Option<Instant>> {
    match timeout {
        None => Ok(None),
        Some(seconds) if seconds.is_nan() => Err(error::value_error(
            "timeout must be a number of seconds, not nan",
        )),
        // What the clock cannot hold is forever.
        Some(seconds) => Ok(Duration::try_from_secs_f64(seconds.max(0.0))
            .ok()
            .and_then(|timeout| Instant::now().checked_add(timeout))),
    }
}

/// Why waiting has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What was waited for is there.
    Done,
    /// The time is over.
    Timeout,
    /// The stream has finished, and so nothing will change any more.
    Finished,
    /// The stream should be running, but the device has not called for a moment.
    Quiet,
}

impl Outcome {
    /// What Python is told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Timeout => "timeout",
            Self::Finished => "finished",
            Self::Quiet => "quiet",
        }
    }

    /// What is called so.
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

/// Whether a stream goes on.
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

    /// Looked at before the ring: what the callback did before the end is then seen there.
    pub(crate) fn is_over(&self) -> bool {
        self.state.finish_reason().is_some()
    }

    /// Whether the callback is not called any more.
    pub(crate) fn is_finished(&self) -> bool {
        self.state.is_finished()
    }

    /// Whether the device has not called for a moment. To be asked at least every few milliseconds.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let blocks = self.state.counters().blocks();
        let now = Instant::now();
        if blocks == self.blocks {
            // A process that is suspended has not been waiting.
            self.quiet += (now - self.last_look).min(LONGEST_SLEEP + LONGEST_INTERVAL);
        } else {
            self.quiet = Duration::ZERO;
        }
        self.blocks = blocks;
        self.last_look = now;
        self.quiet > QUIET
    }
}

/// Whether a device that says it is active may call again, although it was found quiet.
#[derive(Clone, Copy, Default)]
pub(crate) struct Hope {
    /// Calls of the callback, and since when there were no more.
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

/// Takes steps, first at once, then again and again without needing Python, until one has an outcome
/// or the time is over. There is at least `interval` between two of them.
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

/// As [`poll`], where `nap` sleeps between two steps: it is told how long has been waited, and how
/// long it may sleep at most.
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
            // Elsewhere there is no reason to come back, and the GIL may be hard to get.
            let look = signals.then(|| Instant::now() + SIGNALS);
            loop {
                let now = Instant::now();
                if end.is_some_and(|end| end <= now) {
                    return Some(Outcome::Timeout);
                }
                if look.is_some_and(|look| look <= now) {
                    return None;
                }
                // A signal that comes just before the nap does not end it.
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
