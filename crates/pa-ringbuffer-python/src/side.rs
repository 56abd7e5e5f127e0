//! The two sides of a ring.

use pa_ringbuffer::PaUtilRingBuffer;
use pyo3::prelude::*;

use crate::error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Writes elements, and waits for room.
    Producer,
    /// Reads elements, and waits for them.
    Consumer,
}

impl Side {
    /// The side that Python calls by this name.
    pub(crate) fn named(name: &str) -> PyResult<Self> {
        match name {
            "producer" => Ok(Self::Producer),
            "consumer" => Ok(Self::Consumer),
            _ => Err(error::value_error(format_args!(
                "side must be 'producer' or 'consumer', not '{name}'"
            ))),
        }
    }

    /// Whether this side can transfer `count` elements without waiting.
    pub(crate) fn has(self, ring: &PaUtilRingBuffer, count: usize) -> bool {
        let available = match self {
            Self::Producer => ring.write_available(),
            Self::Consumer => ring.read_available(),
        };
        available >= count
    }
}
