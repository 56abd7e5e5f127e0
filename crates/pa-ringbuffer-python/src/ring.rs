//! The class `RingBuffer`.
//!
//! # Threads
//!
//! What changes in an instance (which ring it stands for) is only read and written inside a
//! critical section of the instance, and so are the elements: with a GIL that costs nothing, and on
//! free-threaded Python it keeps two threads from entering one ring object at once. Inside, nothing
//! is called that could run Python code, because that would let others in. Everything that can
//! (reading arguments, acquiring buffers, allocating results) comes before or after.

use std::cell::UnsafeCell;
use std::ptr::NonNull;

use pa_ringbuffer::{Geometry, PaUtilRingBuffer, ring_buffer_size_t};
use pyo3::exceptions::{PyAttributeError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::{PyByteArray, PyDict, PyTuple, PyType};
use pyo3::{ffi, intern};

use crate::cdata;
use crate::data::{Data, Slot};
use crate::integer::Integer;
use crate::memory::{Memory, Region};

#[pyclass(frozen, subclass, weakref, module = "pa_ringbuffer")]
pub(crate) struct RingBuffer {
    state: UnsafeCell<State>,
}

// SAFETY: `state` is only accessed inside a critical section of the object, or by the garbage
// collector and the destructor, when no other thread can.
unsafe impl Sync for RingBuffer {}
// SAFETY: as above; all that it holds may be dropped on any attached thread.
unsafe impl Send for RingBuffer {}

#[derive(Default)]
struct State {
    backing: Backing,
    /// `_ptr`: what was assigned, or what was made for the ring's own struct.
    pointer: Option<Py<PyAny>>,
    /// `_data`, where assigned.
    data: Option<Py<PyAny>>,
}

#[derive(Default)]
enum Backing {
    /// `__init__` has not been called, or was replaced and has not assigned `_ptr`.
    #[default]
    Nothing,
    /// The ring that `__init__` has made.
    Own(Py<Memory>),
    /// A ring that C owns.
    Foreign(NonNull<PaUtilRingBuffer>),
}

/// A ring, checked for one operation.
struct Ring<'a> {
    ring: &'a PaUtilRingBuffer,
    geometry: Geometry,
    readonly: bool,
}

impl Ring<'_> {
    fn element_size(&self) -> usize {
        self.geometry.element_size()
    }

    fn check_writable(&self) -> PyResult<()> {
        if self.readonly {
            return Err(PyTypeError::new_err(
                "the ring's buffer is read-only: it can be read and its write index advanced, but \
                 not written to",
            ));
        }
        Ok(())
    }
}

/// The fields as they are now, unless they say something else than when the ring was made.
fn own_geometry(memory: &Memory) -> PyResult<Geometry> {
    let ring = memory.ring();
    let (made, geometry) = (memory.made(), ring.geometry());
    if geometry == *made {
        return Ok(geometry);
    }
    let geometry = ring
        .checked_geometry()
        .map_err(|field| PyRuntimeError::new_err(format!("{field}, but was overwritten")))?;
    let field = if geometry.buffer() != made.buffer() {
        "buffer"
    } else if geometry.element_size() != made.element_size() {
        "elementSizeBytes"
    } else if geometry != made.with_size(geometry.size()) {
        "smallMask"
    } else {
        // Only bufferSize is smaller, which is pastream's way of using a part of the storage.
        return Ok(geometry);
    };
    Err(PyRuntimeError::new_err(format!(
        "the ring's field {field} was overwritten"
    )))
}

fn not_initialised() -> PyErr {
    PyRuntimeError::new_err(
        "the ring buffer is not initialised: RingBuffer.__init__ was not called",
    )
}

impl RingBuffer {
    /// Exclusive access to the state. `f` must not run Python code, drop references included.
    fn with_state<R>(slf: &Bound<'_, Self>, f: impl FnOnce(&mut State) -> R) -> R {
        // SAFETY: inside the critical section nobody else has access, and `f` runs nothing that
        // could leave it.
        with_critical_section(slf.as_any(), || f(unsafe { &mut *slf.get().state.get() }))
    }

    /// Does something with the ring. `f` must not run Python code.
    fn with_ring<R>(
        slf: &Bound<'_, Self>,
        f: impl FnOnce(&Ring<'_>, &State) -> PyResult<R>,
    ) -> PyResult<R> {
        Self::with_state(slf, |state| match &state.backing {
            Backing::Own(memory) => {
                let memory = memory.get();
                let geometry = own_geometry(memory)?;
                f(
                    &Ring {
                        ring: memory.ring(),
                        geometry,
                        readonly: memory.is_readonly(),
                    },
                    state,
                )
            }
            Backing::Foreign(pointer) => {
                // SAFETY: whoever assigned the pointer keeps the struct alive; it is aligned.
                let ring = unsafe { pointer.as_ref() };
                let geometry = ring.checked_geometry().map_err(|field| {
                    PyRuntimeError::new_err(format!("{field}; was the ring initialised?"))
                })?;
                f(
                    &Ring {
                        ring,
                        geometry,
                        readonly: false,
                    },
                    state,
                )
            }
            Backing::Nothing => Err(not_initialised()),
        })
    }

    /// Makes this object stand for a ring, unless it already does.
    fn attach(slf: &Bound<'_, Self>, backing: Backing, pointer: Option<Py<PyAny>>) -> PyResult<()> {
        let refused = Self::with_state(slf, |state| match (&state.backing, &backing) {
            // Another pointer in place of an assigned one is how `_ptr` always worked.
            (Backing::Nothing, _) | (Backing::Foreign(_), Backing::Foreign(_)) => {
                state.backing = backing;
                Ok(std::mem::replace(&mut state.pointer, pointer))
            }
            _ => Err((backing, pointer)),
        });
        // What is not needed any more is dropped out here, where Python code may run.
        refused.map(drop).map_err(|_| {
            PyRuntimeError::new_err(
                "the ring buffer is already initialised, and C code may be using it: make a new \
                 RingBuffer instead",
            )
        })
    }

    /// The struct's address, and an object that keeps the struct alive.
    pub(crate) fn pin(slf: &Bound<'_, Self>) -> PyResult<(usize, Py<PyAny>)> {
        let py = slf.py();
        Self::with_state(slf, |state| match &state.backing {
            Backing::Own(memory) => {
                let address = memory.get().ring().as_ptr().expose_provenance();
                Ok((address, memory.clone_ref(py).into_any()))
            }
            Backing::Foreign(pointer) => {
                let address = pointer.as_ptr().expose_provenance();
                let keeper = state
                    .pointer
                    .as_ref()
                    .map_or_else(|| py.None(), |p| p.clone_ref(py));
                Ok((address, keeper))
            }
            Backing::Nothing => Err(not_initialised()),
        })
    }

    /// The `ffi` of a class made by `init()`.
    fn class_ffi<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        slf.get_type().getattr_opt(intern!(slf.py(), "_ffi"))
    }

    /// Makes sure, once for each class, that its `ffi` has the same struct as this library.
    fn check_layout<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        let Some(ffi) = Self::class_ffi(slf)? else {
            return Ok(None);
        };
        let checked = intern!(py, "_checked_ffi");
        let class = slf.get_type();
        if class
            .getattr_opt(checked)?
            .is_none_or(|known| !known.is(&ffi))
        {
            py.import("pa_ringbuffer.portable")?
                .call_method1("_check_layout", (&ffi,))?;
            class.setattr(checked, &ffi)?;
        }
        Ok(Some(ffi))
    }

    /// Two stretches of the ring as memoryviews, with their common number of elements.
    fn views<'py>(
        slf: &Bound<'py, Self>,
        size: Integer,
        write: bool,
    ) -> PyResult<(usize, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let py = slf.py();
        let size = size.required("size")?;
        let (regions, element_size, readonly, owners) = Self::with_ring(slf, |ring, state| {
            let regions = if write {
                ring.check_writable()?;
                ring.ring.write_regions(&ring.geometry, size)
            } else {
                ring.ring.read_regions(&ring.geometry, size)
            };
            let owners = match &state.backing {
                Backing::Own(memory) => (Some(memory.clone_ref(py).into_any()), None),
                _ => (
                    state.pointer.as_ref().map(|o| o.clone_ref(py)),
                    state.data.as_ref().map(|o| o.clone_ref(py)),
                ),
            };
            Ok((regions, ring.element_size(), ring.readonly, owners))
        })?;
        let owner = match owners {
            (Some(owner), None) | (None, Some(owner)) => owner,
            (None, None) => py.None(),
            both => both.into_pyobject(py)?.into_any().unbind(),
        };
        let second = if regions.second_len == 0 {
            // The address of nothing.
            Region::new(regions.first, 0, readonly, py.None())
        } else {
            let bytes = regions.second_len * element_size;
            Region::new(regions.second, bytes, readonly, owner.clone_ref(py))
        };
        let first = Region::new(
            regions.first,
            regions.first_len * element_size,
            readonly,
            owner,
        );
        Ok((regions.len(), first.view(py)?, second.view(py)?))
    }

    fn advance(slf: &Bound<'_, Self>, size: Integer, write: bool) -> PyResult<ring_buffer_size_t> {
        let size = size.required("size")?;
        Self::with_ring(slf, |ring, _| {
            let (available, what) = if write {
                (ring.ring.write_available_in(&ring.geometry), "written")
            } else {
                (ring.ring.read_available_in(&ring.geometry), "read")
            };
            if size > available {
                return Err(PyValueError::new_err(format!(
                    "size must be at most {available}, the number of elements that can be {what} \
                     now, not {size}"
                )));
            }
            // Not more than the ring's size, which is of that type.
            let size = size as ring_buffer_size_t;
            Ok(if write {
                ring.ring.advance_write_index(&ring.geometry, size)
            } else {
                ring.ring.advance_read_index(&ring.geometry, size)
            })
        })
    }
}

#[pymethods]
impl RingBuffer {
    #[new]
    #[pyo3(
        signature = (*_arguments, **_keywords),
        text_signature = "(elementsize, size=None, buffer=None)"
    )]
    fn new(_arguments: &Bound<'_, PyTuple>, _keywords: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            state: UnsafeCell::default(),
        }
    }

    #[pyo3(signature = (elementsize, size=None, buffer=None))]
    fn __init__(
        slf: &Bound<'_, Self>,
        elementsize: Integer,
        size: Option<Integer>,
        buffer: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        Self::check_layout(slf)?;
        let element_size = elementsize.allocatable("elementsize")?;
        if element_size == 0 {
            return Err(PyValueError::new_err(format!(
                "elementsize must be a positive number of bytes, not {}",
                elementsize.value()
            )));
        }
        let memory = match (size, buffer) {
            (Some(size), None) => {
                let count = size.allocatable("size")?;
                if !count.is_power_of_two() {
                    return Err(PyValueError::new_err(format!(
                        "size must be a power of 2, not {}",
                        size.value()
                    )));
                }
                Memory::allocate(element_size, count)?
            }
            (None, Some(buffer)) => Memory::over(element_size, buffer)?,
            (None, None) => {
                return Err(PyTypeError::new_err(
                    "size (a number of elements) is required when there is no buffer",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(PyTypeError::new_err("give either size or buffer, not both"));
            }
        };
        Self::attach(slf, Backing::Own(Py::new(slf.py(), memory)?), None)
    }

    #[classmethod]
    fn from_pointer<'py>(
        cls: &Bound<'py, PyType>,
        pointer: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Self>> {
        let ring = struct_pointer(pointer, "pointer")?;
        // SAFETY: not null and aligned; that there is a ring is what the caller says.
        unsafe { ring.as_ref() }
            .checked_geometry()
            .map_err(|field| PyValueError::new_err(format!("pointer: {field}")))?;
        let object = cls
            .call_method1(intern!(cls.py(), "__new__"), (cls,))?
            .cast_into::<Self>()?;
        Self::attach(
            &object,
            Backing::Foreign(ring),
            Some(pointer.clone().unbind()),
        )?;
        Ok(object)
    }

    fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::with_ring(slf, |ring, _| {
            ring.ring.flush();
            Ok(())
        })
    }

    #[getter]
    fn write_available(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::with_ring(slf, |ring, _| {
            Ok(ring.ring.write_available_in(&ring.geometry))
        })
    }

    #[getter]
    fn read_available(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::with_ring(slf, |ring, _| {
            Ok(ring.ring.read_available_in(&ring.geometry))
        })
    }

    #[pyo3(signature = (data, size=Integer::ALL), text_signature = "($self, data, size=-1)")]
    fn write(slf: &Bound<'_, Self>, data: &Bound<'_, PyAny>, size: Integer) -> PyResult<usize> {
        let mut slot = Slot::uninit();
        let data = Data::source(data, &mut slot)?;
        Self::with_ring(slf, |ring, _| {
            ring.check_writable()?;
            let count = data.elements(ring.element_size(), size.count())?;
            // SAFETY: the geometry was just read from this ring, whose storage is alive; the data
            // has so many elements (or, behind a C pointer, the caller says so); nobody else is
            // writing, because the critical section is held (and C promises not to).
            Ok(unsafe { ring.ring.write(&ring.geometry, data.pointer.cast(), count) })
        })
    }

    #[pyo3(signature = (size=Integer::ALL), text_signature = "($self, size=-1)")]
    fn read<'py>(slf: &Bound<'py, Self>, size: Integer) -> PyResult<Bound<'py, PyByteArray>> {
        let py = slf.py();
        let (count, element_size) = Self::with_ring(slf, |ring, _| {
            let available = ring.ring.read_available_in(&ring.geometry);
            Ok((
                size.count().map_or(available, |n| n.min(available)),
                ring.element_size(),
            ))
        })?;
        // SAFETY: null stands for uninitialised contents, which no one sees before they are filled
        // or cut off below. No more is asked for than the ring holds.
        let target = unsafe {
            Bound::from_owned_ptr_or_err(
                py,
                ffi::PyByteArray_FromStringAndSize(
                    std::ptr::null(),
                    (count * element_size) as ffi::Py_ssize_t,
                ),
            )?
            .cast_into_unchecked::<PyByteArray>()
        };
        let pointer = target.data();
        let read = Self::with_ring(slf, |ring, _| {
            if ring.element_size() != element_size {
                return Ok(0);
            }
            // SAFETY: the geometry was just read from this ring, whose storage is alive; there is
            // room for `count` elements, and nobody else has the array yet.
            Ok(unsafe { ring.ring.read(&ring.geometry, pointer.cast(), count) })
        });
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                target.resize(0)?;
                return Err(error);
            }
        };
        if read < count {
            // Another thread, or a finaliser that ran meanwhile, has read some of it.
            target.resize(read * element_size)?;
        }
        Ok(target)
    }

    fn readinto(slf: &Bound<'_, Self>, data: &Bound<'_, PyAny>) -> PyResult<usize> {
        let mut slot = Slot::uninit();
        let data = Data::target(data, &mut slot)?;
        Self::with_ring(slf, |ring, _| {
            let count = data.elements(ring.element_size(), None)?;
            // SAFETY: the geometry was just read from this ring, whose storage is alive; the data
            // has room for so many elements; nobody else is reading, because the critical section
            // is held (and C promises not to).
            Ok(unsafe { ring.ring.read(&ring.geometry, data.pointer.cast(), count) })
        })
    }

    fn get_write_buffers<'py>(
        slf: &Bound<'py, Self>,
        size: Integer,
    ) -> PyResult<(usize, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        Self::views(slf, size, true)
    }

    fn advance_write_index(slf: &Bound<'_, Self>, size: Integer) -> PyResult<ring_buffer_size_t> {
        Self::advance(slf, size, true)
    }

    fn get_read_buffers<'py>(
        slf: &Bound<'py, Self>,
        size: Integer,
    ) -> PyResult<(usize, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        Self::views(slf, size, false)
    }

    fn advance_read_index(slf: &Bound<'_, Self>, size: Integer) -> PyResult<ring_buffer_size_t> {
        Self::advance(slf, size, false)
    }

    #[getter]
    fn elementsize(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::with_ring(slf, |ring, _| Ok(ring.element_size()))
    }

    #[getter]
    fn address(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::pin(slf).map(|(address, _)| address)
    }

    fn __len__(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::with_ring(slf, |ring, _| Ok(ring.geometry.size()))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        let name = cdata::type_name(slf.as_any());
        let state = Self::with_ring(slf, |ring, _| {
            Ok(format!(
                "{} of {} elements of {} bytes",
                ring.ring.read_available_in(&ring.geometry),
                ring.geometry.size(),
                ring.element_size(),
            ))
        });
        format!(
            "<{name}: {}>",
            state.unwrap_or_else(|_| "not initialised".into())
        )
    }

    /// Copies would share the ring, and there can be only one reader and one writer.
    fn __reduce_ex__(slf: &Bound<'_, Self>, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err(format!(
            "a {} can be neither copied nor pickled: C code refers to it by its address",
            cdata::type_name(slf.as_any())
        )))
    }

    #[getter(_ptr)]
    fn pointer<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let cached = Self::with_state(slf, |state| match state.backing {
            Backing::Nothing => Err(PyAttributeError::new_err(
                "the ring buffer has no _ptr: RingBuffer.__init__ was not called",
            )),
            _ => Ok(state.pointer.as_ref().map(|pointer| pointer.clone_ref(py))),
        })?;
        if let Some(pointer) = cached {
            return Ok(pointer.into_bound(py));
        }
        let (address, owner) = Self::pin(slf)?;
        let bytes = std::mem::size_of::<PaUtilRingBuffer>();
        let region = Region::new(
            std::ptr::with_exposed_provenance_mut(address),
            bytes,
            false,
            owner,
        );
        let region = Bound::new(py, region)?.into_any();
        let pointer = match Self::check_layout(slf)? {
            Some(ffi) => cdata::from_buffer(&ffi, "PaUtilRingBuffer *", &region)?,
            // A class without CFFI: `void *` goes wherever a pointer to a ring is wanted.
            None => cdata::from_buffer(&cdata::own_ffi(py)?, "void *", &region)?,
        };
        let kept = pointer.clone().unbind();
        // Should another thread have made one meanwhile, both are good.
        let _previous = Self::with_state(slf, |state| state.pointer.replace(kept));
        Ok(pointer)
    }

    #[setter(_ptr)]
    fn set_pointer(slf: &Bound<'_, Self>, pointer: &Bound<'_, PyAny>) -> PyResult<()> {
        let ring = struct_pointer(pointer, "_ptr")?;
        Self::attach(slf, Backing::Foreign(ring), Some(pointer.clone().unbind()))
    }

    #[getter(_data)]
    fn data<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let (assigned, memory) = Self::with_state(slf, |state| {
            let memory = match &state.backing {
                Backing::Own(memory) => Some(memory.clone_ref(py)),
                _ => None,
            };
            (state.data.as_ref().map(|data| data.clone_ref(py)), memory)
        });
        if let Some(data) = assigned {
            return Ok(data.into_bound(py));
        }
        let Some(memory) = memory else {
            return Err(PyAttributeError::new_err("the ring buffer has no _data"));
        };
        if let Some(source) = memory.get().source(py) {
            return Ok(source);
        }
        let made = *memory.get().made();
        let bytes = made.size() * made.element_size();
        Region::new(made.buffer(), bytes, false, memory.into_any()).view(py)
    }

    #[setter(_data)]
    fn set_data(slf: &Bound<'_, Self>, data: Py<PyAny>) {
        let _previous = Self::with_state(slf, |state| state.data.replace(data));
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector runs while no thread is inside a critical section of this object,
        // because nothing in there can start it.
        let state = unsafe { &*self.state.get() };
        if let Backing::Own(memory) = &state.backing {
            visit.call(memory)?;
        }
        visit.call(&state.pointer)?;
        visit.call(&state.data)
    }

    fn __clear__(&self) {
        // SAFETY: the collector has found that nobody else refers to this object. What is dropped
        // may run Python code, so the state is complete before that.
        let state = unsafe { std::mem::take(&mut *self.state.get()) };
        drop(state);
    }
}

/// A pointer to a struct that C owns.
fn struct_pointer(
    pointer: &Bound<'_, PyAny>,
    argument: &str,
) -> PyResult<NonNull<PaUtilRingBuffer>> {
    let address = cdata::pointer_argument(pointer, argument)?;
    let alignment = std::mem::align_of::<PaUtilRingBuffer>();
    if address % alignment != 0 {
        return Err(PyValueError::new_err(format!(
            "{argument} must be aligned to {alignment} bytes, as a PaUtilRingBuffer is"
        )));
    }
    let pointer = std::ptr::with_exposed_provenance_mut(address);
    Ok(NonNull::new(pointer).expect("pointer arguments are not null"))
}
