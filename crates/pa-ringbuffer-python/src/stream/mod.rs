//! The callback's state, transfers that wait for it, and a virtual device that calls it.
//!
//! A transfer between Python's memory and a stream's ring: `output` or `input` (arguments, memory)
//! uses `side` (one user at a time, errors, disconnected devices), which waits with `wait`. For
//! event loops, a `transfer` is a Python object that advances in steps, and `watch` tells when to
//! take the next step.

pub(crate) mod callback;
pub(crate) mod compiled;
pub(crate) mod device;
mod fork;
pub(crate) mod input;
pub(crate) mod output;
pub(crate) mod pump;
pub(crate) mod side;
pub(crate) mod transfer;
pub(crate) mod wait;
pub(crate) mod watch;
