//! The entry points of `RingBuffer`'s methods.
//!
//! PyO3 counts calls per thread, and first copies the arguments of each of its functions into a
//! table. [`methods!`] defines methods without that: they read the arguments in place. (CPython
//! 3.11, `write()` of 8 bytes: 31 instead of 39 ns, including the loop around it.)
//!
//! Methods that are not called for every block use it for another reason: PyO3 aborts the process
//! if the number or names of arguments are wrong and there is no memory for the message.
//!
//! Outside of PyO3's functions, dropping a `Py` takes effect only at the next call of one of them.
//! Therefore the methods here drop references as `Bound`, which takes effect immediately, unless
//! there is an exception.
//! exception.

use std::ffi::{CStr, CString, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use pyo3::BoundObject;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use crate::arguments::integer::Integer;
use crate::error;
use crate::ring::RingBuffer;

/// An argument, if it was given.
pub(crate) type Argument<'a, 'py> = Option<Borrowed<'a, 'py, PyAny>>;

/// A method of `RingBuffer`, for [`install`].
pub(crate) struct Method {
    pub(crate) name: &'static CStr,
    /// The signature for `inspect.signature()`.
    pub(crate) signature: &'static str,
    pub(crate) doc: &'static [&'static str],
    pub(crate) function: ffi::PyCFunctionFastWithKeywords,
}

/// An attribute of `RingBuffer`, for [`install`].
pub(crate) struct Attribute {
    pub(crate) name: &'static CStr,
    pub(crate) doc: &'static [&'static str],
    pub(crate) function: ffi::getter,
    /// A function, or none if the attribute is read-only.
    pub(crate) setter: &'static [ffi::setter],
}

/// The arguments of a call from the interpreter.
pub(crate) struct Call {
    pub(crate) slf: *mut PyObject,
    pub(crate) arguments: *const *mut PyObject,
    pub(crate) count: ffi::Py_ssize_t,
    pub(crate) names: *mut PyObject,
}

/// Calls the body of a method or attribute, and returns its result, or exception, to the
/// interpreter.
///
/// # Safety
///
/// The thread is attached, and `slf` is a ring.
#[inline(always)]
pub(crate) unsafe fn answer<'py, T: IntoPyObject<'py>>(
    slf: &'py *mut PyObject,
    body: impl FnOnce(&'py Bound<'py, RingBuffer>) -> PyResult<T>,
) -> *mut PyObject
where
    PyErr: From<T::Error>,
{
    // SAFETY: the caller's guarantees.
    let (py, ring) = unsafe {
        let py = Python::assume_attached();
        (
            py,
            Bound::ref_from_ptr(py, slf).cast_unchecked::<RingBuffer>(),
        )
    };
    let result = catch_unwind(AssertUnwindSafe(|| {
        let value = body(ring)?.into_pyobject(py)?;
        PyResult::Ok(value.into_bound().into_any().into_ptr())
    }));
    match result {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => raise(py, error),
        Err(_) => raise(py, PyRuntimeError::new_err("the extension has panicked")),
    }
}

/// Calls the body that assigns to an attribute, and reports to the interpreter whether that failed.
///
/// # Safety
///
/// The thread is attached, `slf` is a ring, and `value` is alive, or null for `del`.
pub(crate) unsafe fn assign(
    slf: *mut PyObject,
    value: *mut PyObject,
    name: &'static CStr,
    body: for<'py> fn(&'py Bound<'py, RingBuffer>, &Bound<'py, PyAny>) -> PyResult<()>,
) -> c_int {
    // SAFETY: the caller's guarantees; the result is a new reference, or null with an exception.
    unsafe {
        let done = answer(&slf, |ring| {
            let Some(value) = Bound::from_borrowed_ptr_or_opt(ring.py(), value) else {
                return Err(error::attribute_error(format_args!(
                    "{} cannot be deleted",
                    name.to_str().unwrap_or("?")
                )));
            };
            // Drops the previous value immediately.
            Python::attach(|_| body(ring, &value)).map(|()| true)
        });
        if done.is_null() {
            return -1;
        }
        ffi::Py_DECREF(done);
    }
    0
}

#[cold]
fn raise(py: Python<'_>, error: PyErr) -> *mut PyObject {
    // Releases the `Py` references that were dropped before; see above.
    Python::attach(|_| ());
    error.restore(py);
    null_mut()
}

impl Call {
    /// The arguments in the order of their names.
    ///
    /// # Safety
    ///
    /// They are those of a call of a `METH_FASTCALL | METH_KEYWORDS` function: `count` arguments,
    /// followed by one for each name, all alive.
    #[inline(always)]
    pub(crate) unsafe fn read<'py, const N: usize>(
        &self,
        py: Python<'py>,
        method: &'static CStr,
        expected: [&'static CStr; N],
    ) -> PyResult<[Argument<'_, 'py>; N]> {
        if !self.names.is_null() || self.count > N as ffi::Py_ssize_t {
            // SAFETY: the same.
            return unsafe { self.read_names(py, method, expected) };
        }
        Ok(std::array::from_fn(|n| {
            // SAFETY: the call has `count` arguments.
            ((n as ffi::Py_ssize_t) < self.count)
                .then(|| unsafe { Borrowed::from_ptr(py, *self.arguments.add(n)) })
        }))
    }

    /// # Safety
    ///
    /// As for [`read`](Self::read).
    #[cold]
    unsafe fn read_names<'py, const N: usize>(
        &self,
        py: Python<'py>,
        method: &'static CStr,
        expected: [&'static CStr; N],
    ) -> PyResult<[Argument<'_, 'py>; N]> {
        let mut found = Found::new(method, expected);
        // SAFETY: the caller's guarantees; the names are strings.
        unsafe {
            for n in 0..self.count {
                let value = Borrowed::from_ptr(py, *self.arguments.offset(n));
                found.next(value, self.count)?;
            }
            let count = if self.names.is_null() {
                0
            } else {
                ffi::PyTuple_Size(self.names)
            };
            for n in 0..count {
                let name = Borrowed::from_ptr(py, ffi::PyTuple_GetItem(self.names, n));
                let value = *self.arguments.offset(self.count + n);
                found.named(name, Borrowed::from_ptr(py, value))?;
            }
        }
        Ok(found.values)
    }
}

/// The arguments of a function that PyO3 calls with all arguments unchecked: otherwise PyO3 aborts
/// the process if their number or names are wrong and there is no memory for the message.
pub(crate) fn read_all<'a, 'py, const N: usize>(
    method: &'static CStr,
    expected: [&'static CStr; N],
    arguments: &'a Bound<'py, PyTuple>,
    keywords: Option<&'a Bound<'py, PyDict>>,
) -> PyResult<[Argument<'a, 'py>; N]> {
    let py = arguments.py();
    let mut found = Found::new(method, expected);
    // SAFETY: a tuple and a dict that are alive. The dict is PyO3's own, and nothing in here
    // changes it, so borrowed items live as long.
    unsafe {
        let count = ffi::PyTuple_Size(arguments.as_ptr());
        for n in 0..count {
            let value = ffi::PyTuple_GetItem(arguments.as_ptr(), n);
            found.next(Borrowed::from_ptr(py, value), count)?;
        }
        if let Some(keywords) = keywords {
            let (mut position, mut name, mut value) = (0, null_mut(), null_mut());
            while ffi::PyDict_Next(keywords.as_ptr(), &mut position, &mut name, &mut value) != 0 {
                let name = Borrowed::from_ptr(py, name);
                found.named(name, Borrowed::from_ptr(py, value))?;
            }
        }
    }
    Ok(found.values)
}

/// Arguments in the order of their names, as far as they are known.
struct Found<'a, 'py, const N: usize> {
    method: &'static CStr,
    expected: [&'static CStr; N],
    values: [Argument<'a, 'py>; N],
    /// Number of positional arguments.
    given: usize,
}

impl<'a, 'py, const N: usize> Found<'a, 'py, N> {
    fn new(method: &'static CStr, expected: [&'static CStr; N]) -> Self {
        Self {
            method,
            expected,
            values: [None; N],
            given: 0,
        }
    }

    /// One of `count` positional arguments.
    fn next(&mut self, value: Borrowed<'a, 'py, PyAny>, count: ffi::Py_ssize_t) -> PyResult<()> {
        let Some(place) = self.values.get_mut(self.given) else {
            let method = self.method.to_str().unwrap_or("?");
            return Err(error::type_error(format_args!(
                "{method}() takes at most {N} arguments, not {count}"
            )));
        };
        *place = Some(value);
        self.given += 1;
        Ok(())
    }

    /// A keyword argument, whose name is a string.
    fn named(
        &mut self,
        name: Borrowed<'a, 'py, PyAny>,
        value: Borrowed<'a, 'py, PyAny>,
    ) -> PyResult<()> {
        let method = self.method.to_str().unwrap_or("?");
        let position = self.expected.iter().position(|expected| {
            // SAFETY: a string, and one that ends with a zero byte.
            unsafe { ffi::PyUnicode_CompareWithASCIIString(name.as_ptr(), expected.as_ptr()) == 0 }
        });
        let Some(position) = position else {
            let name = name.cast::<PyString>().ok();
            let name = name.as_ref().and_then(|name| name.to_str().ok());
            return Err(error::type_error(format_args!(
                "{method}() has no argument '{}'",
                name.unwrap_or("?")
            )));
        };
        if self.values[position].is_some() {
            let name = self.expected[position].to_str().unwrap_or("?");
            return Err(error::type_error(format_args!(
                "{method}() got two values for the argument '{name}'"
            )));
        }
        self.values[position] = Some(value);
        Ok(())
    }
}

/// A required argument.
#[inline(always)]
pub(crate) fn required<'a, 'py>(
    argument: Argument<'a, 'py>,
    name: &str,
) -> PyResult<Borrowed<'a, 'py, PyAny>> {
    argument.ok_or_else(|| error::type_error(format_args!("the argument '{name}' is missing")))
}

/// An argument that must be an integer.
#[inline(always)]
pub(crate) fn integer(argument: Borrowed<'_, '_, PyAny>, name: &str) -> PyResult<Integer> {
    match Integer::exact(argument) {
        Some(integer) => Ok(integer),
        None => Integer::named(argument, name),
    }
}

/// Methods, each of which is written once: its documentation, the names of its arguments, and its
/// body.
///
/// The body gets the ring and an [`Argument`] for each name.
macro_rules! methods {
    ($($(#[doc = $doc:literal])* fn $name:ident $signature:literal ($ring:ident $(, $argument:ident)*) -> $result:ty $body:block)*) => {
        $(mod $name {
            use super::*;
            use crate::ring::method::{Argument, Call, Method, answer, c_name};

            const NAME: &std::ffi::CStr = c_name(concat!(stringify!($name), "\0"));

            pub(super) const METHOD: Method = Method {
                name: NAME,
                signature: $signature,
                doc: &[$($doc),*],
                function,
            };

            #[inline(always)]
            fn body<'py>(
                $ring: &'py Bound<'py, RingBuffer>,
                [$($argument),*]: [Argument<'_, 'py>; [$(stringify!($argument)),*].len()],
            ) -> PyResult<$result> $body

            unsafe extern "C" fn function(
                slf: *mut pyo3::ffi::PyObject,
                arguments: *const *mut pyo3::ffi::PyObject,
                count: pyo3::ffi::Py_ssize_t,
                names: *mut pyo3::ffi::PyObject,
            ) -> *mut pyo3::ffi::PyObject {
                let call = Call { slf, arguments, count, names };
                const NAMES: [&std::ffi::CStr; [$(stringify!($argument)),*].len()] =
                    [$(c_name(concat!(stringify!($argument), "\0"))),*];
                // SAFETY: called by the interpreter with such arguments. The descriptor has already
                // checked that `slf` is of the class.
                unsafe {
                    answer(&call.slf, |ring| body(ring, call.read(ring.py(), NAME, NAMES)?))
                }
            }
        })*

        /// The methods that this module defines.
        pub(crate) const METHODS: &[crate::ring::method::Method] = &[$($name::METHOD),*];
    };
}
pub(crate) use methods;

/// Attributes, each of which is written once. The body gets the ring. Assignable attributes have a
/// second body, which also gets the value.
macro_rules! attributes {
    ($($(#[doc = $doc:literal])* fn $name:ident($ring:ident) -> $result:ty $body:block
        $(set($value:ident) $set:block)?)*) => {
        $(mod $name {
            use super::*;
            use crate::ring::method::{Attribute, answer, c_name};

            const NAME: &std::ffi::CStr = c_name(concat!(stringify!($name), "\0"));

            pub(super) const ATTRIBUTE: Attribute = Attribute {
                name: NAME,
                doc: &[$($doc),*],
                function,
                setter: &[$({
                    fn set<'py>(
                        $ring: &'py Bound<'py, RingBuffer>,
                        $value: &Bound<'py, PyAny>,
                    ) -> PyResult<()> $set

                    unsafe extern "C" fn setter(
                        slf: *mut pyo3::ffi::PyObject,
                        value: *mut pyo3::ffi::PyObject,
                        _closure: *mut std::ffi::c_void,
                    ) -> std::ffi::c_int {
                        // SAFETY: as below.
                        unsafe { crate::ring::method::assign(slf, value, NAME, set) }
                    }

                    setter
                })?],
            };

            #[inline(always)]
            fn body<'py>($ring: &'py Bound<'py, RingBuffer>) -> PyResult<$result> $body

            unsafe extern "C" fn function(
                slf: *mut pyo3::ffi::PyObject,
                _closure: *mut std::ffi::c_void,
            ) -> *mut pyo3::ffi::PyObject {
                // SAFETY: called by the interpreter. The descriptor has already checked that `slf`
                // is of the class.
                unsafe { answer(&slf, body) }
            }
        })*

        /// The attributes that this module defines.
        pub(crate) const ATTRIBUTES: &[crate::ring::method::Attribute] = &[$($name::ATTRIBUTE),*];
    };
}
pub(crate) use attributes;

/// A name that ends with a zero byte.
pub(crate) const fn c_name(name: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(name.as_bytes()) {
        Ok(name) => name,
        Err(_) => unreachable!(),
    }
}

/// A C string that lives as long as the process, as the definitions of methods must.
fn for_ever(signature: &str, doc: &[&str]) -> PyResult<*const c_char> {
    let mut text = signature.to_owned();
    for line in doc {
        text.push_str(line.strip_prefix(' ').unwrap_or(line));
        text.push('\n');
    }
    Ok(CString::new(text.trim_end())?.into_raw())
}

fn method(class: &Bound<'_, PyType>, method: &Method) -> PyResult<()> {
    // C functions declare their signature for `inspect.signature()` like this.
    let name = method.name.to_string_lossy();
    let signature = format!("{name}{}\n--\n\n", method.signature);
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: method.name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer {
            PyCFunctionFastWithKeywords: method.function,
        },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: for_ever(&signature, method.doc)?,
    }));
    // SAFETY: the definition and everything that it refers to live forever; the flags match the
    // function's arguments; its `slf` is of this class, as the functions require.
    let descriptor = unsafe {
        let descriptor = ffi::PyDescr_NewMethod(class.as_type_ptr(), definition);
        Bound::from_owned_ptr_or_err(class.py(), descriptor)
    }?;
    class.setattr(&*name, descriptor)
}

fn attribute(class: &Bound<'_, PyType>, attribute: &Attribute) -> PyResult<()> {
    let definition = Box::leak(Box::new(ffi::PyGetSetDef {
        name: attribute.name.as_ptr(),
        get: Some(attribute.function),
        set: attribute.setter.first().copied(),
        doc: for_ever("", attribute.doc)?,
        closure: null_mut(),
    }));
    // SAFETY: as above.
    let descriptor = unsafe {
        let descriptor = ffi::PyDescr_NewGetSet(class.as_type_ptr(), definition);
        Bound::from_owned_ptr_or_err(class.py(), descriptor)
    }?;
    class.setattr(&*attribute.name.to_string_lossy(), descriptor)
}

/// Adds methods and attributes to the class.
pub(crate) fn install(
    class: &Bound<'_, PyType>,
    methods: &[Method],
    attributes: &[Attribute],
) -> PyResult<()> {
    methods
        .iter()
        .try_for_each(|definition| method(class, definition))?;
    (attributes.iter()).try_for_each(|definition| attribute(class, definition))
}
