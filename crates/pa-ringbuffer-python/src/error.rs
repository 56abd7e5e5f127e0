//! Exceptions, made when they are raised.
//!
//! PyO3 would make them later, outside of what catches its panics, and panics if there is no memory
//! for the message: the process ends. Here, a lack of memory is a MemoryError.

use std::fmt::{Display, Write};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;

/// A message without an allocation of Rust's own, which ends the process if it fails.
struct Message {
    text: String,
}

impl Write for Message {
    fn write_str(&mut self, more: &str) -> std::fmt::Result {
        self.text
            .try_reserve(more.len())
            .map_err(|_| std::fmt::Error)?;
        self.text.push_str(more);
        Ok(())
    }
}

fn raise(class: *mut ffi::PyObject, message: &dyn Display) -> PyErr {
    let mut text = Message {
        text: String::new(),
    };
    // What does not fit is left out.
    let _ = write!(text, "{message}");
    let text = text.text;
    // SAFETY: every caller is called by Python, so the thread is attached. The class is one of the
    // interpreter's own; the message is a new reference, or null with a MemoryError.
    unsafe {
        let py = Python::assume_attached();
        let length = text.len() as ffi::Py_ssize_t;
        let message = ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), length);
        if !message.is_null() {
            ffi::PyErr_SetObject(class, message);
            ffi::Py_DECREF(message);
        }
        PyErr::fetch(py)
    }
}

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $class:ident;)*) => {
        $($(#[$doc])*
        #[cold]
        pub(crate) fn $name(message: impl Display) -> PyErr {
            // SAFETY: a static that is set as long as there is an interpreter.
            raise(unsafe { ffi::$class }, &message)
        })*
    };
}

errors! {
    attribute_error = PyExc_AttributeError;
    import_error = PyExc_ImportError;
    memory_error = PyExc_MemoryError;
    overflow_error = PyExc_OverflowError;
    runtime_error = PyExc_RuntimeError;
    type_error = PyExc_TypeError;
    value_error = PyExc_ValueError;
}

/// A clearer error for an object of a wrong type. What the object's own code has raised, Ctrl-C
/// included, stays as it is.
pub(crate) fn unless_raised(
    py: Python<'_>,
    error: PyErr,
    clearer: impl FnOnce() -> PyErr,
) -> PyErr {
    if error.is_instance_of::<PyTypeError>(py) && error.traceback(py).is_none() {
        clearer()
    } else {
        error
    }
}
