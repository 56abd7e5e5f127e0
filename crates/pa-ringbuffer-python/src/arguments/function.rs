//! C functions in the forms that various Python packages use.

use std::ffi::CStr;

use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyInt};
use pyo3::{ffi, intern};

use crate::arguments::cdata::{self, type_name};
use crate::arguments::data::{self, Slot, View};
use crate::error;
use crate::object;
use crate::ring::memory::Keeper;
use crate::stream::callback::{Pinned, StreamCallback};

/// The address in a ctypes function, pointer or `c_void_p`; `None` for other objects.
fn ctypes_pointer(object: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    let py = object.py();
    let modules = py.import(intern!(py, "sys"))?.getattr("modules")?;
    // Never imported here: without ctypes, no such object can exist.
    let Some(ctypes) = modules.cast::<PyDict>()?.get_item("ctypes")? else {
        return Ok(None);
    };
    let void = ctypes.getattr(intern!(ctypes.py(), "c_void_p"))?;
    for class in [
        ctypes.getattr(intern!(ctypes.py(), "_CFuncPtr"))?,
        ctypes.getattr(intern!(ctypes.py(), "_Pointer"))?,
        void.clone(),
    ] {
        if object.is_instance(&class)? {
            let pointer = ctypes.call_method1(intern!(ctypes.py(), "cast"), (object, &void))?;
            // ctypes represents NULL as None.
            let address: Option<usize> =
                pointer.getattr(intern!(pointer.py(), "value"))?.extract()?;
            return Ok(Some(address.unwrap_or(0)));
        }
    }
    Ok(None)
}

/// The integer in the attribute `address` of Numba's compiled functions.
fn address_attribute(object: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    // These have an address, too, but not that of a function.
    if object.cast::<StreamCallback>().is_ok()
        || object.hasattr(intern!(object.py(), "elementsize"))?
    {
        return Ok(None);
    }
    match object.getattr_opt(intern!(object.py(), "address"))? {
        Some(address) if address.is_instance_of::<PyInt>() => address.extract().map(Some),
        _ => Ok(None),
    }
}

/// The function in a capsule, whose name is the function's type, such as `int (void const *, …)`:
/// Cython's `__pyx_capi__` has such capsules, and others for variables.
fn capsule_function(object: &Bound<'_, PyAny>, argument: &str) -> PyResult<Option<usize>> {
    if object.cast::<PyCapsule>().is_err() {
        return Ok(None);
    }
    let py = object.py();
    // SAFETY: a capsule that is alive; null stands for no name, or for an exception.
    let name = unsafe { ffi::PyCapsule_GetName(object.as_ptr()) };
    if let Some(error) = PyErr::take(py) {
        return Err(error);
    }
    let text = if name.is_null() {
        None
    } else {
        // SAFETY: the name of a capsule is a string that lives as long as the capsule.
        Some(unsafe { CStr::from_ptr(name) }.to_string_lossy())
    };
    if !text.as_ref().is_some_and(|text| text.contains('(')) {
        return Err(error::type_error(format_args!(
            "{argument} must be a capsule with a function, whose name is the function's type, as in \
             Cython's __pyx_capi__, not one with the name '{}'",
            text.as_deref().unwrap_or("")
        )));
    }
    // SAFETY: the capsule, with its own name.
    let pointer = unsafe { ffi::PyCapsule_GetPointer(object.as_ptr(), name) };
    if pointer.is_null() {
        return Err(PyErr::fetch(py));
    }
    Ok(Some(pointer.expose_provenance()))
}

/// The address of a C function, never null.
pub(crate) fn function_argument(object: &Bound<'_, PyAny>, argument: &str) -> PyResult<usize> {
    let address = if let Some(address) = cdata::function(object)? {
        address
    } else if cdata::is_cdata(object)? || object.hasattr(intern!(object.py(), "__index__"))? {
        cdata::pointer_argument(object, argument)?
    } else if let Some(address) = ctypes_pointer(object)? {
        address
    } else if let Some(address) = capsule_function(object, argument)? {
        address
    } else if let Some(address) = address_attribute(object)? {
        address
    } else {
        return Err(error::type_error(format_args!(
            "{argument} must be a C function: its address, a CFFI or ctypes function pointer, an \
             object with an int as its address (Numba's cfunc), or a capsule with a function \
             (Cython's __pyx_capi__), not {}",
            type_name(object)
        )));
    };
    if address == 0 {
        return Err(error::value_error(format_args!(
            "{argument} must not be NULL"
        )));
    }
    Ok(address)
}

/// A buffer that is held, so that its exporter can neither free nor resize it. The garbage
/// collector is not shown the exporter, because clearing it may free the memory.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct Held {
    _view: View<Box<Slot>>,
}

/// The error for a buffer that is read-only or not contiguous, as its exporter has said.
fn unsuitable_buffer(object: &Bound<'_, PyAny>, argument: &str, cause: PyErr) -> PyErr {
    let py = object.py();
    if data::is_final(&cause, py) {
        return cause;
    }
    let error = error::type_error(format_args!(
        "{argument} must be a writable contiguous buffer, not {}: {}",
        type_name(object),
        cause.value(py)
    ));
    error.set_cause(py, Some(cause));
    error
}

/// The value of `userData`, never null, and the object that keeps its memory.
pub(crate) fn user_data_argument(
    object: &Bound<'_, PyAny>,
    argument: &str,
) -> PyResult<(usize, Py<PyAny>)> {
    let py = object.py();
    let kept = || object.clone().unbind();
    if let Some(ring) = Pinned::new(object)? {
        let keeper = match ring.keeper {
            Keeper::Ours(keeper) | Keeper::Foreign(keeper) => keeper.into_bound(py),
        };
        let both = object::tuple(py, [object.clone(), keeper])?;
        return Ok((ring.address, both.into_any().unbind()));
    }
    match ctypes_pointer(object)? {
        Some(0) => {
            return Err(error::value_error(format_args!(
                "{argument} must not be NULL"
            )));
        }
        Some(address) => return Ok((address, kept())),
        None => (),
    }
    let is_number = object.is_instance_of::<PyInt>();
    if !is_number && !cdata::is_cdata(object)? {
        if View::<Box<Slot>>::is_possible(object) {
            let slot = Box::new(Slot::uninit());
            match View::new(slot, object, argument, ffi::PyBUF_WRITABLE) {
                Ok(view) => {
                    let address = view.pointer().expose_provenance();
                    let held = Bound::new(py, Held { _view: view })?;
                    let both = object::tuple(py, [object.clone(), held.into_any()])?;
                    return Ok((address, both.into_any().unbind()));
                }
                // NumPy's integers are read-only buffers, too.
                Err(error) => {
                    let address = cdata::pointer_argument(object, argument);
                    return address
                        .map_err(|_| unsuitable_buffer(object, argument, error))
                        .map(|address| (address, kept()));
                }
            }
        }
        // SAFETY: the object is alive.
        if unsafe { ffi::PyIndex_Check(object.as_ptr()) } == 0 {
            return Err(error::type_error(format_args!(
                "{argument} must be an address (int), a CFFI or ctypes pointer, a RingBuffer, or a \
                 writable buffer (a NumPy array, a ctypes structure, ...), not {}",
                type_name(object)
            )));
        }
    }
    cdata::pointer_argument(object, argument).map(|address| (address, kept()))
}
