//! CFFI's CData: C pointers and arrays as Python objects.
//!
//! The extension does not need CFFI. An object can only be CData if CFFI's backend has been
//! imported, so that is looked up, never imported, until somebody asks for CData.

use std::mem::MaybeUninit;
use std::ptr::null_mut;

use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyType};
use pyo3::{ffi, intern};

use crate::error;

struct Backend {
    /// An `ffi` without declarations: enough to ask any CData what it is.
    ffi: Py<PyAny>,
    cdata: Py<PyType>,
    /// `ffi.typeof`, bound.
    typeof_: Py<PyAny>,
    /// `ffi.buffer`, which can tell the address and the size of memory in one call.
    buffer: Py<PyAny>,
    address: Py<PyAny>,
    /// What was found out about each C type: asking again takes three times as long as looking up.
    known: Py<PyDict>,
}

impl Backend {
    fn is_cdata(&self, object: &Bound<'_, PyAny>) -> bool {
        // Not `isinstance()`, which takes longer, and which an object can lie to.
        // SAFETY: both are alive.
        unsafe { ffi::PyObject_TypeCheck(object.as_ptr(), self.cdata.as_ptr().cast()) != 0 }
    }
}

static BACKEND: PyOnceLock<Backend> = PyOnceLock::new();

fn backend(py: Python<'_>) -> PyResult<Option<&'static Backend>> {
    if let Some(backend) = BACKEND.get(py) {
        return Ok(Some(backend));
    }
    let modules = py
        .import(intern!(py, "sys"))?
        .getattr(intern!(py, "modules"))?;
    let Some(module) = modules.cast::<PyDict>()?.get_item("_cffi_backend")? else {
        return Ok(None);
    };
    let class = module.getattr(intern!(module.py(), "FFI"))?;
    let ffi = class.call0()?;
    let backend = Backend {
        cdata: class
            .getattr(intern!(class.py(), "CData"))?
            .cast_into::<PyType>()?
            .unbind(),
        typeof_: ffi.getattr(intern!(ffi.py(), "typeof"))?.unbind(),
        buffer: ffi.getattr(intern!(ffi.py(), "buffer"))?.unbind(),
        address: ffi
            .call_method1(intern!(ffi.py(), "typeof"), ("uintptr_t",))?
            .unbind(),
        ffi: ffi.unbind(),
        known: PyDict::new(py).unbind(),
    };
    // Should another thread have been first, its backend is as good.
    let _ = BACKEND.set(py, backend);
    Ok(BACKEND.get(py))
}

/// What a CData points to.
pub(crate) enum Pointee {
    /// An array: so many bytes.
    Array(usize),
    /// A pointer to an item of so many bytes.
    Item(usize),
    /// A pointer to something of unknown size.
    Unknown,
}

/// A CData pointer or array.
pub(crate) struct CData {
    pub(crate) address: usize,
    pub(crate) pointee: Pointee,
}

// What `Backend::known` says of types that are no pointers to items of a known size.
const ARRAY: isize = -1;
const UNKNOWN: isize = -2;
const OTHER: isize = -3;

/// The size of the items that a pointer type points to, or one of the constants above.
fn classify(ffi: &Bound<'_, PyAny>, ctype: &Bound<'_, PyAny>) -> PyResult<isize> {
    match ctype.getattr(intern!(ctype.py(), "kind"))?.extract()? {
        "array" => Ok(ARRAY),
        "pointer" => {
            let item = ctype.getattr(intern!(ctype.py(), "item"))?;
            if item
                .getattr(intern!(item.py(), "kind"))?
                .extract::<&str>()?
                == "void"
            {
                return Ok(UNKNOWN);
            }
            // Opaque structs have no size, and CFFI raises.
            ffi.call_method1(intern!(ffi.py(), "sizeof"), (&item,))
                .map_or(Ok(UNKNOWN), |size| size.extract())
        }
        _ => Ok(OTHER),
    }
}

/// Calls `function(argument)`, without making a tuple.
fn call<'py>(function: &Py<PyAny>, argument: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let null = null_mut::<ffi::PyObject>();
    // SAFETY: both are alive, and null ends the arguments; the result is a new reference or null
    // with an exception.
    unsafe {
        let result = ffi::PyObject_CallFunctionObjArgs(function.as_ptr(), argument.as_ptr(), null);
        Bound::from_owned_ptr_or_err(argument.py(), result)
    }
}

/// Address and size of what a pointer points to, or of an array. CFFI refuses `void *` and pointers
/// to opaque types.
fn extent(backend: &Backend, object: &Bound<'_, PyAny>) -> PyResult<(usize, usize)> {
    let buffer = call(&backend.buffer, object)?;
    let mut view = MaybeUninit::<ffi::Py_buffer>::uninit();
    // SAFETY: the buffer is alive, and the view is released if it was filled. What it says goes on
    // being true as long as the CData lives.
    unsafe {
        if ffi::PyObject_GetBuffer(buffer.as_ptr(), view.as_mut_ptr(), ffi::PyBUF_SIMPLE) != 0 {
            return Err(PyErr::fetch(object.py()));
        }
        let filled = view.assume_init_ref();
        let found = (filled.buf.expose_provenance(), filled.len as usize);
        ffi::PyBuffer_Release(view.as_mut_ptr());
        Ok(found)
    }
}

fn address_of(backend: &Backend, object: &Bound<'_, PyAny>) -> PyResult<usize> {
    let py = object.py();
    backend
        .ffi
        .bind(py)
        .call_method1(intern!(py, "cast"), (&backend.address, object))?
        .call_method0(intern!(py, "__int__"))?
        .extract()
}

/// The object's C type, for error messages.
pub(crate) fn c_type_name(object: &Bound<'_, PyAny>) -> String {
    let name = backend(object.py()).ok().flatten().and_then(|backend| {
        let ctype = backend
            .ffi
            .bind(object.py())
            .call_method1(intern!(object.py(), "typeof"), (object,))
            .ok()?;
        ctype
            .getattr(intern!(ctype.py(), "cname"))
            .ok()?
            .extract::<String>()
            .ok()
    });
    name.map_or_else(
        || type_name(object),
        |name| format!("CData of type '{name}'"),
    )
}

/// The object as CData pointer or array; `None` if it is no CData at all.
pub(crate) fn inspect(object: &Bound<'_, PyAny>, argument: &str) -> PyResult<Option<CData>> {
    let py = object.py();
    let Some(backend) = backend(py)? else {
        return Ok(None);
    };
    if !backend.is_cdata(object) {
        return Ok(None);
    }
    let ctype = call(&backend.typeof_, object)?;
    let known = backend.known.bind(py);
    let class = match known.get_item(&ctype)? {
        Some(class) => class.extract()?,
        None => {
            let class = classify(backend.ffi.bind(py), &ctype)?;
            known.set_item(&ctype, class)?;
            class
        }
    };
    let (address, pointee) = match class {
        ARRAY => {
            let (address, bytes) = extent(backend, object)?;
            (address, Pointee::Array(bytes))
        }
        UNKNOWN => (address_of(backend, object)?, Pointee::Unknown),
        OTHER => {
            return Err(error::type_error(format_args!(
                "{argument} must be a CData pointer or array, not {}",
                c_type_name(object)
            )));
        }
        // The type says how large an item is. CFFI would count in what it has allocated behind a
        // struct that ends with an array.
        size => (
            match extent(backend, object) {
                Ok((address, _)) => address,
                // NULL, says CFFI.
                Err(_) => address_of(backend, object)?,
            },
            Pointee::Item(size.unsigned_abs()),
        ),
    };
    Ok(Some(CData { address, pointee }))
}

/// The address that a CData pointer or an integer holds, never null.
pub(crate) fn pointer_argument(object: &Bound<'_, PyAny>, argument: &str) -> PyResult<usize> {
    let address = match inspect(object, argument)? {
        Some(CData {
            address,
            pointee: Pointee::Item(_) | Pointee::Unknown,
            ..
        }) => address,
        Some(_) => {
            return Err(error::type_error(format_args!(
                "{argument} must be a pointer, not {}",
                c_type_name(object)
            )));
        }
        None => object.extract().map_err(|error: PyErr| {
            let py = object.py();
            if error.is_instance_of::<PyOverflowError>(py) && error.traceback(py).is_none() {
                return error::value_error(format_args!("{argument} is no address: {object}"));
            }
            error::unless_raised(py, error, || {
                error::type_error(format_args!(
                    "{argument} must be an address or a CData pointer, not {}",
                    type_name(object)
                ))
            })
        })?,
    };
    if address == 0 {
        return Err(error::value_error(format_args!(
            "{argument} must not be NULL"
        )));
    }
    Ok(address)
}

/// The address of a struct, given as integer or as CData pointer to it (or to `void`).
pub(crate) fn struct_argument(
    object: &Bound<'_, PyAny>,
    argument: &str,
    name: &str,
) -> PyResult<usize> {
    let py = object.py();
    if let Some(backend) = backend(py)? {
        if backend.is_cdata(object) {
            let ctype = backend
                .ffi
                .bind(py)
                .call_method1(intern!(object.py(), "typeof"), (object,))?;
            // Only pointers and arrays have items.
            let item = ctype
                .getattr(intern!(ctype.py(), "item"))
                .and_then(|item| item.getattr(intern!(object.py(), "cname")));
            let fits = item.is_ok_and(|item| {
                item.extract::<&str>().is_ok_and(|item| {
                    item == "void" || item.strip_prefix("struct ").unwrap_or(item) == name
                })
            });
            if !fits {
                return Err(error::type_error(format_args!(
                    "{argument} must be a pointer to {name}, not {}",
                    c_type_name(object)
                )));
            }
        }
    }
    pointer_argument(object, argument)
}

/// The address that a CData function pointer holds; `None` if the object is something else.
pub(crate) fn function(object: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    let py = object.py();
    if let Some(backend) = backend(py)? {
        if backend.is_cdata(object) {
            let ffi = backend.ffi.bind(py);
            let ctype = ffi.call_method1(intern!(object.py(), "typeof"), (object,))?;
            if ctype
                .getattr(intern!(ctype.py(), "kind"))?
                .extract::<&str>()?
                == "function"
            {
                return address_of(backend, object).map(Some);
            }
        }
    }
    Ok(None)
}

/// Whether the object is CData of any kind.
pub(crate) fn is_cdata(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    match backend(object.py())? {
        Some(backend) => Ok(backend.is_cdata(object)),
        None => Ok(false),
    }
}

/// A CData of the given type that keeps `owner`, a buffer, alive.
pub(crate) fn from_buffer<'py>(
    ffi: &Bound<'py, PyAny>,
    ctype: &Bound<'py, PyString>,
    owner: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = ffi.py();
    let name = intern!(py, "from_buffer").as_ptr();
    let null = null_mut::<ffi::PyObject>();
    // SAFETY: all are alive, and null ends the arguments; the result is a new reference or null
    // with an exception.
    unsafe {
        let result = ffi::PyObject_CallMethodObjArgs(
            ffi.as_ptr(),
            name,
            ctype.as_ptr(),
            owner.as_ptr(),
            null,
        );
        Bound::from_owned_ptr_or_err(py, result)
    }
}

/// An `ffi` for those who have none; imports CFFI.
pub(crate) fn own_ffi(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import(intern!(py, "_cffi_backend")).map_err(|error| {
        let new =
            error::import_error("a CFFI pointer needs CFFI; please install it (pip install cffi)");
        new.set_cause(py, Some(error));
        new
    })?;
    let backend = backend(py)?.expect("the backend has just been imported");
    Ok(backend.ffi.bind(py).clone())
}

pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    object
        .get_type()
        .name()
        .map_or_else(|_| "object".into(), |name| name.to_string())
}
