//! A ring's memory as a Python object, and the views of it that Python gets.
//!
//! Whoever needs the memory refers to its owner: the ring, a region, the CData in `_ptr`. The owner
//! refers to none of them, so that there are no cycles, and is freed with the last one.

use std::ffi::c_int;

use pa_ringbuffer::{Geometry, RingError, RingMemory};
use pyo3::exceptions::{PyMemoryError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes};

use crate::cdata::{self, CData, Pointee};
use crate::data::{Slot, View};

/// Memory that Python code has allocated and the ring uses.
enum Borrowed {
    /// A bytes-like object, held so that it can neither go away nor be resized.
    Buffer(View<Box<Slot>>, Py<PyAny>),
    /// A CData array.
    Array(Py<PyAny>),
}

/// The struct and the elements of a ring that `RingBuffer.__init__` has made.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct Memory {
    ring: RingMemory,
    /// What the struct said when the ring was made.
    made: Geometry,
    readonly: bool,
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

impl Memory {
    /// Memory for `size` elements, all zero.
    pub(crate) fn allocate(element_size: usize, size: usize) -> PyResult<Self> {
        let ring = RingMemory::new(element_size, size).map_err(ring_error)?;
        Ok(Self {
            made: ring.geometry(),
            ring,
            readonly: false,
            borrowed: None,
        })
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
            made: ring.geometry(),
            ring,
            readonly,
            borrowed: Some(borrowed),
        })
    }

    pub(crate) fn ring(&self) -> &RingMemory {
        &self.ring
    }

    pub(crate) fn made(&self) -> &Geometry {
        &self.made
    }

    pub(crate) fn is_readonly(&self) -> bool {
        self.readonly
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

/// A stretch of memory that exports itself as a buffer and keeps the memory's owner alive.
#[pyclass(frozen, module = "pa_ringbuffer._native")]
pub(crate) struct Region {
    pointer: *mut u8,
    bytes: usize,
    readonly: bool,
    owner: Py<PyAny>,
}

// SAFETY: the pointer is only handed on to those who ask for a buffer; what they do with it on
// which thread is theirs to answer for, as with any buffer.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// `bytes` at `pointer`, valid as long as `owner` lives.
    pub(crate) fn new(pointer: *mut u8, bytes: usize, readonly: bool, owner: Py<PyAny>) -> Self {
        Self {
            pointer,
            bytes,
            readonly,
            owner,
        }
    }

    /// The stretch as memoryview of bytes.
    pub(crate) fn view(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let region = Bound::new(py, self)?;
        // SAFETY: the region is a live object; the result is a new reference or null.
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyMemoryView_FromObject(region.as_ptr())) }
    }
}

#[pymethods]
impl Region {
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let region = slf.get();
        // SAFETY: the interpreter passes a view to fill; the memory lives as long as the region,
        // to which the view holds a reference.
        let failed = unsafe {
            ffi::PyBuffer_FillInfo(
                view,
                slf.as_ptr(),
                region.pointer.cast(),
                region.bytes as ffi::Py_ssize_t,
                c_int::from(region.readonly),
                flags,
            )
        };
        if failed == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(slf.py()))
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}

/// A new memoryview of nothing. It cannot be one for all, because whoever gets it may release it.
pub(crate) fn empty_view(py: Python<'_>, readonly: bool) -> PyResult<Bound<'_, PyAny>> {
    static NOTHING: PyOnceLock<Py<PyByteArray>> = PyOnceLock::new();
    let nothing = if readonly {
        PyBytes::new(py, b"").into_any()
    } else {
        let array = NOTHING.get_or_init(py, || PyByteArray::new(py, b"").unbind());
        array.bind(py).clone().into_any()
    };
    // SAFETY: both export buffers; the result is a new reference or null.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyMemoryView_FromObject(nothing.as_ptr())) }
}
