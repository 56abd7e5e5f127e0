//! What Python passes as data to write, or as room to read into.

use std::borrow::BorrowMut;
use std::ffi::{CStr, c_int};
use std::mem::{ManuallyDrop, MaybeUninit};

use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
#[cfg(not(Py_GIL_DISABLED))]
use pyo3::types::PyByteArray;
use pyo3::types::PyBytes;

use crate::arguments::cdata::{self, CData, Pointee, c_type_name};
use crate::arguments::integer::Integer;
use crate::error::{self, Refusal};

/// Room for a buffer's description. It must not move while the buffer is held, because exporters
/// may let `shape` point into it: on the stack for the time of a call, in a box for longer.
pub(crate) type Slot = MaybeUninit<ffi::Py_buffer>;

/// A buffer that some Python object exports, until this is dropped.
pub(crate) struct View<S: BorrowMut<Slot>> {
    slot: S,
    /// The reference in the slot, seen as an object; it is the slot's and not dropped here.
    exporter: ManuallyDrop<Option<Py<PyAny>>>,
}

// SAFETY: a Py_buffer may be used on any thread that is attached to the interpreter, and it is
// released only there (see `Drop`).
unsafe impl Send for View<Box<Slot>> {}
// SAFETY: nothing in it changes after it was filled.
unsafe impl Sync for View<Box<Slot>> {}

impl<S: BorrowMut<Slot>> View<S> {
    /// # Errors
    ///
    /// Whatever the exporter raises: BufferError or (NumPy) ValueError if the memory is not
    /// contiguous, or not writable where `flags` ask for that; TypeError if it holds Python
    /// objects.
    pub(crate) fn new(
        mut slot: S,
        object: &Bound<'_, PyAny>,
        argument: &str,
        flags: c_int,
    ) -> PyResult<Self> {
        if !fill(slot.borrow_mut(), object, flags) {
            let error = PyErr::fetch(object.py());
            if is_final(&error, object.py()) {
                return Err(error);
            }
            let nameless = match nameless_bytes(object) {
                Ok(Some(nameless)) => nameless,
                Err(other) if is_final(&other, object.py()) => return Err(other),
                _ => return Err(error),
            };
            if !fill(slot.borrow_mut(), &nameless, flags) {
                return Err(PyErr::fetch(object.py()));
            }
        }
        // SAFETY: the slot has just been filled.
        let view = unsafe { Self::filled(slot, object.py()) };
        if !view.is_plain() {
            return Err(error::type_error(format_args!(
                "{argument} must hold plain numbers or bytes, not Python objects"
            )));
        }
        Ok(view)
    }

    /// The memory of an array or bytearray that was made for us and holds plain numbers. Without
    /// asking for a description of these, which NumPy would have to write down.
    ///
    /// # Errors
    ///
    /// Whatever the exporter raises.
    #[inline]
    pub(crate) fn of_numbers(
        mut slot: S,
        object: &Bound<'_, PyAny>,
        flags: c_int,
    ) -> PyResult<Self> {
        let py = object.py();
        // SAFETY: the object is alive, and there is room for the view.
        let status = unsafe {
            ffi::PyObject_GetBuffer(object.as_ptr(), slot.borrow_mut().as_mut_ptr(), flags)
        };
        if status != 0 {
            return Err(PyErr::fetch(py));
        }
        // SAFETY: the slot has just been filled.
        Ok(unsafe { Self::filled(slot, py) })
    }

    /// Whether an object exports any memory.
    #[inline]
    pub(crate) fn is_possible(object: &Bound<'_, PyAny>) -> bool {
        // SAFETY: the object is alive.
        unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) != 0 }
    }

    /// # Safety
    ///
    /// The slot is filled, and released by nobody else.
    unsafe fn filled(mut slot: S, py: Python<'_>) -> Self {
        // SAFETY: its `obj` is null or a reference that lives until release.
        let exporter =
            unsafe { Bound::from_owned_ptr_or_opt(py, (*slot.borrow_mut().as_mut_ptr()).obj) };
        Self {
            slot,
            exporter: ManuallyDrop::new(exporter.map(Bound::unbind)),
        }
    }

    fn get(&self) -> &ffi::Py_buffer {
        // SAFETY: `new` succeeded, so it is filled.
        unsafe { self.slot.borrow().assume_init_ref() }
    }

    pub(crate) fn pointer(&self) -> *mut u8 {
        self.get().buf.cast()
    }

    pub(crate) fn len(&self) -> usize {
        self.get().len as usize
    }

    pub(crate) fn is_readonly(&self) -> bool {
        self.get().readonly != 0
    }

    /// The code of the items, bytes if the exporter says nothing.
    pub(crate) fn format(&self) -> &[u8] {
        let format = self.get().format;
        if format.is_null() {
            return b"B";
        }
        // SAFETY: a format is a string that lives as long as the view.
        unsafe { CStr::from_ptr(format) }.to_bytes()
    }

    pub(crate) fn item_size(&self) -> usize {
        self.get().itemsize as usize
    }

    /// Bytes of all that has the same first index; `None` with less than two dimensions.
    pub(crate) fn row_size(&self) -> Option<usize> {
        let view = self.get();
        if view.ndim < 2 || view.shape.is_null() {
            return None;
        }
        // SAFETY: a shape has as many numbers as there are dimensions.
        let shape = unsafe { std::slice::from_raw_parts(view.shape, view.ndim as usize) };
        Some(shape[1..].iter().product::<ffi::Py_ssize_t>() as usize * self.item_size())
    }

    /// Number of items that have the same first index; `None` for a single item, or more than two
    /// dimensions.
    #[inline]
    pub(crate) fn row_items(&self) -> Option<usize> {
        let view = self.get();
        match view.ndim {
            1 => Some(1),
            // SAFETY: a shape has as many numbers as there are dimensions.
            2 if !view.shape.is_null() => Some(unsafe { *view.shape.add(1) } as usize),
            _ => None,
        }
    }

    /// The object that the view refers to, for the garbage collector.
    pub(crate) fn exporter(&self) -> Option<&Py<PyAny>> {
        self.exporter.as_ref()
    }

    /// Whether no items are, or contain, pointers to Python objects.
    fn is_plain(&self) -> bool {
        let format = self.format();
        // Names of fields stand between colons; everything else is codes.
        !format.contains(&b'O')
            || !format
                .split(|&c| c == b':')
                .step_by(2)
                .any(|codes| codes.contains(&b'O'))
    }
}

/// Asks for contiguous memory of any format, which is asked for to recognise Python objects. If
/// that fails, an exception is set.
fn fill(slot: &mut Slot, object: &Bound<'_, PyAny>, flags: c_int) -> bool {
    let flags = flags | ffi::PyBUF_ND | ffi::PyBUF_FORMAT;
    // SAFETY: the object is alive, and there is room for the view.
    unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), slot.as_mut_ptr(), flags) == 0 }
}

/// Whether an exception is no reason to try something else: Ctrl-C while `__buffer__` was running,
/// and a lack of memory.
fn is_final(error: &PyErr, py: Python<'_>) -> bool {
    !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyMemoryError>(py)
}

/// NumPy cannot say what format dates have, but it can show them as nameless bytes.
fn nameless_bytes<'py>(array: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(dtype) = array.getattr_opt(intern!(array.py(), "dtype"))? else {
        return Ok(None);
    };
    if dtype
        .getattr(intern!(dtype.py(), "hasobject"))?
        .is_truthy()?
    {
        return Ok(None);
    }
    let size: usize = dtype.getattr(intern!(dtype.py(), "itemsize"))?.extract()?;
    array
        .call_method1(intern!(array.py(), "view"), (format!("V{size}"),))
        .map(Some)
}

impl<S: BorrowMut<Slot>> Drop for View<S> {
    fn drop(&mut self) {
        // SAFETY: filled by `new`, released once. Views live on the stack of a call from Python or
        // in a Python object, so the thread is attached.
        unsafe { ffi::PyBuffer_Release(self.slot.borrow_mut().as_mut_ptr()) }
    }
}

/// How much memory there is behind a pointer.
enum Extent {
    /// So many bytes.
    Bytes(usize),
    /// At least one item of so many bytes; how many more, only the caller knows.
    Item(usize),
    /// Only the caller knows.
    Unknown,
}

/// Memory that Python passed.
pub(crate) struct Data<'a> {
    pub(crate) pointer: *mut u8,
    extent: Extent,
    argument: &'static str,
    _view: Option<View<&'a mut Slot>>,
}

impl<'a> Data<'a> {
    fn of_bytes(pointer: *mut u8, bytes: usize, view: Option<View<&'a mut Slot>>) -> Self {
        Self {
            pointer,
            extent: Extent::Bytes(bytes),
            argument: "data",
            _view: view,
        }
    }

    /// What needs no buffer protocol to be read from.
    #[inline]
    fn plain_source(object: &Bound<'_, PyAny>) -> Option<Self> {
        if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            let bytes = bytes.as_bytes();
            return Some(Self::of_bytes(bytes.as_ptr().cast_mut(), bytes.len(), None));
        }
        Self::plain_target(object)
    }

    /// What needs no buffer protocol to be written to.
    #[inline]
    fn plain_target(object: &Bound<'_, PyAny>) -> Option<Self> {
        // With a GIL nothing can resize the bytearray before it is used.
        #[cfg(not(Py_GIL_DISABLED))]
        if let Ok(array) = object.cast_exact::<PyByteArray>() {
            return Some(Self::of_bytes(array.data(), array.len(), None));
        }
        #[cfg(Py_GIL_DISABLED)]
        let _ = object;
        None
    }

    /// Memory to read from.
    pub(crate) fn source(object: &Bound<'_, PyAny>, slot: &'a mut Slot) -> PyResult<Self> {
        match Self::plain_source(object) {
            Some(data) => Ok(data),
            None => Self::new(object, slot, 0),
        }
    }

    /// Memory to write to.
    pub(crate) fn target(object: &Bound<'_, PyAny>, slot: &'a mut Slot) -> PyResult<Self> {
        match Self::plain_target(object) {
            Some(data) => Ok(data),
            None => Self::new(object, slot, ffi::PyBUF_WRITABLE),
        }
    }

    fn new(object: &Bound<'_, PyAny>, slot: &'a mut Slot, flags: c_int) -> PyResult<Self> {
        // SAFETY: the object is alive.
        if unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) } != 0 {
            let view = View::new(slot, object, "data", flags)?;
            return Ok(Self::of_bytes(view.pointer(), view.len(), Some(view)));
        }
        Self::cdata(object)
    }

    /// A CData pointer or array.
    fn cdata(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let argument = "data";
        let (address, extent) = match cdata::inspect(object)? {
            Some(CData {
                address,
                pointee: Pointee::Array(bytes),
            }) => (address, Extent::Bytes(bytes)),
            Some(CData {
                address,
                pointee: Pointee::Item(bytes),
            }) => (address, Extent::Item(bytes)),
            Some(CData {
                address,
                pointee: Pointee::Unknown,
            }) => (address, Extent::Unknown),
            _ => {
                return Err(error::type_error(format_args!(
                    "{argument} must be a bytes-like object, or a CFFI array or pointer, not {}",
                    c_type_name(object)
                )));
            }
        };
        if address == 0 {
            return Err(error::value_error(format_args!(
                "{argument} must not be NULL"
            )));
        }
        Ok(Self {
            pointer: std::ptr::with_exposed_provenance_mut(address),
            extent,
            argument,
            _view: None,
        })
    }

    /// How many elements are meant: all of them, or the first `size`. `None` if that is wrong.
    #[inline]
    pub(crate) fn count(&self, element_size: usize, size: Option<usize>) -> Option<usize> {
        let bytes = match (&self.extent, size) {
            (Extent::Bytes(bytes), Some(size)) => {
                // No division: the product is what has to fit.
                let needed = size.checked_mul(element_size)?;
                return (needed <= *bytes).then_some(size);
            }
            (Extent::Item(_) | Extent::Unknown, Some(size)) => return Some(size),
            (Extent::Bytes(bytes) | Extent::Item(bytes), None) => *bytes,
            (Extent::Unknown, None) => return None,
        };
        // Most elements have a size that is a power of two, and dividing by a variable is slow.
        let (count, rest) = if element_size.is_power_of_two() {
            (
                bytes >> element_size.trailing_zeros(),
                bytes & (element_size - 1),
            )
        } else {
            (bytes / element_size, bytes % element_size)
        };
        (rest == 0).then_some(count)
    }

    /// As [`count`](Self::count), with an error that says what is wrong. A negative `size` stands for
    /// all, too.
    pub(crate) fn elements(
        &self,
        element_size: usize,
        size: Option<Integer>,
    ) -> Result<usize, Refusal> {
        self.count(element_size, size.and_then(Integer::count))
            .ok_or_else(|| self.wrong(element_size, size))
    }

    #[cold]
    fn wrong(&self, element_size: usize, size: Option<Integer>) -> Refusal {
        let argument = self.argument;
        let size = size.filter(|size| size.count().is_some());
        match (&self.extent, size) {
            (Extent::Unknown, _) => Refusal::type_error(format_args!(
                "{argument} must be a pointer to a type of known size, not to void or an opaque \
                 type: cast it, or use ffi.buffer()"
            )),
            (Extent::Bytes(bytes) | Extent::Item(bytes), Some(size)) => {
                let most = bytes / element_size;
                Refusal::value_error(format_args!(
                    "size must be at most {most}, the number of elements in {argument}, not {size}"
                ))
            }
            (Extent::Bytes(bytes) | Extent::Item(bytes), None) => {
                not_whole(argument, *bytes, element_size)
            }
        }
    }
}

/// Memory whose size is not a number of elements.
#[cold]
pub(crate) fn not_whole(argument: &str, bytes: usize, element_size: usize) -> Refusal {
    Refusal::value_error(format_args!(
        "the size of {argument} in bytes must be a multiple of elementsize ({element_size}), not \
         {bytes}"
    ))
}
