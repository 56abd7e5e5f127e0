//! Times at which the frames of a stream were recorded and are heard.
//!
//! For each block, the callback records its position in the stream's frames and the times that
//! PortAudio has reported. Consecutive blocks are also consecutive in time unless frames were lost
//! or silence was inserted. Therefore the callback also keeps the latest pieces without such a gap.

use core::fmt;

use crate::atomic::{AtomicU64, Ordering};
use crate::stream::{TimeInfo, flags};

/// Number of gapless pieces kept for each direction.
pub(crate) const PIECES: usize = 16;

/// The latest block: the numbers of its first frames, and PortAudio's times for them.
///
/// Frames are counted in the order in which they pass through the rings, from 0. Dropped frames and
/// the silence of underflows have no numbers.
///
/// In C, this is `pa_ringbuffer_block_times`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct BlockTimes {
    /// Calls of the callback so far, including this one.
    pub blocks: u64,
    /// Frames that had gone into the input ring before this block.
    pub input_frame: u64,
    /// Time at which the first input frame of this block was captured.
    pub input_adc_time: f64,
    /// Frames that had been taken from the output ring before this block.
    pub output_frame: u64,
    /// Time at which the first output frame of this block is heard.
    pub output_dac_time: f64,
    /// Time at which the callback was called.
    pub current_time: f64,
}

/// Why the time of a frame is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownTime {
    /// The stream does not have that direction, or no ring for it.
    NoRing,
    /// No block has been transferred since the stream was started.
    NotYet,
    /// The frame comes after the latest block, and the stream has finished.
    Finished,
    /// The frame is too old: too many losses or starts of the stream have followed.
    Forgotten,
    /// PortAudio has reported no times.
    NotTold,
}

impl fmt::Display for UnknownTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRing => "the stream has no ring in that direction",
            Self::NotYet => "no block has been transferred since the stream was started",
            Self::Finished => "the stream has finished before that frame",
            Self::Forgotten => "the frame is too old, with too many gaps since then",
            Self::NotTold => "PortAudio has reported no times",
        })
    }
}

impl core::error::Error for UnknownTime {}

fn load(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

fn store(word: &AtomicU64, value: u64) {
    word.store(value, Ordering::Relaxed);
}

/// A gapless sequence of frames, and the time of one of them.
#[derive(Debug, Default)]
#[repr(C)]
struct Piece {
    /// The first frame.
    start: AtomicU64,
    /// The first frame of the latest block in this piece.
    frame: AtomicU64,
    /// The time of that frame.
    time: AtomicU64,
}

/// One direction.
#[derive(Debug, Default)]
#[repr(C)]
struct Track {
    /// Frames before the latest block.
    frame: AtomicU64,
    /// Frames of that block that passed through the ring.
    moved: AtomicU64,
    /// Time of the block's start.
    time: AtomicU64,
    /// Whether a gap precedes the next block.
    gap: AtomicU64,
    /// Number of pieces so far. The latest ones are kept.
    begun: AtomicU64,
    pieces: [Piece; PIECES],
}

impl Track {
    fn next_frame(&self) -> u64 {
        load(&self.frame).wrapping_add(load(&self.moved))
    }

    fn publish(&self, moved: usize, time: f64, gap_before: bool, gap_after: bool) {
        let (frame, time) = (self.next_frame(), time.to_bits());
        store(&self.frame, frame);
        store(&self.moved, moved as u64);
        store(&self.time, time);
        let gap = gap_before || load(&self.gap) != 0;
        if moved == 0 {
            store(&self.gap, u64::from(gap || gap_after));
            return;
        }
        let mut begun = load(&self.begun);
        let begins = gap || begun == 0;
        if begins {
            begun = begun.wrapping_add(1);
            store(&self.begun, begun);
        }
        let piece = &self.pieces[(begun.wrapping_sub(1) % PIECES as u64) as usize];
        if begins {
            store(&piece.start, frame);
        }
        store(&piece.frame, frame);
        store(&piece.time, time);
        store(&self.gap, u64::from(gap_after));
    }
}

/// The contribution of one direction of a block; initially none.
pub(crate) struct Moved {
    /// Frames that passed through the ring.
    pub(crate) frames: usize,
    /// Whether others should have: they were dropped, or silence replaced them.
    pub(crate) incomplete: bool,
}

impl Moved {
    pub(crate) const NOTHING: Self = Self {
        frames: 0,
        incomplete: true,
    };
}

/// Times of the latest block and of earlier ones. In memory, these are words of 64 bits.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Times {
    /// Frames of the latest block.
    frames: AtomicU64,
    current_time: AtomicU64,
    /// Whether there has been a block since the start.
    running: AtomicU64,
    /// For input and output.
    tracks: [Track; 2],
}

impl Times {
    /// Starts with rings that already hold that many frames: those in the input ring have numbers.
    pub(crate) fn begin(&self, input_fill: usize) {
        store(&self.tracks[0].frame, input_fill as u64);
    }

    /// Marks a gap before the following frames.
    pub(crate) fn restart(&self) {
        store(&self.running, 0);
        for track in &self.tracks {
            store(&track.gap, 1);
        }
    }

    /// Records the times of a block. Real-time safe.
    pub(crate) fn publish(
        &self,
        frames: usize,
        times: &TimeInfo,
        status: core::ffi::c_ulong,
        moved: &[Moved; 2],
    ) {
        store(&self.frames, frames as u64);
        store(&self.current_time, times.current_time.to_bits());
        store(&self.running, 1);
        let starts = [times.input_buffer_adc_time, times.output_buffer_dac_time];
        // A block for which the device reports a problem is a piece of its own.
        let wrong = [
            flags::INPUT_UNDERFLOW | flags::INPUT_OVERFLOW,
            flags::OUTPUT_UNDERFLOW | flags::OUTPUT_OVERFLOW | flags::PRIMING_OUTPUT,
        ];
        for (((track, moved), start), wrong) in self.tracks.iter().zip(moved).zip(starts).zip(wrong)
        {
            let wrong = status & wrong != 0;
            track.publish(moved.frames, start, wrong, wrong || moved.incomplete);
        }
    }

    pub(crate) fn latest(&self, blocks: u64) -> BlockTimes {
        let [input, output] = &self.tracks;
        BlockTimes {
            blocks,
            input_frame: load(&input.frame),
            input_adc_time: f64::from_bits(load(&input.time)),
            output_frame: load(&output.frame),
            output_dac_time: f64::from_bits(load(&output.time)),
            current_time: f64::from_bits(load(&self.current_time)),
        }
    }

    /// The first frame of the next block, of input (0) or output (1).
    pub(crate) fn next_frame(&self, direction: usize) -> u64 {
        self.tracks[direction].next_frame()
    }

    /// The time of a frame, and whether it comes after the latest block.
    pub(crate) fn of(
        &self,
        direction: usize,
        frame: u64,
        sample_rate: f64,
    ) -> (Result<f64, UnknownTime>, bool) {
        let track = &self.tracks[direction];
        let after = |time: &AtomicU64, frames: f64| {
            let time = f64::from_bits(load(time)) + frames / sample_rate;
            if time.is_nan() {
                Err(UnknownTime::NotTold)
            } else {
                Ok(time)
            }
        };
        let next = track.next_frame();
        if frame >= next {
            if load(&self.running) == 0 {
                return (Err(UnknownTime::NotYet), true);
            }
            let frames = load(&self.frames).saturating_add(frame - next);
            return (after(&track.time, frames as f64), true);
        }
        let begun = load(&track.begun);
        for back in 1..=begun.min(PIECES as u64) {
            let piece = &track.pieces[((begun - back) % PIECES as u64) as usize];
            if frame >= load(&piece.start) {
                // It may be before or after the frame whose time is known.
                let frames = frame.wrapping_sub(load(&piece.frame)) as i64;
                return (after(&piece.time, frames as f64), false);
            }
        }
        (Err(UnknownTime::Forgotten), false)
    }
}

/// Size of the times in words.
pub(crate) const WORDS: usize = size_of::<Times>() / size_of::<u64>();
