//! Python objects for results, made so that a lack of memory is a MemoryError. PyO3 panics then.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyTuple};

/// A number as result.
pub(crate) struct Number(pub(crate) usize);

impl<'py> IntoPyObject<'py> for Number {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        // SAFETY: the result is a new reference, or null with an exception.
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromSize_t(self.0)) }
    }
}

/// A number of 64 bits as result.
pub(crate) fn wide(py: Python<'_>, number: u64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the result is a new reference, or null with an exception.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromUnsignedLongLong(number)) }
}

/// An empty dict.
pub(crate) fn dict(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    // SAFETY: the result is a new reference to a dict, or null with an exception.
    unsafe { Ok(Bound::from_owned_ptr_or_err(py, ffi::PyDict_New())?.cast_into_unchecked()) }
}

/// A string as result.
pub(crate) fn text<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: so many bytes of UTF-8; the result is a new reference, or null with an exception.
    unsafe {
        let length = text.len() as ffi::Py_ssize_t;
        let string = ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), length);
        Bound::from_owned_ptr_or_err(py, string)
    }
}

/// A number of elements, and two views.
pub(crate) fn triple<'py>(
    count: usize,
    first: Bound<'py, PyAny>,
    second: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    let py = first.py();
    let items = [Number(count).into_pyobject(py)?, first, second];
    // SAFETY: the result is a new reference, or null with an exception.
    let tuple = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyTuple_New(3)) }?;
    for (n, item) in (0..).zip(items) {
        // SAFETY: a new tuple of three, which takes over the reference.
        unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), n, item.into_ptr()) };
    }
    // SAFETY: as it was made.
    Ok(unsafe { tuple.cast_into_unchecked() })
}

/// `object[begin:end]`
pub(crate) fn slice<'py>(
    object: &Bound<'py, PyAny>,
    begin: usize,
    end: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let (begin, end) = (
        Number(begin).into_pyobject(py)?,
        Number(end).into_pyobject(py)?,
    );
    // SAFETY: all are alive, and null stands for a step of 1; the results are new references, or
    // null with an exception.
    unsafe {
        let slice = ffi::PySlice_New(begin.as_ptr(), end.as_ptr(), std::ptr::null_mut());
        let slice = Bound::from_owned_ptr_or_err(py, slice)?;
        let part = ffi::PyObject_GetItem(object.as_ptr(), slice.as_ptr());
        Bound::from_owned_ptr_or_err(py, part)
    }
}

/// A new bytearray whose contents must be filled or cut off before anything else sees them.
pub(crate) fn bytearray(py: Python<'_>, bytes: usize) -> PyResult<Bound<'_, PyByteArray>> {
    // SAFETY: null stands for uninitialised contents. The result is a new reference to a bytearray,
    // or null with an exception. The size is at most that of a ring.
    unsafe {
        let array = ffi::PyByteArray_FromStringAndSize(std::ptr::null(), bytes as ffi::Py_ssize_t);
        Ok(Bound::from_owned_ptr_or_err(py, array)?.cast_into_unchecked())
    }
}

/// Bytes without any.
pub(crate) fn no_bytes(py: Python<'_>) -> PyResult<Bound<'_, PyBytes>> {
    // SAFETY: the result is a new reference, or null with an exception.
    unsafe {
        let bytes = ffi::PyBytes_FromStringAndSize(std::ptr::null(), 0);
        Ok(Bound::from_owned_ptr_or_err(py, bytes)?.cast_into_unchecked())
    }
}
