//! The state that the thread of a virtual device shares with its owner.

use core::ffi::c_ulong;
use core::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::config::DeviceError;
use crate::usage::Usage;

/// The state of a device, without locks.
pub(crate) struct Shared {
    pub(crate) usage: Usage,
    /// Whether no more calls will follow.
    closed: AtomicBool,
    frames: AtomicU64,
    lateness: AtomicU64,
    /// Flags for the next call.
    xruns: AtomicU32,
    /// The flags of the directions that the device has.
    possible_xruns: c_ulong,
}

impl Shared {
    pub(crate) fn new(possible_xruns: c_ulong) -> Self {
        Self {
            usage: Usage::new(),
            closed: AtomicBool::new(false),
            frames: AtomicU64::new(0),
            lateness: AtomicU64::new(0),
            xruns: AtomicU32::new(0),
            possible_xruns,
        }
    }

    pub(crate) fn close(&self) {
        // A use that begins in the meantime either sees this or is asked to stop.
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.usage.is_stopping() || self.closed.load(Ordering::Relaxed)
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

    /// The flags requested since the last call. Real-time safe.
    pub(crate) fn take_xruns(&self) -> c_ulong {
        c_ulong::from(self.xruns.swap(0, Ordering::Relaxed))
    }
}

/// Watches a [`VirtualDevice`](crate::VirtualDevice) without borrowing it, from any thread and from
/// the callback.
#[derive(Clone)]
pub struct Monitor(pub(crate) Arc<Shared>);

impl Monitor {
    /// Whether the device is calling the callback: from
    /// [`VirtualDevice::start`](crate::VirtualDevice::start) until
    /// [`VirtualDevice::stop`](crate::VirtualDevice::stop), or until the callback returns a value
    /// other than `paContinue`.
    ///
    /// A forked child has the device but not its thread; the device is not active there.
    pub fn is_active(&self) -> bool {
        self.0.usage.is_active()
    }

    /// Waits until the device is no longer active, up to `timeout`, and returns whether it is
    /// inactive. A device that is immediately started again counts as having been inactive.
    pub fn wait(&self, timeout: Duration) -> bool {
        let present = self.present_use();
        !self.is_active() || present.is_none_or(|present| self.wait_for_end(present, timeout))
    }

    /// The number of the current use: by the device's thread, or by a call of
    /// [`VirtualDevice::run`](crate::VirtualDevice::run) or
    /// [`VirtualDevice::process`](crate::VirtualDevice::process).
    pub fn present_use(&self) -> Option<u64> {
        self.0.usage.present()
    }

    /// Whether the device's thread makes no more calls but still has to release what it keeps.
    /// After that, the device can be used again.
    pub fn is_ending(&self) -> bool {
        self.0.usage.is_ending()
    }

    /// Waits until that use has ended, up to `timeout`, and returns whether it has. The callback
    /// must not call this, because it would wait for itself.
    pub fn wait_for_end(&self, present_use: u64, timeout: Duration) -> bool {
        self.0.usage.wait_for_end(present_use, timeout)
    }

    /// Makes the current call the last one, without waiting for its end. Does nothing to a device
    /// that makes no calls.
    pub fn request_stop(&self) {
        self.0.usage.ask_to_stop();
    }

    /// Like [`request_stop`](Self::request_stop), but permanently.
    pub fn request_close(&self) {
        self.0.close();
        self.0.usage.ask_to_stop();
    }

    /// Whether calls are permanently stopped.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Makes the next call report underflows or overflows ([`flags`](crate::flags), combined with
    /// `|`). [`VirtualDevice`](crate::VirtualDevice#xruns) describes their effects on the data.
    ///
    /// Several requests of the same kind before that call count as one. Real-time safe.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Xrun`] for a direction that the device does not have, or for other flags.
    pub fn xrun(&self, xruns: c_ulong) -> Result<(), DeviceError> {
        self.0.check_xruns(xruns)?;
        #[allow(clippy::unnecessary_cast)] // On some systems they already have 32 bits.
        self.0.xruns.fetch_or(xruns as u32, Ordering::Relaxed);
        Ok(())
    }

    /// Frames in all calls so far.
    pub fn frames(&self) -> u64 {
        self.0.frames.load(Ordering::Relaxed)
    }

    /// Lateness of the latest call in real time, without intended jitter. Only the machine delays
    /// calls: the device's thread shares nothing with Python or with the rest of the program.
    pub fn lateness(&self) -> Duration {
        Duration::from_nanos(self.0.lateness.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Monitor").field(&self.is_active()).finish()
    }
}
