//! A transfer in progress: an event loop completes it step by step. It also keeps frames that were
//! read but not returned yet.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyBool;

use crate::arguments::data::{Slot, View};
use crate::error;
use crate::object::{self, Number};
use crate::stream::input::{InputSide, Target};
use crate::stream::output::{OutputSide, Source};
use crate::stream::side::{Frames, StreamSide};
use crate::stream::wait::{Hope, Outcome};
use crate::stream::watch::{self, KeyOrOutcome};

/// The operation.
pub(crate) enum Work {
    Write(Py<OutputSide>, Source<Box<Slot>>),
    /// Into an array. If true, an incomplete read leaves its frames for the next one.
    Read(Py<InputSide>, Target, bool),
    /// Wait until the device has stopped.
    End(Py<OutputSide>),
}

/// For the streams: one transfer between Python's memory and a ring, by one user of that side.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct Transfer {
    work: Work,
    /// Ticket of the claim to the side.
    ticket: u64,
    /// Number of frames to transfer, and number of frames transferred.
    count: usize,
    done: AtomicUsize,
    /// Whether the ring can hold all frames, so that none is taken before all are available.
    whole: bool,
    deadline: Option<Instant>,
    /// Whether a step has been taken.
    has_begun: AtomicBool,
    hope: Mutex<Hope>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether a [`Use`] of the transfer is in progress.
    is_used: bool,
    /// Whether to end the transfer after that.
    is_given_up: bool,
    /// Whether other code can use the side.
    is_over: bool,
}

/// Gives exclusive access to a transfer until it is dropped: against other threads, and against
/// Python code that runs in between.
struct Use<'a> {
    transfer: &'a Transfer,
    py: Python<'a>,
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        loop {
            let mut state = self.transfer.state();
            if !state.is_given_up || state.is_over {
                state.is_used = false;
                return;
            }
            drop(state);
            self.transfer.give_back(self.py);
        }
    }
}

impl Transfer {
    pub(crate) fn new(
        work: Work,
        ticket: u64,
        count: usize,
        done: usize,
        whole: bool,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            work,
            ticket,
            count,
            done: AtomicUsize::new(done),
            whole,
            deadline,
            has_begun: AtomicBool::new(false),
            hope: Mutex::default(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Held only for a moment, and never while Python code runs.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    ///
    /// RuntimeError if the transfer is over, or if it is in use.
    fn enter<'a>(&'a self, py: Python<'a>) -> PyResult<Use<'a>> {
        let refused = {
            let mut state = self.state();
            if state.is_over {
                "this transfer is over"
            } else if state.is_used {
                "this transfer is being used: only one thread at a time can use it"
            } else {
                state.is_used = true;
                return Ok(Use { transfer: self, py });
            }
        };
        Err(error::runtime_error(refused))
    }

    /// Returns whether this is the first call.
    fn end(&self) -> bool {
        !std::mem::replace(&mut self.state().is_over, true)
    }

    fn side(&self) -> &StreamSide {
        match &self.work {
            Work::Write(side, _) | Work::End(side) => &side.get().side,
            Work::Read(side, ..) => &side.get().side,
        }
    }

    fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done() == self.count
    }

    fn left(&self) -> usize {
        self.count - self.done()
    }

    /// Records that more frames were transferred. Only the current user transfers frames.
    fn add(&self, more: usize) {
        self.done.store(self.done() + more, Ordering::Relaxed);
    }

    /// Reads the available frames at the beginning, or none if they are not enough.
    ///
    /// # Safety
    ///
    /// `start` is the destination of the first of `count` frames.
    pub(crate) unsafe fn begin(&self, py: Python<'_>, start: *mut u8) -> PyResult<()> {
        let _use = self.enter(py)?;
        // SAFETY: the caller's guarantee.
        unsafe { self.read_into(py, start) }
    }

    /// The same at any later time.
    ///
    /// # Safety
    ///
    /// As for [`begin`](Self::begin); also, no other code uses the transfer.
    unsafe fn read_into(&self, py: Python<'_>, start: *mut u8) -> PyResult<()> {
        let Work::Read(side, ..) = &self.work else {
            return Ok(());
        };
        let side = side.get();
        let left = self.left();
        if left == 0 || (self.whole && side.in_ring(py)? < left) {
            return Ok(());
        }
        // SAFETY: the caller's guarantee.
        let more = unsafe {
            let target = start.add(self.done() * side.side.frame_size());
            side.read_now(py, target, left)
        }?;
        self.add(more);
        Ok(())
    }

    /// Calls a function with the destination memory, which is kept during the call.
    fn with_target<R>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(*mut u8) -> PyResult<R>,
    ) -> PyResult<R> {
        let Work::Read(side, target, _) = &self.work else {
            return Err(error::type_error("this transfer reads nothing"));
        };
        let side = &side.get().side;
        let mut slot = Slot::uninit();
        let array = target.array.bind(py);
        let view = View::of_numbers(&mut slot, array, pyo3::ffi::PyBUF_WRITABLE)?;
        let size = side.frame_size();
        if view.len() != (target.head + self.count) * size {
            return Err(error::value_error("the array was resized"));
        }
        // SAFETY: inside the array, as checked above.
        f(unsafe { view.pointer().add(target.head * size) })
    }

    /// Waits until everything has been read.
    pub(crate) fn wait(&self, py: Python<'_>, interval: Duration) -> PyResult<()> {
        let _use = self.enter(py)?;
        let outcome = self.with_target(py, |start| {
            let frames = Frames {
                start,
                count: self.count,
                done: &self.done,
                whole: self.whole,
            };
            // SAFETY: there is room for `count` frames from there on, in memory that is kept.
            unsafe { self.side().wait(py, &frames, self.deadline, interval, None) }
        });
        match outcome {
            Ok(Outcome::Done) => Ok(()),
            Ok(outcome) => Err(self.failure(py, outcome)),
            Err(error) => {
                self.give_back(py);
                Err(error)
            }
        }
    }

    /// The error for a transfer that has ended early; also ends the transfer.
    fn failure(&self, py: Python<'_>, outcome: Outcome) -> PyErr {
        match &self.work {
            Work::Write(side, frames) => {
                let error = side.get().failure(py, outcome, self.done(), frames.count);
                self.give_back(py);
                error
            }
            Work::Read(side, target, keep) => {
                let reading = side.get();
                let stay = self.whole || *keep;
                let given = if stay { 0 } else { self.done() };
                match reading.failure(py, outcome, target, self.count, given) {
                    Ok(error) if !stay => {
                        // The error contains them.
                        self.hand_over();
                        error
                    }
                    Ok(error) | Err(error) => {
                        self.give_back(py);
                        error
                    }
                }
            }
            Work::End(side) => match side.get().check_end(py, outcome) {
                Err(error) => error,
                Ok(()) => error::runtime_error("the stream has finished"),
            },
        }
    }

    /// The frames that were read have reached the program.
    fn hand_over(&self) {
        if !self.end() {
            return;
        }
        if let Work::Read(side, target, _) = &self.work {
            side.get().hand_over(target.left);
        }
        self.side().release(self.ticket);
    }

    /// They have not, and will not: the next read gets them.
    fn give_back(&self, py: Python<'_>) {
        if !self.end() {
            return;
        }
        if let Work::Read(side, target, _) = &self.work {
            side.get().take_back(py, target, self.done());
        }
        self.side().release(self.ticket);
    }

    fn transfer_now(&self, py: Python<'_>) -> PyResult<()> {
        match &self.work {
            Work::Write(side, frames) => {
                let (side, done) = (side.get(), self.done());
                // SAFETY: the frames are kept; the callers have exclusive access to the transfer.
                let more = unsafe {
                    let rest = frames.pointer().add(done * side.side.frame_size());
                    side.write_now(py, rest, frames.count - done)
                }?;
                self.add(more);
                Ok(())
            }
            // SAFETY: that is the first frame's destination; the callers have exclusive access to
            // the transfer.
            Work::Read(..) => self.with_target(py, |start| unsafe { self.read_into(py, start) }),
            Work::End(side) => {
                let callback = side.get().side.callback.get();
                if callback.is_finished() {
                    side.get().check_end(py, Outcome::Finished)?;
                    self.done.store(self.count, Ordering::Relaxed);
                }
                Ok(())
            }
        }
    }
}

#[pymethods]
impl Transfer {
    /// Transfer what is possible now; return the number of frames to wait for next, 0 if everything
    /// is done.
    fn step(&self, py: Python<'_>) -> PyResult<Number> {
        let _use = self.enter(py)?;
        if self.is_refused() {
            return Err(self.failure(py, Outcome::Finished));
        }
        self.transfer_now(py)?;
        self.awaited(py).map(Number)
    }

    /// Call ``done(outcome)`` on another thread when that many frames are available, like
    /// `watch()`.
    fn watch(&self, py: Python<'_>, done: Py<PyAny>) -> PyResult<KeyOrOutcome> {
        let _use = self.enter(py)?;
        let side = self.side();
        let ring = match self.work {
            Work::End(_) => None,
            _ => Some(side.ring.bind(py)),
        };
        let stream = Some(side.callback.clone_ref(py));
        let size = self.awaited(py)?;
        watch::add(py, ring, side.side, size, self.deadline, stream, done)
    }

    /// Continue after a watch has ended with an outcome, or raise the error for it.
    fn judge(&self, py: Python<'_>, outcome: &str) -> PyResult<()> {
        let outcome = Outcome::named(outcome)?;
        let _use = self.enter(py)?;
        if outcome == Outcome::Done {
            return Ok(());
        }
        let is_finished = outcome == Outcome::Finished;
        let writes = matches!(self.work, Work::Write(..));
        if if writes {
            !is_finished
        } else {
            !self.whole || is_finished
        } {
            // Frames from before the end count.
            self.transfer_now(py)?;
            if self.is_done() {
                return Ok(());
            }
        }
        if outcome == Outcome::Quiet {
            let mut hope = *self.hope.lock().unwrap_or_else(PoisonError::into_inner);
            let has_hope = self.side().has_hope(py, &mut hope)?;
            *self.hope.lock().unwrap_or_else(PoisonError::into_inner) = hope;
            if has_hope {
                return Ok(());
            }
        }
        Err(self.failure(py, outcome))
    }

    /// An array of the frames, which now belong to the program: the next read continues after them.
    ///
    /// Nothing can happen between that and the return.
    #[getter]
    fn frames<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let _use = self.enter(py)?;
        let array = self.array(py)?;
        self.hand_over();
        Ok(array)
    }

    /// The result for the program. For a read: the frames, as above, and whether frames were lost
    /// since the previous result. For a write: whether silence was played since then.
    #[getter]
    fn result<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let _use = self.enter(py)?;
        let side = self.side();
        let losses = side.losses();
        let was_lost = PyBool::new(py, side.has_news(losses)).to_owned().into_any();
        let result = match self.work {
            Work::Read(..) => object::tuple(py, [self.array(py)?, was_lost])?.into_any(),
            Work::Write(..) => was_lost,
            Work::End(..) => return Err(error::type_error("this transfer has no result")),
        };
        side.tell(losses);
        self.hand_over();
        Ok(result)
    }

    /// Release the side, and leave the frames that were read to the next read.
    fn give_up(&self, py: Python<'_>) {
        {
            let mut state = self.state();
            state.is_given_up = true;
            if state.is_used || state.is_over {
                // The end of that use ends it.
                return;
            }
            state.is_used = true;
        }
        drop(Use { transfer: self, py });
    }

    /// Whether there is nothing left to give up.
    #[getter]
    fn is_over(&self) -> bool {
        self.state().is_over
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.work {
            // Not the exporter of the memory, which may free it when it is cleared.
            Work::Write(side, _) | Work::End(side) => visit.call(side),
            Work::Read(side, ..) => visit.call(side),
        }
    }
}

impl Transfer {
    /// Whether a write must not continue because its stream is playing its last frames, or has
    /// ended since: its frames would be played after the next start.
    fn is_refused(&self) -> bool {
        let Work::Write(side, _) = &self.work else {
            return false;
        };
        let side = side.get();
        let goes_on = self.has_begun.swap(true, Ordering::Relaxed);
        let has_ended = || {
            side.side
                .callback
                .get()
                .callback_state()
                .finish_reason()
                .is_some()
        };
        !self.is_done() && (side.is_shut() || (goes_on && has_ended()))
    }

    /// The frames that were read, before they are returned.
    fn array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Work::Read(side, target, _) = &self.work else {
            return Err(error::type_error("this transfer reads nothing"));
        };
        let side = side.get();
        let array = if self.is_done() {
            target.array.bind(py).clone()
        } else {
            side.slice(target.array.bind(py), 0, target.head + self.done())?
        };
        if let Some(overlap) = &target.overlap {
            let size = side.side.frame_size();
            self.with_target(py, |start| {
                // SAFETY: that many frames are before `start` and behind it, in memory that is kept
                // and that the program does not have yet.
                overlap.get().keep_end(unsafe {
                    std::slice::from_raw_parts(
                        start.sub(target.head * size),
                        (target.head + self.done()) * size,
                    )
                });
                Ok(())
            })?;
        }
        Ok(array)
    }

    fn awaited(&self, py: Python<'_>) -> PyResult<usize> {
        let left = self.left();
        if self.whole {
            return Ok(left);
        }
        // In larger steps than single frames, but early enough to keep the ring from running empty
        // or full.
        Ok(left.min((self.side().capacity(py)? / 4).max(1)))
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        // SAFETY: an attached thread drops Python objects; before this became one, its thread was
        // attached, too.
        self.give_back(unsafe { Python::assume_attached() });
    }
}
