//! The calls that are made for every block, without what PyO3 does around each of its functions.
//!
//! PyO3 counts calls per thread, catches panics, and finds out for each argument whether it was
//! given by name. The functions here take the usual call only: arguments by position, of the usual
//! types, a ring in order. For everything else they change nothing and call PyO3's method of the
//! same name, which they have replaced. (CPython 3.11, `write()` of 8 bytes: 31 instead of 39 ns,
//! the loop around it included.)
//!
//! There must be no reference counted by PyO3, a `Py`, that they drop: outside of PyO3's functions
//! that would only happen when one of these is called the next time.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::null_mut;

use pa_ringbuffer::ring_buffer_size_t;
use pyo3::ffi::{self, PyObject};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::data::{Data, Slot};
use crate::integer::Integer;
use crate::ring::RingBuffer;
use crate::wait::Side;

/// A method or attribute of `RingBuffer` that has been replaced.
struct Replaced {
    name: &'static CStr,
    /// PyO3's.
    general: PyOnceLock<Py<PyAny>>,
}

impl Replaced {
    const fn new(name: &'static CStr) -> Self {
        Self {
            name,
            general: PyOnceLock::new(),
        }
    }

    /// What PyO3 has made, and is replaced now. If the module is loaded once more, the class is the
    /// same, and it has been done already.
    fn take<'py>(&self, class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
        let py = class.py();
        self.general
            .get_or_try_init(py, || {
                class
                    .getattr(self.name.to_string_lossy())
                    .map(Bound::unbind)
            })
            .map(|general| general.bind(py).clone())
    }

    /// Calls PyO3's method.
    ///
    /// # Safety
    ///
    /// The thread is attached; the arguments are as in a call of a `METH_FASTCALL | METH_KEYWORDS`
    /// function.
    #[cold]
    unsafe fn call(
        &self,
        slf: *mut PyObject,
        arguments: *const *mut PyObject,
        count: ffi::Py_ssize_t,
        names: *mut PyObject,
    ) -> *mut PyObject {
        // SAFETY: the caller's promises: so many arguments, and behind them one for each name, all
        // alive. What PyTuple_SetItem takes is a new reference. Null is an exception that is set.
        unsafe {
            let py = Python::assume_attached();
            let Some(general) = self.general.get(py) else {
                return null_mut();
            };
            let positional = ffi::PyTuple_New(count + 1);
            if positional.is_null() {
                return null_mut();
            }
            for n in 0..=count {
                let item = if n == 0 {
                    slf
                } else {
                    *arguments.offset(n - 1)
                };
                ffi::Py_INCREF(item);
                ffi::PyTuple_SetItem(positional, n, item);
            }
            let mut named = null_mut();
            let mut failed = false;
            if !names.is_null() {
                named = ffi::PyDict_New();
                failed = named.is_null();
                for n in 0..ffi::PyTuple_Size(names) {
                    let name = ffi::PyTuple_GetItem(names, n);
                    failed = failed
                        || ffi::PyDict_SetItem(named, name, *arguments.offset(count + n)) != 0;
                }
            }
            let result = if failed {
                null_mut()
            } else {
                ffi::PyObject_Call(general.as_ptr(), positional, named)
            };
            ffi::Py_DECREF(positional);
            ffi::Py_XDECREF(named);
            result
        }
    }

    /// Gets PyO3's attribute.
    ///
    /// # Safety
    ///
    /// The thread is attached, and `slf` is an object of the class.
    #[cold]
    unsafe fn get(&self, slf: *mut PyObject) -> *mut PyObject {
        // SAFETY: the caller's promises.
        unsafe {
            let py = Python::assume_attached();
            let slf = Borrowed::from_ptr(py, slf);
            let general = self.general.get(py).map(|general| general.bind(py));
            let found = general
                .map(|general| general.call_method1(intern!(py, "__get__"), (slf, slf.get_type())));
            match found {
                Some(Ok(value)) => value.into_ptr(),
                Some(Err(error)) => {
                    error.restore(py);
                    null_mut()
                }
                None => null_mut(),
            }
        }
    }
}

static WRITE: Replaced = Replaced::new(c"write");
static READ: Replaced = Replaced::new(c"read");
static READINTO: Replaced = Replaced::new(c"readinto");
static GET_WRITE_BUFFERS: Replaced = Replaced::new(c"get_write_buffers");
static GET_READ_BUFFERS: Replaced = Replaced::new(c"get_read_buffers");
static ADVANCE_WRITE_INDEX: Replaced = Replaced::new(c"advance_write_index");
static ADVANCE_READ_INDEX: Replaced = Replaced::new(c"advance_read_index");
static WRITE_AVAILABLE: Replaced = Replaced::new(c"write_available");
static READ_AVAILABLE: Replaced = Replaced::new(c"read_available");

type Argument<'a, 'py> = Option<Borrowed<'a, 'py, PyAny>>;

/// Defines the C function of a method. `$usual` is what it does if it is called with these positional
/// arguments at most; it returns `None`, and has done nothing, if there is something unusual, or if an
/// exception is set that has nothing to do with the arguments.
macro_rules! method {
    ($name:ident, $replaced:ident, $usual:ident($($n:literal),+ $(; $side:expr)?)) => {
        unsafe extern "C" fn $name(
            slf: *mut PyObject,
            arguments: *const *mut PyObject,
            count: ffi::Py_ssize_t,
            names: *mut PyObject,
        ) -> *mut PyObject {
            // SAFETY: called by the interpreter, which passes so many arguments. Before, the
            // descriptor has made sure that `slf` is of the class.
            unsafe {
                if names.is_null() && count <= [$($n),+].len() as ffi::Py_ssize_t {
                    let py = Python::assume_attached();
                    let ring = Bound::ref_from_ptr(py, &slf).cast_unchecked::<RingBuffer>();
                    let argument =
                        |n| (n < count).then(|| Borrowed::from_ptr(py, *arguments.offset(n)));
                    if let Some(result) = $usual(ring, $(argument($n)),+ $(, $side)?) {
                        return result;
                    }
                    if !ffi::PyErr_Occurred().is_null() {
                        return null_mut();
                    }
                }
                $replaced.call(slf, arguments, count, names)
            }
        }
    };
}

/// A number of elements as Python int; null with an exception if there is no memory for it.
fn number(_py: Python<'_>, count: usize) -> *mut PyObject {
    // SAFETY: the thread is attached.
    unsafe { ffi::PyLong_FromSize_t(count) }
}

fn usual_write(
    ring: &Bound<'_, RingBuffer>,
    data: Argument<'_, '_>,
    size: Argument<'_, '_>,
) -> Option<*mut PyObject> {
    let size = match size {
        Some(size) => Integer::exact(size)?.count(),
        None => None,
    };
    let (data, mut slot) = (data?, Slot::uninit());
    let data = Data::usual_source(&data, &mut slot)?;
    let written = RingBuffer::usually(ring, Side::Room, |raw, geometry, may| {
        let count = data.count(geometry.element_size(), size)?;
        // SAFETY: as in `RingBuffer::write`: it is this ring's geometry, the storage is alive, the
        // data has so many elements, and nobody else is writing.
        (may.write).then(|| unsafe { raw.write(geometry, data.pointer.cast(), count) })
    })?;
    Some(number(ring.py(), written))
}

fn usual_readinto(ring: &Bound<'_, RingBuffer>, data: Argument<'_, '_>) -> Option<*mut PyObject> {
    let (data, mut slot) = (data?, Slot::uninit());
    let data = Data::usual_target(&data, &mut slot)?;
    let read = RingBuffer::usually(ring, Side::Data, |raw, geometry, may| {
        let count = data.count(geometry.element_size(), None)?;
        // SAFETY: as in `RingBuffer::readinto`: it is this ring's geometry, the storage is alive,
        // the data has room for so many elements, and nobody else is reading.
        (may.read).then(|| unsafe { raw.read(geometry, data.pointer.cast(), count) })
    })?;
    Some(number(ring.py(), read))
}

fn usual_read(ring: &Bound<'_, RingBuffer>, size: Argument<'_, '_>) -> Option<*mut PyObject> {
    let size = match size {
        Some(size) => Integer::exact(size)?,
        None => Integer::ALL,
    };
    RingBuffer::take_usually(ring, size).map(Bound::into_ptr)
}

fn usual_advance(
    ring: &Bound<'_, RingBuffer>,
    size: Argument<'_, '_>,
    side: Side,
) -> Option<*mut PyObject> {
    let size = Integer::exact(size?)?.count()?;
    let index = RingBuffer::usually(ring, side, |raw, geometry, may| {
        let (may, available) = match side {
            Side::Room => (may.advance_write, raw.write_available_in(geometry)),
            Side::Data => (may.read, raw.read_available_in(geometry)),
        };
        if !may || size > available {
            return None;
        }
        // Not more than the ring's size, which is of that type.
        let size = size as ring_buffer_size_t;
        Some(match side {
            Side::Room => raw.advance_write_index(geometry, size),
            Side::Data => raw.advance_read_index(geometry, size),
        })
    })?;
    // The masks of a ring in order leave no index negative.
    Some(number(ring.py(), index as usize))
}

fn usual_buffers(
    ring: &Bound<'_, RingBuffer>,
    size: Argument<'_, '_>,
    side: Side,
) -> Option<*mut PyObject> {
    let size = Integer::exact(size?)?.count()?;
    RingBuffer::views_usually(ring, size, side).map(Bound::into_ptr)
}

method!(write, WRITE, usual_write(0, 1));
method!(readinto, READINTO, usual_readinto(0));
method!(read, READ, usual_read(0));
method!(get_write_buffers, GET_WRITE_BUFFERS, usual_buffers(0; Side::Room));
method!(get_read_buffers, GET_READ_BUFFERS, usual_buffers(0; Side::Data));
method!(advance_write_index, ADVANCE_WRITE_INDEX, usual_advance(0; Side::Room));
method!(advance_read_index, ADVANCE_READ_INDEX, usual_advance(0; Side::Data));

/// Defines the C function of an attribute.
macro_rules! attribute {
    ($name:ident, $replaced:ident, $available:ident, $side:expr) => {
        unsafe extern "C" fn $name(slf: *mut PyObject, _closure: *mut c_void) -> *mut PyObject {
            // SAFETY: called by the interpreter. Before, the descriptor has made sure that `slf` is
            // of the class.
            unsafe {
                let py = Python::assume_attached();
                let ring = Bound::ref_from_ptr(py, &slf).cast_unchecked::<RingBuffer>();
                RingBuffer::usually(ring, $side, |raw, geometry, _| {
                    Some(raw.$available(geometry))
                })
                .map_or_else(|| $replaced.get(slf), |count| number(py, count))
            }
        }
    };
}

attribute!(
    write_available,
    WRITE_AVAILABLE,
    write_available_in,
    Side::Room
);
attribute!(
    read_available,
    READ_AVAILABLE,
    read_available_in,
    Side::Data
);

/// A C string that lives as long as the process, as the definitions of methods must.
fn for_ever(text: &str) -> PyResult<*const c_char> {
    Ok(CString::new(text)?.into_raw())
}

fn install_method(
    class: &Bound<'_, PyType>,
    replaced: &Replaced,
    function: ffi::PyCFunctionFastWithKeywords,
) -> PyResult<()> {
    let py = class.py();
    let general = replaced.take(class)?;
    // This is how C says what `inspect.signature()` finds.
    let text = format!(
        "{}{}\n--\n\n{}",
        replaced.name.to_string_lossy(),
        general.getattr("__text_signature__")?,
        general.getattr("__doc__")?,
    );
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: replaced.name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer {
            PyCFunctionFastWithKeywords: function,
        },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: for_ever(&text)?,
    }));
    // SAFETY: the definition and all that it refers to live for ever; the flags say what the
    // function takes; its `slf` is of this class, as the functions ask for.
    let descriptor = unsafe {
        Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(class.as_type_ptr(), definition))
    }?;
    class.setattr(replaced.name.to_string_lossy(), descriptor)
}

fn install_attribute(
    class: &Bound<'_, PyType>,
    replaced: &Replaced,
    function: ffi::getter,
) -> PyResult<()> {
    let py = class.py();
    let general = replaced.take(class)?;
    let text: String = general.getattr("__doc__")?.extract()?;
    let definition = Box::leak(Box::new(ffi::PyGetSetDef {
        name: replaced.name.as_ptr(),
        get: Some(function),
        set: None,
        doc: for_ever(&text)?,
        closure: null_mut(),
    }));
    // SAFETY: as above.
    let descriptor = unsafe {
        Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewGetSet(class.as_type_ptr(), definition))
    }?;
    class.setattr(replaced.name.to_string_lossy(), descriptor)
}

/// Replaces methods of the class.
pub(crate) fn install(class: &Bound<'_, PyType>) -> PyResult<()> {
    install_method(class, &WRITE, write)?;
    install_method(class, &READ, read)?;
    install_method(class, &READINTO, readinto)?;
    install_method(class, &GET_WRITE_BUFFERS, get_write_buffers)?;
    install_method(class, &GET_READ_BUFFERS, get_read_buffers)?;
    install_method(class, &ADVANCE_WRITE_INDEX, advance_write_index)?;
    install_method(class, &ADVANCE_READ_INDEX, advance_read_index)?;
    install_attribute(class, &WRITE_AVAILABLE, write_available)?;
    install_attribute(class, &READ_AVAILABLE, read_available)
}
