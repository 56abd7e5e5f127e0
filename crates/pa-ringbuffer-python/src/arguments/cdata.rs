//! CFFI's CData: C pointers and arrays as Python objects.
//!
//! The extension does not need CFFI. An object can only be CData if CFFI's backend has already been
//! imported; so the backend is looked up, and imported only to create CData.

use std::fmt;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyType};
use pyo3::{ffi, intern};

use crate::arguments::integer::Integer;
use crate::error;

struct Backend {
    /// An `ffi` without declarations: enough to query the type of any CData.
    ffi: Py<PyAny>,
    cdata: Py<PyType>,
    /// `ffi.typeof`, bound.
    typeof_: Py<PyAny>,
    /// `ffi.buffer`, which returns the address and the size of memory in one call.
    buffer: Py<PyAny>,
    address: Py<PyAny>,
    /// Cached results for each C type: a query takes three times as long as a lookup.
    known: Py<PyDict>,
}

impl Backend {
    fn is_cdata(&self, object: &Bound<'_, PyAny>) -> bool {
        // Not `isinstance()`, which takes longer, and which an object can deceive.
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
    // If another thread has been first, its backend is just as good.
    let _ = BACKEND.set(py, backend);
    Ok(BACKEND.get(py))
}

/// The target of a CData pointer.
pub(crate) enum Pointee {
    /// An array with this number of bytes.
    Array(usize),
    /// A pointer to an item with this number of bytes.
    Item(usize),
    /// A pointer to a type of unknown size.
    Unknown,
    /// Neither pointer nor array.
    Nothing,
}

/// A CData object.
pub(crate) struct CData {
    pub(crate) address: usize,
    pub(crate) pointee: Pointee,
}

// Values of `Backend::known` for types other than pointers to items of a known size.
const ARRAY: isize = -1;
const UNKNOWN: isize = -2;
const OTHER: isize = -3;

/// The size of a pointer type's target, or one of the constants above.
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

/// Address and size of a pointer's target, or of an array. CFFI refuses `void *` and pointers to
/// opaque types.
fn extent(backend: &Backend, object: &Bound<'_, PyAny>) -> PyResult<(usize, usize)> {
    let buffer = call(&backend.buffer, object)?;
    let mut view = MaybeUninit::<ffi::Py_buffer>::uninit();
    // SAFETY: the buffer is alive, and the view is released if it was filled. Its contents stay
    // valid as long as the CData lives.
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

/// The type of an object for error messages: the C type of CData, the class of other objects.
pub(crate) enum TypeName<'py> {
    C(Bound<'py, PyString>),
    Class(Bound<'py, PyString>),
    Unknown,
}

impl fmt::Display for TypeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::C(name) => write!(f, "CData of type '{}'", name.to_str().unwrap_or("?")),
            Self::Class(name) => f.write_str(name.to_str().unwrap_or("?")),
            Self::Unknown => f.write_str("object"),
        }
    }
}

/// The object's C type, for error messages.
pub(crate) fn c_type_name<'py>(object: &Bound<'py, PyAny>) -> TypeName<'py> {
    let backend = backend(object.py()).ok().flatten();
    let Some(backend) = backend.filter(|backend| backend.is_cdata(object)) else {
        return type_name(object);
    };
    call(&backend.typeof_, object)
        .and_then(|ctype| ctype.getattr(intern!(ctype.py(), "cname")))
        .ok()
        .and_then(|name| name.cast_into::<PyString>().ok())
        .map_or(TypeName::Unknown, TypeName::C)
}

/// The memory of a pointer's target or of an array; `None` if the object is not CData.
pub(crate) fn inspect(object: &Bound<'_, PyAny>) -> PyResult<Option<CData>> {
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
        OTHER => (0, Pointee::Nothing),
        // The type determines the size of an item. For a struct that ends with an array, CFFI would
        // count the allocated elements, too.
        size => (
            match extent(backend, object) {
                Ok((address, _)) => address,
                // CFFI reports NULL.
                Err(_) => address_of(backend, object)?,
            },
            Pointee::Item(size.unsigned_abs()),
        ),
    };
    Ok(Some(CData { address, pointee }))
}

/// The address in a CData pointer or an integer, never null.
pub(crate) fn pointer_argument(object: &Bound<'_, PyAny>, argument: &str) -> PyResult<usize> {
    match inspect(object)? {
        Some(CData {
            address,
            pointee: Pointee::Item(_) | Pointee::Unknown,
        }) => not_null(address, argument),
        Some(_) => Err(error::type_error(format_args!(
            "{argument} must be a pointer, not {}",
            c_type_name(object)
        ))),
        None => number_argument(object, argument, "pointer"),
    }
}

fn not_null(address: usize, argument: &str) -> PyResult<usize> {
    if address == 0 {
        return Err(error::value_error(format_args!(
            "{argument} must not be NULL"
        )));
    }
    Ok(address)
}

/// An integer that is an address, never null. The error message also offers a CFFI pointer.
fn number_argument(
    object: &Bound<'_, PyAny>,
    argument: &str,
    pointer: impl fmt::Display,
) -> PyResult<usize> {
    let py = object.py();
    let no_number = || {
        error::type_error(format_args!(
            "{argument} must be an address (int) or a CFFI {pointer}, not {}",
            type_name(object)
        ))
    };
    // SAFETY: the object is alive; the result is a new reference or null with an exception.
    let number = unsafe {
        if ffi::PyIndex_Check(object.as_ptr()) == 0 {
            return Err(no_number());
        }
        Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Index(object.as_ptr()))
    }
    .map_err(|error| error::unless_raised(py, error, no_number))?;
    let no_address = |what: &dyn fmt::Display| {
        error::value_error(format_args!(
            "{argument} must be an address, from 1 to {}, not {what}",
            usize::MAX
        ))
    };
    let signed = Integer::exact(number.as_borrowed());
    if let Some(number) = signed {
        if number.count().is_none() {
            return Err(no_address(&number));
        }
    }
    // SAFETY: the result of PyNumber_Index is an int.
    let address = unsafe { ffi::PyLong_AsUnsignedLongLong(number.as_ptr()) };
    if address == u64::MAX {
        if let Some(error) = PyErr::take(py) {
            if !error.is_instance_of::<PyOverflowError>(py) {
                return Err(error);
            }
            let mut overflow = 0;
            // SAFETY: as above.
            unsafe { ffi::PyLong_AsLongLongAndOverflow(number.as_ptr(), &mut overflow) };
            return Err(if overflow < 0 {
                no_address(&Integer::LEAST)
            } else {
                no_address(&format_args!("{} or more", u128::from(u64::MAX) + 1))
            });
        }
    }
    match usize::try_from(address) {
        Ok(address) => not_null(address, argument),
        Err(_) => Err(no_address(&address)),
    }
}

/// The address of a struct, given as CData pointer to it (or to `void`) or, unless `only_pointer`
/// is set, as integer.
pub(crate) fn struct_argument(
    object: &Bound<'_, PyAny>,
    argument: &str,
    name: &str,
    only_pointer: bool,
) -> PyResult<usize> {
    if !is_cdata(object)? && !only_pointer {
        return number_argument(object, argument, format_args!("pointer to {name}"));
    }
    let wrong = || {
        error::type_error(format_args!(
            "{argument} must be a CFFI pointer to {name}, not {}",
            c_type_name(object)
        ))
    };
    let Some(backend) = backend(object.py())? else {
        return Err(wrong());
    };
    if !backend.is_cdata(object) {
        return Err(wrong());
    }
    let ctype = call(&backend.typeof_, object)?;
    // Only pointers and arrays have items.
    let item = ctype
        .getattr(intern!(ctype.py(), "item"))
        .and_then(|item| item.getattr(intern!(object.py(), "cname")));
    let fits = item.is_ok_and(|item| {
        item.extract::<&str>().is_ok_and(|item| {
            item == "void" || item.strip_prefix("struct ").unwrap_or(item) == name
        })
    });
    match inspect(object) {
        Ok(Some(CData { address, .. })) if fits => not_null(address, argument),
        Err(error) if fits => Err(error),
        _ => Err(wrong()),
    }
}

/// The address in a CData function pointer; `None` if the object is something else.
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

/// An `ffi` for classes without one; imports CFFI.
pub(crate) fn own_ffi(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import(intern!(py, "_cffi_backend")).map_err(|error| {
        let new = error::import_error("a CFFI pointer needs CFFI: pip install cffi");
        new.set_cause(py, Some(error));
        new
    })?;
    let backend = backend(py)?.expect("the backend has just been imported");
    Ok(backend.ffi.bind(py).clone())
}

pub(crate) fn type_name<'py>(object: &Bound<'py, PyAny>) -> TypeName<'py> {
    object
        .get_type()
        .name()
        .map_or(TypeName::Unknown, TypeName::Class)
}
