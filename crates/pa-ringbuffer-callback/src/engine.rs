//! The calls of a virtual device: the callback's arguments, and the effects of its result.

use core::ffi::{c_int, c_ulong, c_void};
use std::thread;
use std::time::{Duration, Instant};
use std::vec::Vec;

use pa_ringbuffer::RingError;

use crate::cable::{Cable, silence};
use crate::calling::Calling;
use crate::config::{DeviceConfig, DeviceError, Pace};
use crate::monitor::Shared;
use crate::random::Random;
use crate::script::{Script, Tape};
use crate::stream::{CallbackResult, TimeInfo, flags};

/// The largest block that a device with varying block sizes requests.
const LARGEST_VARYING_BLOCK: usize = 1024;

/// Maximum time that the device's thread sleeps at once, so that a stop need not wait for a distant
/// call.
const NAP: Duration = Duration::from_millis(50);

/// Everything that a call needs, allocated in advance.
pub(crate) struct Engine {
    config: DeviceConfig,
    /// Room for frames in one block.
    room: usize,
    input: Vec<u8>,
    output: Vec<u8>,
    cable: Option<Cable>,
    /// Frames in all calls since the device was made: its clock.
    frames: u64,
    sizes: Random,
}

// SAFETY: `user_data` is only passed to the callbacks, on any thread, as the maker of the device
// has allowed.
unsafe impl Send for Engine {}

impl Engine {
    pub(crate) fn new(config: DeviceConfig) -> Result<Self, RingError> {
        let room = match config.block_size {
            0 => LARGEST_VARYING_BLOCK,
            size => size,
        };
        let cable = match config.loopback {
            true => Some(Cable::new(config.output_frame_size, room)?),
            false => None,
        };
        Ok(Self {
            config,
            room,
            input: silence(config.input_frame_size, room)?,
            output: silence(config.output_frame_size, room)?,
            cable,
            frames: 0,
            sizes: Random::new(),
        })
    }

    /// Makes calls until the owner or the callback stops it.
    pub(crate) fn play(&mut self, shared: &Shared) {
        let begin = Instant::now();
        let first = self.frames;
        let mut jitter = Random::new();
        let mut called_at = 0.0_f64;
        while !shared.is_stopping() {
            let mut delay = 0.0;
            if self.config.pace == Pace::RealTime {
                // Computed from the clock each time, so that delays do not add up.
                let due = (self.frames - first) as f64 / self.config.sample_rate;
                // If the jitter exceeds a block, a call may be due before the previous one.
                called_at = called_at.max(due + jitter.fraction() * self.config.jitter);
                delay = called_at - due;
                // A time beyond the clock's range is never.
                let call = Duration::try_from_secs_f64(called_at)
                    .ok()
                    .and_then(|time| begin.checked_add(time));
                if !sleep_until(call, shared) {
                    break;
                }
            }
            let size = self.next_block();
            let result = self.call(size, shared.take_xruns(), delay, &mut Tape::default());
            shared.count_frames(size);
            if result != CallbackResult::Continue as c_int {
                break;
            }
        }
    }

    /// Tells the user that no more calls will follow.
    pub(crate) fn finish(&self) {
        if let Some(finished) = self.config.finished {
            let _calling = Calling::begin();
            // SAFETY: the maker of the device has allowed it.
            unsafe { finished(self.config.user_data) };
        }
    }

    pub(crate) fn check(&self, script: &Script<'_>, shared: &Shared) -> Result<(), DeviceError> {
        if let Some(input) = script.input {
            let frame_size = self.config.input_frame_size;
            if frame_size == 0 {
                return Err(DeviceError::NoInput);
            }
            let frames = (input.len() / frame_size) as u64;
            if input.len() % frame_size != 0 || frames < script.frames {
                return Err(DeviceError::Input {
                    bytes: input.len(),
                    frame_size,
                    frames: script.frames,
                });
            }
        }
        if script.block_sizes.contains(&0) {
            return Err(DeviceError::BlockSize);
        }
        let xruns = script.xruns.iter().fold(0, |all, (_, xruns)| all | xruns);
        shared.check_xruns(xruns)
    }

    /// Bytes that one call can add to the tape: the block, and the silence that an underflow puts
    /// before it.
    pub(crate) fn output_size(&self, frames: usize) -> usize {
        2 * frames * self.config.output_frame_size
    }

    /// Allocates memory for the script's blocks. Later blocks of that size need no more.
    pub(crate) fn make_room(&mut self, script: &Script<'_>) -> Result<(), RingError> {
        let largest = script.largest_block();
        if largest > self.room {
            self.input = silence(self.config.input_frame_size, largest)?;
            self.output = silence(self.config.output_frame_size, largest)?;
            self.room = largest;
        }
        match &mut self.cable {
            Some(cable) if script.input.is_none() => cable.lengthen(largest),
            _ => Ok(()),
        }
    }

    /// Size of the next block in frames.
    pub(crate) fn next_block(&mut self) -> usize {
        match self.config.block_size {
            0 => 1 + self.sizes.next() as usize % LARGEST_VARYING_BLOCK,
            size => size,
        }
    }

    /// One call of the callback, `delay` seconds late.
    ///
    /// Real-time safe if the callback is, and if the tape has room for two blocks.
    pub(crate) fn call(
        &mut self,
        frames: usize,
        xruns: c_ulong,
        delay: f64,
        tape: &mut Tape<'_>,
    ) -> c_int {
        self.capture(frames, xruns, tape);
        if xruns & flags::OUTPUT_UNDERFLOW != 0 {
            // The initial contents of the callback's output block are undefined, so the block can
            // serve for this.
            self.output[..frames * self.config.output_frame_size].fill(0);
            self.emit(frames, tape);
        }
        let config = &self.config;
        // The last input frame of the largest block has just been captured, and the delay of a
        // frame in the cable agrees with these times.
        let input_latency = match (&self.cable, tape.input) {
            (Some(cable), None) => cable.delay(),
            _ => self.room,
        };
        let now = self.frames as f64 / config.sample_rate;
        let time = TimeInfo {
            input_buffer_adc_time: (self.frames as f64 - input_latency as f64) / config.sample_rate,
            current_time: now + delay,
            output_buffer_dac_time: now,
        };
        let input = match config.input_frame_size {
            0 => core::ptr::null(),
            _ => self.input.as_ptr().cast::<c_void>(),
        };
        let output = match config.output_frame_size {
            0 => core::ptr::null_mut(),
            _ => self.output.as_mut_ptr().cast::<c_void>(),
        };
        let calling = Calling::begin();
        // SAFETY: the maker of the device has allowed it with these blocks.
        let result = unsafe {
            (config.callback)(
                input,
                output,
                frames as c_ulong,
                &time,
                xruns,
                config.user_data,
            )
        };
        drop(calling);
        if xruns & flags::OUTPUT_OVERFLOW == 0 && result != CallbackResult::Abort as c_int {
            self.emit(frames, tape);
        }
        self.frames += frames as u64;
        result
    }

    /// Fills the input block.
    fn capture(&mut self, frames: usize, xruns: c_ulong, tape: &mut Tape<'_>) {
        let frame_size = self.config.input_frame_size;
        let block = &mut self.input[..frames * frame_size];
        let lost = match xruns & flags::INPUT_OVERFLOW {
            0 => 0,
            _ => frames,
        };
        let made_up = xruns & flags::INPUT_UNDERFLOW != 0;
        let filled = if let Some(input) = &mut tape.input {
            let rest = &input[input.len().min(lost * frame_size)..];
            let taken = if made_up {
                0
            } else {
                rest.len().min(block.len())
            };
            block[..taken].copy_from_slice(&rest[..taken]);
            *input = &rest[taken..];
            taken
        } else if let Some(cable) = &mut self.cable {
            cable.lose(lost);
            if made_up { 0 } else { cable.take(block) }
        } else {
            0
        };
        block[filled..].fill(0);
    }

    /// Passes the output block on.
    fn emit(&mut self, frames: usize, tape: &mut Tape<'_>) {
        let block = &self.output[..frames * self.config.output_frame_size];
        if let Some(output) = &mut tape.output {
            output.extend_from_slice(block);
        }
        if let (Some(cable), None) = (&mut self.cable, tape.input) {
            cable.put(block);
        }
    }
}

/// Sleeps until that time, or forever without one. Returns `false` if the device is to stop.
fn sleep_until(time: Option<Instant>, shared: &Shared) -> bool {
    loop {
        if shared.is_stopping() {
            return false;
        }
        let left = time.map_or(NAP, |time| time.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            break;
        }
        thread::sleep(left.min(NAP));
    }
    if let Some(time) = time {
        shared.count_lateness(Instant::now().saturating_duration_since(time));
    }
    true
}
