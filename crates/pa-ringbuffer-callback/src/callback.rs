//! The compiled callback and its state.

use core::ffi::{c_int, c_ulong, c_void};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use pa_ringbuffer::PaUtilRingBuffer;

use crate::stream::{CallbackResult, TimeInfo, flags};

/// What [`callback`] works on: a PortAudio stream's `userData`.
///
/// It must stay where it is, and so must the rings, until the stream is closed. In C it is
/// `pa_ringbuffer_callback_state`.
#[derive(Debug)]
#[repr(C)]
pub struct CallbackState {
    output_ring: AtomicPtr<PaUtilRingBuffer>,
    input_ring: AtomicPtr<PaUtilRingBuffer>,
    output_frame_size: usize,
    input_frame_size: usize,
    silence: u32,
    mode: AtomicU32,
    counters: Counters,
}

/// What the callback does when the output ring runs empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Mode {
    /// Plays silence, and counts it as an underflow.
    Run = 0,
    /// Nothing more will be written: plays silence without counting it.
    Drain = 1,
    /// Nothing more will be written: ends the stream when all has been played.
    Complete = 2,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a callback has counted. The callback's thread writes, everybody may read.
        #[derive(Debug, Default)]
        #[repr(C)]
        pub struct Counters {
            $($(#[$doc])* pub $name: AtomicU64,)*
        }

        impl Counters {
            /// Names of the counters, in the order of [`values`](Self::values).
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// All counters, each read once. While the stream runs, one may be a block ahead of
            /// another.
            pub fn values(&self) -> impl Iterator<Item = u64> {
                [$(self.$name.load(Ordering::Relaxed)),*].into_iter()
            }
        }
    };
}

counters! {
    /// Calls of the callback.
    blocks,
    /// Frames in all calls.
    frames,
    /// Frames of the smallest block; 0 before the first one.
    smallest_block,
    /// Frames of the largest block.
    largest_block,
    /// Calls in which the output ring held too little.
    output_underflows,
    /// Frames of silence played in its place.
    output_underflow_frames,
    /// Calls in which the input ring had too little room.
    input_overflows,
    /// Recorded frames thrown away for that.
    input_overflow_frames,
    /// Calls in which PortAudio reported an input underflow.
    device_input_underflows,
    /// Calls in which PortAudio reported an input overflow.
    device_input_overflows,
    /// Calls in which PortAudio reported an output underflow.
    device_output_underflows,
    /// Calls in which PortAudio reported an output overflow.
    device_output_overflows,
    /// Calls in which PortAudio asked for output to fill its buffers before the start.
    device_primings,
}

/// Adds to a counter that only this thread writes.
fn count(counter: &AtomicU64, by: u64) {
    counter.store(
        counter.load(Ordering::Relaxed).wrapping_add(by),
        Ordering::Relaxed,
    );
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
    pub const unsafe fn new(
        output_ring: *mut PaUtilRingBuffer,
        output_frame_size: usize,
        input_ring: *mut PaUtilRingBuffer,
        input_frame_size: usize,
        silence: u8,
    ) -> Self {
        Self {
            output_ring: AtomicPtr::new(output_ring),
            input_ring: AtomicPtr::new(input_ring),
            output_frame_size,
            input_frame_size,
            silence: silence as u32,
            mode: AtomicU32::new(Mode::Run as u32),
            counters: Counters {
                blocks: AtomicU64::new(0),
                frames: AtomicU64::new(0),
                smallest_block: AtomicU64::new(0),
                largest_block: AtomicU64::new(0),
                output_underflows: AtomicU64::new(0),
                output_underflow_frames: AtomicU64::new(0),
                input_overflows: AtomicU64::new(0),
                input_overflow_frames: AtomicU64::new(0),
                device_input_underflows: AtomicU64::new(0),
                device_input_overflows: AtomicU64::new(0),
                device_output_underflows: AtomicU64::new(0),
                device_output_overflows: AtomicU64::new(0),
                device_primings: AtomicU64::new(0),
            },
        }
    }

    /// Says what an empty output ring means from now on.
    pub fn set_mode(&self, mode: Mode) {
        // What was written to the ring before must be there when the callback sees the mode.
        self.mode.store(mode as u32, Ordering::Release);
    }

    /// What has been counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
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
        status: c_ulong,
    ) -> CallbackResult {
        let counters = &self.counters;
        count(&counters.blocks, 1);
        count(&counters.frames, frames as u64);
        let smallest = counters.smallest_block.load(Ordering::Relaxed);
        if smallest == 0 || (frames as u64) < smallest {
            counters
                .smallest_block
                .store(frames as u64, Ordering::Relaxed);
        }
        if counters.largest_block.load(Ordering::Relaxed) < frames as u64 {
            counters
                .largest_block
                .store(frames as u64, Ordering::Relaxed);
        }
        if status != 0 {
            for (flag, counter) in [
                (flags::INPUT_UNDERFLOW, &counters.device_input_underflows),
                (flags::INPUT_OVERFLOW, &counters.device_input_overflows),
                (flags::OUTPUT_UNDERFLOW, &counters.device_output_underflows),
                (flags::OUTPUT_OVERFLOW, &counters.device_output_overflows),
                (flags::PRIMING_OUTPUT, &counters.device_primings),
            ] {
                if status & flag != 0 {
                    count(counter, 1);
                }
            }
        }
        if !input.is_null() && self.input_frame_size != 0 {
            // SAFETY: the caller's promise: `input` holds that many frames.
            unsafe { self.record(input, frames) };
        }
        if !output.is_null() && self.output_frame_size != 0 {
            // SAFETY: the caller's promise: `output` has room for that many frames.
            return unsafe { self.play(output, frames) };
        }
        CallbackResult::Continue
    }

    /// # Safety
    ///
    /// `input` holds `frames` frames.
    unsafe fn record(&self, input: *const c_void, frames: usize) {
        let ring = self.input_ring.load(Ordering::Relaxed);
        if ring.is_null() {
            return;
        }
        // SAFETY: valid as long as a stream uses this state, as promised to `new`.
        let ring = unsafe { &*ring };
        let geometry = ring.geometry();
        let recorded = if geometry.element_size() == self.input_frame_size {
            // SAFETY: elements are frames, and nobody else writes to this ring.
            unsafe { ring.write(&geometry, input, frames) }
        } else {
            0
        };
        if recorded < frames {
            count(&self.counters.input_overflows, 1);
            count(
                &self.counters.input_overflow_frames,
                (frames - recorded) as u64,
            );
        }
    }

    /// # Safety
    ///
    /// `output` has room for `frames` frames.
    unsafe fn play(&self, output: *mut c_void, frames: usize) -> CallbackResult {
        // Before the ring: what was written before the mode was set must be seen.
        let mode = self.mode.load(Ordering::Acquire);
        let ring = self.output_ring.load(Ordering::Relaxed);
        let mut played = 0;
        if !ring.is_null() {
            // SAFETY: valid as long as a stream uses this state, as promised to `new`.
            let ring = unsafe { &*ring };
            let geometry = ring.geometry();
            if geometry.element_size() == self.output_frame_size {
                // SAFETY: elements are frames, and nobody else reads from this ring.
                played = unsafe { ring.read(&geometry, output, frames) };
            }
        }
        if played < frames {
            // SAFETY: the rest of the room that the caller promised.
            unsafe {
                let rest = output.cast::<u8>().add(played * self.output_frame_size);
                let bytes = (frames - played) * self.output_frame_size;
                core::ptr::write_bytes(rest, self.silence as u8, bytes);
            }
            if mode == Mode::Complete as u32 {
                return CallbackResult::Complete;
            }
            if mode == Mode::Run as u32 && !ring.is_null() {
                count(&self.counters.output_underflows, 1);
                count(
                    &self.counters.output_underflow_frames,
                    (frames - played) as u64,
                );
            }
        }
        CallbackResult::Continue
    }
}

/// A `PaStreamCallback` that plays from one ring and records into another.
///
/// Output comes from the output ring; where that holds too little, the rest of the block is
/// silence. Input goes into the input ring; what does not fit is thrown away, the newest first.
/// Both are counted. Returns `paContinue`, or `paComplete` in [`Mode::Complete`] when everything
/// has been played, or `paAbort` if `user_data` is null.
///
/// Real-time safe.
///
/// # Safety
///
/// `user_data` is null or points to a [`CallbackState`]; `input` and `output` are null or have
/// `frame_count` interleaved frames of the sizes that the state was made with. PortAudio keeps the
/// second promise if the stream was opened with those channels and sample formats, interleaved.
pub unsafe extern "C" fn callback(
    input: *const c_void,
    output: *mut c_void,
    frame_count: c_ulong,
    _time_info: *const TimeInfo,
    status_flags: c_ulong,
    user_data: *mut c_void,
) -> c_int {
    // SAFETY: null or a state, as the caller promises. All that changes in it is atomic.
    let Some(state) = (unsafe { user_data.cast::<CallbackState>().as_ref() }) else {
        return CallbackResult::Abort as c_int;
    };
    // SAFETY: the caller's promise.
    unsafe { state.process(input, output, frame_count as usize, status_flags) as c_int }
}
