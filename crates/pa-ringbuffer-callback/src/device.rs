//! A sound device without sound: a thread that calls a `PaStreamCallback`.

use core::ffi::{c_int, c_ulong, c_void};
use core::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::vec::Vec;

use pa_ringbuffer::{RingError, RingMemory};

use crate::stream::{CallbackResult, StreamCallback, TimeInfo};

/// The largest block that a device with varying block sizes asks for.
const LARGEST_VARYING_BLOCK: usize = 1024;

/// How fast a [`VirtualDevice`] runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At the sample rate. A late call is followed by the next ones at once until the clock is
    /// caught up with, so lateness delays data but loses none.
    RealTime,
    /// As fast as the callback returns.
    Fast,
}

/// What a [`VirtualDevice`] is like.
#[derive(Clone, Copy, Debug)]
pub struct DeviceConfig {
    /// Whom to call.
    pub callback: StreamCallback,
    /// The callback's last argument.
    pub user_data: *mut c_void,
    /// Frames per second.
    pub sample_rate: f64,
    /// Bytes of an input frame; 0 for a device without input.
    pub input_frame_size: usize,
    /// Bytes of an output frame; 0 for a device without output.
    pub output_frame_size: usize,
    /// Frames per call; 0 for block sizes that change from call to call, between 1 and 1024.
    pub block_size: usize,
    /// Whether the output comes back as input, later by one block (1024 frames for varying
    /// blocks). Otherwise the input is zeros.
    pub loopback: bool,
    /// How fast it runs when started.
    pub pace: Pace,
}

/// Why a [`VirtualDevice`] cannot do what was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeviceError {
    /// The sample rate is not a positive, finite number.
    SampleRate(f64),
    /// There is neither input nor output.
    NoChannels,
    /// Loopback needs frames of the same size in both directions.
    Loopback,
    /// The device has been started and not yet stopped.
    Running,
    /// There is no memory for the blocks.
    Memory(RingError),
    /// The operating system gives no thread.
    Thread(std::io::Error),
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SampleRate(value) => {
                write!(
                    f,
                    "the sample rate must be a positive number of frames per second, not {value}"
                )
            }
            Self::NoChannels => f.write_str("the device needs input or output channels, or both"),
            Self::Loopback => f.write_str(
                "loopback needs input and output frames of the same size (channels and samples)",
            ),
            Self::Running => f.write_str("the device is running; stop it first"),
            Self::Memory(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "no thread for the device: {error}"),
        }
    }
}

impl core::error::Error for DeviceError {}

/// A device that calls a `PaStreamCallback` as PortAudio would, without a sound card.
///
/// The callback is called on a thread of its own ([`start`](Self::start)) or, for results that are
/// the same on every run, on the caller's ([`run`](Self::run)).
///
/// # Examples
///
/// ```
/// use pa_ringbuffer::RingMemory;
/// use pa_ringbuffer_callback::{CallbackState, DeviceConfig, Pace, VirtualDevice, callback};
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
///     sample_rate: 48_000.0,
///     input_frame_size: 8,
///     output_frame_size: 8,
///     block_size: 64,
///     loopback: true,
///     pace: Pace::RealTime,
/// };
/// // SAFETY: the callback and its state are made for these frames, and outlive the device.
/// let mut device = unsafe { VirtualDevice::new(config) }.unwrap();
/// assert_eq!(device.run(320).unwrap(), 320);
/// assert_eq!(input.read_available(), 320); // one block of silence, then what was played
/// ```
pub struct VirtualDevice {
    shared: Arc<Shared>,
    engine: Arc<Mutex<Engine>>,
    thread: Option<JoinHandle<()>>,
}

/// What the device's thread and its owner both see.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    frames: AtomicU64,
    lateness: AtomicU64,
    /// The process that has the thread. A forked child has a copy of everything else.
    process: AtomicU32,
    active: Mutex<bool>,
    finished: Condvar,
}

impl Shared {
    fn is_here(&self) -> bool {
        self.process.load(Ordering::Relaxed) == std::process::id()
    }
}

/// A lock that outlives a panic: what it protects here is valid at every step.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl VirtualDevice {
    /// Makes a device; it does nothing yet.
    ///
    /// # Errors
    ///
    /// [`DeviceError::SampleRate`], [`DeviceError::NoChannels`], [`DeviceError::Loopback`],
    /// [`DeviceError::Memory`].
    ///
    /// # Safety
    ///
    /// The callback may be called with blocks of frames of the configured sizes and with
    /// `user_data`, on any thread, until the device is dropped.
    pub unsafe fn new(config: DeviceConfig) -> Result<Self, DeviceError> {
        if !(config.sample_rate.is_finite() && config.sample_rate > 0.0) {
            return Err(DeviceError::SampleRate(config.sample_rate));
        }
        if config.input_frame_size == 0 && config.output_frame_size == 0 {
            return Err(DeviceError::NoChannels);
        }
        if config.loopback && config.input_frame_size != config.output_frame_size {
            return Err(DeviceError::Loopback);
        }
        let engine = Engine::new(config).map_err(DeviceError::Memory)?;
        Ok(Self {
            shared: Arc::new(Shared::default()),
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
        self.shared.stop.store(false, Ordering::Relaxed);
        self.shared
            .process
            .store(std::process::id(), Ordering::Relaxed);
        *lock(&self.shared.active) = true;
        let shared = Arc::clone(&self.shared);
        let engine = Arc::clone(&self.engine);
        let spawned = thread::Builder::new()
            .name("virtual audio".into())
            .spawn(move || {
                lock(&engine).play(&shared);
                *lock(&shared.active) = false;
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
        self.shared.stop.store(true, Ordering::Relaxed);
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
        self.check_idle()?;
        self.shared.stop.store(false, Ordering::Relaxed);
        let mut engine = lock(&self.engine);
        let mut done = 0;
        while done < frames && !self.shared.stop.load(Ordering::Relaxed) {
            let size = engine
                .next_block()
                .min(usize::try_from(frames - done).unwrap_or(usize::MAX));
            let result = engine.call(size);
            done += size as u64;
            self.shared.frames.fetch_add(size as u64, Ordering::Relaxed);
            if result != CallbackResult::Continue as c_int {
                break;
            }
        }
        Ok(done)
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

/// Watches a [`VirtualDevice`] without borrowing it, on any thread and from the callback.
#[derive(Clone)]
pub struct Monitor(Arc<Shared>);

impl Monitor {
    /// Whether the callback is being called: from [`VirtualDevice::start`] until
    /// [`VirtualDevice::stop`] or until the callback returns something else than `paContinue`.
    ///
    /// A forked child has the device but not its thread; there it is not active.
    pub fn is_active(&self) -> bool {
        *lock(&self.0.active) && self.0.is_here()
    }

    /// Waits until the device is no longer active, but not longer than `timeout`, and says whether
    /// it is not.
    pub fn wait(&self, timeout: Duration) -> bool {
        if !self.0.is_here() {
            return true;
        }
        let active = lock(&self.0.active);
        let waited = self
            .0
            .finished
            .wait_timeout_while(active, timeout, |active| *active);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Makes the call that is going on the last one, without waiting for its end.
    pub fn request_stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }

    /// Frames in all calls so far.
    pub fn frames(&self) -> u64 {
        self.0.frames.load(Ordering::Relaxed)
    }

    /// By how much the latest call in real time came too late. Only the machine delays calls: the
    /// device's thread shares nothing with Python or with the rest of the program.
    pub fn lateness(&self) -> Duration {
        Duration::from_nanos(self.0.lateness.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Monitor").field(&self.is_active()).finish()
    }
}

/// Everything that a call needs, allocated beforehand.
struct Engine {
    config: DeviceConfig,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Output on its way to the input.
    cable: Option<RingMemory>,
    /// Frames since the device was made: its clock.
    frames: u64,
    random: u32,
}

// SAFETY: `user_data` is only handed on to the callback, on whatever thread, as the maker of the
// device has allowed.
unsafe impl Send for Engine {}

impl Engine {
    fn new(config: DeviceConfig) -> Result<Self, RingError> {
        let largest = if config.block_size == 0 {
            LARGEST_VARYING_BLOCK
        } else {
            config.block_size
        };
        let block = |frame_size: usize| {
            let bytes = frame_size.checked_mul(largest);
            let mut block = Vec::new();
            match bytes.map(|bytes| (bytes, block.try_reserve_exact(bytes))) {
                Some((bytes, Ok(()))) => {
                    block.extend(core::iter::repeat_n(0u8, bytes));
                    Ok(block)
                }
                _ => Err(RingError::OutOfMemory {
                    bytes: bytes.unwrap_or(usize::MAX),
                }),
            }
        };
        let (input, output) = (
            block(config.input_frame_size)?,
            block(config.output_frame_size)?,
        );
        let cable = if config.loopback {
            // It never holds more than one largest block before a call, and two within.
            let ring = RingMemory::new(
                config.output_frame_size,
                largest
                    .checked_mul(2)
                    .and_then(usize::checked_next_power_of_two)
                    .ok_or(RingError::OutOfMemory { bytes: usize::MAX })?,
            )?;
            // SAFETY: the block holds that many frames of zeros, and the ring is not yet shared.
            unsafe { ring.write(&ring.geometry(), output.as_ptr().cast(), largest) };
            Some(ring)
        } else {
            None
        };
        Ok(Self {
            config,
            input,
            output,
            cable,
            frames: 0,
            random: 0x2545_F491,
        })
    }

    /// Calls until told to stop, by the owner or by the callback.
    fn play(&mut self, shared: &Shared) {
        let begin = Instant::now();
        let first = self.frames;
        while !shared.stop.load(Ordering::Relaxed) {
            if self.config.pace == Pace::RealTime {
                let seconds = (self.frames - first) as f64 / self.config.sample_rate;
                let due = begin + Duration::from_secs_f64(seconds);
                let now = Instant::now();
                if now < due {
                    thread::sleep(due - now);
                }
                let late = Instant::now().saturating_duration_since(due).as_nanos() as u64;
                shared.lateness.fetch_max(late, Ordering::Relaxed);
            }
            let size = self.next_block();
            let result = self.call(size);
            shared.frames.fetch_add(size as u64, Ordering::Relaxed);
            if result != CallbackResult::Continue as c_int {
                break;
            }
        }
    }

    /// Size of the next block in frames.
    fn next_block(&mut self) -> usize {
        if self.config.block_size != 0 {
            return self.config.block_size;
        }
        // xorshift32 (Marsaglia 2003): the same sizes in every run.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        1 + self.random as usize % LARGEST_VARYING_BLOCK
    }

    /// One call of the callback.
    fn call(&mut self, frames: usize) -> c_int {
        let config = &self.config;
        if let Some(cable) = &self.cable {
            // SAFETY: the block has room for the largest number of frames; this thread alone uses
            // the cable.
            unsafe { cable.read(&cable.geometry(), self.input.as_mut_ptr().cast(), frames) };
        }
        let now = self.frames as f64 / config.sample_rate;
        let block = frames as f64 / config.sample_rate;
        let time = TimeInfo {
            input_buffer_adc_time: now - block,
            current_time: now,
            output_buffer_dac_time: now + block,
        };
        let input = match config.input_frame_size {
            0 => core::ptr::null(),
            _ => self.input.as_ptr().cast::<c_void>(),
        };
        let output = match config.output_frame_size {
            0 => core::ptr::null_mut(),
            _ => self.output.as_mut_ptr().cast::<c_void>(),
        };
        // SAFETY: the maker of the device has allowed it with these blocks.
        let result = unsafe {
            (config.callback)(input, output, frames as c_ulong, &time, 0, config.user_data)
        };
        if let Some(cable) = &self.cable {
            // SAFETY: the block holds that many frames; this thread alone uses the cable.
            unsafe { cable.write(&cable.geometry(), self.output.as_ptr().cast(), frames) };
        }
        self.frames += frames as u64;
        result
    }
}
