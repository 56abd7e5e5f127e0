//! The input side of a stream: frames that Python reads.
//!
//! A read takes frames out of the ring before they reach the program, and an exception can
//! interrupt it in between: Ctrl-C, or the cancellation of a task. Therefore the frames of a read
//! belong to a [`Transfer`] until Python asks for them, which is the last operation before they are
//! returned. A transfer that ends earlier leaves its frames here, for the next read.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::arguments::data::{Slot, View};
use crate::arguments::integer::Integer;
use crate::arguments::seconds;
use crate::error;
use crate::object::{self, Number};
use crate::ring::RingBuffer;
use crate::ring::method::integer;
use crate::side::Side;
use crate::stream::callback::StreamCallback;
use crate::stream::side::{Claim, StreamSide};
use crate::stream::transfer::{Transfer, Work};
use crate::stream::wait::{self, Outcome};

/// For the streams: transfers from the input ring into new arrays.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct InputSide {
    pub(crate) side: StreamSide,
    /// Makes an array of a given shape and dtype, like `numpy.empty()`; `None` for bytearrays.
    empty: Option<Py<PyAny>>,
    dtype: Py<PyAny>,
    unread: Mutex<Option<Unread>>,
    /// Number of frames that were in the ring at the start of the stream and still have to be
    /// dropped.
    stale: AtomicUsize,
}

/// Frames that were taken out of the ring and have not been returned.
struct Unread {
    array: Py<PyAny>,
    begin: usize,
    end: usize,
}

/// The memory of a read.
pub(crate) struct Target {
    pub(crate) array: Py<PyAny>,
    /// Frames before the new ones, which repeat the end of the previous block.
    pub(crate) head: usize,
    pub(crate) overlap: Option<Py<Overlap>>,
    /// Number of frames that an earlier read had left, and that were copied.
    pub(crate) left: usize,
}

/// For the streams: frames at the end of a block that the next one repeats.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct Overlap {
    bytes: usize,
    frames: Mutex<Vec<u8>>,
}

impl Overlap {
    fn frames(&self) -> MutexGuard<'_, Vec<u8>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores the end of a block that is about to be returned.
    pub(crate) fn keep_end(&self, block: &[u8]) {
        let end = &block[block.len().saturating_sub(self.bytes)..];
        let mut frames = self.frames();
        frames.clear();
        // The memory was allocated at the beginning.
        frames.extend_from_slice(end);
    }
}

impl InputSide {
    fn unread(&self) -> MutexGuard<'_, Option<Unread>> {
        // Held only for a moment, and never while Python code runs.
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of frames that an interrupted read has left.
    fn left(&self) -> usize {
        self.unread()
            .as_ref()
            .map_or(0, |unread| unread.end - unread.begin)
    }

    pub(crate) fn in_ring(&self, py: Python<'_>) -> PyResult<usize> {
        RingBuffer::available(self.side.ring.bind(py), Side::Consumer)
    }

    fn array<'py>(&self, py: Python<'py>, frames: usize) -> PyResult<Bound<'py, PyAny>> {
        match &self.empty {
            Some(empty) => {
                let shape = object::tuple(py, [Number(frames), Number(self.side.channels)])?;
                object::call(
                    empty.bind(py),
                    [shape.into_any(), self.dtype.bind(py).clone()],
                )
            }
            None => match frames.checked_mul(self.side.frame_size()) {
                Some(bytes) if isize::try_from(bytes).is_ok() => {
                    Ok(object::bytearray(py, bytes)?.into_any())
                }
                _ => Err(error::memory_error(format_args!(
                    "no memory for {frames} frames of {} bytes",
                    self.side.frame_size()
                ))),
            },
        }
    }

    /// Some of the frames, in an array or in a bytearray.
    pub(crate) fn slice<'py>(
        &self,
        array: &Bound<'py, PyAny>,
        begin: usize,
        end: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let item = if self.empty.is_some() {
            1
        } else {
            self.side.frame_size()
        };
        object::slice(array, begin * item, end * item)
    }

    /// Drops the frames from before the start of the stream. Only with a claim.
    fn drop_stale(&self, py: Python<'_>) -> PyResult<()> {
        if self.stale.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        let stale = self.stale.swap(0, Ordering::Relaxed);
        self.drop_oldest(py, stale)
    }

    /// The memory of an array, and its number of frames.
    fn view<'a>(
        &self,
        array: &Bound<'_, PyAny>,
        slot: &'a mut Slot,
        flags: i32,
    ) -> PyResult<(View<&'a mut Slot>, usize)> {
        let view = View::of_numbers(slot, array, flags)?;
        let frames = view.len() / self.side.frame_size();
        Ok((view, frames))
    }

    /// Copies the frames that an earlier read has left, as many as fit.
    fn copy_left(&self, py: Python<'_>, target: *mut u8, room: usize) -> PyResult<usize> {
        let Some((array, begin, end)) = self
            .unread()
            .as_ref()
            .map(|unread| (unread.array.clone_ref(py), unread.begin, unread.end))
        else {
            return Ok(0);
        };
        let mut slot = Slot::uninit();
        let (view, frames) = self.view(array.bind(py), &mut slot, 0)?;
        let size = self.side.frame_size();
        let count = room.min(end.min(frames).saturating_sub(begin));
        // SAFETY: the array has the frames, and the caller guarantees the room.
        unsafe {
            let source = view.pointer().add(begin * size);
            // A new array is not this one, unless `empty` misbehaves.
            target.copy_from(source, count * size);
        }
        Ok(count)
    }

    /// Reads as many frames as are available in the ring.
    ///
    /// # Safety
    ///
    /// `frames` is valid for writes of `count` frames.
    #[inline]
    pub(crate) unsafe fn read_now(
        &self,
        py: Python<'_>,
        frames: *mut u8,
        count: usize,
    ) -> PyResult<usize> {
        // SAFETY: the caller's guarantee; the ring's elements are frames, which `transfer` checks.
        unsafe {
            RingBuffer::transfer(
                self.side.ring.bind(py),
                Side::Consumer,
                frames,
                count,
                self.side.frame_size(),
            )
        }
    }

    /// Drops the oldest frames.
    fn drop_oldest(&self, py: Python<'_>, frames: usize) -> PyResult<()> {
        let mut rest = frames;
        let dropped = {
            let mut unread = self.unread();
            if let Some(Unread { begin, end, .. }) = &mut *unread {
                let from_unread = rest.min(*end - *begin);
                *begin += from_unread;
                rest -= from_unread;
            }
            unread.take_if(|unread| unread.begin == unread.end)
        };
        drop(dropped);
        RingBuffer::discard_oldest(self.side.ring.bind(py), rest).map(drop)
    }

    /// A transfer's frames have reached the program. Cannot fail, and runs no Python code before
    /// this is recorded.
    pub(crate) fn hand_over(&self, left: usize) {
        let dropped = {
            let mut unread = self.unread();
            if let Some(Unread { begin, .. }) = &mut *unread {
                *begin += left;
            }
            unread.take_if(|unread| unread.begin >= unread.end)
        };
        drop(dropped);
    }

    /// A transfer's frames have not reached the program: `done` frames, some of which an earlier
    /// read had left.
    pub(crate) fn take_back(&self, py: Python<'_>, target: &Target, done: usize) {
        if done == target.left {
            // They are still in their old place.
            return;
        }
        let new = Unread {
            array: target.array.clone_ref(py),
            begin: target.head,
            end: target.head + done,
        };
        let old = self.unread().replace(new);
        drop(old);
    }

    /// A new array that starts with the end of the previous block.
    fn target<'py>(
        &self,
        py: Python<'py>,
        count: usize,
        overlap: Option<&Bound<'py, Overlap>>,
    ) -> PyResult<(Bound<'py, PyAny>, usize)> {
        let size = self.side.frame_size();
        let head = overlap.map_or(0, |overlap| overlap.get().frames().len() / size);
        let array = self.array(py, head.saturating_add(count))?;
        if let Some(overlap) = overlap {
            let mut slot = Slot::uninit();
            let (view, _) = self.view(&array, &mut slot, ffi::PyBUF_WRITABLE)?;
            let end = overlap.get().frames();
            let bytes = end.len().min(view.len());
            // SAFETY: both have that many bytes, and one of them is new.
            unsafe { (view.pointer()).copy_from_nonoverlapping(end.as_ptr(), bytes) };
        }
        Ok((array, head))
    }

    /// Begins to read `count` frames. Available frames are read immediately; if `whole`, only if
    /// all are available.
    fn begin_reading<'py>(
        slf: &Bound<'py, Self>,
        claim: Claim<'_>,
        count: usize,
        overlap: Option<&Bound<'py, Overlap>>,
        whole: bool,
        keep: bool,
        deadline: Option<Instant>,
    ) -> PyResult<Bound<'py, Transfer>> {
        let (py, this) = (slf.py(), slf.get());
        let (array, head) = this.target(py, count, overlap)?;
        let mut slot = Slot::uninit();
        let (view, _) = this.view(&array, &mut slot, ffi::PyBUF_WRITABLE)?;
        let frames = head.checked_add(count);
        let bytes = frames.and_then(|frames| frames.checked_mul(this.side.frame_size()));
        if Some(view.len()) != bytes {
            return Err(error::value_error(
                "empty() has not made the array that it was asked for",
            ));
        }
        // SAFETY: checked above.
        let start = unsafe { view.pointer().add(head * this.side.frame_size()) };
        let left = this.copy_left(py, start, count)?;
        let target = Target {
            array: array.unbind(),
            head,
            overlap: overlap.map(|overlap| overlap.clone().unbind()),
            left,
        };
        let work = Work::Read(slf.clone().unbind(), target, keep);
        let transfer = Transfer::new(work, claim.into_ticket(), count, left, whole, deadline);
        let transfer = Bound::new(py, transfer)?;
        // SAFETY: there is room for `count` frames from there on.
        unsafe { transfer.get().begin(py, start)? };
        Ok(transfer)
    }

    fn count(frames: &Bound<'_, PyAny>) -> PyResult<usize> {
        integer(frames.as_borrowed(), "frames")?.required("frames")
    }

    fn begin_waiting<'py>(
        slf: &Bound<'py, Self>,
        frames: &Bound<'py, PyAny>,
        timeout: Option<&Bound<'py, PyAny>>,
        overlap: Option<&Bound<'py, Overlap>>,
        keep: bool,
        is_task: bool,
    ) -> PyResult<Bound<'py, Transfer>> {
        let count = Self::count(frames)?;
        let (py, side) = (slf.py(), &slf.get().side);
        side.enter(py)?;
        let deadline = seconds::deadline(timeout)?;
        let claim = side.claim(py, is_task)?;
        slf.get().drop_stale(py)?;
        let head = overlap.map_or(0, |overlap| {
            overlap.get().frames().len() / side.frame_size()
        });
        let count = count.saturating_sub(head);
        let whole = count <= side.capacity(py)?;
        Self::begin_reading(slf, claim, count, overlap, whole, keep, deadline)
    }

    fn now<'py>(
        slf: &Bound<'py, Self>,
        frames: Integer,
        overlap: Option<&Bound<'py, Overlap>>,
        newest: bool,
    ) -> PyResult<Bound<'py, Transfer>> {
        let (py, this) = (slf.py(), slf.get());
        this.side.enter(py)?;
        let claim = this.side.claim(py, false)?;
        this.drop_stale(py)?;
        let there = this.left() + this.in_ring(py)?;
        let count = frames.count().map_or(there, |count| count.min(there));
        if newest {
            this.drop_oldest(py, there - count)?;
        }
        Self::begin_reading(slf, claim, count, overlap, false, true, None)
    }
}

#[pymethods]
impl InputSide {
    #[new]
    fn new(
        callback: Bound<'_, StreamCallback>,
        handle: Bound<'_, PyAny>,
        empty: Option<Py<PyAny>>,
        channels: usize,
        dtype: &str,
        dtype_object: Py<PyAny>,
    ) -> PyResult<Self> {
        Ok(Self {
            side: StreamSide::new(Side::Consumer, callback, handle, channels, dtype)?,
            empty,
            dtype: dtype_object,
            unread: Mutex::default(),
            stale: AtomicUsize::new(0),
        })
    }

    /// Drop old frames and forget losses: the stream is about to start.
    fn forget(&self, py: Python<'_>) -> PyResult<()> {
        self.side.tell(self.side.losses());
        let there = self.left() + self.in_ring(py)?;
        self.stale.store(there, Ordering::Relaxed);
        // A task may not have noticed yet that the stream has stopped: the next read drops them.
        match self.side.try_claim() {
            Some(_claim) => self.drop_stale(py),
            None => Ok(()),
        }
    }

    /// Wait for *frames* frames, some of which may come from an *overlap*, and read them. They are
    /// in the ``frames`` attribute of the result; if that is never accessed, the next read gets the
    /// frames.
    ///
    /// If too few frames will arrive, the available ones stay if they fit into the ring, or if
    /// *keep* is true. Otherwise they are in the error.
    #[pyo3(signature = (frames, timeout=None, overlap=None, keep=false))]
    fn read<'py>(
        slf: &Bound<'py, Self>,
        frames: &Bound<'py, PyAny>,
        timeout: Option<&Bound<'py, PyAny>>,
        overlap: Option<&Bound<'py, Overlap>>,
        keep: bool,
    ) -> PyResult<Bound<'py, Transfer>> {
        let transfer = Self::begin_waiting(slf, frames, timeout, overlap, keep, false)?;
        if !transfer.get().is_done() {
            transfer.get().wait(slf.py(), wait::INTERVAL)?;
        }
        Ok(transfer)
    }

    /// Read the available frames, at most *frames*; all if *frames* is negative.
    #[pyo3(signature = (frames, overlap=None))]
    fn read_nowait<'py>(
        slf: &Bound<'py, Self>,
        frames: &Bound<'py, PyAny>,
        overlap: Option<&Bound<'py, Overlap>>,
    ) -> PyResult<Bound<'py, Transfer>> {
        Self::now(
            slf,
            integer(frames.as_borrowed(), "frames")?,
            overlap,
            false,
        )
    }

    /// Read the newest frames, at most *frames*, and drop all older ones.
    fn read_latest<'py>(
        slf: &Bound<'py, Self>,
        frames: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Transfer>> {
        let frames = integer(frames.as_borrowed(), "frames")?;
        frames.required("frames")?;
        Self::now(slf, frames, None, true)
    }

    /// Begin to read *frames* frames step by step.
    #[pyo3(signature = (frames, timeout=None, overlap=None, keep=false))]
    fn begin<'py>(
        slf: &Bound<'py, Self>,
        frames: &Bound<'py, PyAny>,
        timeout: Option<&Bound<'py, PyAny>>,
        overlap: Option<&Bound<'py, Overlap>>,
        keep: bool,
    ) -> PyResult<Bound<'py, Transfer>> {
        Self::begin_waiting(slf, frames, timeout, overlap, keep, true)
    }

    /// The state that `read` and similar methods need for blocks that overlap by a number of
    /// frames.
    fn overlap(&self, frames: &Bound<'_, PyAny>) -> PyResult<Overlap> {
        let bytes = Self::count(frames)?.saturating_mul(self.side.frame_size());
        let mut frames = Vec::new();
        if frames.try_reserve_exact(bytes).is_err() {
            return Err(error::memory_error(format_args!(
                "no memory for an overlap of {bytes} bytes"
            )));
        }
        Ok(Overlap {
            bytes,
            frames: Mutex::new(frames),
        })
    }

    /// An array of the available frames, at most *frames*, which stay in the ring.
    fn peek<'py>(
        slf: &Bound<'py, Self>,
        frames: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let frames = integer(frames.as_borrowed(), "frames")?;
        let (py, this) = (slf.py(), slf.get());
        this.side.enter(py)?;
        let _claim = this.side.claim(py, false)?;
        this.drop_stale(py)?;
        let there = this.left() + this.in_ring(py)?;
        let count = frames.count().map_or(there, |count| count.min(there));
        let array = this.array(py, count)?;
        let mut slot = Slot::uninit();
        let (view, room) = this.view(&array, &mut slot, ffi::PyBUF_WRITABLE)?;
        let left = this.copy_left(py, view.pointer(), count.min(room))?;
        let size = this.side.frame_size();
        // SAFETY: the array has room for the rest behind the copied frames.
        let more = unsafe {
            let rest = view.pointer().add(left * size);
            RingBuffer::peek_into(this.side.ring.bind(py), rest, count.min(room) - left, size)
        }?;
        drop(view);
        // The program may have read directly from the ring.
        if left + more == count {
            Ok(array)
        } else {
            this.slice(&array, 0, left + more)
        }
    }

    /// Number of frames that can be read without waiting.
    #[getter]
    fn available(&self, py: Python<'_>) -> PyResult<Number> {
        let left = if self.side.is_claimed() {
            0
        } else {
            self.left()
        };
        Ok(Number(left + self.in_ring(py)?))
    }

    /// The number of the next frame to be read. Frames that an interrupted read has left count as
    /// unread.
    #[getter]
    fn position<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let left = self.left() as u64;
        object::wide(py, self.side.position().saturating_sub(left))
    }

    /// Time at which a frame was recorded.
    fn time_of<'py>(
        &self,
        frame: &Bound<'py, PyAny>,
        samplerate: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.side.time_of(frame, samplerate)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Not the function that makes arrays: it does not lead back to this object, and may be
        // called as long as this object is in use.
        self.side.visit(&visit)
    }
}

impl InputSide {
    /// The error for a read that has ended early, with the frames that it has read.
    pub(crate) fn failure(
        &self,
        py: Python<'_>,
        outcome: Outcome,
        target: &Target,
        count: usize,
        done: usize,
    ) -> Result<PyErr, PyErr> {
        let so_far = format!("{done} of {count} frames were read");
        let array = target.array.bind(py);
        let data = self.slice(array, target.head, target.head + done)?;
        self.side.failure(py, outcome, &so_far, done, Some(data))
    }
}
