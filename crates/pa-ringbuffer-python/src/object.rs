//! Python objects for results, created so that a lack of memory raises a MemoryError, where PyO3
//! panics.

use std::ffi::CStr;

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

/// A 64-bit number as result.
pub(crate) fn wide(py: Python<'_>, number: u64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the result is a new reference, or null with an exception.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromUnsignedLongLong(number)) }
}

/// A floating-point number as result.
pub(crate) fn float(py: Python<'_>, number: f64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the result is a new reference, or null with an exception.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyFloat_FromDouble(number)) }
}

/// An empty dict.
pub(crate) fn dict(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    // SAFETY: the result is a new reference to a dict, or null with an exception.
    unsafe { Ok(Bound::from_owned_ptr_or_err(py, ffi::PyDict_New())?.cast_into_unchecked()) }
}

/// A string as result.
pub(crate) fn text<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: that many bytes of UTF-8; the result is a new reference, or null with an exception.
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
    tuple(py, [Number(count).into_pyobject(py)?, first, second])
}

/// A tuple of items whose creation may have failed.
pub(crate) fn tuple<'py, T>(
    py: Python<'py>,
    items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
) -> PyResult<Bound<'py, PyTuple>>
where
    T: IntoPyObject<'py, Target = PyAny, Output = Bound<'py, PyAny>>,
    PyErr: From<T::Error>,
{
    let items = items.into_iter();
    // SAFETY: the result is a new reference, or null with an exception.
    let tuple = unsafe {
        Bound::from_owned_ptr_or_err(py, ffi::PyTuple_New(items.len() as ffi::Py_ssize_t))
    }?;
    for (n, item) in (0..).zip(items) {
        let item = item.into_pyobject(py)?;
        // SAFETY: a new tuple of this length, which takes over the reference. (With another index,
        // it would drop the reference and fail.)
        unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), n, item.into_ptr()) };
    }
    // SAFETY: created above.
    Ok(unsafe { tuple.cast_into_unchecked() })
}

/// `function(*arguments)`
pub(crate) fn call<'py, const N: usize>(
    function: &Bound<'py, PyAny>,
    arguments: [Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    let arguments = tuple(py, arguments)?;
    // SAFETY: all are alive; the result is a new reference, or null with an exception.
    unsafe {
        let result =
            ffi::PyObject_Call(function.as_ptr(), arguments.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(py, result)
    }
}

/// `object.name`
pub(crate) fn attribute<'py>(
    object: &Bound<'py, PyAny>,
    name: &CStr,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: both are alive; the result is a new reference, or null with an exception.
    unsafe {
        let value = ffi::PyObject_GetAttrString(object.as_ptr(), name.as_ptr());
        Bound::from_owned_ptr_or_err(object.py(), value)
    }
}

/// `object.name(*arguments)`
pub(crate) fn call_method<'py, const N: usize>(
    object: &Bound<'py, PyAny>,
    name: &CStr,
    arguments: [Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyAny>> {
    call(&attribute(object, name)?, arguments)
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

/// A new bytearray whose contents must be filled or cut off before any other code sees them.
pub(crate) fn bytearray(py: Python<'_>, bytes: usize) -> PyResult<Bound<'_, PyByteArray>> {
    // SAFETY: null stands for uninitialised contents. The result is a new reference to a bytearray,
    // or null with an exception. The size is at most that of a ring.
    unsafe {
        let array = ffi::PyByteArray_FromStringAndSize(std::ptr::null(), bytes as ffi::Py_ssize_t);
        Ok(Bound::from_owned_ptr_or_err(py, array)?.cast_into_unchecked())
    }
}

/// An empty bytes object.
pub(crate) fn no_bytes(py: Python<'_>) -> PyResult<Bound<'_, PyBytes>> {
    // SAFETY: the result is a new reference, or null with an exception.
    unsafe {
        let bytes = ffi::PyBytes_FromStringAndSize(std::ptr::null(), 0);
        Ok(Bound::from_owned_ptr_or_err(py, bytes)?.cast_into_unchecked())
    }
}
