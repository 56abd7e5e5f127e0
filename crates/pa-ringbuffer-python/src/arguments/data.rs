//! Data that Python passes to write, or memory to read into.

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

/// A buffer's description. It must not move while the buffer is held, because exporters may let
/// `shape` point into it: on the stack during a call, in a box for longer.
pub(crate) type Slot = MaybeUninit<ffi::Py_buffer>;

/// A buffer exported by a Python object, until this is dropped.
pub(crate) struct View<S: BorrowMut<Slot>> {
    slot: S,
    /// The reference in the slot as an object; it belongs to the slot and is not dropped here.
    exporter: ManuallyDrop<Option<Py<PyAny>>>,
}

// SAFETY: any attached thread may use a Py_buffer, and only an attached thread releases it (see
// `Drop`).
unsafe impl Send for View<Box<Slot>> {}
// SAFETY: nothing in it changes after it is filled.
unsafe impl Sync for View<Box<Slot>> {}

impl<S: BorrowMut<Slot>> View<S> {
    /// # Errors
    ///
    /// The exporter's exception: BufferError or (NumPy) ValueError if the memory is not contiguous,
    /// or is read-only although `flags` require write access; TypeError if it contains Python
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

    /// The memory of an array or bytearray that was created for this transfer and contains plain
    /// numbers. It does not request the format, which NumPy would have to construct.
    ///
    /// # Errors
    ///
    /// The exporter's exception.
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

    /// Whether an object exports memory.
    #[inline]
    pub(crate) fn is_possible(object: &Bound<'_, PyAny>) -> bool {
        // SAFETY: the object is alive.
        unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) != 0 }
    }

    /// # Safety
    ///
    /// The slot is filled, and no other code releases it.
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

    /// The format code of the items; that of bytes if the exporter provides none.
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

    /// Number of bytes with the same first index; `None` with fewer than two dimensions.
    pub(crate) fn row_size(&self) -> Option<usize> {
        let view = self.get();
        if view.ndim < 2 || view.shape.is_null() {
            return None;
        }
        // SAFETY: a shape has as many numbers as there are dimensions.
        let shape = unsafe { std::slice::from_raw_parts(view.shape, view.ndim as usize) };
        Some(shape[1..].iter().product::<ffi::Py_ssize_t>() as usize * self.item_size())
    }

    /// Number of items with the same first index; `None` for a single item, or for more than two
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

    /// Whether the items are free of pointers to Python objects.
    fn is_plain(&self) -> bool {
        let format = self.format();
        // Field names are enclosed in colons; everything else is codes.
        !format.contains(&b'O')
            || !format
                .split(|&c| c == b':')
                .step_by(2)
                .any(|codes| codes.contains(&b'O'))
    }
}

/// Requests contiguous memory of any format. The format is needed to recognise Python objects. On
/// failure, an exception is set.
fn fill(slot: &mut Slot, object: &Bound<'_, PyAny>, flags: c_int) -> bool {
    let flags = flags | ffi::PyBUF_ND | ffi::PyBUF_FORMAT;
    // SAFETY: the object is alive, and there is room for the view.
    unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), slot.as_mut_ptr(), flags) == 0 }
}

/// Whether an exception must not be replaced by another attempt: Ctrl-C during `__buffer__`, or a
/// lack of memory.
pub(crate) fn is_final(error: &PyErr, py: Python<'_>) -> bool {
    !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyMemoryError>(py)
}

/// NumPy cannot export the format of dates, but it can export them as nameless bytes.
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

/// Size of the memory behind a pointer.
enum Extent {
    /// This number of bytes.
    Bytes(usize),
    /// At least one item of this number of bytes; only the caller knows how many more.
    Item(usize),
    /// Only the caller knows.
    Unknown,
}

/// Memory passed by Python.
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

    /// Objects that can be read without the buffer protocol.
    #[inline]
    fn plain_source(object: &Bound<'_, PyAny>) -> Option<Self> {
        if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            let bytes = bytes.as_bytes();
            return Some(Self::of_bytes(bytes.as_ptr().cast_mut(), bytes.len(), None));
        }
        Self::plain_target(object)
    }

    /// Objects that can be written without the buffer protocol.
    #[inline]
    fn plain_target(object: &Bound<'_, PyAny>) -> Option<Self> {
        // With a GIL, no other thread can resize the bytearray before the transfer.
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

    /// The number of elements to transfer: all of them, or the first `size`. `None` if that is
    /// invalid.
    #[inline]
    pub(crate) fn count(&self, element_size: usize, size: Option<usize>) -> Option<usize> {
        let bytes = match (&self.extent, size) {
            (Extent::Bytes(bytes), Some(size)) => {
                // No division: the product must fit.
                let needed = size.checked_mul(element_size)?;
                return (needed <= *bytes).then_some(size);
            }
            (Extent::Item(_) | Extent::Unknown, Some(size)) => return Some(size),
            (Extent::Bytes(bytes) | Extent::Item(bytes), None) => *bytes,
            (Extent::Unknown, None) => return None,
        };
        // Most elements have a size that is a power of two, and division by a variable is slow.
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

    /// Like [`count`](Self::count), with an error message. A negative `size` also stands for all.
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

/// The error for memory that is not a whole number of elements.
#[cold]
pub(crate) fn not_whole(argument: &str, bytes: usize, element_size: usize) -> Refusal {
    Refusal::value_error(format_args!(
        "the size of {argument} in bytes must be a multiple of elementsize ({element_size}), not \
         {bytes}"
    ))
}
