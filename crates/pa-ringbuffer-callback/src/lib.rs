//! A PortAudio callback that moves frames between the device and ring buffers, and a device that
//! is none.
//!
//! - [`callback`] has the signature of PortAudio's `PaStreamCallback`. Its `userData` is a
//!   [`CallbackState`], which names the rings and counts what happens. [`finished`] tells it when
//!   the stream is over.
//! - [`VirtualDevice`] calls such a callback, or any other one, from a thread of its own at the
//!   pace of a sample clock, where there is no sound card.
//!
//! Without the feature `std` there is only the callback.

#![no_std]

#[cfg(feature = "std")]
extern crate std;

mod callback;
mod counters;
#[cfg(feature = "std")]
mod device;
mod stream;

pub use callback::{CallbackState, Mode, callback, end, finished, policy};
pub use counters::Counters;
#[cfg(feature = "std")]
pub use device::{DeviceConfig, DeviceError, Monitor, Pace, VirtualDevice};
pub use stream::{CallbackResult, StreamCallback, TimeInfo, flags};
