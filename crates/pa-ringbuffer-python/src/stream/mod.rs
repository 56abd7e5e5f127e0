//! The callback's state, what waits for it, and a device without sound that calls it.

pub(crate) mod callback;
pub(crate) mod device;
pub(crate) mod wait;
pub(crate) mod watch;
