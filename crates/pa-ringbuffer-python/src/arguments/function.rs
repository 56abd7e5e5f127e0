//! C functions in the forms that various Python packages use.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt};

use crate::arguments::cdata::{self, type_name};
use crate::error;
use crate::stream::callback::StreamCallback;

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

/// The address of a C function, never null.
pub(crate) fn function_argument(object: &Bound<'_, PyAny>, argument: &str) -> PyResult<usize> {
    let address = if let Some(address) = cdata::function(object)? {
        address
    } else if cdata::is_cdata(object)? || object.hasattr(intern!(object.py(), "__index__"))? {
        cdata::pointer_argument(object, argument)?
    } else if let Some(address) = ctypes_pointer(object)? {
        address
    } else if let Some(address) = address_attribute(object)? {
        address
    } else {
        return Err(error::type_error(format_args!(
            "{argument} must be a C function: its address, a CFFI or ctypes function pointer, or \
             an object with an int as its address (Numba's cfunc), not {}",
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

/// The value of `userData`, never null.
pub(crate) fn user_data_argument(object: &Bound<'_, PyAny>, argument: &str) -> PyResult<usize> {
    match ctypes_pointer(object)? {
        Some(0) => Err(error::value_error(format_args!(
            "{argument} must not be NULL"
        ))),
        Some(address) => Ok(address),
        None => cdata::pointer_argument(object, argument),
    }
}
