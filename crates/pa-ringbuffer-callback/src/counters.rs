//! A callback's counters, and how other threads read them while it counts.

use core::ffi::c_ulong;

use pa_ringbuffer::PaUtilRingBuffer;

use crate::atomic::{AtomicU32, AtomicU64, Ordering, fence, spin_loop};
use crate::stream::{TimeInfo, flags};
use crate::times::{BlockTimes, Moved, Times, UnknownTime, WORDS};

/// Number of attempts before a reader takes the current values: some tens of milliseconds.
/// Publishing a block takes some tens of nanoseconds, but the callback's thread may be suspended in
/// the middle while others have the processor (10,000 attempts were once too few). Only a killed
/// thread takes longer.
const ATTEMPTS: usize = 1_000_000;

/// Capacity for counters within a fixed size of the state.
const FURTHER: usize = 16;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A callback's counters. The callback's thread writes them; any thread may read them.
        #[derive(Debug, Default)]
        #[repr(C)]
        pub struct Counters {
            /// Odd while the counters are being written.
            sequence: AtomicU32,
            /// Odd while frames go through the rings, until they are counted.
            moving: AtomicU32,
            $($(#[$doc])* $name: AtomicU64,)*
            /// Room for further counters, so that C programs need not be recompiled.
            further: [AtomicU64; FURTHER],
            times: Times,
        }

        impl Counters {
            /// Names of the counters, in the order of [`snapshot`](Self::snapshot).
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// Number of counters.
            pub const COUNT: usize = Self::NAMES.len();

            /// Words of 64 bits behind the counters, for the times of blocks, and those that are
            /// free.
            pub const TIME_WORDS: usize = WORDS;

            /// Offsets of the counters in memory, in bytes, in the same order.
            pub const OFFSETS: &[usize] = &[$(core::mem::offset_of!(Self, $name)),*];

            $($(#[$doc])*
            ///
            /// May belong to another block than a counter that is read separately. Use
            /// [`snapshot`](Self::snapshot) for counters that belong together.
            pub fn $name(&self) -> u64 {
                self.$name.load(Ordering::Relaxed)
            })*

            fn load(&self) -> [u64; Self::COUNT] {
                [$(self.$name.load(Ordering::Relaxed)),*]
            }
        }
    };
}

counters! {
    /// Calls of the callback.
    blocks,
    /// Frames in these calls.
    frames,
    /// Size of the smallest block in frames; 0 before the first one.
    smallest_block,
    /// Size of the largest block in frames.
    largest_block,
    /// Calls with an overflow of the input ring.
    input_overflows,
    /// Recorded frames dropped in these overflows.
    input_overflow_frames,
    /// Calls with an underflow of the output ring.
    output_underflows,
    /// Frames of silence played in these underflows.
    output_underflow_frames,
    /// Calls in which PortAudio reported an input underflow.
    device_input_underflows,
    /// Calls in which PortAudio reported an input overflow.
    device_input_overflows,
    /// Calls in which PortAudio reported an output underflow.
    device_output_underflows,
    /// Calls in which PortAudio reported an output overflow.
    device_output_overflows,
    /// Calls in which PortAudio requested output to fill its buffers before the start.
    device_primings,
    /// Lowest fill of the input ring before a call; initially the ring's size.
    input_low_water,
    /// Highest fill of the input ring after a call.
    input_high_water,
    /// Lowest fill of the output ring after a call; initially the ring's size. Only calls in the
    /// mode `Run` count: before and after, an empty ring is expected.
    output_low_water,
    /// Highest fill of the output ring before a call.
    output_high_water,
}

/// Fill of a ring before and after a call.
pub(crate) struct Fill {
    pub(crate) low: usize,
    pub(crate) high: usize,
}

/// What one call adds to the counters.
pub(crate) struct Tally {
    frames: usize,
    status: c_ulong,
    pub(crate) overflow: usize,
    pub(crate) underflow: usize,
    pub(crate) input: Option<Fill>,
    pub(crate) output: Option<Fill>,
    /// Frames that have passed through the rings.
    pub(crate) moved: [Moved; 2],
}

impl Tally {
    pub(crate) fn new(frames: usize, status: c_ulong) -> Self {
        Self {
            frames,
            status,
            overflow: 0,
            underflow: 0,
            input: None,
            output: None,
            moved: [Moved::NOTHING, Moved::NOTHING],
        }
    }
}

/// Adds to a counter that only this thread writes.
fn add(counter: &AtomicU64, by: usize) {
    let value = counter.load(Ordering::Relaxed);
    counter.store(value.wrapping_add(by as u64), Ordering::Relaxed);
}

fn add_event(events: &AtomicU64, total: &AtomicU64, frames: usize) {
    if frames != 0 {
        add(events, 1);
        add(total, frames);
    }
}

/// Makes a sequence odd, before any other change.
fn begin_change(sequence: &AtomicU32) {
    let before = sequence.load(Ordering::Relaxed);
    sequence.store(before.wrapping_add(1), Ordering::Relaxed);
    fence(Ordering::Release);
}

/// Makes a sequence even, after all other changes.
fn end_change(sequence: &AtomicU32) {
    let before = sequence.load(Ordering::Relaxed);
    sequence.store(before.wrapping_add(1), Ordering::Release);
}

fn lower(mark: &AtomicU64, to: usize) {
    if (to as u64) < mark.load(Ordering::Relaxed) {
        mark.store(to as u64, Ordering::Relaxed);
    }
}

fn raise(mark: &AtomicU64, to: usize) {
    if mark.load(Ordering::Relaxed) < to as u64 {
        mark.store(to as u64, Ordering::Relaxed);
    }
}

impl Counters {
    /// Resets the low-water marks for the given input and output rings.
    pub(crate) fn begin(&self, rings: [Option<&PaUtilRingBuffer>; 2]) {
        let [input, output] =
            rings.map(|ring| ring.map_or(0, |ring| ring.geometry().size() as u64));
        self.input_low_water.store(input, Ordering::Relaxed);
        self.output_low_water.store(output, Ordering::Relaxed);
        let recorded = rings[0].map_or(0, PaUtilRingBuffer::read_available);
        self.times.begin(recorded);
    }

    /// Marks a gap in time before the following blocks. Call this only while the callback is not
    /// called.
    pub(crate) fn restart(&self) {
        self.times.restart();
    }

    /// All counters at one moment, between two calls of the callback.
    ///
    /// The callback never waits for a reader; a reader retries if a call has changed the counters
    /// while it was reading. If the callback's thread is suspended while counting, the reader stops
    /// retrying after some tens of milliseconds and returns the current values.
    pub fn snapshot(&self) -> [u64; Self::COUNT] {
        Self::consistent(&self.sequence, || self.load())
    }

    /// Times of the latest block, or `None` before the first one.
    pub(crate) fn block_times(&self) -> Option<BlockTimes> {
        let times = Self::consistent(&self.sequence, || {
            self.times.latest(self.blocks.load(Ordering::Relaxed))
        });
        (times.blocks != 0).then_some(times)
    }

    /// The time of a frame of input (0) or output (1), and whether it comes after the latest block.
    pub(crate) fn time_of(
        &self,
        direction: usize,
        frame: u64,
        sample_rate: f64,
    ) -> (Result<f64, UnknownTime>, bool) {
        Self::consistent(&self.sequence, || {
            self.times.of(direction, frame, sample_rate)
        })
    }

    /// The number of frames that have passed through the ring of input (0) or output (1) and, from
    /// the same moment, the number of frames in it.
    pub(crate) fn position(&self, direction: usize, fill: impl Fn() -> usize) -> (u64, usize) {
        Self::consistent(&self.moving, || (self.times.next_frame(direction), fill()))
    }

    /// The result of a load between two changes, or after too many attempts.
    fn consistent<T>(sequence: &AtomicU32, load: impl Fn() -> T) -> T {
        // A sequence lock, with the fences of Boehm, "Can seqlocks get along with programming
        // language memory models?", MSPC 2012, figure 6.
        for _ in 0..ATTEMPTS {
            let before = sequence.load(Ordering::Acquire);
            let values = load();
            fence(Ordering::Acquire);
            if before & 1 == 0 && before == sequence.load(Ordering::Relaxed) {
                return values;
            }
            spin_loop();
        }
        load()
    }

    /// Number of calls of the callback so far.
    pub fn calls(&self) -> u64 {
        if cfg!(any(target_has_atomic = "64", pa_ringbuffer_loom)) {
            self.blocks.load(Ordering::Relaxed)
        } else {
            // Both halves belong to the same number.
            self.snapshot()[0]
        }
    }

    /// Marks that frames are passing through the rings, until they are counted. Only the callback's
    /// thread may call this. Real-time safe.
    pub(crate) fn begin_moving(&self) {
        begin_change(&self.moving);
    }

    /// Adds the counts of one call that has begun to move frames. Only the callback's thread may
    /// call this. Real-time safe.
    pub(crate) fn publish(&self, tally: &Tally, times: &TimeInfo) {
        begin_change(&self.sequence);
        if self.blocks.load(Ordering::Relaxed) == 0 {
            self.smallest_block
                .store(tally.frames as u64, Ordering::Relaxed);
        }
        add(&self.blocks, 1);
        add(&self.frames, tally.frames);
        lower(&self.smallest_block, tally.frames);
        raise(&self.largest_block, tally.frames);
        if tally.status != 0 {
            for (flag, counter) in [
                (flags::INPUT_UNDERFLOW, &self.device_input_underflows),
                (flags::INPUT_OVERFLOW, &self.device_input_overflows),
                (flags::OUTPUT_UNDERFLOW, &self.device_output_underflows),
                (flags::OUTPUT_OVERFLOW, &self.device_output_overflows),
                (flags::PRIMING_OUTPUT, &self.device_primings),
            ] {
                add(counter, usize::from(tally.status & flag != 0));
            }
        }
        add_event(
            &self.input_overflows,
            &self.input_overflow_frames,
            tally.overflow,
        );
        add_event(
            &self.output_underflows,
            &self.output_underflow_frames,
            tally.underflow,
        );
        if let Some(fill) = &tally.input {
            lower(&self.input_low_water, fill.low);
            raise(&self.input_high_water, fill.high);
        }
        if let Some(fill) = &tally.output {
            lower(&self.output_low_water, fill.low);
            raise(&self.output_high_water, fill.high);
        }
        self.times
            .publish(tally.frames, times, tally.status, &tally.moved);
        end_change(&self.sequence);
        end_change(&self.moving);
    }
}
