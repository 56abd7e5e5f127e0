//! Common parts of both sides of a stream: one user at a time, a ring, and a device that may
//! disappear.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pa_ringbuffer::PaUtilRingBuffer;
use pa_ringbuffer_callback::UnknownTime;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::arguments::samples::SampleFormat;
use crate::error;
use crate::object::{self, Number};
use crate::ring::method::integer;
use crate::ring::{self, RingBuffer};
use crate::side::Side;
use crate::stream::callback::StreamCallback;
use crate::stream::fork;
use crate::stream::wait::{self, Hope, Outcome, Watchdog};

/// How many times a thread checks, a millisecond apart, whether another one has finished with its
/// side. Transfers that do not wait take less time.
const CLAIM_ATTEMPTS: usize = 50;

/// Marks one side of a stream as in use.
#[derive(Clone, Copy)]
struct Claimant {
    ticket: u64,
    thread: ThreadId,
    is_task: bool,
}

/// One side of a stream: its ring, and the state of the device at the other end of the ring.
pub(crate) struct StreamSide {
    pub(crate) side: Side,
    pub(crate) callback: Py<StreamCallback>,
    pub(crate) ring: Py<RingBuffer>,
    /// The Python object that opens and closes the device. It knows whether the device is active,
    /// and makes the errors of failed waits.
    handle: Py<PyAny>,
    pub(crate) format: SampleFormat,
    pub(crate) channels: usize,
    /// The process that opened the stream: see [`fork`].
    generation: u32,
    claimant: Mutex<Option<Claimant>>,
    next_ticket: AtomicU64,
    /// Number of losses that `read()` or `write()` has reported.
    told_losses: AtomicU64,
}

/// A claim to one side, until it is dropped.
pub(crate) struct Claim<'a> {
    side: &'a StreamSide,
    ticket: u64,
}

impl Claim<'_> {
    /// Transfers the claim to the ticket, with which [`StreamSide::release`] ends it.
    pub(crate) fn into_ticket(self) -> u64 {
        let ticket = self.ticket;
        std::mem::forget(self);
        ticket
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.side.release(self.ticket);
    }
}

/// Memory for frames, and the number of frames transferred.
pub(crate) struct Frames<'a> {
    pub(crate) start: *mut u8,
    pub(crate) count: usize,
    pub(crate) done: &'a AtomicUsize,
    /// Whether to transfer all frames at once or none.
    pub(crate) whole: bool,
}

impl StreamSide {
    pub(crate) fn new(
        side: Side,
        callback: Bound<'_, StreamCallback>,
        handle: Bound<'_, PyAny>,
        channels: usize,
        dtype: &str,
    ) -> PyResult<Self> {
        fork::count()?;
        let ring = callback.get().ring(callback.py(), side)?.unbind();
        let format = SampleFormat::named(dtype)?;
        let frame_size = RingBuffer::geometry(ring.bind(callback.py()))?.element_size();
        if channels.checked_mul(format.size) != Some(frame_size) {
            return Err(error::value_error(format_args!(
                "channels must be {}, the ring's elementsize divided by the bytes per sample, not \
                 {channels}",
                frame_size / format.size
            )));
        }
        Ok(Self {
            side,
            callback: callback.unbind(),
            ring,
            handle: handle.unbind(),
            format,
            channels,
            generation: fork::generation(),
            claimant: Mutex::default(),
            next_ticket: AtomicU64::new(1),
            told_losses: AtomicU64::new(0),
        })
    }

    pub(crate) fn frame_size(&self) -> usize {
        self.channels * self.format.size
    }

    fn claimant(&self) -> MutexGuard<'_, Option<Claimant>> {
        // Held only for a moment, and never while Python code runs.
        self.claimant.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The beginning of every transfer: a forked child has no stream, and losses are reported.
    #[inline]
    pub(crate) fn enter(&self, py: Python<'_>) -> PyResult<()> {
        if fork::generation() != self.generation {
            object::call_method(self.handle.bind(py), c"check_here", [])?;
        }
        if self.callback.get().has_untold_losses() {
            object::call_method(self.handle.bind(py), c"report", [])?;
        }
        Ok(())
    }

    /// Number of losses of the ring and the device on this side.
    #[inline]
    pub(crate) fn losses(&self) -> u64 {
        let counters = self.callback.get().callback_state().counters();
        match self.side {
            Side::Consumer => counters.input_overflows() + counters.device_input_overflows(),
            Side::Producer => counters.output_underflows() + counters.device_output_underflows(),
        }
    }

    /// Records that the program knows of this many losses; returns whether some of them are new.
    #[inline]
    pub(crate) fn tell(&self, losses: u64) -> bool {
        self.told_losses.swap(losses, Ordering::Relaxed) != losses
    }

    #[inline]
    pub(crate) fn has_news(&self, losses: u64) -> bool {
        self.told_losses.load(Ordering::Relaxed) != losses
    }

    /// Claims this side.
    ///
    /// # Errors
    ///
    /// RuntimeError if another claim lasts longer than a transfer that does not wait.
    #[inline]
    pub(crate) fn claim(&self, py: Python<'_>, is_task: bool) -> PyResult<Claim<'_>> {
        let mine = Claimant {
            ticket: self.next_ticket.fetch_add(1, Ordering::Relaxed),
            thread: thread::current().id(),
            is_task,
        };
        for attempt in 0.. {
            let other = match &mut *self.claimant() {
                free @ None => {
                    *free = Some(mine);
                    break;
                }
                Some(other) => *other,
            };
            // A thread must not wait for itself, in a signal handler for example.
            if is_task || other.thread == mine.thread || attempt == CLAIM_ATTEMPTS {
                return Err(self.in_use(&mine, &other));
            }
            py.detach(|| thread::sleep(Duration::from_millis(1)));
            py.check_signals()?;
        }
        Ok(Claim {
            side: self,
            ticket: mine.ticket,
        })
    }

    #[cold]
    fn in_use(&self, mine: &Claimant, other: &Claimant) -> PyErr {
        let (using, verb) = match self.side {
            Side::Producer => ("writing to", "write"),
            Side::Consumer => ("reading from", "read"),
        };
        if mine.is_task {
            error::runtime_error(format_args!(
                "another task is {using} this stream: only one task at a time can {verb}"
            ))
        } else if mine.thread != other.thread {
            error::runtime_error(format_args!(
                "another thread is {using} this stream: only one thread at a time can {verb}"
            ))
        } else {
            error::runtime_error(format_args!(
                "this thread is already {using} this stream: the call that was interrupted must \
                 return first"
            ))
        }
    }

    /// A claim, unless this side is already claimed.
    pub(crate) fn try_claim(&self) -> Option<Claim<'_>> {
        let mine = Claimant {
            ticket: self.next_ticket.fetch_add(1, Ordering::Relaxed),
            thread: thread::current().id(),
            is_task: false,
        };
        let mut claimant = self.claimant();
        claimant.is_none().then(|| {
            *claimant = Some(mine);
            Claim {
                side: self,
                ticket: mine.ticket,
            }
        })
    }

    pub(crate) fn is_claimed(&self) -> bool {
        self.claimant().is_some()
    }

    pub(crate) fn release(&self, ticket: u64) {
        let mut claimant = self.claimant();
        if claimant.is_some_and(|claimant| claimant.ticket == ticket) {
            *claimant = None;
        }
    }

    pub(crate) fn capacity(&self, py: Python<'_>) -> PyResult<usize> {
        RingBuffer::capacity(self.ring.bind(py))
    }

    /// Waits until all frames are transferred, and returns why the wait has ended. The number of
    /// frames is known even if an exception, of a signal handler for example, ends it. If `stop` is
    /// set, it ends as if the stream had ended.
    ///
    /// # Safety
    ///
    /// The memory belongs to that many frames, and stays valid while other threads run Python.
    pub(crate) unsafe fn wait(
        &self,
        py: Python<'_>,
        frames: &Frames<'_>,
        deadline: Option<Instant>,
        interval: Duration,
        stop: Option<&AtomicBool>,
    ) -> PyResult<Outcome> {
        let ring = self.ring.bind(py);
        let _claim = ring::Claim::new(ring, self.side)?;
        let (address, _keeper) = RingBuffer::pin(ring)?;
        let geometry = RingBuffer::geometry_at(ring, address)?;
        let size = self.frame_size();
        if geometry.element_size() != size {
            return Err(error::runtime_error(format_args!(
                "the ring's elementsize was {size} bytes when the stream was opened and must stay \
                 so, but is {} now",
                geometry.element_size()
            )));
        }
        let pointer = std::ptr::with_exposed_provenance::<PaUtilRingBuffer>(address);
        // SAFETY: alive as long as its keeper.
        let raw = unsafe { &*pointer };
        let start = frames.start.expose_provenance();
        let (count, done, whole) = (frames.count, frames.done, frames.whole);
        let side = self.side;
        let step = |is_over: bool| {
            let before = done.load(Ordering::Relaxed);
            let left = count - before;
            let target = std::ptr::with_exposed_provenance_mut::<u8>(start + before * size);
            if !whole || (raw.available(side) >= left) {
                // SAFETY: the geometry is this ring's, whose storage is kept; the caller guarantees
                // that many frames; the claim gives exclusive access to this side.
                let more = unsafe {
                    match side {
                        Side::Producer => raw.write(&geometry, target.cast(), left),
                        Side::Consumer => raw.read(&geometry, target.cast(), left),
                    }
                };
                done.store(before + more, Ordering::Relaxed);
                if more == left {
                    return Some(Outcome::Done);
                }
            }
            is_over.then_some(Outcome::Finished)
        };
        let state = self.callback.get().callback_state();
        let nap = |waited: Duration, left: Duration| {
            if state.wakes() {
                let missing = count - done.load(Ordering::Relaxed);
                // Pieces are transferred before the ring is nearly full, or empty.
                let wanted = if whole {
                    missing
                } else {
                    missing.min(geometry.size().div_ceil(4))
                };
                // SAFETY: the rings are kept.
                let _ = unsafe { state.sleep(side, wanted, left.min(wait::LONGEST_SLEEP)) };
            } else {
                thread::sleep(wait::interval_after(waited).max(interval).min(left));
            }
        };
        self.judged_wait(py, deadline, nap, |watchdog| {
            // Read before the ring, so that everything the callback did before the end is visible
            // there.
            let is_over = watchdog.is_over();
            // Frames written to a stopped stream would be played after its next start.
            if stop.is_some_and(|stop| is_over || stop.load(Ordering::Relaxed)) {
                return Some(Outcome::Finished);
            }
            step(is_over)
        })
    }

    /// Waits until the device has stopped calling.
    pub(crate) fn wait_for_end(
        &self,
        py: Python<'_>,
        deadline: Option<Instant>,
    ) -> PyResult<Outcome> {
        let nap = |_: Duration, left: Duration| thread::sleep(left.min(wait::LONGEST_INTERVAL));
        self.judged_wait(py, deadline, nap, |watchdog| {
            watchdog.is_finished().then_some(Outcome::Finished)
        })
    }

    /// Takes steps until one has an outcome, the timeout expires, or the stream is considered gone.
    fn judged_wait(
        &self,
        py: Python<'_>,
        deadline: Option<Instant>,
        nap: impl Fn(Duration, Duration) + Sync,
        step: impl Fn(&Watchdog<'_>) -> Option<Outcome> + Sync,
    ) -> PyResult<Outcome> {
        let mut hope = Hope::default();
        loop {
            // A new one each time: the device is queried only when it has been found quiet.
            let mut watchdog = Watchdog::new(self.callback.get().callback_state());
            let outcome = wait::wait(py, deadline, &nap, || {
                step(&watchdog).or_else(|| watchdog.is_quiet().then_some(Outcome::Quiet))
            })?;
            if outcome != Outcome::Quiet || !self.has_hope(py, &mut hope)? {
                return Ok(outcome);
            }
        }
    }

    /// Whether a device that has been quiet for a moment may call again.
    pub(crate) fn has_hope(&self, py: Python<'_>, hope: &mut Hope) -> PyResult<bool> {
        let is_active = object::attribute(self.handle.bind(py), c"active")?;
        Ok(is_active.is_truthy()? && hope.is_left(self.callback.get().callback_state()))
    }

    /// The number of the next frame to be read from the ring, or written to it.
    pub(crate) fn position(&self) -> u64 {
        self.callback.get().position(self.side)
    }

    /// Time at which a frame was recorded or is heard, in seconds of the stream's clock.
    pub(crate) fn time_of<'py>(
        &self,
        frame: &Bound<'py, PyAny>,
        samplerate: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = frame.py();
        let frame = integer(frame.as_borrowed(), "frame")?.frame("frame")?;
        self.enter(py)?;
        let state = self.callback.get().callback_state();
        let unknown = match state.time_of(self.side, frame, samplerate) {
            Ok(time) => return object::float(py, time),
            Err(unknown) => unknown,
        };
        let no_time = format!("the time of frame {frame} is not known");
        Err(match unknown {
            UnknownTime::Finished => {
                let so_far = format!("{no_time}: the stream ended before it");
                self.failure(py, Outcome::Finished, &so_far, 0, None)?
            }
            UnknownTime::NotYet => error::runtime_error(format_args!(
                "{no_time} yet: the stream has started, but the device has not delivered a block; \
                 wait for the first one"
            )),
            UnknownTime::Forgotten => error::value_error(format_args!(
                "{no_time} any more: too many losses or restarts have happened since; ask earlier"
            )),
            other => error::runtime_error(format_args!("{no_time}: {other}")),
        })
    }

    /// The error for a transfer that has ended early, with the frames that were read; or another
    /// error that occurred while making it.
    #[cold]
    pub(crate) fn failure(
        &self,
        py: Python<'_>,
        outcome: Outcome,
        so_far: &str,
        frames: usize,
        data: Option<Bound<'_, PyAny>>,
    ) -> Result<PyErr, PyErr> {
        let arguments = [
            object::text(py, outcome.name())?,
            object::text(py, so_far)?,
            Number(frames).into_pyobject(py)?,
            data.unwrap_or_else(|| py.None().into_bound(py)),
        ];
        object::call_method(self.handle.bind(py), c"error", arguments).map(PyErr::from_value)
    }

    pub(crate) fn visit(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.callback)?;
        visit.call(&self.ring)?;
        visit.call(&self.handle)
    }
}
