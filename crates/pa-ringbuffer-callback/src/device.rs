//! A sound device without sound: a thread that calls a `PaStreamCallback`.

use core::ffi::c_ulong;
use core::fmt;
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::vec::Vec;

use crate::calling::Calling;
use crate::config::{DeviceConfig, DeviceError};
use crate::engine::Engine;
use crate::monitor::{Monitor, Shared, lock};
use crate::script::{Script, Tape};
use crate::stream::flags;

/// A device that calls a `PaStreamCallback` as PortAudio would, without a sound card.
///
/// The callback is called on a thread of its own ([`start`](Self::start)) or, for results that are
/// the same on every run, on the caller's ([`process`](Self::process), [`run`](Self::run)).
///
/// # Xruns
///
/// Underflows and overflows happen where they are asked for, with [`Monitor::xrun`] or in a
/// [`Script`], and nowhere else. They change neither the number of calls nor their sizes nor the
/// clock; they shift one stream of frames against the calls. For a call of `n` frames whose status
/// flags have
///
/// - `INPUT_UNDERFLOW`, the input is `n` zeros, and nothing is consumed: the input goes on with the
///   next call;
/// - `INPUT_OVERFLOW`, the next `n` frames of input are lost, before the block is captured. Given
///   input that is used up for that reason is followed by zeros;
/// - `OUTPUT_UNDERFLOW`, `n` frames of silence are in the output, before this call's block;
/// - `OUTPUT_OVERFLOW`, this call's block is not in the output.
///
/// Two in the same direction both happen: with both of the input, `n` frames are lost, and the
/// block is zeros. Silence is zeros in all sample formats.
///
/// Loopback is a cable with one block in it. Underflows make its delay longer by a block, overflows
/// shorter; what arrives too late for a call is replaced by zeros there, and what finds no room
/// behind eight blocks is lost.
///
/// # Examples
///
/// ```
/// use pa_ringbuffer::RingMemory;
/// use pa_ringbuffer_callback::{
///     CallbackState, DeviceConfig, Pace, Script, VirtualDevice, callback,
/// };
///
/// let output = RingMemory::new(8, 1024).unwrap(); // frames of 2 float32 samples
/// let input = RingMemory::new(8, 1024).unwrap();
/// let played: Vec<f32> = (0..512).map(|n| n as f32).collect();
/// // SAFETY: the geometry is this ring's, 512 floats are 256 frames, and nobody else writes.
/// unsafe { output.write(&output.geometry(), played.as_ptr().cast(), 256) };
///
/// // SAFETY: the rings outlive the device, and are used by it and by this thread only.
/// let state = unsafe { CallbackState::new(output.as_ptr(), 8, input.as_ptr(), 8, 0) };
/// let config = DeviceConfig {
///     callback,
///     user_data: (&raw const state).cast_mut().cast(),
///     finished: None,
///     sample_rate: 48_000.0,
///     input_frame_size: 8,
///     output_frame_size: 8,
///     block_size: 64,
///     loopback: true,
///     pace: Pace::RealTime,
///     jitter: 0.0,
/// };
/// // SAFETY: the callback and its state are made for these frames, and outlive the device.
/// let mut device = unsafe { VirtualDevice::new(config) }.unwrap();
/// assert_eq!(device.run(128).unwrap(), 128);
/// assert_eq!(input.read_available(), 128); // one block of silence, then what was played
///
/// let script = Script { frames: 128, block_sizes: &[48], ..Script::default() };
/// let heard = device.process(&script).unwrap();
/// assert_eq!(heard.len(), 128 * 8);
/// assert_eq!(heard[..4], 256.0_f32.to_ne_bytes());
/// ```
pub struct VirtualDevice {
    shared: Arc<Shared>,
    engine: Arc<Mutex<Engine>>,
    thread: Option<JoinHandle<()>>,
}

/// The flags that a device with these frames can have.
fn possible_xruns(config: &DeviceConfig) -> c_ulong {
    let mut possible = 0;
    if config.input_frame_size != 0 {
        possible |= flags::INPUT_UNDERFLOW | flags::INPUT_OVERFLOW;
    }
    if config.output_frame_size != 0 {
        possible |= flags::OUTPUT_UNDERFLOW | flags::OUTPUT_OVERFLOW;
    }
    possible
}

impl VirtualDevice {
    /// Makes a device; it does nothing yet.
    ///
    /// # Errors
    ///
    /// [`DeviceError::SampleRate`], [`DeviceError::Jitter`], [`DeviceError::NoChannels`],
    /// [`DeviceError::Loopback`], [`DeviceError::Memory`].
    ///
    /// # Safety
    ///
    /// The callback may be called with blocks of frames of the configured sizes and with
    /// `user_data`, and so may the finished callback with `user_data`, on any thread, until the
    /// device is dropped.
    pub unsafe fn new(config: DeviceConfig) -> Result<Self, DeviceError> {
        if !(config.sample_rate.is_finite() && config.sample_rate > 0.0) {
            return Err(DeviceError::SampleRate(config.sample_rate));
        }
        if !(config.jitter.is_finite() && config.jitter >= 0.0) {
            return Err(DeviceError::Jitter(config.jitter));
        }
        if config.input_frame_size == 0 && config.output_frame_size == 0 {
            return Err(DeviceError::NoChannels);
        }
        if config.loopback && config.input_frame_size != config.output_frame_size {
            return Err(DeviceError::Loopback);
        }
        let engine = Engine::new(config).map_err(DeviceError::Memory)?;
        Ok(Self {
            shared: Arc::new(Shared::new(possible_xruns(&config))),
            engine: Arc::new(Mutex::new(engine)),
            thread: None,
        })
    }

    /// Begins to call the callback, on a new thread.
    ///
    /// A device whose callback has ended the stream must be stopped before it can be started again.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Running`] unless it was stopped, [`DeviceError::Thread`].
    pub fn start(&mut self) -> Result<(), DeviceError> {
        self.check_idle()?;
        self.shared.set_stop(false);
        self.shared.settle_here();
        *lock(&self.shared.active) = true;
        let shared = Arc::clone(&self.shared);
        let engine = Arc::clone(&self.engine);
        let spawned = thread::Builder::new()
            .name("virtual audio".into())
            .spawn(move || {
                let mut engine = lock(&engine);
                engine.play(&shared);
                engine.finish();
                // Who sees that the device is inactive may start it again, and not before.
                let mut active = lock(&shared.active);
                drop(engine);
                *active = false;
                shared.finished.notify_all();
            });
        match spawned {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => {
                *lock(&self.shared.active) = false;
                return Err(DeviceError::Thread(error));
            }
        }
        Ok(())
    }

    /// Ends the calls and waits until the last one has returned. Does nothing if not started.
    pub fn stop(&mut self) {
        self.shared.set_stop(true);
        let Some(thread) = self.thread.take() else {
            return;
        };
        if !self.shared.is_here() {
            // Nobody is there to be waited for; not even the handle's destructor may try.
            core::mem::forget(thread);
        } else if thread.thread().id() != thread::current().id() {
            // A panic in there was reported by the thread itself, and the device is idle.
            let _ = thread.join();
        }
        // A callback that stops its own device cannot wait for itself; the loop ends behind it.
    }

    /// Refuses while a thread is at work, or was at the moment of a fork: it keeps the engine.
    fn check_idle(&self) -> Result<(), DeviceError> {
        let busy = matches!(self.engine.try_lock(), Err(TryLockError::WouldBlock));
        if self.thread.is_some() || busy {
            return Err(DeviceError::Running);
        }
        Ok(())
    }

    /// Calls the callback on this thread, without a clock, for `frames` frames or until it ends
    /// the stream or [`Monitor::request_stop`] is called, and returns how many frames there were.
    /// The last block is cut to fit.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Running`] unless it was stopped.
    pub fn run(&mut self, frames: u64) -> Result<u64, DeviceError> {
        let script = Script {
            frames,
            ..Script::default()
        };
        self.follow(&script, &mut Tape::default())
    }

    /// Makes the calls of a script on this thread, without a clock, and returns the output: what
    /// the callback has played up to the end of the script, or until it ends the stream or
    /// [`Monitor::request_stop`] is called.
    ///
    /// The block of the call that ends the stream is part of the output if that returned
    /// `paComplete`, and not if it returned `paAbort`. Output underflows make the output longer,
    /// overflows shorter.
    ///
    /// With given input, nothing passes through the loopback: what is in it stays there. Otherwise
    /// the output also comes back as input, as in other calls; blocks larger than all before make
    /// the delay as long as they are.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Running`] unless it was stopped; [`DeviceError::NoInput`],
    /// [`DeviceError::Input`], [`DeviceError::BlockSize`], [`DeviceError::Xrun`] for a script that
    /// the device cannot follow, before the first call; [`DeviceError::Memory`].
    pub fn process(&mut self, script: &Script<'_>) -> Result<Vec<u8>, DeviceError> {
        let mut tape = Tape {
            input: script.input,
            output: Some(Vec::new()),
        };
        self.follow(script, &mut tape)?;
        Ok(tape.output.unwrap_or_default())
    }

    fn follow(&mut self, script: &Script<'_>, tape: &mut Tape<'_>) -> Result<u64, DeviceError> {
        self.check_idle()?;
        self.shared.set_stop(false);
        lock(&self.engine).run(script, tape, &self.shared)
    }

    /// Whether this thread is just now being used by a virtual device for a call of its callback.
    ///
    /// Such a thread must not wait for the device.
    pub fn in_callback() -> bool {
        Calling::is_here()
    }

    /// Something to watch the device with while others use it.
    pub fn monitor(&self) -> Monitor {
        Monitor(Arc::clone(&self.shared))
    }

    /// See [`Monitor::is_active`].
    pub fn is_active(&self) -> bool {
        self.monitor().is_active()
    }

    /// See [`Monitor::wait`].
    pub fn wait(&self, timeout: Duration) -> bool {
        self.monitor().wait(timeout)
    }

    /// See [`Monitor::frames`].
    pub fn frames(&self) -> u64 {
        self.monitor().frames()
    }

    /// See [`Monitor::lateness`].
    pub fn lateness(&self) -> Duration {
        self.monitor().lateness()
    }
}

impl Drop for VirtualDevice {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for VirtualDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualDevice")
            .field("active", &self.is_active())
            .field("frames", &self.frames())
            .finish_non_exhaustive()
    }
}
