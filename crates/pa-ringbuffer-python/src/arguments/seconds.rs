//! Arguments that are times.

use std::time::Instant;

use pyo3::exceptions::PyOverflowError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::arguments::cdata::type_name;
use crate::error;
use crate::stream::wait;

/// The point in time at which a *timeout* expires, or `None` for never.
#[inline]
pub(crate) fn deadline(timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Instant>> {
    match timeout {
        None => Ok(None),
        timeout => wait::deadline(seconds(timeout.map(Bound::as_borrowed), "timeout")?),
    }
}

/// A number of seconds, or `None`. NaN is accepted here and handled by
/// [`deadline`](crate::stream::wait::deadline).
pub(crate) fn seconds(
    object: Option<Borrowed<'_, '_, PyAny>>,
    argument: &str,
) -> PyResult<Option<f64>> {
    let Some(object) = object.filter(|object| !object.is_none()) else {
        return Ok(None);
    };
    let py = object.py();
    // SAFETY: the object is alive.
    let seconds = unsafe { ffi::PyFloat_AsDouble(object.as_ptr()) };
    if seconds == -1.0 {
        if let Some(error) = PyErr::take(py) {
            // Integers may exceed the range of a float.
            if error.is_instance_of::<PyOverflowError>(py) && error.traceback(py).is_none() {
                return Err(error::overflow_error(format_args!(
                    "{argument} must be a number of seconds that fits into a float, not a larger one"
                )));
            }
            return Err(error::unless_raised(py, error, || {
                error::type_error(format_args!(
                    "{argument} must be a number of seconds, not {}",
                    type_name(&object)
                ))
            }));
        }
    }
    Ok(Some(seconds))
}
