//! For streams with a callback in Python: which blocks are due, and how the latency stays constant
//! although Python was late.
//!
//! The thread that calls the user's function requests the blocks that are due, and waits for them
//! without the GIL. It gets several blocks at once if several are due, so that they cost one
//! acquisition of the GIL.
//!
//! - Output: the ring is kept filled up to *ahead* frames. The sound starts when that many are
//!   available or, if making them takes longer than playing them, after the time that they last.
//! - Input: if blocks are shorter than *together*, the thread waits for that many frames, but no
//!   longer than they last; then all available frames are due.
//! - Duplex: the output ring starts with *ahead* frames of silence, at the first call of the
//!   compiled callback, which also records the first frame. From then on, for each frame taken out
//!   of the input ring, one is put into the output ring. If a frame was not played in time, one is
//!   dropped later, and if one was not recorded, one of silence is inserted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pa_ringbuffer::PaUtilRingBuffer;
use pa_ringbuffer_callback::{CallbackState, flags};
use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::arguments::data::{Slot, View};
use crate::error;
use crate::ring::RingBuffer;
use crate::ring::memory::Keeper;
use crate::side::Side;
use crate::stream::callback::StreamCallback;
use crate::stream::wait::{self, Watchdog};

/// Maximum number of frames to hand out at once, if a block is not longer.
const MOST: usize = 8192;

/// Fraction of *ahead* that may pass before blocks are made, rounded up to a whole block. More
/// blocks at once cost less, but leave less time in which Python may be late.
const BATCH: usize = 8;

/// Maximum time that the thread sleeps at once.
const LONGEST_NAP: Duration = Duration::from_millis(50);

/// A ring, which keeps its address.
struct Ring {
    object: Py<RingBuffer>,
    address: usize,
    _keeper: Keeper,
    frame_size: usize,
    size: usize,
}

impl Ring {
    fn new(callback: &Bound<'_, StreamCallback>, side: Side) -> PyResult<Option<Self>> {
        let py = callback.py();
        if !callback.get().has_side(side) {
            return Ok(None);
        }
        let ring = callback.get().ring(py, side)?;
        let geometry = RingBuffer::geometry(&ring)?;
        let (address, keeper) = RingBuffer::pin(&ring)?;
        Ok(Some(Self {
            object: ring.unbind(),
            address,
            _keeper: keeper,
            frame_size: geometry.element_size(),
            size: geometry.size(),
        }))
    }

    /// Number of frames in the ring.
    fn fill(&self) -> usize {
        let pointer = std::ptr::with_exposed_provenance::<PaUtilRingBuffer>(self.address);
        // SAFETY: alive as long as its keeper; only its indices are read.
        unsafe { &*pointer }.available(Side::Consumer)
    }
}

/// The relation of the rings to the time line.
#[derive(Default)]
struct Progress {
    /// Calls of the compiled callback before the start.
    blocks_before: u64,
    /// Time since which the compiled callback holds the sound back, or `None` if it does not.
    held_since: Option<Instant>,
    is_held: bool,
    /// With both directions: the device's block size is not known yet.
    is_unsettled: bool,
    /// The fill level to keep in the output ring.
    ahead: usize,
    /// Without output: frames recorded between two checks.
    burst: usize,
    /// Frames taken since the start.
    taken: u64,
    /// Losses that have been handled.
    underflow_frames: u64,
    overflow_frames: u64,
    /// Frames to drop, because silence was played in their place.
    debt: u64,
    /// Frames that were not recorded, and the number of frames that would have preceded them.
    gap: u64,
    gap_at: u64,
    /// With both directions: frames taken at the end, once it is known that the stream is to stop.
    last: Option<u64>,
    /// Counters whose changes the callback has seen.
    told: [u64; TOLD.len()],
}

type Counted = fn(&CallbackState) -> u64;

/// Meanings of the flags of a call.
const TOLD: [(Counted, std::ffi::c_ulong); 7] = [
    (
        |state| state.counters().device_input_underflows(),
        flags::INPUT_UNDERFLOW,
    ),
    (
        |state| state.counters().device_input_overflows(),
        flags::INPUT_OVERFLOW,
    ),
    (
        |state| state.counters().input_overflows(),
        flags::INPUT_OVERFLOW,
    ),
    (
        |state| state.counters().device_output_underflows(),
        flags::OUTPUT_UNDERFLOW,
    ),
    (
        |state| state.counters().output_underflows(),
        flags::OUTPUT_UNDERFLOW,
    ),
    (
        |state| state.counters().device_output_overflows(),
        flags::OUTPUT_OVERFLOW,
    ),
    (
        |state| state.counters().device_primings(),
        flags::PRIMING_OUTPUT,
    ),
];

/// The next action.
enum Due {
    /// Make or take this many blocks of this many frames.
    Blocks(usize, usize),
    /// Put this many frames of silence.
    Silence(usize),
    /// Nothing yet: this many frames are missing on that side, which then has this many.
    Missing(usize, Side, usize),
    /// Nothing any more.
    Nothing,
}

/// For the streams: the state of a thread that calls a function block by block.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct Pump {
    callback: Py<StreamCallback>,
    input: Option<Ring>,
    output: Option<Ring>,
    /// Frames per call; 0 for the device's block size.
    blocksize: usize,
    ahead: usize,
    /// Number of input frames to wait for, if blocks are shorter.
    together: usize,
    samplerate: f64,
    silence: u8,
    progress: Mutex<Progress>,
    /// Number of starts, so that the thread of an earlier start notices a new one.
    run: AtomicU64,
    is_over: AtomicBool,
    /// With both directions: only what has been recorded by now is still due.
    is_last: AtomicBool,
    /// Setting it ends a nap.
    asleep: Mutex<()>,
    over: Condvar,
    is_given_up: AtomicBool,
    /// Since the stream was opened.
    dropped: AtomicU64,
    inserted: AtomicU64,
}

impl Pump {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        // Held only for a moment, and never while Python code runs.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> &CallbackState {
        self.callback.get().callback_state()
    }

    fn is_run(&self, run: u64) -> bool {
        self.run.load(Ordering::Acquire) == run
    }

    /// Frames per block, or 0 if not known yet.
    fn block(&self) -> usize {
        match self.blocksize {
            0 => usize::try_from(self.state().counters().largest_block()).unwrap_or(0),
            size => size,
        }
    }

    /// Number of frames to wait for although fewer are available.
    fn batch(block: usize, ahead: usize) -> usize {
        ((ahead / BATCH).div_ceil(block) * block).max(block)
    }

    /// The device has made a call, so its block size is known.
    fn settle(&self, progress: &mut Progress, output: &Ring) {
        let largest = self.state().counters().largest_block();
        let block = self.block().max(usize::try_from(largest).unwrap_or(0));
        progress.ahead = self
            .ahead
            .max(2 * block)
            .min(output.size.saturating_sub(block));
    }

    /// The action that is due. A `patient` caller leaves out those that may wait for more frames.
    fn due(&self, patient: bool) -> Due {
        let mut guard = self.progress();
        let progress = &mut *guard;
        let state = self.state();
        if self.output.is_some() && state.counters().blocks() == progress.blocks_before {
            if self.is_last.load(Ordering::Acquire) {
                return Due::Nothing;
            }
            // A wait for these frames has no wake-up.
            return Due::Missing(1, Side::Producer, usize::MAX);
        }
        match (&self.input, &self.output) {
            (Some(input), None) => self.due_input(input, patient),
            (None, Some(output)) => self.due_output(progress, output),
            (Some(input), Some(output)) => self.due_duplex(progress, input, output),
            (None, None) => Due::Missing(1, Side::Producer, usize::MAX),
        }
    }

    fn due_input(&self, input: &Ring, patient: bool) -> Due {
        let there = input.fill();
        let block = self.block();
        if self.blocksize == 0 {
            let varies = self.state().counters().smallest_block() != block as u64;
            if there == 0 {
                return Due::Missing(block.max(1), Side::Consumer, 1);
            } else if there < block || block == 0 || (varies && there == block) {
                // A device with varying blocks: each with its own size, unless Python is late.
                return Due::Blocks(1, there);
            } else if varies {
                return Due::Blocks((there / block).min((MOST / block).max(1)), block);
            }
        }
        let batch = match patient && !self.state().wakes() {
            // The device continues while Python is late.
            true => self.together.min(input.size / 4).div_ceil(block) * block,
            false => 0,
        };
        let batch = batch.max(block);
        if there < batch {
            return Due::Missing(batch - there, Side::Consumer, batch);
        }
        Due::Blocks((there / block).min((MOST / block).max(1)), block)
    }

    fn due_output(&self, progress: &mut Progress, output: &Ring) -> Due {
        let block = self.block();
        if progress.held_since.is_none() {
            self.settle(progress, output);
            progress.held_since = Some(Instant::now());
        }
        let ahead = progress.ahead;
        let room = ahead.saturating_sub(output.fill());
        if progress.is_held {
            let patience = Duration::from_secs_f64(ahead as f64 / self.samplerate);
            let late = progress
                .held_since
                .is_some_and(|since| since.elapsed() > patience);
            if room < block || late {
                progress.is_held = false;
                self.state().release();
            }
        }
        let batch = if progress.is_held {
            block
        } else {
            Self::batch(block, ahead)
        };
        if room < batch {
            let wanted = output.size - ahead + batch;
            return Due::Missing(batch - room, Side::Producer, wanted);
        }
        Due::Blocks((room / block).min((MOST / block).max(1)), block)
    }

    fn due_duplex(&self, progress: &mut Progress, input: &Ring, output: &Ring) -> Due {
        let block = self.block();
        if progress.is_unsettled {
            let before = progress.ahead;
            self.settle(progress, output);
            self.note_underflow(progress);
            // The blocks are longer than the silence was made for. Some of the rest may have been
            // played already.
            let more = progress.ahead.saturating_sub(before) as u64;
            let played = more.min(progress.debt);
            progress.debt -= played;
            if more != played {
                return Due::Silence((more - played) as usize);
            }
            progress.is_unsettled = false;
        }
        let lost = self.state().counters().input_overflow_frames();
        let there = input.fill();
        if lost != progress.overflow_frames {
            if progress.gap == 0 {
                progress.gap_at = progress.taken + there as u64;
            }
            progress.gap += lost - progress.overflow_frames;
            progress.overflow_frames = lost;
        }
        let mut there = there;
        if progress.gap != 0 {
            let before = progress.gap_at.saturating_sub(progress.taken);
            if before < block as u64 {
                self.note_underflow(progress);
                let in_time = progress.gap.min(progress.debt);
                progress.debt -= in_time;
                progress.gap -= in_time;
                let room = output.size - output.fill();
                if room == 0 {
                    progress.gap = 0;
                }
                if progress.gap != 0 {
                    return Due::Silence(room.min(progress.gap as usize));
                }
            } else {
                there = there.min(before as usize);
            }
        }
        if self.is_last.load(Ordering::Acquire) {
            let taken = progress.taken;
            let last = *progress.last.get_or_insert(taken + input.fill() as u64);
            there = there.min(last.saturating_sub(taken) as usize);
            if there == 0 || (self.blocksize != 0 && there < block) {
                return Due::Nothing;
            }
            return Due::Blocks(
                (there / block).clamp(1, (MOST / block).max(1)),
                block.min(there),
            );
        }
        let varies =
            self.blocksize == 0 && self.state().counters().smallest_block() != block as u64;
        if varies && there != 0 && there < block {
            // Each block with its own size.
            return Due::Blocks(1, there);
        }
        let batch = if progress.gap == 0 {
            Self::batch(block, progress.ahead)
        } else {
            block
        };
        if there < batch {
            return Due::Missing(batch - there, Side::Consumer, batch);
        }
        Due::Blocks((there / block).min((MOST / block).max(1)), block)
    }

    fn note_underflow(&self, progress: &mut Progress) {
        let frames = self.state().counters().output_underflow_frames();
        progress.debt += frames - progress.underflow_frames;
        progress.underflow_frames = frames;
    }

    /// The flags of the losses since the last call.
    fn news(&self) -> u64 {
        let mut progress = self.progress();
        let mut news = 0;
        for ((count, flag), told) in TOLD.iter().zip(&mut progress.told) {
            let counted = count(self.state());
            if counted != *told {
                *told = counted;
                news |= flag;
            }
        }
        #[allow(clippy::unnecessary_cast)] // On some systems they already have 64 bits.
        let news = news as u64;
        news
    }

    /// Time at which the next frame to be taken was recorded, or the next one to be put will be
    /// heard; 0 if unknown.
    fn time_of_next(&self, side: Side) -> f64 {
        let state = self.state();
        // SAFETY: the rings are kept.
        let Some(frame) = (unsafe { state.position(side) }) else {
            return 0.0;
        };
        if let Ok(time) = state.time_of(side, frame, self.samplerate) {
            return time;
        }
        // Nothing has been played yet: assume that the sound starts with the next block.
        let Some(times) = state.block_times() else {
            return 0.0;
        };
        let (known, time) = match side {
            Side::Consumer => (times.input_frame, times.input_adc_time),
            Side::Producer => (times.output_frame, times.output_dac_time),
        };
        if time.is_nan() {
            return 0.0;
        }
        time + (frame as f64 - known as f64) / self.samplerate
    }

    /// Puts silence into the output ring, for frames that were not recorded or before the first
    /// ones.
    fn put_silence(&self, py: Python<'_>, frames: usize) -> PyResult<()> {
        let Some(output) = &self.output else {
            return Ok(());
        };
        let mut silence = vec![self.silence; frames * output.frame_size];
        // SAFETY: memory for that many frames.
        let put = unsafe {
            RingBuffer::transfer(
                output.object.bind(py),
                Side::Producer,
                silence.as_mut_ptr(),
                frames,
                output.frame_size,
            )
        }? as u64;
        let mut progress = self.progress();
        if !progress.is_unsettled {
            progress.gap = progress.gap.saturating_sub(put);
            self.inserted.fetch_add(put, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Checks until an action is due. `None` if none will be.
    fn wait_for(&self, run: u64) -> Option<Due> {
        let mut watchdog = Watchdog::new(self.state());
        let mut naps = 0_u32;
        loop {
            if self.is_over.load(Ordering::Acquire) || !self.is_run(run) {
                return None;
            }
            // First, so that everything the callback did before is visible in the rings.
            let is_over = watchdog.is_over();
            if is_over && self.output.is_some() {
                return None;
            }
            let (missing, side, wanted) = match self.due(naps == 0 && !is_over) {
                Due::Missing(missing, side, wanted) => (missing, side, wanted),
                due => {
                    self.learn(naps);
                    return Some(due);
                }
            };
            if is_over {
                return None;
            }
            if watchdog.is_quiet() {
                return Some(Due::Blocks(0, 0));
            }
            let missing = match naps {
                0 => missing.max(self.progress().burst / 10 * 9),
                _ => missing,
            };
            self.nap(missing, side, wanted);
            naps += 1;
        }
    }

    /// Records how many frames arrive at once: PortAudio may split one block of the device into
    /// several.
    fn learn(&self, naps: u32) {
        let (Some(input), None) = (&self.input, &self.output) else {
            return;
        };
        let mut progress = self.progress();
        // If they all arrived at once, the nap may have been too long.
        progress.burst = match naps {
            0 | 1 => progress.burst / 4 * 3,
            _ => input.fill(),
        };
    }

    fn nap(&self, missing: usize, side: Side, wanted: usize) {
        let state = self.state();
        if state.wakes() {
            // SAFETY: the rings are kept.
            let _ = unsafe { state.sleep(side, wanted, LONGEST_NAP) };
        } else {
            // The time in which the device plays or records that many frames. If that is not
            // urgent, there are at most two checks for each of the device's blocks.
            let half = match self.input {
                None => state.counters().largest_block() as f64 / 2.0,
                Some(_) => 0.0,
            };
            let time = Duration::try_from_secs_f64(half.max(missing as f64) / self.samplerate)
                .unwrap_or(LONGEST_NAP);
            let asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.is_over.load(Ordering::Acquire) {
                let time = time.clamp(wait::INTERVAL, LONGEST_NAP);
                drop(self.over.wait_timeout(asleep, time));
            }
        }
    }

    fn ring(ring: Option<&Ring>) -> PyResult<&Ring> {
        ring.ok_or_else(|| error::type_error("the stream has no ring for that"))
    }
}

/// Blocks, frames in each, flags; times at which the first frame was recorded, and will be heard.
type Blocks = (usize, usize, u64, f64, f64);

#[pymethods]
impl Pump {
    #[new]
    fn new(
        callback: Bound<'_, StreamCallback>,
        blocksize: usize,
        ahead: usize,
        samplerate: f64,
        silence: u8,
        together: usize,
    ) -> PyResult<Self> {
        Ok(Self {
            input: Ring::new(&callback, Side::Consumer)?,
            output: Ring::new(&callback, Side::Producer)?,
            callback: callback.unbind(),
            blocksize,
            ahead,
            together,
            samplerate,
            silence,
            progress: Mutex::default(),
            run: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            is_last: AtomicBool::new(false),
            asleep: Mutex::default(),
            over: Condvar::new(),
            is_given_up: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            inserted: AtomicU64::new(0),
        })
    }

    /// Call this right before the device is started, while the rings are empty. Returns the number
    /// of the run.
    fn begin(&self, py: Python<'_>) -> PyResult<u64> {
        let state = self.state();
        let counters = state.counters();
        let mut told = [0; TOLD.len()];
        for ((count, _), told) in TOLD.iter().zip(&mut told) {
            *told = count(state);
        }
        let is_duplex = self.input.is_some() && self.output.is_some();
        let mut progress = Progress {
            blocks_before: counters.blocks(),
            is_held: self.output.is_some() && !is_duplex,
            is_unsettled: is_duplex,
            ahead: self.ahead,
            underflow_frames: counters.output_underflow_frames(),
            overflow_frames: counters.input_overflow_frames(),
            told,
            ..Progress::default()
        };
        if let (true, Some(output)) = (is_duplex, &self.output) {
            self.settle(&mut progress, output);
        }
        let silence = if is_duplex { progress.ahead } else { 0 };
        *self.progress() = progress;
        if silence != 0 {
            self.put_silence(py, silence)?;
        }
        self.is_over.store(false, Ordering::Release);
        self.is_last.store(false, Ordering::Release);
        Ok(self.run.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// For streams with both directions: make due only what has been recorded by now.
    fn finish(&self) {
        self.is_last.store(true, Ordering::Release);
        self.over.notify_all();
    }

    /// Make no more blocks due.
    fn end(&self) {
        let asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_over.store(true, Ordering::Release);
        drop(asleep);
        self.over.notify_all();
    }

    /// Wait, without the GIL, until the device has stopped calling.
    fn wait_for_end(&self, py: Python<'_>, run: u64) {
        py.detach(|| {
            while self.is_run(run) && !self.is_given_up.load(Ordering::Acquire) {
                if self.state().is_finished() {
                    break;
                }
                thread::sleep(wait::LONGEST_INTERVAL);
            }
        });
    }

    /// End all waits.
    fn give_up(&self) {
        self.end();
        self.is_given_up.store(true, Ordering::Release);
    }

    /// Wait, without the GIL, until blocks are due. None if there will be no more; no blocks if the
    /// device is quiet.
    fn wait(&self, py: Python<'_>, run: u64) -> PyResult<Option<Blocks>> {
        loop {
            let due = if self.is_over.load(Ordering::Acquire) || !self.is_run(run) {
                None
            } else if self.state().finish_reason().is_some() {
                self.wait_for(run)
            } else {
                // A thread that releases the GIL may have to wait for it.
                match self.due(true) {
                    Due::Missing(..) => py.detach(|| self.wait_for(run)),
                    due => Some(due),
                }
            };
            match due {
                None | Some(Due::Nothing) => return Ok(None),
                Some(Due::Silence(frames)) => self.put_silence(py, frames)?,
                Some(Due::Blocks(blocks, frames)) => {
                    let news = if blocks == 0 { 0 } else { self.news() };
                    let mut progress = self.progress();
                    if self.input.is_some() && self.output.is_some() {
                        self.note_underflow(&mut progress);
                    }
                    let debt = progress.debt;
                    drop(progress);
                    let recorded = self.time_of_next(Side::Consumer);
                    let heard = self.time_of_next(Side::Producer);
                    let heard = heard - debt as f64 / self.samplerate;
                    return Ok(Some((blocks, frames, news, recorded, heard)));
                }
                Some(Due::Missing(..)) => {}
            }
        }
    }

    /// Fill *data* with recorded frames that were due.
    fn take(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<usize> {
        let input = Self::ring(self.input.as_ref())?;
        let mut slot = Slot::uninit();
        let view = View::new(&mut slot, data, "data", ffi::PyBUF_WRITABLE)?;
        let frames = view.len() / input.frame_size;
        // SAFETY: memory for that many frames, which is kept.
        let taken = unsafe {
            RingBuffer::transfer(
                input.object.bind(py),
                Side::Consumer,
                view.pointer(),
                frames,
                input.frame_size,
            )
        }?;
        self.progress().taken += taken as u64;
        Ok(taken)
    }

    /// Play *data*, without the frames in whose place silence was played.
    fn put(&self, py: Python<'_>, run: u64, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let output = Self::ring(self.output.as_ref())?;
        if !self.is_run(run) {
            return Ok(());
        }
        let mut slot = Slot::uninit();
        let view = View::new(&mut slot, data, "data", 0)?;
        let frames = view.len() / output.frame_size;
        let skip = if self.input.is_some() {
            let mut progress = self.progress();
            self.note_underflow(&mut progress);
            let skip = progress.debt.min(frames as u64);
            progress.debt -= skip;
            skip as usize
        } else {
            0
        };
        // SAFETY: memory for that many frames, which is kept, and of which some are skipped.
        let put = unsafe {
            RingBuffer::transfer(
                output.object.bind(py),
                Side::Producer,
                view.pointer().add(skip * output.frame_size),
                frames - skip,
                output.frame_size,
            )
        }?;
        self.dropped
            .fetch_add((frames - put) as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Frames by which the output is ahead, once the device's block size is known.
    #[getter]
    fn ahead(&self) -> usize {
        match self.progress().ahead {
            0 => self.ahead,
            ahead => ahead,
        }
    }

    /// Numbers of frames dropped, and of silent frames inserted, to keep the latency constant.
    #[getter]
    fn corrections(&self) -> (u64, u64) {
        (
            self.dropped.load(Ordering::Relaxed),
            self.inserted.load(Ordering::Relaxed),
        )
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.callback)?;
        for ring in [&self.input, &self.output].into_iter().flatten() {
            visit.call(&ring.object)?;
        }
        Ok(())
    }
}
