//! The calls of a script, one after the other, without a clock.

use core::ffi::{c_int, c_ulong};
use core::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use std::vec::Vec;

use pa_ringbuffer::RingError;

use crate::config::DeviceError;
use crate::device::User;
use crate::engine::Engine;
use crate::script::{Script, Tape};
use crate::stream::CallbackResult;

/// The calls of a script, as returned by [`VirtualDevice::prepare`](crate::VirtualDevice::prepare),
/// on the thread that makes them. The device is in use until this is dropped.
pub struct Offline<'a> {
    engine: &'a Mutex<Engine>,
    user: User,
    script: Script<'a>,
    /// In the order of the calls.
    xruns: Vec<(u64, c_ulong)>,
    tape: Tape<'a>,
    calls: u64,
    frames: u64,
    finished: bool,
}

impl<'a> Offline<'a> {
    pub(crate) fn new(
        user: User,
        engine: &'a Mutex<Engine>,
        script: &Script<'a>,
        keep_output: bool,
    ) -> Result<Self, DeviceError> {
        let mut locked = engine.lock().unwrap_or_else(PoisonError::into_inner);
        locked.check(script, &user.0)?;
        locked.make_room(script).map_err(DeviceError::Memory)?;
        drop(locked);
        let mut xruns = Vec::new();
        reserve(&mut xruns, script.xruns.len())?;
        xruns.extend_from_slice(script.xruns);
        xruns.sort_unstable();
        let tape = Tape {
            input: script.input,
            output: keep_output.then(Vec::new),
        };
        Ok(Self {
            engine,
            user,
            script: *script,
            xruns,
            tape,
            calls: 0,
            frames: 0,
            finished: false,
        })
    }

    /// Makes the next calls: all of them, or those that start before `pause`. Returns whether none
    /// is left.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Memory`] if there is no memory for the output. Earlier calls have been made.
    pub fn go_on(&mut self, pause: Option<Instant>) -> Result<bool, DeviceError> {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        while self.frames < self.script.frames && !self.finished && !self.user.0.is_stopping() {
            if pause.is_some_and(|pause| Instant::now() >= pause) {
                return Ok(false);
            }
            self.call(&mut engine)?;
        }
        Ok(true)
    }

    fn call(&mut self, engine: &mut Engine) -> Result<(), DeviceError> {
        let size = match self.script.block_sizes.len() as u64 {
            0 => engine.next_block(),
            count => self.script.block_sizes[(self.calls % count) as usize],
        };
        let rest = self.script.frames - self.frames;
        let size = size.min(usize::try_from(rest).unwrap_or(usize::MAX));
        let shared = &self.user.0;
        let mut status = shared.take_xruns();
        let begin = self.xruns.partition_point(|(call, _)| *call < self.calls);
        for (_, more) in (self.xruns[begin..].iter()).take_while(|(call, _)| *call == self.calls) {
            status |= more;
        }
        if let Some(output) = &mut self.tape.output {
            reserve(output, engine.output_size(size))?;
        }
        let result = engine.call(size, status, 0.0, &mut self.tape);
        self.calls += 1;
        self.frames += size as u64;
        shared.count_frames(size);
        self.finished = result != CallbackResult::Continue as c_int;
        Ok(())
    }

    /// Frames in the calls so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The output so far, if it is being kept. Ends the calls.
    pub fn into_output(self) -> Vec<u8> {
        self.tape.output.unwrap_or_default()
    }
}

impl fmt::Debug for Offline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offline")
            .field("calls", &self.calls)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

fn reserve<T>(list: &mut Vec<T>, count: usize) -> Result<(), DeviceError> {
    list.try_reserve(count).map_err(|_| {
        let bytes = count.saturating_mul(size_of::<T>());
        DeviceError::Memory(RingError::OutOfMemory { bytes })
    })
}
