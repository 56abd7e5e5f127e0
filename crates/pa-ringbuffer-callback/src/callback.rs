//! The compiled callback and its state.

use core::ffi::{c_int, c_ulong, c_void};
use core::time::Duration;

use pa_ringbuffer::{PaUtilRingBuffer, Side};

use crate::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use crate::counters::{Counters, Fill, Tally};
use crate::stream::{CallbackResult, TimeInfo};
use crate::times::{BlockTimes, Moved, UnknownTime};
use crate::wake::{Slept, Wake};

/// The state of [`callback`]: a PortAudio stream's `userData`.
///
/// The state and the rings must keep their addresses until the stream is closed. In C, this is
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
    /// Reasons, combined with `|`; 0 while the stream continues.
    finished: AtomicU32,
    wake: Wake,
    counters: Counters,
}

/// What the callback does when the output ring runs empty, and whether it uses the rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Mode {
    /// Plays silence and counts an underflow.
    Run = 0,
    /// The producer has finished: plays silence without counting it.
    Drain = 1,
    /// The producer has finished: finishes the stream when everything has been played.
    Complete = 2,
    /// The producer has not started: plays silence without counting it until the ring holds a block
    /// (or is full), then continues as [`Run`](Self::Run).
    Start = 3,
    /// On hold until another mode is set: plays silence whatever the ring holds, records nothing,
    /// and counts no loss. See [`CallbackState::release`].
    Hold = 4,
    /// Plays silence, records nothing, and aborts the stream.
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
    /// Plays silence in place of the missing frames.
    #[default]
    Silence = 0,
    /// Finishes the stream after playing the available frames.
    Stop = 1,
}

/// What the callback does when the input ring has room for less than a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum OnOverflow {
    /// Drops the frames that do not fit.
    #[default]
    Drop = 0,
    /// Finishes the stream after recording the frames that fit.
    Stop = 1,
}

/// Why a stream has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// Everything has been played, in [`Mode::Complete`].
    Completed,
    /// An underflow, with [`OnUnderflow::Stop`].
    Underflow,
    /// An overflow, with [`OnOverflow::Stop`].
    Overflow,
    /// The host has stopped calling the callback for another reason: see [`finished`].
    Stopped,
}

/// Flags of the word that records the end of a stream.
mod flag {
    pub(super) const COMPLETED: u32 = 1;
    pub(super) const UNDERFLOW: u32 = 2;
    pub(super) const OVERFLOW: u32 = 4;
    /// The host has stopped calling the callback.
    pub(super) const FINISHED: u32 = 8;
}

impl CallbackState {
    /// State for a stream whose frames have the given sizes in bytes (channels times bytes per
    /// sample; 0 for a direction that the stream does not have).
    ///
    /// A ring's elements must be frames of that size; otherwise the ring is treated as null:
    /// without an output ring, the callback plays silence, and without an input ring, it drops the
    /// input. `silence` is the byte that silence consists of: 0, or 0x80 for unsigned 8-bit
    /// samples.
    ///
    /// # Safety
    ///
    /// A ring that is not null must be initialised and stay valid as long as a stream uses this
    /// state. During that time, no other code reads from `output_ring` or writes to `input_ring`.
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
        // SAFETY: the caller makes the same guarantees.
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

    /// Replaces rings, sizes and silence, as if the state had been made with them.
    ///
    /// This is for programs that must open a stream before they know its frame sizes.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new). Also, the stream that uses this state has not been started yet.
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
        // SAFETY: null or initialised, as the caller guarantees.
        self.counters
            .begin(unsafe { [input_ring.as_ref(), output_ring.as_ref()] });
    }

    /// Bytes per input frame and per output frame; 0 for a direction that is not used.
    pub fn frame_sizes(&self) -> [usize; 2] {
        [&self.input_frame_size, &self.output_frame_size].map(|size| size.load(Ordering::Relaxed))
    }

    /// Sets the meaning of an empty output ring. Real-time safe.
    pub fn set_mode(&self, mode: Mode) {
        // Earlier writes to the ring must be visible when the callback sees the mode.
        self.mode.store(mode as u32, Ordering::Release);
    }

    /// The current meaning of an empty output ring. Real-time safe.
    pub fn mode(&self) -> Mode {
        let mode = self.mode.load(Ordering::Relaxed);
        // C cannot store another value: its functions check their arguments.
        *Mode::ALL
            .iter()
            .find(|known| **known as u32 == mode)
            .unwrap_or(&Mode::Run)
    }

    /// Continues from [`Mode::Hold`] with [`Mode::Run`] and returns whether it did: another mode
    /// that was set in the meantime stays. Real-time safe.
    pub fn release(&self) -> bool {
        let (hold, run) = (Mode::Hold as u32, Mode::Run as u32);
        // Earlier writes to the ring must be visible when the callback sees the mode.
        self.mode
            .compare_exchange(hold, run, Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }

    /// Sets the reaction to an underflow. Real-time safe.
    pub fn set_on_underflow(&self, action: OnUnderflow) {
        self.on_underflow.store(action as u32, Ordering::Relaxed);
    }

    /// Sets the reaction to an overflow. Real-time safe.
    pub fn set_on_overflow(&self, action: OnOverflow) {
        self.on_overflow.store(action as u32, Ordering::Relaxed);
    }

    /// Why the stream has finished, or `None` before that.
    ///
    /// All reasons except [`FinishReason::Stopped`] come from the callback, which the host may call
    /// a few more times before it notices: see [`is_finished`](Self::is_finished). If an underflow
    /// and an overflow coincide, this returns the underflow.
    ///
    /// A thread that sees a reason also sees everything that the callback had written to the input
    /// ring before. Real-time safe.
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

    /// Whether the host has stopped calling the callback: true from [`finish`](Self::finish) to
    /// [`restart`](Self::restart). Real-time safe.
    pub fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire) & flag::FINISHED != 0
    }

    /// Records that the host has stopped calling the callback and, if the callback wakes threads,
    /// wakes those that sleep: see [`set_wake`](Self::set_wake). Real-time safe.
    pub fn finish(&self) {
        self.finished.fetch_or(flag::FINISHED, Ordering::Release);
        if self.wake.is_on() {
            self.wake.wake(|_, _| true);
        }
    }

    /// Sets whether the callback wakes threads that [`sleep`](Self::sleep). Off by default.
    ///
    /// To wake a thread, the callback makes a system call, but only if a thread sleeps and its
    /// frames are available or the stream has finished: at most one for each side. The call does
    /// not block (`futex` on Linux, `os_sync_wake_by_address_any` or `__ulock_wake` on Apple's
    /// systems, `WakeByAddressSingle` on Windows). Otherwise waking costs only a memory fence.
    ///
    /// Returns whether this system supports waking; if not, nothing changes. Call this before the
    /// stream is started.
    pub fn set_wake(&self, on: bool) -> bool {
        self.wake.set(on)
    }

    /// Whether the callback wakes threads.
    pub fn wakes(&self) -> bool {
        self.wake.is_on()
    }

    /// Sleeps until the callback has put that many frames into the input ring (for the consumer) or
    /// has made room for that many in the output ring (for the producer), until the stream has
    /// finished, or until the timeout expires.
    ///
    /// It may return earlier, for example because of a signal. One thread per side may sleep at a
    /// time, and the callback wakes only threads of its own process. Requires
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
            // First, so that everything the callback did before is visible in the ring.
            let finished = self.finished.load(Ordering::Acquire) != 0;
            // SAFETY: the caller's guarantee.
            if unsafe { self.has(side, frames) } {
                Slept::Ready
            } else if finished {
                Slept::Finished
            } else {
                Slept::Early
            }
        })
    }

    /// Whether a side has that many frames available, or room for them.
    ///
    /// # Safety
    ///
    /// The rings are null or valid.
    unsafe fn has(&self, side: Side, frames: usize) -> bool {
        let (ring, _) = self.ring(side);
        // SAFETY: the caller's guarantee.
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

    /// Forgets why the stream has finished. Call this before starting it again, while it is
    /// stopped.
    pub fn restart(&self) {
        self.counters.restart();
        self.finished.store(0, Ordering::Relaxed);
    }

    /// The counters.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Position of the latest block in the stream's frames and in time, or `None` before the first
    /// one.
    ///
    /// As for [`Counters::snapshot`], the callback never waits for this.
    pub fn block_times(&self) -> Option<BlockTimes> {
        self.counters.block_times()
    }

    /// When a frame was recorded ([`Side::Consumer`], of the input ring) or is heard
    /// ([`Side::Producer`], of the output ring), in seconds of the stream's clock.
    ///
    /// Frames are numbered in the order in which they pass through the ring, from 0; see
    /// [`position`](Self::position). For frames between or after the blocks whose times PortAudio
    /// has reported, the time follows from the sample rate. For future frames, it continues from
    /// the latest block and assumes that they are written in time.
    ///
    /// # Errors
    ///
    /// [`UnknownTime`] is the reason why the time is not known. The times of old frames are
    /// forgotten only after 16 gaps (losses, or starts of the stream).
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

    /// The number of the next frame to be read from the input ring ([`Side::Consumer`]) or written
    /// to the output ring ([`Side::Producer`]); `None` without that ring.
    ///
    /// It is exact for the thread that uses that side of the ring, whatever operations it uses:
    /// discarded frames have numbers, too. As for [`Counters::snapshot`], the callback never waits
    /// for this.
    ///
    /// # Safety
    ///
    /// The rings are null or valid.
    pub unsafe fn position(&self, side: Side) -> Option<u64> {
        let (ring, direction) = self.ring(side);
        // SAFETY: the caller's guarantee.
        let ring = unsafe { ring.as_ref() }?;
        let (moved, fill) = self.counters.position(direction, || ring.read_available());
        Some(match side {
            Side::Consumer => moved.saturating_sub(fill as u64),
            Side::Producer => moved.wrapping_add(fill as u64),
        })
    }

    /// The ring of a side, and the index of its times.
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
        // A host that calls again gets the same answer, and no frames are transferred. (A completed
        // stream is an exception: it may continue in another mode.)
        let stopped = flag::UNDERFLOW | flag::OVERFLOW;
        let mut finishing = self.finished.load(Ordering::Relaxed) & stopped;
        // Read once for both directions, so that they start with the same block. Writes before the
        // mode was set must be visible in the ring.
        let mode = self.mode.load(Ordering::Acquire);
        if mode == Mode::Hold as u32 || mode == Mode::Abort as u32 {
            self.counters.begin_moving();
            self.counters.publish(&tally, times);
            if !output.is_null() {
                // SAFETY: the caller guarantees that `output` has room for that many frames.
                unsafe { self.silence(output, frames) };
            }
            if mode == Mode::Abort as u32 {
                return CallbackResult::Abort;
            }
        } else if finishing == 0 {
            self.counters.begin_moving();
            if !input.is_null() && self.input_frame_size.load(Ordering::Relaxed) != 0 {
                // SAFETY: the caller guarantees that `input` holds that many frames.
                finishing |= unsafe { self.record(input, frames, &mut tally) };
            }
            if !output.is_null() {
                // SAFETY: the caller guarantees that `output` has room for that many frames.
                finishing |= unsafe { self.play(output, frames, mode, &mut tally) };
            }
            self.counters.publish(&tally, times);
            if finishing != 0 {
                self.finished.fetch_or(finishing, Ordering::Release);
            }
            if self.wake.is_on() {
                // SAFETY: the rings are valid as long as a stream uses this state, as the caller of
                // `new` guaranteed.
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
        // SAFETY: valid as long as a stream uses this state, as the caller of `new` guaranteed.
        let ring = unsafe { &*ring };
        let geometry = ring.geometry();
        let recorded = if geometry.element_size() == self.input_frame_size.load(Ordering::Relaxed) {
            let before = ring.read_available_in(&geometry);
            // SAFETY: elements are frames, and no other code writes to this ring.
            let recorded = unsafe { ring.write(&geometry, input, frames) };
            tally.input = Some(Fill {
                low: before,
                // The consumer may have read in the meantime.
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
            // SAFETY: valid as long as a stream uses this state, as the caller of `new` guaranteed.
            let ring = unsafe { &*ring };
            let geometry = ring.geometry();
            if geometry.element_size() == frame_size {
                let before = ring.read_available_in(&geometry);
                if mode == Mode::Start as u32 {
                    mode = self.begin(before >= frames.min(geometry.size()));
                }
                if mode != Mode::Start as u32 {
                    // SAFETY: elements are frames, and no other code reads from this ring.
                    played = unsafe { ring.read(&geometry, output, frames) };
                }
                if mode != Mode::Start as u32 {
                    tally.output = Some(Fill {
                        // After the producer has finished, an empty ring is expected.
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
        // SAFETY: the rest of the room that the caller guarantees.
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

    /// The mode after [`Mode::Start`], if the ring holds enough now.
    fn begin(&self, filled: bool) -> u32 {
        let start = Mode::Start as u32;
        if !filled {
            return start;
        }
        let run = Mode::Run as u32;
        // A mode set in the meantime, by a producer that has finished, must stay.
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
        // SAFETY: the caller's guarantee.
        unsafe { core::ptr::write_bytes(output.cast::<u8>(), silence, bytes) };
    }
}

/// A `PaStreamCallback` that plays from one ring and records into another.
///
/// Output comes from the output ring; if that holds too few frames, the rest of the block is
/// silence. Input goes into the input ring; frames that do not fit are dropped, the newest first.
/// Both are counted. Returns `paContinue`; `paComplete` when everything has been played in
/// [`Mode::Complete`], or according to [`OnUnderflow::Stop`] and [`OnOverflow::Stop`]; `paAbort` in
/// [`Mode::Abort`] or if `user_data` is null.
///
/// Real-time safe. It makes a system call only if [`CallbackState::set_wake`] has enabled that.
///
/// # Safety
///
/// `user_data` is null or points to a [`CallbackState`]. `input` and `output` are null or have
/// `frame_count` interleaved frames of the sizes that the state was made with; PortAudio guarantees
/// this if the stream was opened with those channels and interleaved sample formats. `time_info` is
/// null or valid.
pub unsafe extern "C" fn callback(
    input: *const c_void,
    output: *mut c_void,
    frame_count: c_ulong,
    time_info: *const TimeInfo,
    status_flags: c_ulong,
    user_data: *mut c_void,
) -> c_int {
    // SAFETY: null or a state, as the caller guarantees. Everything that changes in it is atomic.
    let Some(state) = (unsafe { user_data.cast::<CallbackState>().as_ref() }) else {
        return CallbackResult::Abort as c_int;
    };
    const UNKNOWN: TimeInfo = TimeInfo {
        input_buffer_adc_time: f64::NAN,
        current_time: f64::NAN,
        output_buffer_dac_time: f64::NAN,
    };
    // SAFETY: null or valid, as the caller guarantees.
    let times = unsafe { time_info.as_ref() }.unwrap_or(&UNKNOWN);
    // SAFETY: the caller's guarantee.
    let result = unsafe { state.process(input, output, frame_count as usize, times, status_flags) };
    result as c_int
}

/// A `PaStreamFinishedCallback` for a stream whose `userData` is a [`CallbackState`]: records there
/// that the stream has become inactive, for whatever reason.
///
/// Real-time safe.
///
/// # Safety
///
/// `user_data` is null or points to a [`CallbackState`].
pub unsafe extern "C" fn finished(user_data: *mut c_void) {
    // SAFETY: null or a state, as the caller guarantees. Everything that changes in it is atomic.
    if let Some(state) = unsafe { user_data.cast::<CallbackState>().as_ref() } {
        state.finish();
    }
}
