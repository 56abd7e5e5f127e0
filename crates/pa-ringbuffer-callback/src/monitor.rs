//! What the thread of a virtual device and its owner both see.

use core::ffi::c_ulong;
use core::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::config::DeviceError;

/// A lock that outlives a panic: what it protects here is valid at every step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state of a device, without locks except for those who wait for its end.
pub(crate) struct Shared {
    stop: AtomicBool,
    frames: AtomicU64,
    lateness: AtomicU64,
    /// Flags for the next call.
    xruns: AtomicU32,
    /// Those of the directions that the device has.
    possible_xruns: c_ulong,
    /// The process that has the thread. A forked child has a copy of everything else.
    process: AtomicU32,
    pub(crate) active: Mutex<bool>,
    pub(crate) finished: Condvar,
}

impl Shared {
    pub(crate) fn new(possible_xruns: c_ulong) -> Self {
        Self {
            stop: AtomicBool::new(false),
            frames: AtomicU64::new(0),
            lateness: AtomicU64::new(0),
            xruns: AtomicU32::new(0),
            possible_xruns,
            process: AtomicU32::new(0),
            active: Mutex::new(false),
            finished: Condvar::new(),
        }
    }

    pub(crate) fn set_stop(&self, stop: bool) {
        self.stop.store(stop, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn count_frames(&self, frames: usize) {
        self.frames.fetch_add(frames as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_lateness(&self, late: Duration) {
        self.lateness
            .fetch_max(late.as_nanos() as u64, Ordering::Relaxed);
    }

    pub(crate) fn check_xruns(&self, xruns: c_ulong) -> Result<(), DeviceError> {
        match xruns & !self.possible_xruns {
            0 => Ok(()),
            impossible => Err(DeviceError::Xrun(impossible)),
        }
    }

    /// What was asked for since the last call. Real-time safe.
    pub(crate) fn take_xruns(&self) -> c_ulong {
        c_ulong::from(self.xruns.swap(0, Ordering::Relaxed))
    }

    pub(crate) fn settle_here(&self) {
        self.process.store(std::process::id(), Ordering::Relaxed);
    }

    pub(crate) fn is_here(&self) -> bool {
        self.process.load(Ordering::Relaxed) == std::process::id()
    }
}

/// Watches a [`VirtualDevice`](crate::VirtualDevice) without borrowing it, on any thread and from
/// the callback.
#[derive(Clone)]
pub struct Monitor(pub(crate) Arc<Shared>);

impl Monitor {
    /// Whether the callback is being called: from
    /// [`VirtualDevice::start`](crate::VirtualDevice::start) until
    /// [`VirtualDevice::stop`](crate::VirtualDevice::stop) or until the callback returns something
    /// else than `paContinue`.
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
        self.0.set_stop(true);
    }

    /// Makes the device suffer from underflows or overflows ([`flags`](crate::flags), combined with
    /// `|`) at the next call that begins. What each of them does to the data is said at
    /// [`VirtualDevice`](crate::VirtualDevice#xruns).
    ///
    /// Several of the same kind before that call are one. Real-time safe.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Xrun`] for a direction that the device does not have, or for other flags.
    pub fn xrun(&self, xruns: c_ulong) -> Result<(), DeviceError> {
        self.0.check_xruns(xruns)?;
        self.0.xruns.fetch_or(xruns as u32, Ordering::Relaxed);
        Ok(())
    }

    /// Frames in all calls so far.
    pub fn frames(&self) -> u64 {
        self.0.frames.load(Ordering::Relaxed)
    }

    /// By how much the latest call in real time came too late, intended jitter not included. Only
    /// the machine delays calls: the device's thread shares nothing with Python or with the rest of
    /// the program.
    pub fn lateness(&self) -> Duration {
        Duration::from_nanos(self.0.lateness.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Monitor").field(&self.is_active()).finish()
    }
}
