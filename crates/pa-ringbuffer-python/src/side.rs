//! The two sides of a ring.

use pyo3::prelude::*;

pub(crate) use pa_ringbuffer::Side;

use crate::error;

/// The side with this name in Python.
pub(crate) fn named(name: &str) -> PyResult<Side> {
    match name {
        "producer" => Ok(Side::Producer),
        "consumer" => Ok(Side::Consumer),
        _ => Err(error::value_error(format_args!(
            "side must be 'producer' or 'consumer', not '{name}'"
        ))),
    }
}
