//! The output side of a stream: frames that Python writes.

use std::borrow::BorrowMut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use pyo3::exceptions::PyException;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::arguments::cdata;
use crate::arguments::data::{Slot, View};
use crate::arguments::seconds;
use crate::error;
use crate::object::{self, Number};
use crate::ring::RingBuffer;
use crate::side::Side;
use crate::stream::callback::StreamCallback;
use crate::stream::side::{Frames, StreamSide};
use crate::stream::transfer::{Transfer, Work};
use crate::stream::wait::{self, Outcome};

/// For the streams: transfers from Python's memory into the output ring.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct OutputSide {
    pub(crate) side: StreamSide,
    /// Makes whole frames out of other data, or raises an error; `None` if any bytes are accepted.
    as_frames: Option<Py<PyAny>>,
    /// Whether the stream accepts no more frames: it is closed, or is playing its last ones.
    is_shut: AtomicBool,
    /// Interval between two checks of a full ring: a ring refilled this often never runs low.
    interval: Duration,
}

/// Whole frames from Python.
pub(crate) struct Source<S: BorrowMut<Slot>> {
    view: View<S>,
    pub(crate) count: usize,
}

impl<S: BorrowMut<Slot>> Source<S> {
    pub(crate) fn pointer(&self) -> *mut u8 {
        self.view.pointer()
    }
}

impl OutputSide {
    /// Memory that contains frames in the stream's format, or `None`.
    #[inline]
    fn usual_frames<S: BorrowMut<Slot>>(
        &self,
        data: &Bound<'_, PyAny>,
        slot: S,
    ) -> PyResult<Option<Source<S>>> {
        if !View::<S>::is_possible(data) {
            return Ok(None);
        }
        let view = View::new(slot, data, "data", 0)?;
        if self.as_frames.is_none() {
            return self.whole_frames(view).map(Some);
        }
        let is_usual = view.row_items() == Some(self.side.channels)
            && self.side.format.is(view.format(), view.item_size());
        let count = view.len() / self.side.frame_size();
        Ok(is_usual.then_some(Source { view, count }))
    }

    /// The frames to write, described in one slot or the other.
    #[inline]
    fn frames<S: BorrowMut<Slot>>(
        &self,
        data: &Bound<'_, PyAny>,
        slot: S,
        other: S,
    ) -> PyResult<Source<S>> {
        match self.usual_frames(data, slot) {
            Ok(Some(frames)) => Ok(frames),
            Err(error) if self.as_frames.is_none() => Err(error),
            Err(error) if !error.is_instance_of::<PyException>(data.py()) => Err(error),
            _ => self.made_frames(data, other),
        }
    }

    /// Bytes that represent frames.
    fn whole_frames<S: BorrowMut<Slot>>(&self, view: View<S>) -> PyResult<Source<S>> {
        let (bytes, size) = (view.len(), self.side.frame_size());
        if bytes % size != 0 {
            return Err(error::value_error(format_args!(
                "data must be whole frames of {} channels, {} bytes each ({size} bytes per \
                 frame), not {bytes} bytes",
                self.side.channels, self.side.format.size
            )));
        }
        Ok(Source {
            view,
            count: bytes / size,
        })
    }

    /// Whether no more frames are accepted.
    #[inline]
    pub(crate) fn is_shut(&self) -> bool {
        self.is_shut.load(Ordering::Relaxed)
    }

    #[cold]
    fn made_frames<S: BorrowMut<Slot>>(
        &self,
        data: &Bound<'_, PyAny>,
        slot: S,
    ) -> PyResult<Source<S>> {
        let Some(as_frames) = &self.as_frames else {
            return Err(error::type_error(format_args!(
                "data must be a buffer (bytes, bytearray, memoryview, array, ...), not {}",
                cdata::type_name(data)
            )));
        };
        let made = object::call(as_frames.bind(data.py()), [data.clone()])?;
        self.usual_frames(&made, slot)?.ok_or_else(|| {
            error::type_error("data must be an array of whole frames of the stream's dtype")
        })
    }

    /// Writes as many frames as there is room for.
    ///
    /// # Safety
    ///
    /// `frames` is valid for reads of `count` frames.
    #[inline]
    pub(crate) unsafe fn write_now(
        &self,
        py: Python<'_>,
        frames: *mut u8,
        count: usize,
    ) -> PyResult<usize> {
        if self.is_shut() {
            return Ok(0);
        }
        // SAFETY: the caller's guarantee; the ring's elements are frames, which `transfer` checks.
        unsafe {
            RingBuffer::transfer(
                self.side.ring.bind(py),
                Side::Producer,
                frames,
                count,
                self.side.frame_size(),
            )
        }
    }
}

#[pymethods]
impl OutputSide {
    #[new]
    fn new(
        callback: Bound<'_, StreamCallback>,
        handle: Bound<'_, PyAny>,
        as_frames: Option<Py<PyAny>>,
        channels: usize,
        dtype: &str,
        samplerate: f64,
    ) -> PyResult<Self> {
        let py = callback.py();
        let side = StreamSide::new(Side::Producer, callback, handle, channels, dtype)?;
        let interval = Duration::try_from_secs_f64(side.capacity(py)? as f64 / samplerate / 64.0)
            .unwrap_or_default()
            .clamp(wait::INTERVAL, wait::LONGEST_INTERVAL);
        Ok(Self {
            side,
            as_frames,
            is_shut: AtomicBool::new(false),
            interval,
        })
    }

    /// Write all of *data*, waiting for room if necessary. Return whether other sound (silence) was
    /// played since the previous write returned.
    #[pyo3(signature = (data, timeout=None))]
    fn write(&self, data: &Bound<'_, PyAny>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let py = data.py();
        let (mut slot, mut other) = (Slot::uninit(), Slot::uninit());
        let frames = self.frames(data, &mut slot, &mut other)?;
        self.side.enter(py)?;
        let deadline = seconds::deadline(timeout)?;
        let _claim = self.side.claim(py, false)?;
        // SAFETY: the frames are kept.
        let written = unsafe { self.write_now(py, frames.pointer(), frames.count) }?;
        if written == frames.count {
            return Ok(self.side.tell(self.side.losses()));
        }
        let done = AtomicUsize::new(written);
        let rest = Frames {
            start: frames.pointer(),
            count: frames.count,
            done: &done,
            whole: false,
        };
        // SAFETY: the frames are kept.
        let outcome =
            unsafe { (self.side).wait(py, &rest, deadline, self.interval, Some(&self.is_shut)) }?;
        match outcome {
            Outcome::Done => Ok(self.side.tell(self.side.losses())),
            outcome => Err(self.failure(py, outcome, done.into_inner(), frames.count)),
        }
    }

    /// Accept no more frames, or accept them again; waiting writers get an error.
    fn shut(&self, shut: bool) {
        self.is_shut.store(shut, Ordering::Relaxed);
    }

    /// Forget losses: the stream is about to start.
    fn forget(&self) {
        self.side.tell(self.side.losses());
    }

    /// Write as many frames of *data* as there is room for; return their number.
    fn write_nowait(&self, data: &Bound<'_, PyAny>) -> PyResult<Number> {
        let py = data.py();
        let (mut slot, mut other) = (Slot::uninit(), Slot::uninit());
        let frames = self.frames(data, &mut slot, &mut other)?;
        self.side.enter(py)?;
        let _claim = self.side.claim(py, false)?;
        // SAFETY: the frames are kept.
        unsafe { self.write_now(py, frames.pointer(), frames.count) }.map(Number)
    }

    /// Begin to write all of *data* step by step.
    #[pyo3(signature = (data, timeout=None))]
    fn begin(
        slf: &Bound<'_, Self>,
        data: &Bound<'_, PyAny>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Transfer> {
        let (py, this) = (slf.py(), slf.get());
        let slot = || Box::new(Slot::uninit());
        let frames = this.frames(data, slot(), slot())?;
        this.side.enter(py)?;
        let deadline = seconds::deadline(timeout)?;
        let claim = this.side.claim(py, true)?;
        let count = frames.count;
        let work = Work::Write(slf.clone().unbind(), frames);
        Ok(Transfer::new(
            work,
            claim.into_ticket(),
            count,
            0,
            false,
            deadline,
        ))
    }

    /// Wait until the device has stopped calling.
    #[pyo3(signature = (timeout=None))]
    fn wait_for_end(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let outcome = self.side.wait_for_end(py, seconds::deadline(timeout)?)?;
        self.check_end(py, outcome)
    }

    /// Begin to wait for the end step by step.
    #[pyo3(signature = (timeout=None))]
    fn begin_waiting_for_end(
        slf: &Bound<'_, Self>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Transfer> {
        let deadline = seconds::deadline(timeout)?;
        let work = Work::End(slf.clone().unbind());
        // The wait needs no claim; no claim has this ticket.
        Ok(Transfer::new(work, 0, 1, 0, true, deadline))
    }

    /// The number of the next frame to be written.
    #[getter]
    fn position<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        object::wide(py, self.side.position())
    }

    /// Time at which a frame is heard.
    fn time_of<'py>(
        &self,
        frame: &Bound<'py, PyAny>,
        samplerate: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.side.time_of(frame, samplerate)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Not the function that makes frames: it does not lead back to this object. Calling a
        // function that the collector has cleared crashes, and it may be called as long as this
        // object is in use.
        self.side.visit(&visit)
    }
}

impl OutputSide {
    /// The error if the stream has ended before everything was played, or has not ended in time.
    pub(crate) fn check_end(&self, py: Python<'_>, outcome: Outcome) -> PyResult<()> {
        let left = RingBuffer::available(self.side.ring.bind(py), Side::Consumer)?;
        if outcome == Outcome::Finished && left == 0 {
            return Ok(());
        }
        let so_far = format!("{left} frames are left to play");
        Err(self.side.failure(py, outcome, &so_far, 0, None)?)
    }

    pub(crate) fn failure(
        &self,
        py: Python<'_>,
        outcome: Outcome,
        done: usize,
        count: usize,
    ) -> PyErr {
        let so_far = format!("{done} of {count} frames were written");
        match self.side.failure(py, outcome, &so_far, done, None) {
            Ok(error) | Err(error) => error,
        }
    }
}
