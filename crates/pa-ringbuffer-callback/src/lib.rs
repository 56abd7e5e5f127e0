//! A PortAudio callback that moves frames between the device and ring buffers, and a device that
//! is none.
//!
//! - [`callback`] has the signature of PortAudio's `PaStreamCallback`. Its `userData` is a
//!   [`CallbackState`], which names the rings and counts what happens. [`finished`] tells it when
//!   the stream is finished. If told to, it wakes threads that wait: [`CallbackState::sleep`].
//! - [`VirtualDevice`] calls such a callback, or any other one, where there is no sound card: from
//!   a thread of its own at the pace of a sample clock, or offline, with given input and blocks.
//!
//! Without the feature `std` there is only the callback.
//!
//! The callback needs atomic operations of 32 bits, compare-and-exchange among them, and the
//! virtual device those of 64 bits. Targets that lack them get an error that says so.

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
