//! Arguments that are numbers of seconds.

use std::time::Instant;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::error;
use crate::stream::wait;

/// The point in time at which a *timeout* is over, or `None` for never.
#[inline]
pub(crate) fn deadline(timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Instant>> {
    match timeout {
        None => Ok(None),
        Some(timeout) => wait::deadline(Some(seconds(timeout, "timeout")?)),
    }
}

/// Any Python number that `float()` takes, but no string.
fn seconds(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<f64> {
    // SAFETY: the object is alive.
    let seconds = unsafe { ffi::PyFloat_AsDouble(value.as_ptr()) };
    if seconds != -1.0 {
        return Ok(seconds);
    }
    let Some(error) = PyErr::take(value.py()) else {
        return Ok(seconds);
    };
    Err(error::unless_raised(value.py(), error, || {
        match value.repr() {
            Ok(value) => error::type_error(format_args!(
                "{argument} must be a number of seconds, not {value}"
            )),
            Err(error) => error,
        }
    }))
}
