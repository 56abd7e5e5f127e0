//! The configuration of a virtual device, and its errors.

use core::ffi::{c_ulong, c_void};
use core::fmt;

use pa_ringbuffer::RingError;

use crate::stream::{CallbackFunction, FinishedCallback};

/// How fast a [`VirtualDevice`](crate::VirtualDevice) runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At the sample rate. After a late call, the next calls follow immediately until they have
    /// caught up with the clock, so lateness delays data but loses none.
    RealTime,
    /// As fast as the callback returns.
    Fast,
}

macro_rules! config {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr,)*) => {
        /// Configuration of a [`VirtualDevice`](crate::VirtualDevice).
        ///
        /// Make one with [`new`](Self::new) and the methods named after its fields.
        ///
        /// # Examples
        ///
        /// ```
        /// use pa_ringbuffer_callback::{DeviceConfig, Pace, callback};
        ///
        /// let config = DeviceConfig::new(callback, std::ptr::null_mut())
        ///     .output_frame_size(8)
        ///     .block_size(64)
        ///     .pace(Pace::Fast);
        /// assert_eq!(config.input_frame_size, 0);
        /// ```
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub struct DeviceConfig {
            /// The callback to call.
            pub callback: CallbackFunction,
            /// The callback's last argument.
            pub user_data: *mut c_void,
            $($(#[$doc])* pub $name: $type,)*
        }

        impl DeviceConfig {
            /// A device that calls `callback` with `user_data`: 48,000 frames per second in blocks
            /// of 256, in real time, without channels, loopback, jitter and finished callback.
            pub fn new(callback: CallbackFunction, user_data: *mut c_void) -> Self {
                Self {
                    callback,
                    user_data,
                    $($name: $default,)*
                }
            }

            $($(#[$doc])*
            #[must_use]
            pub fn $name(mut self, $name: $type) -> Self {
                self.$name = $name;
                self
            })*
        }
    };
}

config! {
    /// Called on the device's thread when a started device has become inactive: after the last
    /// call, and before any waiting thread is notified.
    finished: Option<FinishedCallback> = None,
    /// Frames per second.
    sample_rate: f64 = 48_000.0,
    /// Bytes of an input frame; 0 for a device without input.
    input_frame_size: usize = 0,
    /// Bytes of an output frame; 0 for a device without output.
    output_frame_size: usize = 0,
    /// Frames per call; 0 for block sizes that vary from call to call, between 1 and 1024.
    block_size: usize = 256,
    /// Whether the output comes back as input, one block later (1024 frames for varying blocks).
    /// Otherwise the input is zeros.
    loopback: bool = false,
    /// Speed of a started device.
    pace: Pace = Pace::RealTime,
    /// In real time, each call is late by between 0 and this number of seconds, by the same amounts
    /// after every start. The callback sees this in `current_time`. The delays do not add up, and
    /// the next call never starts before the previous one has returned.
    jitter: f64 = 0.0,
}

/// Why a [`VirtualDevice`](crate::VirtualDevice) has refused a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeviceError {
    /// The sample rate is not a positive, finite number.
    SampleRate(f64),
    /// The jitter is negative or not a finite number.
    Jitter(f64),
    /// There is neither input nor output.
    NoChannels,
    /// Loopback needs frames of the same size in both directions.
    Loopback,
    /// The device has been started and not stopped yet, or another call is using it.
    Running,
    /// The device was in use when this process was forked, so this process cannot use it.
    Forked,
    /// The device has been closed.
    Closed,
    /// Input was given to a device without input.
    NoInput,
    /// The given input does not consist of whole frames, or has too few.
    Input {
        /// Its size.
        bytes: usize,
        /// Bytes of an input frame.
        frame_size: usize,
        /// The number of frames needed.
        frames: u64,
    },
    /// A block of 0 frames.
    BlockSize,
    /// [`flags`](crate::flags) that calls of this device cannot have.
    Xrun(c_ulong),
    /// There is no memory for the blocks.
    Memory(RingError),
    /// The operating system could not start a thread.
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
            Self::Jitter(value) => write!(
                f,
                "the jitter must be a finite number of seconds, 0 or more, not {value}"
            ),
            Self::NoChannels => f.write_str("the device needs input or output channels, or both"),
            Self::Loopback => f.write_str(
                "loopback needs input and output frames of the same size (channels and samples)",
            ),
            Self::Running => f.write_str("the device is running; stop it first"),
            Self::Forked => f.write_str(
                "the device was in use when this process was forked; make a new one here",
            ),
            Self::Closed => f.write_str("the device is closed"),
            Self::NoInput => {
                f.write_str("the device has no input channels, so there can be no input")
            }
            Self::Input {
                bytes,
                frame_size,
                frames,
            } => write!(
                f,
                "the input must be at least {frames} whole frames of {frame_size} bytes, not \
                 {bytes} bytes"
            ),
            Self::BlockSize => f.write_str("blocks must have at least 1 frame, not 0"),
            Self::Xrun(flags) => write!(
                f,
                "the status flags {flags:#x} are no underflow or overflow of a direction that the \
                 device has"
            ),
            Self::Memory(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "no thread for the device: {error}"),
        }
    }
}

impl core::error::Error for DeviceError {}
