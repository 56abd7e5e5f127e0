//! The class `RingBuffer`.
//!
//! # Threads
//!
//! Each side of an instance has a critical section of its own ([`Sections`]): with a GIL that costs
//! nothing, and on free-threaded Python it keeps two threads from using one side at once, while the
//! two sides do not wait for each other. Elements are copied inside the section of their side. What
//! changes in an instance (which ring it stands for) is read inside one of the sections and written
//! inside both. Inside, nothing is called that could run Python code, because that would let others
//! in. Everything that can (reading arguments, acquiring buffers, allocating results) comes before
//! or after.

mod pointers;
mod regions;
mod sections;
mod state;
mod transfers;

pub(crate) mod memory;
pub(crate) mod method;

use std::cell::UnsafeCell;
use std::ptr::NonNull;

use pa_ringbuffer::{PaUtilRingBuffer, RingMemory};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyTuple, PyType};

use crate::arguments::cdata;
use crate::arguments::integer::Integer;
use crate::error::{self, Refusal};
use crate::object::{self, Number};
use crate::side::Side;
use crate::stream::wait::{self, Outcome};
use memory::{Memory, Region};
use pointers::struct_pointer;
use sections::Sections;
pub(crate) use state::Claim;
use state::{Backing, State, not_initialised};
use transfers::Take;

/// PortAudio's lock-free ring buffer, for one producer and one consumer.
///
/// A ring buffer carries elements of a fixed size from one thread, the producer, to another one,
/// the consumer. Neither of them ever waits for the other: if there is not enough room, or not
/// enough data, fewer elements are transferred, and the returned number says how many. All *size*
/// elements can be used.
///
/// Usually Python is on one side, and a PortAudio callback or other compiled code on the other. The
/// latter gets a pointer to the C struct ``PaUtilRingBuffer`` (see ``address``) and uses
/// PortAudio's C functions, or compatible ones.
///
/// One thread at a time may write (``write()``, ``get_write_buffers()`` and
/// ``advance_write_index()``), and one thread at a time may read (``read()``, ``readinto()``,
/// ``get_read_buffers()`` and ``advance_read_index()``); writing and reading may happen at the same
/// time. If several Python threads use the same side nevertheless, each ``write()``, ``read()`` and
/// ``readinto()`` takes place as a whole, but getting buffers and then advancing the index are two
/// steps. ``flush()`` is only allowed while nobody writes or reads. The number of available
/// elements can be asked for from anywhere.
///
/// :param elementsize: The size of a single element in bytes; for audio, typically the number of
///     channels times the number of bytes per sample.
/// :type elementsize: int
/// :param size: The number of elements in the ring, which must be a power of 2. The memory for them
///     is allocated and filled with zeros. Must not be given together with *buffer*.
/// :type size: int, optional
/// :param buffer: Existing memory to be used instead: a C-contiguous buffer, or a CFFI array. It is
///     not copied, and it is kept alive. Its size in bytes must be *elementsize* times a power of
///     2. If it is read-only, elements cannot be written from Python, but those that are there
///     already can be handed to the consumer with ``advance_write_index()``.
/// :type buffer: buffer, optional
/// :raises TypeError: If neither or both of *size* and *buffer* are given, or one of the arguments
///     has an unsuitable type.
/// :raises ValueError: If *elementsize* is not positive, if the number of elements is not a power
///     of 2, or if the size of *buffer* is not a multiple of *elementsize*.
/// :raises OverflowError: If *elementsize* times *size* is more than can be addressed.
/// :raises MemoryError: If there is not enough memory.
#[pyclass(frozen, subclass, weakref, module = "pa_ringbuffer")]
pub(crate) struct RingBuffer {
    state: UnsafeCell<State>,
    sections: Sections,
}

/// Reading the state takes one of the two sections. This one is for what belongs to no side.
const NEITHER: Side = Side::Consumer;

// SAFETY: `state` is only read inside one of the sections and only changed inside both, or by the
// garbage collector and the destructor, when no other thread has access.
unsafe impl Sync for RingBuffer {}
// SAFETY: as above; all that it holds may be dropped on any attached thread.
unsafe impl Send for RingBuffer {}

#[pymethods]
impl RingBuffer {
    /// Subclasses bring their own. Looking for an attribute that is not there would take as long
    /// as all the rest of making a ring.
    #[classattr]
    fn _ffi(py: Python<'_>) -> Py<PyAny> {
        py.Ellipsis()
    }

    #[classattr]
    fn _checked_ffi(py: Python<'_>) -> Py<PyAny> {
        py.Ellipsis()
    }

    #[new]
    #[pyo3(
        signature = (*_arguments, **_keywords),
        text_signature = "(elementsize, size=None, buffer=None)"
    )]
    fn new(_arguments: &Bound<'_, PyTuple>, _keywords: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            state: UnsafeCell::default(),
            sections: Sections::new(),
        }
    }

    #[pyo3(signature = (elementsize, size=None, buffer=None))]
    fn __init__(
        slf: &Bound<'_, Self>,
        elementsize: Integer,
        size: Option<Integer>,
        buffer: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        Self::checked_ffi(slf)?;
        let element_size = elementsize.allocatable("elementsize")?;
        if element_size == 0 {
            return Err(error::value_error(format_args!(
                "elementsize must be a positive number of bytes, not {}",
                elementsize.value()
            )));
        }
        let (backing, ring) = match (size, buffer) {
            (Some(size), None) => {
                let count = size.allocatable("size")?;
                if !count.is_power_of_two() {
                    return Err(error::value_error(format_args!(
                        "size must be a power of 2, not {}",
                        size.value()
                    )));
                }
                let ring = memory::allocate(element_size, count)?;
                let pointer = ring.as_ptr();
                (Backing::Own(ring), pointer)
            }
            (None, Some(buffer)) => {
                let memory = Py::new(slf.py(), Memory::over(element_size, buffer)?)?;
                let pointer = memory.get().ring().map(RingMemory::as_ptr);
                let pointer = pointer.unwrap_or(std::ptr::null_mut());
                (Backing::Shared(memory), pointer)
            }
            (None, None) => {
                return Err(error::type_error(
                    "size (a number of elements) is required when there is no buffer",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(error::type_error("give either size or buffer, not both"));
            }
        };
        let ring = NonNull::new(ring).ok_or_else(not_initialised)?;
        Self::attach(slf, backing, ring, None)
    }

    /// Use a ring that was initialised by somebody else, e.g. by C code.
    ///
    /// The ring is checked, and used in place. Its memory must stay valid as long as the returned
    /// object, and buffers obtained from it, are used. A CFFI pointer is kept alive, a number can
    /// not be.
    ///
    /// :param pointer: The address of a C struct ``PaUtilRingBuffer``, as a number or as a pointer
    ///     to this struct (or to ``void``) that belongs to any CFFI instance.
    /// :type pointer: CData pointer or int
    /// :returns: A new object of this class, which works on the same ring.
    /// :raises TypeError: If *pointer* is something else.
    /// :raises ValueError: If *pointer* is NULL or misaligned, or if the struct is not an
    ///     initialised ring. The message names the field which is wrong.
    #[classmethod]
    fn from_pointer<'py>(
        cls: &Bound<'py, PyType>,
        pointer: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Self>> {
        let object = cls
            .call_method1(intern!(cls.py(), "__new__"), (cls,))?
            .cast_into::<Self>()?;
        Self::checked_ffi(&object)?;
        let ring = struct_pointer(pointer, "pointer")?;
        // SAFETY: not null and aligned; that there is a ring is what the caller says.
        unsafe { ring.as_ref() }
            .checked_geometry()
            .map_err(|field| error::value_error(format_args!("pointer: {field}")))?;
        Self::attach(
            &object,
            Backing::Foreign,
            ring,
            Some(pointer.clone().unbind()),
        )?;
        Ok(object)
    }

    /// Make the ring empty.
    ///
    /// This is only allowed while nobody is writing or reading, on either side.
    fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::with_whole_ring(slf, |ring, _| {
            ring.check_free(Side::Producer)?;
            ring.check_free(Side::Consumer)?;
            ring.ring.flush();
            Ok(())
        })
    }

    /// Copy elements out of the ring and leave them there.
    ///
    /// :param size: The number of elements, beginning with the one that :meth:`read` would return
    ///     first. If it is negative or not given, these are all available elements.
    /// :type size: int, optional
    /// :returns: The elements. If fewer than *size* were available, there are fewer.
    /// :rtype: bytearray
    /// :raises TypeError: If *size* is not an integer.
    #[pyo3(signature = (size=Integer::ALL), text_signature = "($self, size=-1)")]
    fn peek<'py>(slf: &Bound<'py, Self>, size: Integer) -> PyResult<Bound<'py, PyByteArray>> {
        Self::take(slf, size, &Take::Peek)
    }

    /// Take the newest elements out of the ring, and drop all older ones.
    ///
    /// This is for meters and plots, which show what is going on now. Afterwards, the ring is
    /// empty, but for what was written meanwhile.
    ///
    /// :param size: The number of elements.
    /// :type size: int
    /// :returns: The elements, oldest first. If fewer than *size* were available, there are fewer.
    /// :rtype: bytearray
    /// :raises ValueError: If *size* is negative.
    /// :raises TypeError: If *size* is not an integer.
    fn read_latest<'py>(
        slf: &Bound<'py, Self>,
        size: Integer,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        size.required("size")?;
        Self::take(slf, size, &Take::Latest)
    }

    /// Wait until elements can be read.
    ///
    /// The other side need not know that somebody waits: the ring is looked at every millisecond
    /// (after a while, less often), and Python is not needed for that. Other threads go on, and
    /// Ctrl-C works.
    ///
    /// :param size: The number of elements that must be available.
    /// :type size: int, optional
    /// :param timeout: Seconds to wait at most; forever if not given.
    /// :type timeout: float, optional
    /// :returns: Whether so many elements can be read now.
    /// :rtype: bool
    /// :raises ValueError: If *size* is negative or more than the ring can hold, or *timeout* is
    ///     not a number.
    /// :raises TypeError: If *size* is not an integer.
    #[pyo3(
        signature = (size=Integer::ONE, timeout=None),
        text_signature = "($self, size=1, timeout=None)"
    )]
    fn wait_for_data(slf: &Bound<'_, Self>, size: Integer, timeout: Option<f64>) -> PyResult<bool> {
        Self::wait(slf, Side::Consumer, size, timeout)
    }

    /// Wait until there is room for elements.
    ///
    /// As :meth:`wait_for_data`, but for the side that writes.
    ///
    /// :param size: The number of elements that there must be room for.
    /// :type size: int, optional
    /// :param timeout: Seconds to wait at most; forever if not given.
    /// :type timeout: float, optional
    /// :returns: Whether so many elements can be written now.
    /// :rtype: bool
    /// :raises ValueError: If *size* is negative or more than the ring can hold, or *timeout* is
    ///     not a number.
    /// :raises TypeError: If *size* is not an integer.
    #[pyo3(
        signature = (size=Integer::ONE, timeout=None),
        text_signature = "($self, size=1, timeout=None)"
    )]
    fn wait_for_room(slf: &Bound<'_, Self>, size: Integer, timeout: Option<f64>) -> PyResult<bool> {
        Self::wait(slf, Side::Producer, size, timeout)
    }

    /// :meth:`wait_for_data` for ``asyncio``: the same as a coroutine.
    ///
    /// :param size: The number of elements that must be available.
    /// :type size: int, optional
    /// :param timeout: Seconds to wait at most; forever if not given.
    /// :type timeout: float, optional
    /// :returns: Whether so many elements can be read now.
    /// :rtype: bool
    #[pyo3(
        signature = (size=None, timeout=None),
        text_signature = "($self, size=1, timeout=None)"
    )]
    fn wait_for_data_async<'py>(
        slf: &Bound<'py, Self>,
        size: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::coroutine(slf, "consumer", size, timeout)
    }

    /// :meth:`wait_for_room` for ``asyncio``: the same as a coroutine.
    ///
    /// :param size: The number of elements that there must be room for.
    /// :type size: int, optional
    /// :param timeout: Seconds to wait at most; forever if not given.
    /// :type timeout: float, optional
    /// :returns: Whether so many elements can be written now.
    /// :rtype: bool
    #[pyo3(
        signature = (size=None, timeout=None),
        text_signature = "($self, size=1, timeout=None)"
    )]
    fn wait_for_room_async<'py>(
        slf: &Bound<'py, Self>,
        size: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::coroutine(slf, "producer", size, timeout)
    }

    /// Size of a single element in bytes. (:class:`int`)
    #[getter]
    fn elementsize(slf: &Bound<'_, Self>) -> PyResult<Number> {
        Self::with_ring(slf, NEITHER, |ring, _| Ok(Number(ring.element_size())))
    }

    /// Address of the C struct ``PaUtilRingBuffer``, for the code on the other side of the ring.
    ///
    /// It is a number which can be used with everything that knows C: ctypes, Numba, Cython, Rust
    /// etc. It is valid as long as this object exists. (:class:`int`)
    #[getter]
    fn address(slf: &Bound<'_, Self>) -> PyResult<Number> {
        Self::with_side(slf, NEITHER, |state| state.ring)
            .map(|ring| Number(ring.as_ptr().expose_provenance()))
            .ok_or_else(|| not_initialised().into())
    }

    /// Number of elements in the ring, full or empty.
    fn __len__(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::capacity(slf)
    }

    fn __repr__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let name = cdata::type_name(slf.as_any());
        let state = Self::with_ring(slf, NEITHER, |ring, _| {
            Ok(format!(
                "{} of {} elements of {} bytes",
                ring.ring.read_available_in(&ring.geometry),
                ring.geometry.size(),
                ring.element_size(),
            ))
        });
        let state = state.unwrap_or_else(|_| "not initialised".into());
        object::text(slf.py(), &format!("<{name}: {state}>"))
    }

    /// Copies would share the ring, and there can be only one reader and one writer.
    fn __reduce_ex__(slf: &Bound<'_, Self>, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(error::type_error(format_args!(
            "a {} can be neither copied nor pickled: C code refers to it by its address",
            cdata::type_name(slf.as_any())
        )))
    }

    #[getter(_ptr)]
    fn pointer<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let cached = Self::with_side(slf, NEITHER, |state| match state.backing {
            Backing::Nothing => Err(Refusal::attribute_error(
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
        let pointer = match Self::checked_ffi(slf)? {
            Some(ffi) => cdata::from_buffer(&ffi, intern!(py, "PaUtilRingBuffer *"), &region)?,
            // A class without CFFI: `void *` goes wherever a pointer to a ring is wanted.
            None => cdata::from_buffer(&cdata::own_ffi(py)?, intern!(py, "void *"), &region)?,
        };
        let kept = pointer.clone().unbind();
        // Should another thread have made one meanwhile, both are good.
        let _previous = Self::with_state(slf, |state| state.pointer.replace(kept));
        Ok(pointer)
    }

    #[setter(_ptr)]
    fn set_pointer(slf: &Bound<'_, Self>, pointer: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::checked_ffi(slf)?;
        let ring = struct_pointer(pointer, "_ptr")?;
        Self::attach(slf, Backing::Foreign, ring, Some(pointer.clone().unbind()))
    }

    #[getter(_data)]
    fn data<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let assigned = Self::with_side(slf, NEITHER, |state| {
            state.data.as_ref().map(|data| data.clone_ref(py))
        });
        if let Some(data) = assigned {
            return Ok(data.into_bound(py));
        }
        let Some(memory) = Self::memory(slf)? else {
            return Err(error::attribute_error("the ring buffer has no _data"));
        };
        match memory.get().source(py) {
            Some(source) => Ok(source),
            None => memory::view_of(memory.bind(py)),
        }
    }

    #[setter(_data)]
    fn set_data(slf: &Bound<'_, Self>, data: Py<PyAny>) {
        let _previous = Self::with_state(slf, |state| state.data.replace(data));
    }

    /// What others have passed is not visited: the collector would clear a CData, or whatever else
    /// keeps the memory, while the ring is still in use. What is visited here has no such effect:
    /// the memory stays, and the view of the elements is seen by nobody else.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector runs while no thread is inside a critical section of this object,
        // because nothing in there can start it.
        let state = unsafe { &*self.state.get() };
        match &state.backing {
            Backing::Shared(memory) => {
                visit.call(memory)?;
                visit.call(&state.data)?;
            }
            // Its memory is its own, whatever `_data` refers to.
            Backing::Own(_) => visit.call(&state.data)?,
            Backing::Foreign | Backing::Nothing => (),
        }
        visit.call(&state.elements)
    }
}

impl RingBuffer {
    fn wait(
        slf: &Bound<'_, Self>,
        side: Side,
        size: Integer,
        timeout: Option<f64>,
    ) -> PyResult<bool> {
        let end = wait::deadline(timeout)?;
        let size = wait::checked_size(size, Self::capacity(slf)?)?;
        let (address, _keeper) = Self::pin(slf)?;
        let pointer = std::ptr::with_exposed_provenance::<PaUtilRingBuffer>(address);
        // SAFETY: alive as long as its keeper, or as whoever owns the struct has promised.
        let ring = unsafe { &*pointer };
        let outcome = wait::poll(slf.py(), end, wait::INTERVAL, || {
            (ring.available(side) >= size).then_some(Outcome::Done)
        })?;
        Ok(outcome == Outcome::Done)
    }

    fn coroutine<'py>(
        slf: &Bound<'py, Self>,
        side: &str,
        size: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let one = 1usize.into_pyobject(py)?.into_any();
        py.import(intern!(py, "pa_ringbuffer._asyncio"))?
            .call_method1("wait_for", (slf, side, size.unwrap_or(&one), timeout))
    }
}

/// Adds to the class what PyO3 does not define: the methods that are called for every block.
pub(crate) fn install(class: &Bound<'_, PyType>) -> PyResult<()> {
    method::install(class, transfers::METHODS, transfers::ATTRIBUTES)?;
    method::install(class, regions::METHODS, &[])
}
