//! The compiled callback and its state.

use core::ffi::{c_int, c_ulong, c_void};
use core::time::Duration;

use pa_ringbuffer::{PaUtilRingBuffer, Side};

use crate::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use crate::counters::{Counters, Fill, Tally};
use crate::stream::{CallbackResult, TimeInfo};
use crate::times::{BlockTimes, Moved, UnknownTime};
use crate::wake::{Slept, Wake};

/// What [`callback`] works on: a PortAudio stream's `userData`.
///
/// It must stay where it is, and so must the rings, until the stream is closed. In C it is
/// `pa_ringbuffer_callback_state`.
#[derive(Debug)]
#[repr(C)]
pub struct CallbackState {
    input_ring: AtomicPtr<PaUtilRingBuffer>,
    output_ring: AtomicPtr<PaUtilRingBuffer>,
    input_frame_size: AtomicUsize,
    output_frame_size: AtomicUsize,
    silence: AtomicU32,
    mode: AtomicU32,
    on_underflow: AtomicU32,
    on_overflow: AtomicU32,
    /// Reasons, combined with `|`; 0 while the stream goes on.
    finished: AtomicU32,
    wake: Wake,
    counters: Counters,
}

/// What the callback does when the output ring runs empty, and whether it uses the rings at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Mode {
    /// Plays silence, and counts it as an underflow.
    Run = 0,
    /// Nothing more will be written: plays silence without counting it.
    Drain = 1,
    /// Nothing more will be written: finishes the stream when all has been played.
    Complete = 2,
    /// Nothing was written yet: plays silence without counting it until the ring holds a block
    /// (or is full), and goes on as [`Run`](Self::Run).
    Start = 3,
    /// Not yet: plays silence whatever the ring holds, records nothing, and counts no loss, until
    /// there is another mode. See [`CallbackState::release`].
    Hold = 4,
    /// No more: plays silence, records nothing, and aborts the stream.
    Abort = 5,
}

impl Mode {
    const ALL: [Self; 6] = [
        Self::Run,
        Self::Drain,
        Self::Complete,
        Self::Start,
        Self::Hold,
        Self::Abort,
    ];
}

/// What the callback does when the output ring holds less than a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum OnUnderflow {
    /// Plays silence for what is missing.
    #[default]
    Silence = 0,
    /// Finishes the stream, after playing what is there.
    Stop = 1,
}

/// What the callback does when the input ring has room for less than a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum OnOverflow {
    /// Drops the frames that do not fit.
    #[default]
    Drop = 0,
    /// Finishes the stream, after recording what fits.
    Stop = 1,
}

/// Why a stream does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// Everything was played, in [`Mode::Complete`].
    Completed,
    /// An underflow, with [`OnUnderflow::Stop`].
    Underflow,
    /// An overflow, with [`OnOverflow::Stop`].
    Overflow,
    /// The callback is not called any more, for another reason: see [`finished`].
    Stopped,
}

/// Flags of the word that says whether a stream is finished.
mod flag {
    pub(super) const COMPLETED: u32 = 1;
    pub(super) const UNDERFLOW: u32 = 2;
    pub(super) const OVERFLOW: u32 = 4;
    /// The callback is not called any more.
    pub(super) const FINISHED: u32 = 8;
}

impl CallbackState {
    /// State for a stream with frames of the given sizes in bytes (channels times bytes per
    /// sample; 0 for a direction that the stream does not have).
    ///
    /// A ring's elements must be frames of that size; otherwise it is treated as if it were null:
    /// no output ring is silence, no input ring throws input away. `silence` is the byte that
    /// silence consists of: 0, or 0x80 for unsigned 8-bit samples.
    ///
    /// # Safety
    ///
    /// A ring that is not null must be initialised and stay valid for as long as a stream uses
    /// this state; and during that time nobody else reads from `output_ring` or writes to
    /// `input_ring`.
    pub unsafe fn new(
        input_ring: *mut PaUtilRingBuffer,
        input_frame_size: usize,
        output_ring: *mut PaUtilRingBuffer,
        output_frame_size: usize,
        silence: u8,
    ) -> Self {
        let state = Self {
            input_ring: AtomicPtr::default(),
            output_ring: AtomicPtr::default(),
            input_frame_size: AtomicUsize::new(0),
            output_frame_size: AtomicUsize::new(0),
            silence: AtomicU32::new(0),
            mode: AtomicU32::new(Mode::Run as u32),
            on_underflow: AtomicU32::new(OnUnderflow::Silence as u32),
            on_overflow: AtomicU32::new(OnOverflow::Drop as u32),
            finished: AtomicU32::new(0),
            wake: Wake::default(),
            counters: Counters::default(),
        };
        // SAFETY: the caller's promises are the same.
        unsafe {
            state.attach(
                input_ring,
                input_frame_size,
                output_ring,
                output_frame_size,
                silence,
            );
        }
        state
    }

    /// Takes other rings, sizes and silence, as if the state was made with them.
    ///
    /// This is for those who must open a stream before they know what frames it has.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new); and the stream that uses this state has not yet been started.
    pub unsafe fn attach(
        &self,
        input_ring: *mut PaUtilRingBuffer,
        input_frame_size: usize,
        output_ring: *mut PaUtilRingBuffer,
        output_frame_size: usize,
        silence: u8,
    ) {
        self.input_ring.store(input_ring, Ordering::Relaxed);
        self.output_ring.store(output_ring, Ordering::Relaxed);
        self.input_frame_size
            .store(input_frame_size, Ordering::Relaxed);
        self.output_frame_size
            .store(output_frame_size, Ordering::Relaxed);
        self.silence.store(u32::from(silence), Ordering::Relaxed);
        // SAFETY: null or initialised, as the caller promises.
        self.counters
            .begin(unsafe { [input_ring.as_ref(), output_ring.as_ref()] });
    }

    /// Bytes per input frame and per output frame; 0 where that direction is not used.
    pub fn frame_sizes(&self) -> [usize; 2] {
        [&self.input_frame_size, &self.output_frame_size].map(|size| size.load(Ordering::Relaxed))
    }

    /// Says what an empty output ring means from now on. Real-time safe.
    pub fn set_mode(&self, mode: Mode) {
        // What was written to the ring before must be there when the callback sees the mode.
        self.mode.store(mode as u32, Ordering::Release);
    }

    /// What an empty output ring means at the moment. Real-time safe.
    pub fn mode(&self) -> Mode {
        let mode = self.mode.load(Ordering::Relaxed);
        // C cannot put anything else there: its functions check what they are given.
        *Mode::ALL
            .iter()
            .find(|known| **known as u32 == mode)
            .unwrap_or(&Mode::Run)
    }

    /// Goes on from [`Mode::Hold`] to [`Mode::Run`], and says whether it has: another mode that was
    /// set meanwhile stays. Real-time safe.
    pub fn release(&self) -> bool {
        let (hold, run) = (Mode::Hold as u32, Mode::Run as u32);
        // What was written to the ring before must be there when the callback sees the mode.
        self.mode
            .compare_exchange(hold, run, Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }

    /// Sets what the callback does on an underflow from now on. Real-time safe.
    pub fn set_on_underflow(&self, action: OnUnderflow) {
        self.on_underflow.store(action as u32, Ordering::Relaxed);
    }

    /// Sets what the callback does on an overflow from now on. Real-time safe.
    pub fn set_on_overflow(&self, action: OnOverflow) {
        self.on_overflow.store(action as u32, Ordering::Relaxed);
    }

    /// Why the stream does not go on, or `None` while it does.
    ///
    /// All reasons but [`FinishReason::Stopped`] come from the callback, which may be called a few
    /// more times until the host has noticed: see [`is_finished`](Self::is_finished). If an underflow
    /// and an overflow coincide, it is the underflow.
    ///
    /// A thread that sees a reason also sees all that the callback had written to the input ring
    /// before. Real-time safe.
    pub fn finish_reason(&self) -> Option<FinishReason> {
        let finished = self.finished.load(Ordering::Acquire);
        [
            (flag::UNDERFLOW, FinishReason::Underflow),
            (flag::OVERFLOW, FinishReason::Overflow),
            (flag::COMPLETED, FinishReason::Completed),
            (flag::FINISHED, FinishReason::Stopped),
        ]
        .into_iter()
        .find_map(|(flag, reason)| (finished & flag != 0).then_some(reason))
    }

    /// Whether the callback is not called any more: after [`finish`](Self::finish), until
    /// [`restart`](Self::restart). Real-time safe.
    pub fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire) & flag::FINISHED != 0
    }

    /// Notes that the callback is not called any more, and wakes the threads that sleep, if the
    /// callback wakes threads: see [`set_wake`](Self::set_wake). Real-time safe.
    pub fn finish(&self) {
        self.finished.fetch_or(flag::FINISHED, Ordering::Release);
        if self.wake.is_on() {
            self.wake.wake(|_, _| true);
        }
    }

    /// Has the callback wake threads that [`sleep`](Self::sleep), or not. At first it does not.
    ///
    /// A callback that wakes makes a system call, but only if a thread sleeps and the frames that it
    /// sleeps for are there or the stream is finished: at most one for each side, which does not
    /// block (`futex` on Linux, `os_sync_wake_by_address_any` or `__ulock_wake` on Apple's systems,
    /// `WakeByAddressSingle` on Windows). Otherwise it only costs a memory fence.
    ///
    /// Returns whether that is possible on this system; if not, nothing changes. To be called before
    /// the stream is started.
    pub fn set_wake(&self, on: bool) -> bool {
        self.wake.set(on)
    }

    /// Whether the callback wakes threads.
    pub fn wakes(&self) -> bool {
        self.wake.is_on()
    }

    /// Sleeps until the callback has put that many frames into the input ring (for the consumer), or
    /// has left room for that many in the output ring (for the producer), or until the stream is
    /// finished or the time is over.
    ///
    /// It may return earlier, for example because of a signal. At any time, one thread per side may
    /// sleep; the callback wakes threads of its own process only. Needs
    /// [`set_wake`](Self::set_wake).
    ///
    /// # Safety
    ///
    /// The rings are null or valid.
    pub unsafe fn sleep(&self, side: Side, frames: usize, timeout: Duration) -> Slept {
        if !self.wake.is_on() {
            return Slept::Off;
        }
        self.wake.sleep(side, frames, timeout, || {
            // First, because what the callback did before is then seen in the ring.
            let finished = self.finished.load(Ordering::Acquire) != 0;
            // SAFETY: the caller's promise.
            if unsafe { self.has(side, frames) } {
                Slept::Ready
            } else if finished {
                Slept::Finished
            } else {
                Slept::Early
            }
        })
    }

    /// Whether a side has that many frames, or room for them.
    ///
    /// # Safety
    ///
    /// The rings are null or valid.
    unsafe fn has(&self, side: Side, frames: usize) -> bool {
        let (ring, _) = self.ring(side);
        // SAFETY: the caller's promise.
        let Some(ring) = (unsafe { ring.as_ref() }) else {
            return false;
        };
        let geometry = ring.geometry();
        frames
            <= match side {
                Side::Consumer => ring.read_available_in(&geometry),
                Side::Producer => ring.write_available_in(&geometry),
            }
    }

    /// Forgets why the stream is finished. To be called before it is started again, only while it is
    /// stopped.
    pub fn restart(&self) {
        self.counters.restart();
        self.finished.store(0, Ordering::Relaxed);
    }

    /// What has been counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Where the latest block is in the stream's frames and in time, or `None` before the first one.
    ///
    /// As for [`Counters::snapshot`], the callback never waits for this.
    pub fn block_times(&self) -> Option<BlockTimes> {
        self.counters.block_times()
    }

    /// When a frame was recorded ([`Side::Consumer`], of the input ring) or is heard
    /// ([`Side::Producer`], of the output ring), in seconds of the stream's clock.
    ///
    /// Frames are numbered as they pass through the ring, from 0; see [`position`](Self::position).
    /// For those between or after the blocks whose times PortAudio has told, the time follows from
    /// the sample rate. Frames that are still to come follow on the latest block, if they are
    /// written in time.
    ///
    /// # Errors
    ///
    /// [`UnknownTime`] says why the time is not known. Those of old frames are forgotten only after
    /// 16 gaps: losses, or starts of the stream.
    pub fn time_of(&self, side: Side, frame: u64, sample_rate: f64) -> Result<f64, UnknownTime> {
        let (ring, direction) = self.ring(side);
        if ring.is_null() {
            return Err(UnknownTime::NoRing);
        }
        let (time, is_later) = self.counters.time_of(direction, frame, sample_rate);
        if is_later && self.finish_reason().is_some() {
            return Err(UnknownTime::Finished);
        }
        time
    }

    /// The number of the frame that is read from the input ring next ([`Side::Consumer`]), or written
    /// to the output ring next ([`Side::Producer`]); `None` without that ring.
    ///
    /// It is exact for the thread that uses that side of the ring, however it does so: discarded
    /// frames have numbers, too. As for [`Counters::snapshot`], the callback never waits for this.
    ///
    /// # Safety
    ///
    /// The rings are null or valid.
    pub unsafe fn position(&self, side: Side) -> Option<u64> {
        let (ring, direction) = self.ring(side);
        // SAFETY: the caller's promise.
        let ring = unsafe { ring.as_ref() }?;
        let (moved, fill) = self.counters.position(direction, || ring.read_available());
        Some(match side {
            Side::Consumer => moved.saturating_sub(fill as u64),
            Side::Producer => moved.wrapping_add(fill as u64),
        })
    }

    /// The ring of a side, and where its times are.
    fn ring(&self, side: Side) -> (*mut PaUtilRingBuffer, usize) {
        let (ring, direction) = match side {
            Side::Consumer => (&self.input_ring, 0),
            Side::Producer => (&self.output_ring, 1),
        };
        (ring.load(Ordering::Relaxed), direction)
    }

    /// One call. Real-time safe.
    ///
    /// # Safety
    ///
    /// As for [`callback`].
    unsafe fn process(
        &self,
        input: *const c_void,
        output: *mut c_void,
        frames: usize,
        times: &TimeInfo,
        status: c_ulong,
    ) -> CallbackResult {
        let mut tally = Tally::new(frames, status);
        let output = if self.output_frame_size.load(Ordering::Relaxed) == 0 {
            core::ptr::null_mut()
        } else {
            output
        };
        // A host that calls once more gets the same answer, and nothing is taken or added. (What
        // was completed is not, but may go on in another mode.)
        let stopped = flag::UNDERFLOW | flag::OVERFLOW;
        let mut finishing = self.finished.load(Ordering::Relaxed) & stopped;
        // Once for both directions, so that they begin with the same block. What was written before
        // the mode was set must be seen in the ring.
        let mode = self.mode.load(Ordering::Acquire);
        if mode == Mode::Hold as u32 || mode == Mode::Abort as u32 {
            self.counters.begin_moving();
            self.counters.publish(&tally, times);
            if !output.is_null() {
                // SAFETY: the caller's promise: `output` has room for that many frames.
                unsafe { self.silence(output, frames) };
            }
            if mode == Mode::Abort as u32 {
                return CallbackResult::Abort;
            }
        } else if finishing == 0 {
            self.counters.begin_moving();
            if !input.is_null() && self.input_frame_size.load(Ordering::Relaxed) != 0 {
                // SAFETY: the caller's promise: `input` holds that many frames.
                finishing |= unsafe { self.record(input, frames, &mut tally) };
            }
            if !output.is_null() {
                // SAFETY: the caller's promise: `output` has room for that many frames.
                finishing |= unsafe { self.play(output, frames, mode, &mut tally) };
            }
            self.counters.publish(&tally, times);
            if finishing != 0 {
                self.finished.fetch_or(finishing, Ordering::Release);
            }
            if self.wake.is_on() {
                // SAFETY: the rings are valid as long as a stream uses this state, as promised to
                // `new`.
                self.wake
                    .wake(|side, frames| finishing != 0 || unsafe { self.has(side, frames) });
            }
        } else if !output.is_null() {
            // SAFETY: as above.
            unsafe { self.silence(output, frames) };
        }
        if finishing == 0 {
            CallbackResult::Continue
        } else {
            CallbackResult::Complete
        }
    }

    /// Returns a flag, or 0.
    ///
    /// # Safety
    ///
    /// `input` holds `frames` frames.
    unsafe fn record(&self, input: *const c_void, frames: usize, tally: &mut Tally) -> u32 {
        let ring = self.input_ring.load(Ordering::Relaxed);
        if ring.is_null() {
            return 0;
        }
        // SAFETY: valid as long as a stream uses this state, as promised to `new`.
        let ring = unsafe { &*ring };
        let geometry = ring.geometry();
        let recorded = if geometry.element_size() == self.input_frame_size.load(Ordering::Relaxed) {
            let before = ring.read_available_in(&geometry);
            // SAFETY: elements are frames, and nobody else writes to this ring.
            let recorded = unsafe { ring.write(&geometry, input, frames) };
            tally.input = Some(Fill {
                low: before,
                // Somebody may have been reading meanwhile.
                high: (before + recorded).min(geometry.size()),
            });
            recorded
        } else {
            0
        };
        tally.overflow = frames - recorded;
        tally.moved[0] = Moved {
            frames: recorded,
            incomplete: recorded != frames,
        };
        if tally.overflow != 0
            && self.on_overflow.load(Ordering::Relaxed) == OnOverflow::Stop as u32
        {
            return flag::OVERFLOW;
        }
        0
    }

    /// Returns a flag, or 0.
    ///
    /// # Safety
    ///
    /// `output` has room for `frames` frames.
    unsafe fn play(
        &self,
        output: *mut c_void,
        frames: usize,
        mut mode: u32,
        tally: &mut Tally,
    ) -> u32 {
        let ring = self.output_ring.load(Ordering::Relaxed);
        let frame_size = self.output_frame_size.load(Ordering::Relaxed);
        let mut played = 0;
        if !ring.is_null() {
            // SAFETY: valid as long as a stream uses this state, as promised to `new`.
            let ring = unsafe { &*ring };
            let geometry = ring.geometry();
            if geometry.element_size() == frame_size {
                let before = ring.read_available_in(&geometry);
                if mode == Mode::Start as u32 {
                    mode = self.begin(before >= frames.min(geometry.size()));
                }
                if mode != Mode::Start as u32 {
                    // SAFETY: elements are frames, and nobody else reads from this ring.
                    played = unsafe { ring.read(&geometry, output, frames) };
                }
                if mode != Mode::Start as u32 {
                    tally.output = Some(Fill {
                        // Where nothing more will be written, the ring is meant to run empty.
                        low: if mode == Mode::Run as u32 {
                            before.saturating_sub(played)
                        } else {
                            usize::MAX
                        },
                        high: before,
                    });
                }
            }
        }
        tally.moved[1] = Moved {
            frames: played,
            incomplete: played != frames,
        };
        if played == frames {
            return 0;
        }
        // SAFETY: the rest of the room that the caller promised.
        unsafe {
            let rest = output.cast::<u8>().add(played * frame_size);
            self.silence(rest.cast(), frames - played);
        }
        if mode == Mode::Complete as u32 {
            return flag::COMPLETED;
        }
        if mode == Mode::Run as u32 && !ring.is_null() {
            tally.underflow = frames - played;
            if self.on_underflow.load(Ordering::Relaxed) == OnUnderflow::Stop as u32 {
                return flag::UNDERFLOW;
            }
        }
        0
    }

    /// The mode after [`Mode::Start`], if the ring is filled by now.
    fn begin(&self, filled: bool) -> u32 {
        let start = Mode::Start as u32;
        if !filled {
            return start;
        }
        let run = Mode::Run as u32;
        // What was set meanwhile, by somebody who has nothing more to write, must stay.
        match (self.mode).compare_exchange(start, run, Ordering::Acquire, Ordering::Acquire) {
            Ok(_) => run,
            Err(mode) => mode,
        }
    }

    /// # Safety
    ///
    /// `output` has room for `frames` frames.
    unsafe fn silence(&self, output: *mut c_void, frames: usize) {
        let bytes = frames * self.output_frame_size.load(Ordering::Relaxed);
        let silence = self.silence.load(Ordering::Relaxed) as u8;
        // SAFETY: the caller's promise.
        unsafe { core::ptr::write_bytes(output.cast::<u8>(), silence, bytes) };
    }
}

/// A `PaStreamCallback` that plays from one ring and records into another.
///
/// Output comes from the output ring; where that holds too little, the rest of the block is
/// silence. Input goes into the input ring; what does not fit is thrown away, the newest first.
/// Both are counted. Returns `paContinue`, or `paComplete` in [`Mode::Complete`] when everything
/// has been played or as [`OnUnderflow::Stop`] and [`OnOverflow::Stop`] say, or `paAbort` in
/// [`Mode::Abort`] or if `user_data` is null.
///
/// Real-time safe; it only calls the system if [`CallbackState::set_wake`] has told it to.
///
/// # Safety
///
/// `user_data` is null or points to a [`CallbackState`]; `input` and `output` are null or have
/// `frame_count` interleaved frames of the sizes that the state was made with; `time_info` is null or
/// valid. PortAudio keeps the
/// second promise if the stream was opened with those channels and sample formats, interleaved.
pub unsafe extern "C" fn callback(
    input: *const c_void,
    output: *mut c_void,
    frame_count: c_ulong,
    time_info: *const TimeInfo,
    status_flags: c_ulong,
    user_data: *mut c_void,
) -> c_int {
    // SAFETY: null or a state, as the caller promises. All that changes in it is atomic.
    let Some(state) = (unsafe { user_data.cast::<CallbackState>().as_ref() }) else {
        return CallbackResult::Abort as c_int;
    };
    const UNKNOWN: TimeInfo = TimeInfo {
        input_buffer_adc_time: f64::NAN,
        current_time: f64::NAN,
        output_buffer_dac_time: f64::NAN,
    };
    // SAFETY: null or valid, as the caller promises.
    let times = unsafe { time_info.as_ref() }.unwrap_or(&UNKNOWN);
    // SAFETY: the caller's promise.
    let result = unsafe { state.process(input, output, frame_count as usize, times, status_flags) };
    result as c_int
}

/// A `PaStreamFinishedCallback` for a stream whose `userData` is a [`CallbackState`]: notes there
/// that the stream has become inactive, for whatever reason.
///
/// Real-time safe.
///
/// # Safety
///
/// `user_data` is null or points to a [`CallbackState`].
pub unsafe extern "C" fn finished(user_data: *mut c_void) {
    // SAFETY: null or a state, as the caller promises. All that changes in it is atomic.
    if let Some(state) = unsafe { user_data.cast::<CallbackState>().as_ref() } {
        state.finish();
    }
}
