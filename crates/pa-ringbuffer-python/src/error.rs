//! Exceptions, created when they are raised.
//!
//! PyO3 would create them later, outside of the code that catches its panics, and it panics if
//! there is no memory for the message, which ends the process. Here, a lack of memory raises a
//! MemoryError.

use std::fmt::{Display, Write};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;

/// An exception that has not been created yet. Creating one can run Python code, which must not
/// happen inside a critical section; so the caller does that later.
pub(crate) struct Refusal {
    class: fn() -> *mut ffi::PyObject,
    message: Message,
}

#[derive(Default)]
struct Message(String);

impl Write for Message {
    /// Unlike a String, this handles a lack of memory: text that does not fit is omitted.
    fn write_str(&mut self, more: &str) -> std::fmt::Result {
        self.0
            .try_reserve(more.len())
            .map_err(|_| std::fmt::Error)?;
        self.0.push_str(more);
        Ok(())
    }
}

impl Refusal {
    fn new(class: fn() -> *mut ffi::PyObject, what: &dyn Display) -> Self {
        let mut message = Message::default();
        let _ = write!(message, "{what}");
        Self { class, message }
    }
}

impl From<Refusal> for PyErr {
    #[cold]
    fn from(refusal: Refusal) -> Self {
        let text = refusal.message.0;
        // SAFETY: Python calls every caller, so the thread is attached. The class is one of the
        // interpreter's own; the message is a new reference, or null with a MemoryError.
        unsafe {
            let py = Python::assume_attached();
            let length = text.len() as ffi::Py_ssize_t;
            let message = ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), length);
            if !message.is_null() {
                ffi::PyErr_SetObject((refusal.class)(), message);
                ffi::Py_DECREF(message);
            }
            PyErr::fetch(py)
        }
    }
}

macro_rules! errors {
    ($($name:ident = $class:ident;)*) => {
        impl Refusal {
            $(#[cold]
            pub(crate) fn $name(message: impl Display) -> Self {
                // SAFETY: a static that is set as long as there is an interpreter.
                Self::new(|| unsafe { ffi::$class }, &message)
            })*
        }

        $(#[cold]
        pub(crate) fn $name(message: impl Display) -> PyErr {
            Refusal::$name(message).into()
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

/// A clearer error for an object of a wrong type. Exceptions from the object's own code, Ctrl-C
/// included, are kept.
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
