//! What a virtual device is like, and what it cannot do.

use core::ffi::{c_ulong, c_void};
use core::fmt;

use pa_ringbuffer::RingError;

use crate::stream::{CallbackFunction, FinishedCallback};

/// How fast a [`VirtualDevice`](crate::VirtualDevice) runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At the sample rate. A late call is followed by the next ones at once until the clock is
    /// caught up with, so lateness delays data but loses none.
    RealTime,
    /// As fast as the callback returns.
    Fast,
}

macro_rules! config {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr,)*) => {
        /// What a [`VirtualDevice`](crate::VirtualDevice) is like.
        ///
        /// Made with [`new`](Self::new) and the methods named after its fields.
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
            /// Whom to call.
            pub callback: CallbackFunction,
            /// The callback's last argument.
            pub user_data: *mut c_void,
            $($(#[$doc])* pub $name: $type,)*
        }

        impl DeviceConfig {
            /// A device that calls `callback` with `user_data`: 48,000 frames per second in blocks of
            /// 256, in real time, without channels, loopback, jitter and finished callback.
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
    /// Whom to tell, on the device's thread, that a started device has become inactive: after the
    /// last call, and before anybody else is told.
    finished: Option<FinishedCallback> = None,
    /// Frames per second.
    sample_rate: f64 = 48_000.0,
    /// Bytes of an input frame; 0 for a device without input.
    input_frame_size: usize = 0,
    /// Bytes of an output frame; 0 for a device without output.
    output_frame_size: usize = 0,
    /// Frames per call; 0 for block sizes that change from call to call, between 1 and 1024.
    block_size: usize = 256,
    /// Whether the output comes back as input, later by one block (1024 frames for varying
    /// blocks). Otherwise the input is zeros.
    loopback: bool = false,
    /// How fast it runs when started.
    pace: Pace = Pace::RealTime,
    /// In real time, each call comes late by a time between 0 and so many seconds, the same times
    /// after every start. `current_time` says it to the callback. Delays do not add up, and the
    /// next call never comes before the previous one has returned.
    jitter: f64 = 0.0,
}

/// Why a [`VirtualDevice`](crate::VirtualDevice) cannot do what was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeviceError {
    /// The sample rate is not a positive, finite number.
    SampleRate(f64),
    /// The jitter is not a finite number, or negative.
    Jitter(f64),
    /// There is neither input nor output.
    NoChannels,
    /// Loopback needs frames of the same size in both directions.
    Loopback,
    /// The device has been started and not yet stopped, or is in use by another call.
    Running,
    /// The device was in use when this process was forked from another one, and is lost to it.
    Forked,
    /// The device was closed.
    Closed,
    /// Input was given to a device without input.
    NoInput,
    /// The given input is not whole frames, or too few.
    Input {
        /// Its size.
        bytes: usize,
        /// Bytes of an input frame.
        frame_size: usize,
        /// How many frames are needed.
        frames: u64,
    },
    /// A block of 0 frames.
    BlockSize,
    /// [`flags`](crate::flags) that no call of this device can have.
    Xrun(c_ulong),
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
