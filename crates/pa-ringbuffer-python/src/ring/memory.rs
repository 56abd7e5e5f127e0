//! A ring's memory as a Python object, and the views of it that Python gets.
//!
//! Every object that needs the memory refers to its owner: the ring, a region, the CData in `_ptr`.
//! The owner refers to none of them, so there are no cycles, and the last of these objects frees
//! it.

use std::ffi::c_int;
#[cfg(Py_LIMITED_API)]
use std::ffi::c_void;
use std::sync::OnceLock;

use pa_ringbuffer::{Geometry, RingError, RingMemory, ring_buffer_size_t};
use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

use crate::arguments::cdata::{self, CData, Pointee};
use crate::arguments::data::{Slot, View, not_whole};
use crate::arguments::integer::Integer;
use crate::error;
use crate::object;

/// Memory that Python code has allocated and the ring uses.
enum Borrowed {
    /// A bytes-like object, held so that it can neither disappear nor be resized.
    Buffer(View<Box<Slot>>, Py<PyAny>),
    /// A CData array.
    Array(Py<PyAny>),
}

/// The known objects that keep the memory of a ring owned by C: those assigned to `_ptr` and to
/// `_data`.
pub(crate) type Owners = (Option<Py<PyAny>>, Option<Py<PyAny>>);

/// Keeps memory alive.
///
/// The garbage collector is only shown objects whose clearing leaves the memory intact. It clears
/// garbage in any order, and code that runs in the meantime may still use the memory.
pub(crate) enum Keeper {
    /// An object of this module, which releases memory only in its destructor.
    Ours(Py<PyAny>),
    /// Any other object. A ctypes array, a memoryview or a CData may free its memory when it is
    /// cleared, so the collector is not shown this reference. A cycle that leads through it is
    /// never freed.
    Foreign(Py<PyAny>),
}

impl Keeper {
    pub(crate) fn foreign(py: Python<'_>, owners: Owners) -> PyResult<Self> {
        Ok(Self::Foreign(match owners {
            (Some(owner), None) | (None, Some(owner)) => owner,
            (None, None) => py.None(),
            both => both.into_pyobject(py)?.into_any().unbind(),
        }))
    }

    pub(crate) fn nothing(py: Python<'_>) -> Self {
        Self::Foreign(py.None())
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Ours(object) => Self::Ours(object.clone_ref(py)),
            Self::Foreign(object) => Self::Foreign(object.clone_ref(py)),
        }
    }

    pub(crate) fn visit(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Ours(object) => visit.call(object),
            Self::Foreign(_) => Ok(()),
        }
    }
}

/// The function with which the collector clears an object, if any.
fn clearing(class: *mut ffi::PyTypeObject) -> Option<ffi::inquiry> {
    // SAFETY: a class that is alive. Since Python 3.10, all classes have slots in the limited API.
    unsafe {
        #[cfg(not(Py_LIMITED_API))]
        return (*class).tp_clear;
        #[cfg(Py_LIMITED_API)]
        {
            let slot = ffi::PyType_GetSlot(class, ffi::Py_tp_clear);
            (!slot.is_null()).then(|| std::mem::transmute::<*mut c_void, ffi::inquiry>(slot))
        }
    }
}

fn base(class: *mut ffi::PyTypeObject) -> *mut ffi::PyTypeObject {
    // SAFETY: as above.
    unsafe {
        #[cfg(not(Py_LIMITED_API))]
        return (*class).tp_base;
        #[cfg(Py_LIMITED_API)]
        ffi::PyType_GetSlot(class, ffi::Py_tp_base).cast()
    }
}

/// Whether clearing an object removes only its attributes. This is true of bytearrays, arrays and
/// mmap objects, of NumPy's arrays, and of classes derived from these.
fn keeps_memory_when_cleared(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    /// The function that clears the attributes of objects whose class is written in Python.
    static CLEAR_ATTRIBUTES: PyOnceLock<usize> = PyOnceLock::new();
    let py = object.py();
    let attributes = *CLEAR_ATTRIBUTES.get_or_try_init(py, || {
        let class = py
            .get_type::<PyType>()
            .call1(("Plain", (), PyDict::new(py)))?;
        PyResult::Ok(clearing(class.as_ptr().cast()).map_or(0, |clear| clear as usize))
    })?;
    let mut class = object.get_type().as_type_ptr();
    while !class.is_null() {
        match clearing(class) {
            None => return Ok(true),
            Some(clear) if clear as usize == attributes => class = base(class),
            Some(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// The struct and the elements of a ring made by `RingBuffer.__init__`, for code that needs them
/// longer than the ring object. Its buffer is the storage.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct Memory {
    /// The ring. It may be unset before `keep` only while no other code refers to this object.
    ring: OnceLock<RingMemory>,
    storage: Exported,
    borrowed: Option<Borrowed>,
    /// Whether the collector is shown the exporter; see [`Keeper`].
    visits: bool,
}

/// The largest number that fits into the struct's fields.
const LARGEST: i128 = ring_buffer_size_t::MAX as i128;

/// The largest number of elements whose masks also fit.
const MOST_ELEMENTS: i64 = (LARGEST / 2 + 1) as i64;

/// The largest element size. The largest [`Integer`] stands for all numbers beyond it.
const LARGEST_ELEMENT: i64 = if LARGEST < i64::MAX as i128 {
    LARGEST as i64
} else {
    i64::MAX - 1
};

fn checked(number: Integer, argument: &str, most: i64) -> PyResult<usize> {
    if number.value() > most {
        return Err(error::overflow_error(format_args!(
            "{argument} must be at most {most}, not {number}"
        )));
    }
    Ok(number.count().unwrap_or(0))
}

/// Checks that the struct can store an element size.
pub(crate) fn checked_element_size(elementsize: Integer) -> PyResult<usize> {
    match checked(elementsize, "elementsize", LARGEST_ELEMENT)? {
        0 => Err(error::value_error(format_args!(
            "elementsize must be a positive number of bytes, not {elementsize}"
        ))),
        element_size => Ok(element_size),
    }
}

/// Checks that a ring can have this number of elements.
fn checked_size(element_size: usize, size: Integer) -> PyResult<usize> {
    let count = checked(size, "size", MOST_ELEMENTS)?;
    if !count.is_power_of_two() {
        return Err(error::value_error(format_args!(
            "size must be a power of 2, not {size}"
        )));
    }
    if element_size
        .checked_mul(count)
        .is_none_or(|bytes| bytes > isize::MAX as usize)
    {
        return Err(error::overflow_error(format_args!(
            "elementsize x size must be at most {} bytes, not {element_size} x {size}",
            isize::MAX
        )));
    }
    Ok(count)
}

/// The sizes were checked, so only a lack of memory remains.
fn no_memory(error: &RingError, element_size: usize, size: usize) -> PyErr {
    match error {
        RingError::TooLarge { .. } | RingError::OutOfMemory { .. } => error::memory_error(
            format_args!("no memory for {size} elements of {element_size} bytes"),
        ),
        other => error::value_error(other),
    }
}

/// A ring of `size` elements, all zero.
pub(crate) fn allocate(element_size: usize, size: Integer) -> PyResult<RingMemory> {
    let count = checked_size(element_size, size)?;
    RingMemory::new(element_size, count).map_err(|error| no_memory(&error, element_size, count))
}

impl Memory {
    /// An object to `keep` an allocated ring, whose fields are unchanged.
    pub(crate) fn empty(made: &Geometry) -> Self {
        Self {
            ring: OnceLock::new(),
            storage: Exported {
                pointer: made.buffer(),
                bytes: made.size() * made.element_size(),
                readonly: false,
            },
            borrowed: None,
            visits: false,
        }
    }

    /// Takes over an allocated ring, once. Runs no Python code.
    pub(crate) fn keep(&self, ring: RingMemory) {
        self.ring.set(ring).expect("only a new object is filled");
    }

    /// A struct for elements in `buffer`.
    pub(crate) fn over(element_size: usize, buffer: &Bound<'_, PyAny>) -> PyResult<Self> {
        // SAFETY: the object is alive.
        let (pointer, bytes, readonly, borrowed) =
            if unsafe { ffi::PyObject_CheckBuffer(buffer.as_ptr()) } != 0 {
                let view = View::new(Box::new(Slot::uninit()), buffer, "buffer", 0)?;
                let source = buffer.clone().unbind();
                (
                    view.pointer(),
                    view.len(),
                    view.is_readonly(),
                    Borrowed::Buffer(view, source),
                )
            } else {
                match cdata::inspect(buffer)? {
                    Some(CData {
                        address,
                        pointee: Pointee::Array(bytes),
                    }) => {
                        let pointer = std::ptr::with_exposed_provenance_mut(address);
                        (
                            pointer,
                            bytes,
                            false,
                            Borrowed::Array(buffer.clone().unbind()),
                        )
                    }
                    _ => {
                        let found = cdata::c_type_name(buffer);
                        return Err(error::type_error(format_args!(
                            "buffer must be a bytes-like object or a CFFI array, not {found}"
                        )));
                    }
                }
            };
        if bytes % element_size != 0 {
            return Err(not_whole("buffer", bytes, element_size).into());
        }
        let count = checked_size(element_size, Integer::from(bytes / element_size))?;
        // SAFETY: the exporter or the array keeps the storage valid while `borrowed` is held. If it
        // is read-only, `RingBuffer` refuses to write.
        let ring = unsafe { RingMemory::with_storage(element_size, count, pointer.cast()) }
            .map_err(|error| no_memory(&error, element_size, count))?;
        let visits = match &borrowed {
            Borrowed::Buffer(view, source) => {
                view.exporter().is_some_and(|exporter| exporter.is(source))
                    && keeps_memory_when_cleared(buffer)?
            }
            Borrowed::Array(_) => false,
        };
        Ok(Self {
            visits,
            ring: OnceLock::from(ring),
            storage: Exported {
                pointer,
                bytes,
                readonly,
            },
            borrowed: Some(borrowed),
        })
    }

    /// The struct; `None` for an object that keeps nothing yet.
    pub(crate) fn ring(&self) -> Option<&RingMemory> {
        self.ring.get()
    }

    pub(crate) fn is_readonly(&self) -> bool {
        self.storage.readonly
    }

    /// The object that was passed as `buffer`.
    pub(crate) fn source<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        match self.borrowed.as_ref()? {
            Borrowed::Buffer(_, source) | Borrowed::Array(source) => Some(source.bind(py).clone()),
        }
    }
}

#[pymethods]
impl Memory {
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        // SAFETY: the interpreter passes a view to fill. The storage lives as long as this object.
        unsafe { slf.get().storage.export(slf.as_any(), view, flags) }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.borrowed {
            // Two references: the object that was passed, and the one in the view.
            Some(Borrowed::Buffer(view, source)) if self.visits => {
                visit.call(source)?;
                visit.call(view.exporter())
            }
            _ => Ok(()),
        }
    }
}

/// Memory that an object exports as its buffer.
struct Exported {
    pointer: *mut u8,
    bytes: usize,
    readonly: bool,
}

// SAFETY: the pointer is only passed on to code that requests a buffer, which is responsible for
// its use on any thread, as with any buffer.
unsafe impl Send for Exported {}
// SAFETY: as above.
unsafe impl Sync for Exported {}

impl Exported {
    /// Fills a view of itself, which refers to `exporter`.
    ///
    /// # Safety
    ///
    /// The view can be filled, and the memory lives as long as the exporter.
    unsafe fn export(
        &self,
        exporter: &Bound<'_, PyAny>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        // SAFETY: the caller's guarantees.
        let failed = unsafe {
            ffi::PyBuffer_FillInfo(
                view,
                exporter.as_ptr(),
                self.pointer.cast(),
                self.bytes as ffi::Py_ssize_t,
                c_int::from(self.readonly),
                flags,
            )
        };
        if failed == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(exporter.py()))
        }
    }
}

/// A region of a ring that exports itself as a buffer and keeps the memory's owner alive.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct Region {
    memory: Exported,
    owner: Keeper,
}

impl Region {
    /// A region of `bytes` at `pointer`, valid as long as `owner` lives.
    pub(crate) fn new(pointer: *mut u8, bytes: usize, readonly: bool, owner: Keeper) -> Self {
        Self {
            memory: Exported {
                pointer,
                bytes,
                readonly,
            },
            owner,
        }
    }

    /// The region as memoryview of bytes.
    pub(crate) fn view(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        view_of(Bound::new(py, self)?.as_any())
    }
}

#[pymethods]
impl Region {
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        // SAFETY: the interpreter passes a view to fill. The memory lives as long as the owner,
        // which this object refers to.
        unsafe { slf.get().memory.export(slf.as_any(), view, flags) }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.owner.visit(&visit)
    }
}

/// A new memoryview of an exporter; for a memoryview, one that is released independently.
pub(crate) fn view_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the object is alive; the result is a new reference or null with an exception.
    unsafe {
        Bound::from_owned_ptr_or_err(object.py(), ffi::PyMemoryView_FromObject(object.as_ptr()))
    }
}

/// A new empty memoryview. They cannot share one, because its owner may release it.
pub(crate) fn empty_view(py: Python<'_>, readonly: bool) -> PyResult<Bound<'_, PyAny>> {
    if readonly {
        return view_of(object::no_bytes(py)?.as_any());
    }
    // CPython counts the views derived from one view without a lock (gh-127716): without a GIL,
    // even an empty one cannot be shared.
    #[cfg(Py_GIL_DISABLED)]
    return view_of(object::bytearray(py, 0)?.as_any());
    #[cfg(not(Py_GIL_DISABLED))]
    {
        /// No caller gets this view. Copying it takes one object; a view of a bytearray takes two.
        static NOTHING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let nothing = NOTHING.get_or_try_init(py, || {
            view_of(object::bytearray(py, 0)?.as_any()).map(Bound::unbind)
        })?;
        view_of(nothing.bind(py))
    }
}
