//! A ring's memory as a Python object, and the views of it that Python gets.
//!
//! Whoever needs the memory refers to its owner: the ring, a region, the CData in `_ptr`. The owner
//! refers to none of them, so that there are no cycles, and is freed with the last one.

use std::ffi::c_int;
use std::sync::OnceLock;

use pa_ringbuffer::{Geometry, RingError, RingMemory};
use pyo3::exceptions::{PyMemoryError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyByteArray;

use crate::cdata::{self, CData, Pointee};
use crate::data::{Slot, View};
use crate::object;

/// Memory that Python code has allocated and the ring uses.
enum Borrowed {
    /// A bytes-like object, held so that it can neither go away nor be resized.
    Buffer(View<Box<Slot>>, Py<PyAny>),
    /// A CData array.
    Array(Py<PyAny>),
}

/// The struct and the elements of a ring that `RingBuffer.__init__` has made, for those who need them
/// longer than the ring object. Its buffer is the storage.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct Memory {
    /// What is kept alive. Not set before `keep` only where there is nobody else who refers to this
    /// object.
    ring: OnceLock<RingMemory>,
    storage: Stretch,
    borrowed: Option<Borrowed>,
}

pub(crate) fn ring_error(error: RingError) -> PyErr {
    match error {
        RingError::Capacity { value } => {
            PyValueError::new_err(format!("size must be a power of 2, not {value}"))
        }
        RingError::TooLarge {
            element_size,
            element_count,
        } => PyOverflowError::new_err(format!(
            "elementsize x size is too large: {element_size} x {element_count} bytes"
        )),
        RingError::OutOfMemory { .. } => PyMemoryError::new_err(error.to_string()),
        other => PyValueError::new_err(other.to_string()),
    }
}

/// A ring of `size` elements, all zero.
pub(crate) fn allocate(element_size: usize, size: usize) -> PyResult<RingMemory> {
    RingMemory::new(element_size, size).map_err(ring_error)
}

impl Memory {
    /// An object to `keep` an allocated ring, whose fields are as they were made.
    pub(crate) fn empty(made: &Geometry) -> Self {
        Self {
            ring: OnceLock::new(),
            storage: Stretch {
                pointer: made.buffer(),
                bytes: made.size() * made.element_size(),
                readonly: false,
            },
            borrowed: None,
        }
    }

    /// Takes over an allocated ring, once. Runs no Python code.
    pub(crate) fn keep(&self, ring: RingMemory) {
        self.ring.set(ring).expect("only a new object is filled");
    }

    /// A struct for elements that are in `buffer`.
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
                match cdata::inspect(buffer, "buffer")? {
                    Some(CData {
                        address,
                        pointee: Pointee::Array(bytes),
                        ..
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
                        return Err(PyTypeError::new_err(format!(
                            "buffer must be a bytes-like object or a CData array, not {found}"
                        )));
                    }
                }
            };
        if bytes % element_size != 0 {
            return Err(PyValueError::new_err(format!(
                "buffer size must be a multiple of elementsize: {bytes} bytes are no whole number \
                 of elements of {element_size} bytes"
            )));
        }
        // SAFETY: the exporter or the array keeps the storage valid while `borrowed` is held. If it
        // is read-only, `RingBuffer` refuses to write.
        let ring =
            unsafe { RingMemory::with_storage(element_size, bytes / element_size, pointer.cast()) }
                .map_err(ring_error)?;
        Ok(Self {
            ring: OnceLock::from(ring),
            storage: Stretch {
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
            // Two references: the one that was passed, and the one in the view.
            Some(Borrowed::Buffer(view, source)) => {
                visit.call(source)?;
                visit.call(view.exporter())
            }
            Some(Borrowed::Array(source)) => visit.call(source),
            None => Ok(()),
        }
    }
}

/// So many bytes somewhere.
struct Stretch {
    pointer: *mut u8,
    bytes: usize,
    readonly: bool,
}

// SAFETY: the pointer is only handed on to those who ask for a buffer; what they do with it on
// which thread is theirs to answer for, as with any buffer.
unsafe impl Send for Stretch {}
// SAFETY: as above.
unsafe impl Sync for Stretch {}

impl Stretch {
    /// Fills a view of itself, which refers to `exporter`.
    ///
    /// # Safety
    ///
    /// The view is there to be filled, and the memory lives as long as the exporter.
    unsafe fn export(
        &self,
        exporter: &Bound<'_, PyAny>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        // SAFETY: the caller's promises.
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

/// A stretch of memory that exports itself as a buffer and keeps the memory's owner alive.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct Region {
    stretch: Stretch,
    owner: Py<PyAny>,
}

impl Region {
    /// `bytes` at `pointer`, valid as long as `owner` lives.
    pub(crate) fn new(pointer: *mut u8, bytes: usize, readonly: bool, owner: Py<PyAny>) -> Self {
        Self {
            stretch: Stretch {
                pointer,
                bytes,
                readonly,
            },
            owner,
        }
    }

    /// The stretch as memoryview of bytes.
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
        unsafe { slf.get().stretch.export(slf.as_any(), view, flags) }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}

/// A new memoryview of what an object exports; of a memoryview, one that is released on its own.
pub(crate) fn view_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the object is alive; the result is a new reference or null with an exception.
    unsafe {
        Bound::from_owned_ptr_or_err(object.py(), ffi::PyMemoryView_FromObject(object.as_ptr()))
    }
}

/// A new memoryview of nothing. It cannot be one for all, because whoever gets it may release it.
pub(crate) fn empty_view(py: Python<'_>, readonly: bool) -> PyResult<Bound<'_, PyAny>> {
    /// A view that is given to nobody. To make another one like it takes one object, to make one of
    /// a bytearray two.
    static NOTHING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if readonly {
        return view_of(object::no_bytes(py)?.as_any());
    }
    let nothing = NOTHING.get_or_try_init(py, || {
        view_of(PyByteArray::new(py, b"").as_any()).map(Bound::unbind)
    })?;
    view_of(nothing.bind(py))
}
