//! A sound device without sound: a thread that calls a `PaStreamCallback`.

use core::ffi::c_ulong;
use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use std::vec::Vec;

use crate::calling::Calling;
use crate::config::{DeviceConfig, DeviceError};
use crate::engine::Engine;
use crate::monitor::{Monitor, Shared};
use crate::offline::Offline;
use crate::script::Script;
use crate::stream::flags;

/// A device that calls a `PaStreamCallback` like PortAudio, without a sound card.
///
/// It calls the callback on its own thread ([`start`](Self::start)) or, for results that are the
/// same on every run, on the caller's thread ([`process`](Self::process), [`run`](Self::run)).
///
/// # Times
///
/// The clock that callbacks see ([`TimeInfo`](crate::TimeInfo)) counts frames: it is 0 at the first
/// call, and each call advances it by its frames. Output is heard from the time of its call on.
/// Input was captured one block earlier, or by the length of the largest block so far (1024 frames
/// for varying blocks): its last frame was captured just before the call at the latest. With
/// loopback, a frame is captured when it is heard. Late calls, due to jitter or to the machine,
/// change only `current_time`.
///
/// # Xruns
///
/// Underflows and overflows happen only on request, with [`Monitor::xrun`] or in a [`Script`]. They
/// change neither the number of calls nor their sizes nor the clock; they shift one stream of
/// frames relative to the calls. For a call of `n` frames with the status flag
///
/// - `INPUT_UNDERFLOW`, the input is `n` zeros and none is consumed: the input continues with the
///   next call;
/// - `INPUT_OVERFLOW`, the next `n` frames of input are lost before the block is captured. If this
///   uses up given input, zeros follow;
/// - `OUTPUT_UNDERFLOW`, the output contains `n` frames of silence before this call's block;
/// - `OUTPUT_OVERFLOW`, the output does not contain this call's block.
///
/// Two flags for the same direction both apply: with both for the input, `n` frames are lost and
/// the block is zeros. Silence is zeros in all sample formats.
///
/// Loopback is a cable that contains one block. Underflows lengthen its delay by one block,
/// overflows shorten it. Zeros replace frames that arrive too late for a call, and frames beyond a
/// capacity of eight blocks are lost.
///
/// # Examples
///
/// ```
/// use pa_ringbuffer::RingMemory;
/// use pa_ringbuffer_callback::{
///     CallbackState, DeviceConfig, Script, VirtualDevice, callback,
/// };
///
/// let output = RingMemory::new(8, 1024).unwrap(); // frames of 2 float32 samples
/// let input = RingMemory::new(8, 1024).unwrap();
/// let played: Vec<f32> = (0..512).map(|n| n as f32).collect();
/// // SAFETY: the geometry is this ring's, 512 floats are 256 frames, and no other code writes.
/// unsafe { output.write(&output.geometry(), played.as_ptr().cast(), 256) };
///
/// // SAFETY: the rings outlive the device, and are used by it and by this thread only.
/// let state = unsafe { CallbackState::new(input.as_ptr(), 8, output.as_ptr(), 8, 0) };
/// let config = DeviceConfig::new(callback, (&raw const state).cast_mut().cast())
///     .input_frame_size(8)
///     .output_frame_size(8)
///     .block_size(64)
///     .loopback(true);
/// // SAFETY: the callback and its state are made for these frames, and outlive the device.
/// let device = unsafe { VirtualDevice::new(config) }.unwrap();
/// assert_eq!(device.run(128).unwrap(), 128);
/// assert_eq!(input.read_available(), 128); // one block of silence, then what was played
///
/// let script = Script { frames: 128, block_sizes: &[48], ..Script::default() };
/// let heard = device.process(&script).unwrap();
/// assert_eq!(heard.len(), 128 * 8);
/// assert_eq!(heard[..4], 256.0_f32.to_ne_bytes());
/// ```
///
/// # Threads
///
/// Any thread can call any method. The device has at most one use at a time: by its thread, from
/// [`start`](Self::start) on, or by one call of [`run`](Self::run) or [`process`](Self::process).
/// [`stop`](Self::stop), [`close`](Self::close) and dropping the device wait for the end of that
/// use, except in a callback of a virtual device, where the thread could wait for itself. There
/// they only make the current call the last one. Everything that the device's thread needs after
/// that belongs to the thread.
pub struct VirtualDevice {
    shared: Arc<Shared>,
    /// Only the current use locks it, so no thread ever waits for it.
    engine: Arc<Mutex<Engine>>,
    /// Whether dropping it waits for the end of its use.
    is_waited_for: bool,
}

/// The flags that calls of a device with these frames can have.
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
    /// Makes a device, which is idle at first.
    ///
    /// # Errors
    ///
    /// [`DeviceError::SampleRate`], [`DeviceError::Jitter`], [`DeviceError::NoChannels`],
    /// [`DeviceError::Loopback`], [`DeviceError::Memory`].
    ///
    /// # Safety
    ///
    /// The callback may be called, on any thread, with blocks of frames of the configured sizes and
    /// with `user_data`, and so may the finished callback with `user_data`, until the device is
    /// closed or dropped and no longer in use. A device that is dropped in a callback remains in
    /// use until that callback has returned: see [`start_with`](Self::start_with).
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
            is_waited_for: true,
        })
    }

    /// Begins to call the callback, on a new thread.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Running`] if the device is in use, [`DeviceError::Forked`],
    /// [`DeviceError::Closed`], [`DeviceError::Thread`].
    pub fn start(&self) -> Result<(), DeviceError> {
        self.settle();
        self.start_with(())
    }

    /// Like [`start`](Self::start), with an object for the thread to keep that the callbacks need.
    /// The thread drops it when the device has become inactive; until then the device is in use:
    /// see [`Monitor::is_ending`].
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn start_with(&self, keep: impl Send + 'static) -> Result<(), DeviceError> {
        let user = User::new(&self.shared, true)?;
        let engine = Arc::clone(&self.engine);
        // The end of its use is not the end of the thread, so there is nothing to join.
        thread::Builder::new()
            .name("virtual audio".into())
            .spawn(move || {
                // Dropped in the opposite order, even after a panic.
                let user = user;
                let _keep = keep;
                let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
                engine.play(&user.0);
                engine.finish();
                drop(engine);
                user.0.usage.become_inactive();
            })
            .map(drop)
            .map_err(DeviceError::Thread)
    }

    /// A thread that makes no more calls is about to end.
    fn settle(&self) {
        let monitor = self.monitor();
        if let (true, Some(present)) = (monitor.is_ending(), monitor.present_use()) {
            monitor.wait_for_end(present, Duration::MAX);
        }
    }

    /// Makes the current call the last one and waits until it has returned. Does nothing if the
    /// device is not in use.
    pub fn stop(&self) {
        self.shared.usage.ask_to_stop();
        self.wait_unless_called();
    }

    /// Like [`stop`](Self::stop), but permanently.
    pub fn close(&self) {
        self.monitor().request_close();
        self.wait_unless_called();
    }

    fn wait_unless_called(&self) {
        let monitor = self.monitor();
        if let (false, Some(present)) = (Self::in_callback(), monitor.present_use()) {
            monitor.wait_for_end(present, Duration::MAX);
        }
    }

    /// Closes and drops the device without waiting for its thread, which owns what it needs.
    pub fn give_up(mut self) {
        self.is_waited_for = false;
    }

    /// Calls the callback on this thread, without a clock, for `frames` frames, or until it ends
    /// the stream or [`Monitor::request_stop`] is called. Returns the number of frames. The last
    /// block is shortened to fit.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Running`] if the device is in use, [`DeviceError::Forked`],
    /// [`DeviceError::Closed`].
    pub fn run(&self, frames: u64) -> Result<u64, DeviceError> {
        let script = Script {
            frames,
            ..Script::default()
        };
        self.settle();
        let mut calls = self.prepare(&script, false)?;
        calls.go_on(None)?;
        Ok(calls.frames())
    }

    /// Makes the calls of a script on this thread, without a clock, and returns the output:
    /// everything that the callback has played up to the end of the script, or until it ends the
    /// stream or [`Monitor::request_stop`] is called.
    ///
    /// The output includes the block of the call that ends the stream if that call returned
    /// `paComplete`, but not if it returned `paAbort`. Output underflows lengthen the output,
    /// overflows shorten it.
    ///
    /// Given input bypasses the loopback, whose contents stay there. Without it, the output also
    /// comes back as input, as in other calls; a block larger than all before extends the delay to
    /// its length.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Running`] if the device is in use, [`DeviceError::Forked`],
    /// [`DeviceError::Closed`]; [`DeviceError::NoInput`], [`DeviceError::Input`],
    /// [`DeviceError::BlockSize`], [`DeviceError::Xrun`] for a script that the device cannot follow,
    /// before the first call; [`DeviceError::Memory`].
    pub fn process(&self, script: &Script<'_>) -> Result<Vec<u8>, DeviceError> {
        self.settle();
        let mut calls = self.prepare(script, true)?;
        calls.go_on(None)?;
        Ok(calls.into_output())
    }

    /// Prepares the calls of a script, which [`Offline::go_on`] makes, and keeps their output if
    /// `keep_output` is set. Use this to do other work between the calls.
    ///
    /// # Errors
    ///
    /// As for [`process`](Self::process).
    pub fn prepare<'a>(
        &'a self,
        script: &Script<'a>,
        keep_output: bool,
    ) -> Result<Offline<'a>, DeviceError> {
        let user = User::new(&self.shared, false)?;
        Offline::new(user, &self.engine, script, keep_output)
    }

    /// Whether a virtual device is using this thread for a call of its callback.
    ///
    /// Such a thread must not wait for the device.
    pub fn in_callback() -> bool {
        Calling::is_here()
    }

    /// A handle to watch the device while other code uses it.
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
        self.monitor().request_close();
        if self.is_waited_for {
            self.wait_unless_called();
        }
    }
}

/// One use of a device; dropping it ends the use.
pub(crate) struct User(pub(crate) Arc<Shared>);

impl User {
    fn new(shared: &Arc<Shared>, active: bool) -> Result<Self, DeviceError> {
        shared.usage.begin(active)?;
        let user = Self(Arc::clone(shared));
        if shared.is_closed() {
            return Err(DeviceError::Closed);
        }
        Ok(user)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.0.usage.end();
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
