//! The callback's state, transfers that wait for it, and a device without sound that calls it.
//!
//! A transfer between Python's memory and a stream's ring: `output` or `input` (arguments, memory) use
//! `side` (one user at a time, errors, the device that may be gone), which waits with `wait`. Where an
//! event loop waits, the `transfer` is a Python object that takes steps, and `watch` says when.

pub(crate) mod callback;
pub(crate) mod device;
mod fork;
pub(crate) mod input;
pub(crate) mod output;
pub(crate) mod pump;
pub(crate) mod side;
pub(crate) mod transfer;
pub(crate) mod wait;
pub(crate) mod watch;
