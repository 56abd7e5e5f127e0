//! A PortAudio callback that moves frames between the device and ring buffers, and a virtual device
//! for programs without a sound card.
//!
//! - [`callback`] has the signature of PortAudio's `PaStreamCallback`. Its `userData` is a
//!   [`CallbackState`], which refers to the rings and contains the counters. [`finished`] records
//!   the end of the stream there. Optionally, the callback wakes waiting threads:
//!   [`CallbackState::sleep`].
//! - [`VirtualDevice`] calls this or any other callback without a sound card: from its own thread
//!   at the pace of a sample clock, or offline, with given input and block sizes.
//!
//! Without the feature `std`, only the callback is available.
//!
//! The callback needs 32-bit atomic operations including compare-and-exchange, and the virtual
//! device needs 64-bit ones. On targets that lack them, compilation fails with a message.

#![no_std]

#[cfg(not(target_has_atomic = "32"))]
compile_error!(
    "pa-ringbuffer-callback needs compare-and-exchange of 32 bits, which this target does not \
     have; the ring itself, pa-ringbuffer, does without"
);
#[cfg(all(feature = "std", not(target_has_atomic = "64")))]
compile_error!(
    "the virtual device of pa-ringbuffer-callback needs 64-bit atomics, which this target does not \
     have; `default-features = false` leaves the callback, which does without"
);

#[cfg(feature = "std")]
extern crate std;

mod atomic;
#[cfg(feature = "std")]
mod cable;
mod callback;
#[cfg(feature = "std")]
mod calling;
#[cfg(feature = "std")]
mod config;
mod counters;
#[cfg(feature = "std")]
mod device;
#[cfg(feature = "std")]
mod engine;
mod futex;
#[cfg(any(test, not(target_has_atomic = "64")))]
mod halves;
#[cfg(feature = "std")]
mod monitor;
#[cfg(feature = "std")]
mod offline;
#[cfg(feature = "std")]
mod random;
#[cfg(feature = "std")]
mod script;
mod stream;
mod times;
#[cfg(feature = "std")]
mod usage;
mod wake;

pub use callback::{
    CallbackState, FinishReason, Mode, OnOverflow, OnUnderflow, callback, finished,
};
#[cfg(feature = "std")]
pub use config::{DeviceConfig, DeviceError, Pace};
pub use counters::Counters;
#[cfg(feature = "std")]
pub use device::VirtualDevice;
#[cfg(feature = "std")]
pub use monitor::Monitor;
#[cfg(feature = "std")]
pub use offline::Offline;
pub use pa_ringbuffer::Side;
#[cfg(feature = "std")]
pub use script::Script;
pub use stream::{CallbackFunction, CallbackResult, FinishedCallback, TimeInfo, flags};
pub use times::{BlockTimes, UnknownTime};
pub use wake::Slept;
