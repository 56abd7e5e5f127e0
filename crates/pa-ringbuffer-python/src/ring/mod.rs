//! The class `RingBuffer`.
//!
//! # Threads
//!
//! Each side of an instance has its own critical section ([`Sections`]). With a GIL, this costs
//! nothing; on free-threaded Python, it keeps two threads from using one side at once, while the
//! two sides do not wait for each other. Elements are copied inside the section of their side. The
//! state of an instance that can change (which ring it refers to) is read inside one of the
//! sections and written inside both. Inside, no call may run Python code, because that would let
//! other threads in. Everything that can run Python code (reading arguments, acquiring buffers,
//! allocating results) comes before or after.

mod pointers;
mod regions;
mod sections;
mod state;
mod transfers;
mod waiting;

pub(crate) mod memory;
pub(crate) mod method;

use std::cell::UnsafeCell;
use std::ptr::NonNull;

use pa_ringbuffer::RingMemory;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::arguments::cdata;
use crate::error;
use crate::object::{self, Number};
use crate::side::Side;
use memory::Memory;
use method::{integer, methods, required};
use pointers::struct_pointer;
use sections::Sections;
pub(crate) use state::Claim;
use state::{Backing, State, not_initialised};

/// PortAudio's lock-free ring buffer, for one producer and one consumer.
///
/// A ring buffer carries elements of a fixed size from one thread, the producer, to another,
/// the consumer. Neither ever waits for the other: if there is too little room, or too little
/// data, fewer elements are transferred, and the return value says how many. All *size*
/// elements are usable.
///
/// Usually Python is on one side, and a PortAudio callback or other compiled code on the other.
/// The compiled side gets a pointer to the C struct ``PaUtilRingBuffer`` (see ``address``) and
/// uses PortAudio's C functions, or compatible ones.
///
/// One thread at a time may write (``write()``, ``get_write_buffers()`` and
/// ``advance_write_index()``), and one thread at a time may read (``read()``, ``readinto()``,
/// ``get_read_buffers()`` and ``advance_read_index()``). Writing and reading may happen at the
/// same time. If several Python threads share a side, each ``write()``, ``read()`` and
/// ``readinto()`` is atomic, but a chunk takes two calls: hold a lock of your own from getting
/// the buffers until you have advanced the index. Call ``flush()`` only while no thread is
/// writing or reading. Any thread may ask for the number of available elements.
///
/// :param elementsize: The size of one element in bytes. For audio, this is typically the
///     number of channels times the number of bytes per sample.
/// :type elementsize: int
/// :param size: The number of elements in the ring, which must be a power of 2. Their memory is
///     allocated and filled with zeros. Give either *size* or *buffer*.
/// :type size: int, optional
/// :param buffer: Existing memory to use instead: a C-contiguous buffer, or a CFFI array. It is
///     not copied, and the ring keeps it alive. Its size in bytes must be *elementsize* times a
///     power of 2. If it is read-only, Python cannot write elements, but
///     ``advance_write_index()`` can pass the elements that it already holds to the consumer.
/// :type buffer: buffer, optional
/// :raises TypeError: If neither or both of *size* and *buffer* are given, or one of the
///     arguments has an unsuitable type.
/// :raises ValueError: If *elementsize* is not positive, if the number of elements is not a
///     power of 2, or if the size of *buffer* is not a multiple of *elementsize*.
/// :raises OverflowError: If *elementsize* times *size* exceeds the address space.
/// :raises MemoryError: If there is not enough memory.
///
/// A ring for 1024 stereo frames of ``'float32'`` samples:
///
/// >>> import pa_ringbuffer
/// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2 * 4, size=1024)
/// >>> ring.write(bytes(8 * 100))
/// 100
/// >>> ring.read_available, ring.write_available
/// (100, 924)
/// >>> len(ring.read())
/// 800
#[pyclass(frozen, subclass, weakref, module = "pa_ringbuffer")]
pub(crate) struct RingBuffer {
    state: UnsafeCell<State>,
    sections: Sections,
}

/// Reading the state takes one of the two sections. This is the section for operations of neither
/// side.
const NEITHER: Side = Side::Consumer;

// SAFETY: `state` is only read inside one of the sections and only changed inside both, or by the
// garbage collector and the destructor, when no other thread has access.
unsafe impl Sync for RingBuffer {}
// SAFETY: as above; any attached thread may drop its contents.
unsafe impl Send for RingBuffer {}

#[pymethods]
impl RingBuffer {
    /// Subclasses define their own. Looking up a missing attribute would take as long as the rest
    /// of making a ring.
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

    #[pyo3(signature = (*arguments, **keywords))]
    fn __init__(
        slf: &Bound<'_, Self>,
        arguments: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let names = [c"elementsize", c"size", c"buffer"];
        let [elementsize, size, buffer] =
            method::read_all(c"__init__", names, arguments, keywords)?;
        let elementsize = required(elementsize, "elementsize")?;
        Self::check_attachable(slf, false)?;
        Self::checked_ffi(slf)?;
        let element_size = memory::checked_element_size(integer(elementsize, "elementsize")?)?;
        let given = |argument: &Borrowed<'_, '_, PyAny>| !argument.is_none();
        let (backing, ring) = match (size.filter(given), buffer.filter(given)) {
            (Some(size), None) => {
                let ring = memory::allocate(element_size, integer(size, "size")?)?;
                let pointer = ring.as_ptr();
                (Backing::Own(ring), pointer)
            }
            (None, Some(buffer)) => {
                let memory = Bound::new(slf.py(), Memory::over(element_size, &buffer)?)?;
                let pointer = memory.get().ring().map(RingMemory::as_ptr);
                let pointer = pointer.unwrap_or(std::ptr::null_mut());
                (Backing::Shared(memory.unbind()), pointer)
            }
            (None, None) => {
                return Err(error::type_error(
                    "exactly one of size (a number of elements) and buffer must be given, not none",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(error::type_error(
                    "exactly one of size (a number of elements) and buffer must be given, not both",
                ));
            }
        };
        let ring = NonNull::new(ring).ok_or_else(not_initialised)?;
        Self::attach(slf, backing, ring, None)
    }

    /// Use a ring that other code, such as a C program, has initialised.
    ///
    /// The ring is checked and used in place. Its memory must stay valid as long as the returned
    /// object, or a buffer obtained from it, is in use. The returned object keeps a CFFI pointer
    /// alive; it cannot do that for a number.
    ///
    /// :param pointer: The address of a C struct ``PaUtilRingBuffer``, as a number or as a pointer
    ///     to this struct (or to ``void``) of any CFFI instance.
    /// :type pointer: CData pointer or int
    /// :returns: A new object of this class for the same ring.
    /// :raises TypeError: If *pointer* is something else.
    /// :raises ValueError: If *pointer* is NULL or misaligned, or if the struct is not an
    ///     initialised ring. The message names the field that is wrong.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=8)
    /// >>> same = pa_ringbuffer.RingBuffer.from_pointer(ring.address)
    /// >>> ring.write(b'abcd')
    /// 1
    /// >>> bytes(same.read())
    /// b'abcd'
    #[classmethod]
    #[pyo3(signature = (*arguments, **keywords), text_signature = "($cls, pointer)")]
    fn from_pointer<'py>(
        cls: &Bound<'py, PyType>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, Self>> {
        let [pointer] = method::read_all(c"from_pointer", [c"pointer"], arguments, keywords)?;
        let pointer = required(pointer, "pointer")?.to_owned();
        let object = cls
            .call_method1(intern!(cls.py(), "__new__"), (cls,))?
            .cast_into::<Self>()?;
        Self::checked_ffi(&object)?;
        let ring = struct_pointer(&pointer, "pointer", false)?;
        // SAFETY: not null and aligned; the caller guarantees that it points to a ring.
        unsafe { ring.as_ref() }
            .checked_geometry()
            .map_err(|field| error::value_error(format_args!("pointer: {field}")))?;
        Self::attach(&object, Backing::Foreign, ring, Some(pointer.unbind()))?;
        Ok(object)
    }

    /// Make the ring empty.
    ///
    /// Call this only while no thread is writing or reading, on either side.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=8)
    /// >>> ring.write(b'abcdefgh')
    /// 2
    /// >>> ring.flush()
    /// >>> ring.read_available
    /// 0
    fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::with_whole_ring(slf, |ring, _| {
            ring.check_free(Side::Producer)?;
            ring.check_free(Side::Consumer)?;
            ring.ring.flush();
            Ok(())
        })
    }

    /// Size of one element in bytes. (:class:`int`)
    #[getter]
    fn elementsize(slf: &Bound<'_, Self>) -> PyResult<Number> {
        Self::with_ring(slf, NEITHER, |ring, _| Ok(Number(ring.element_size())))
    }

    /// Address of the C struct ``PaUtilRingBuffer``, for the code on the other side of the ring.
    ///
    /// The number works with anything that can call C: ctypes, Numba, Cython, Rust etc. It is valid
    /// as long as this object exists. (:class:`int`)
    #[getter]
    fn address(slf: &Bound<'_, Self>) -> PyResult<Number> {
        Self::with_side(slf, NEITHER, |state| state.ring)
            .map(|ring| Number(ring.as_ptr().expose_provenance()))
            .ok_or_else(|| not_initialised().into())
    }

    /// Capacity of the ring: the number of elements that it can hold.
    fn __len__(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::capacity(slf)
    }

    fn __repr__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let name = cdata::type_name(slf.as_any());
        if Self::with_side(slf, NEITHER, |state| state.ring.is_none()) {
            return object::text(slf.py(), &format!("<{name}: not initialised>"));
        }
        let state = Self::with_ring(slf, NEITHER, |ring, _| {
            Ok(format!(
                "{} of {} elements of {} bytes",
                ring.ring.read_available_in(&ring.geometry),
                ring.geometry.size(),
                ring.element_size(),
            ))
        });
        let state = state.unwrap_or_else(|error| error.value(slf.py()).to_string());
        object::text(slf.py(), &format!("<{name}: {state}>"))
    }

    /// The ring as a picture for notebooks, in the colours of the page.
    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        picture(slf.as_any(), true)
    }

    /// The ring as a picture of its own.
    fn _repr_svg_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        picture(slf.as_any(), false)
    }

    /// Objects from outside are not visited: the collector would clear a CData, or another object
    /// that keeps the memory, while the ring is still in use. Clearing the visited objects has no
    /// such effect: the memory stays, and no other code has the view of the elements.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector runs while no thread is inside a critical section of this object,
        // because nothing in there can start it.
        let state = unsafe { &*self.state.get() };
        match &state.backing {
            Backing::Shared(memory) => {
                visit.call(memory)?;
                visit.call(&state.data)?;
            }
            // The ring owns its memory, whatever `_data` refers to.
            Backing::Own(_) => visit.call(&state.data)?,
            Backing::Foreign | Backing::Nothing => (),
        }
        visit.call(&state.elements)
    }
}

/// The portable class draws the same picture.
fn picture<'py>(ring: &Bound<'py, PyAny>, html: bool) -> PyResult<Bound<'py, PyAny>> {
    let py = ring.py();
    py.import(intern!(py, "pa_ringbuffer.portable"))?
        .call_method1(
            intern!(py, "_picture"),
            (ring, py.get_type::<RingBuffer>(), html),
        )
}

methods! {
    /// Copies would share the ring, which can have only one reader and one writer.
    fn __reduce_ex__ "($self, protocol)" (ring, protocol) -> Bound<'py, PyAny> {
        required(protocol, "protocol")?;
        Err(error::type_error(format_args!(
            "a {} can be neither copied nor pickled: C code refers to it by its address",
            cdata::type_name(ring.as_any())
        )))
    }
}

/// Adds the methods that PyO3 does not define: those that are called for every block, and all
/// others with arguments.
pub(crate) fn install(class: &Bound<'_, PyType>) -> PyResult<()> {
    method::install(class, transfers::METHODS, transfers::ATTRIBUTES)?;
    method::install(class, regions::METHODS, &[])?;
    method::install(class, waiting::METHODS, &[])?;
    method::install(class, &[], pointers::ATTRIBUTES)?;
    method::install(class, METHODS, &[])
}
