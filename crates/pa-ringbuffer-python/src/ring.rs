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

use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use pa_ringbuffer::{Geometry, PaUtilRingBuffer, Regions, RingMemory, ring_buffer_size_t};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyTuple, PyType};

use crate::cdata;
use crate::data::{Data, Slot};
use crate::error::{self, Refusal};
use crate::integer::Integer;
use crate::memory::{self, Keeper, Memory, Owners, Region};
use crate::method::{attributes, integer, methods, required};
use crate::object::{self, Number};
use crate::sections::Sections;
use crate::wait::{self, Outcome, Side};

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
const NEITHER: Side = Side::Data;

// SAFETY: `state` is only read inside one of the sections and only changed inside both, or by the
// garbage collector and the destructor, when no other thread has access.
unsafe impl Sync for RingBuffer {}
// SAFETY: as above; all that it holds may be dropped on any attached thread.
unsafe impl Send for RingBuffer {}

#[derive(Default)]
struct State {
    backing: Backing,
    /// Where the struct is, unless there is none yet.
    ring: Option<NonNull<PaUtilRingBuffer>>,
    /// What the fields of the struct were when it was made, or when they were last found to be
    /// right. As long as they are the same, nothing has to be checked.
    checked: Option<Geometry>,
    readonly: bool,
    /// `_ptr`: what was assigned, or what was made for the ring's own struct.
    pointer: Option<Py<PyAny>>,
    /// `_data`, where assigned.
    data: Option<Py<PyAny>>,
    /// What regions are made from, once one was asked for; see [`RingBuffer::elements`].
    elements: Option<Py<PyAny>>,
    /// Sides on which a thread is working outside of the critical sections.
    busy: Busy,
}

/// Whether a thread is writing, or reading, without the GIL. Each is changed inside the section of
/// its side.
#[derive(Default)]
struct Busy {
    writing: AtomicBool,
    reading: AtomicBool,
}

impl Busy {
    fn side(&self, side: Side) -> &AtomicBool {
        match side {
            Side::Room => &self.writing,
            Side::Data => &self.reading,
        }
    }

    #[inline]
    fn is(&self, side: Side) -> bool {
        // The section orders it.
        self.side(side).load(Ordering::Relaxed)
    }
}

#[derive(Default)]
enum Backing {
    /// `__init__` has not been called, or was replaced and has not assigned `_ptr`.
    #[default]
    Nothing,
    /// The ring that `__init__` has made.
    Own(RingMemory),
    /// The same, for others who need it longer than this object.
    Shared(Py<Memory>),
    /// A ring that C owns.
    Foreign,
}

/// A ring, checked for one operation.
struct Ring<'a> {
    ring: &'a PaUtilRingBuffer,
    geometry: Geometry,
    readonly: bool,
    busy: &'a Busy,
}

impl State {
    #[inline]
    fn ring(&self) -> Option<&'static PaUtilRingBuffer> {
        // SAFETY: the backing keeps the struct alive, or whoever assigned the pointer does; it is
        // aligned. The lifetime is that of the access to the state, which the callers do not leave.
        self.ring.map(|ring| unsafe { ring.as_ref() })
    }

    /// `_ptr` and `_data`, where there is such an object.
    fn owners(&self, py: Python<'_>) -> Owners {
        let reference = |object: &Option<Py<PyAny>>| object.as_ref().map(|o| o.clone_ref(py));
        (reference(&self.pointer), reference(&self.data))
    }

    /// The fields of the ring, which are not what they were.
    #[cold]
    fn check(&mut self, ring: &PaUtilRingBuffer) -> Result<Geometry, Refusal> {
        match (&self.backing, &self.checked) {
            (Backing::Own(_) | Backing::Shared(_), Some(made)) => changed_geometry(ring, made),
            _ => {
                let geometry = foreign_geometry(ring)?;
                self.checked = Some(geometry);
                Ok(geometry)
            }
        }
    }
}

/// What of the ring's elements is taken.
enum Take {
    /// The oldest ones.
    Oldest,
    /// The oldest ones, and they stay.
    Peek,
    /// The newest ones, and all others are dropped.
    Latest,
}

impl<'a> Ring<'a> {
    fn new(ring: &'a PaUtilRingBuffer, geometry: Geometry, state: &'a State) -> Self {
        Self {
            ring,
            geometry,
            readonly: state.readonly,
            busy: &state.busy,
        }
    }

    fn element_size(&self) -> usize {
        self.geometry.element_size()
    }

    fn check_writable(&self) -> Result<(), Refusal> {
        if self.readonly {
            return Err(Refusal::type_error(
                "the ring's buffer is read-only: it can be read and its write index advanced, but \
                 not written to",
            ));
        }
        self.check_free(Side::Room)
    }

    /// Refuses to enter a side on which another thread is working.
    fn check_free(&self, side: Side) -> Result<(), Refusal> {
        if self.busy.is(side) {
            let doing = match side {
                Side::Room => "writing to",
                Side::Data => "reading from",
            };
            return Err(Refusal::runtime_error(format_args!(
                "another thread is {doing} this ring, and waits there: only one at a time can"
            )));
        }
        Ok(())
    }

    /// Copies out `count` elements, or as many as there are.
    ///
    /// # Safety
    ///
    /// The target has room for `count` elements, and nobody else is reading.
    unsafe fn take(&self, how: &Take, target: *mut u8, count: usize) -> usize {
        let target = target.cast();
        if let Take::Latest = how {
            let available = self.ring.read_available_in(&self.geometry);
            let older = available.saturating_sub(count);
            // Not more than the ring's size, which is of that type.
            (self.ring).advance_read_index(&self.geometry, older as ring_buffer_size_t);
        }
        // SAFETY: the geometry was just read from this ring, whose storage is alive; the rest are
        // the caller's promises.
        unsafe {
            match how {
                Take::Peek => self.ring.peek(&self.geometry, target, count),
                _ => self.ring.read(&self.geometry, target, count),
            }
        }
    }
}

/// A side of a ring that one thread has for itself while it waits without the GIL.
pub(crate) struct Claim<'a, 'py> {
    ring: &'a Bound<'py, RingBuffer>,
    side: Side,
}

impl<'a, 'py> Claim<'a, 'py> {
    /// # Errors
    ///
    /// RuntimeError if another thread is working there.
    pub(crate) fn new(ring: &'a Bound<'py, RingBuffer>, side: Side) -> PyResult<Self> {
        RingBuffer::with_ring(ring, side, |checked, _| {
            match side {
                Side::Room => checked.check_writable()?,
                Side::Data => checked.check_free(side)?,
            }
            checked.busy.side(side).store(true, Ordering::Relaxed);
            Ok(())
        })?;
        Ok(Self { ring, side })
    }
}

impl Drop for Claim<'_, '_> {
    fn drop(&mut self) {
        RingBuffer::with_side(self.ring, self.side, |state| {
            state.busy.side(self.side).store(false, Ordering::Relaxed);
        });
    }
}

/// The fields of a ring of our own, unless they say something else than when the ring was made.
#[cold]
fn changed_geometry(ring: &PaUtilRingBuffer, made: &Geometry) -> Result<Geometry, Refusal> {
    let geometry = ring
        .checked_geometry()
        .map_err(|field| Refusal::runtime_error(format_args!("{field}, but was overwritten")))?;
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
    Err(Refusal::runtime_error(format_args!(
        "the ring's field {field} was overwritten"
    )))
}

/// The fields of a ring that somebody else has made.
#[cold]
fn foreign_geometry(ring: &PaUtilRingBuffer) -> Result<Geometry, Refusal> {
    ring.checked_geometry()
        .map_err(|field| Refusal::runtime_error(format_args!("{field}; was the ring initialised?")))
}

#[cold]
fn not_initialised() -> Refusal {
    Refusal::runtime_error("the ring buffer is not initialised: RingBuffer.__init__ was not called")
}

impl RingBuffer {
    /// Exclusive access to the state. `f` must not run Python code, drop references included.
    #[inline]
    fn with_state<R>(slf: &Bound<'_, Self>, f: impl FnOnce(&mut State) -> R) -> R {
        let this = slf.get();
        // SAFETY: inside both sections no other thread has access, and `f` runs nothing that could
        // leave them.
        (this.sections).both(slf.py(), || f(unsafe { &mut *this.state.get() }))
    }

    /// The state as it is, while no other thread uses this side. `f` must not run Python code.
    #[inline]
    fn with_side<R>(slf: &Bound<'_, Self>, side: Side, f: impl FnOnce(&State) -> R) -> R {
        let this = slf.get();
        // SAFETY: inside one section no other thread can enter both, which it would need to change
        // anything, and `f` runs nothing that could leave it.
        (this.sections).one(slf.py(), side, || f(unsafe { &*this.state.get() }))
    }

    /// Does something with one side of the ring. `f` must not run Python code.
    #[inline]
    fn with_ring<R>(
        slf: &Bound<'_, Self>,
        side: Side,
        f: impl FnOnce(&Ring<'_>, &State) -> Result<R, Refusal>,
    ) -> PyResult<R> {
        #[cfg(Py_GIL_DISABLED)]
        let f = {
            let done = Self::with_side(slf, side, |state| {
                let Some(ring) = state.ring() else {
                    return Err(f);
                };
                let geometry = ring.geometry();
                if state.checked != Some(geometry) {
                    return Err(f);
                }
                Ok(f(&Ring::new(ring, geometry, state), state))
            });
            match done {
                Ok(done) => return done.map_err(PyErr::from),
                Err(f) => f,
            }
        };
        // With a GIL all sections are one, and to compile `f` twice makes it slower.
        #[cfg(not(Py_GIL_DISABLED))]
        let _ = side;
        Self::with_whole_ring(slf, f)
    }

    /// Does something with both sides of the ring, or with one after checking the ring. `f` must not
    /// run Python code.
    #[cfg_attr(Py_GIL_DISABLED, cold)]
    #[cfg_attr(not(Py_GIL_DISABLED), inline)]
    fn with_whole_ring<R>(
        slf: &Bound<'_, Self>,
        f: impl FnOnce(&Ring<'_>, &State) -> Result<R, Refusal>,
    ) -> PyResult<R> {
        Self::with_state(slf, |state| {
            let ring = state.ring().ok_or_else(not_initialised)?;
            let mut geometry = ring.geometry();
            if state.checked != Some(geometry) {
                geometry = state.check(ring)?;
            }
            f(&Ring::new(ring, geometry, state), state)
        })
        .map_err(PyErr::from)
    }

    /// Makes this object stand for a ring, unless it already does.
    fn attach(
        slf: &Bound<'_, Self>,
        backing: Backing,
        ring: NonNull<PaUtilRingBuffer>,
        pointer: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let (readonly, checked) = match &backing {
            // SAFETY: the backing owns the struct.
            Backing::Own(_) => (false, Some(unsafe { ring.as_ref() }.geometry())),
            Backing::Shared(memory) => (
                memory.get().is_readonly(),
                // SAFETY: as above.
                Some(unsafe { ring.as_ref() }.geometry()),
            ),
            Backing::Foreign | Backing::Nothing => (false, None),
        };
        let refused = Self::with_state(slf, |state| match (&state.backing, &backing) {
            // Another pointer in place of an assigned one is how `_ptr` always worked.
            (Backing::Nothing, _) | (Backing::Foreign, Backing::Foreign) => {
                state.backing = backing;
                state.ring = Some(ring);
                state.checked = checked;
                state.readonly = readonly;
                Ok(std::mem::replace(&mut state.pointer, pointer))
            }
            _ => Err((backing, pointer)),
        });
        // What is not needed any more is dropped out here, where Python code may run.
        refused.map(drop).map_err(|_| {
            error::runtime_error(
                "the ring buffer is already initialised, and C code may be using it: make a new \
                 RingBuffer instead",
            )
        })
    }

    /// What keeps the memory of a ring that `__init__` has made; `None` if somebody else has made
    /// the ring, or nobody.
    fn memory(slf: &Bound<'_, Self>) -> PyResult<Option<Py<Memory>>> {
        let py = slf.py();
        let made = Self::with_side(slf, NEITHER, |state| match &state.backing {
            Backing::Own(_) => Err(state.checked),
            Backing::Shared(memory) => Ok(Some(memory.clone_ref(py))),
            Backing::Foreign | Backing::Nothing => Ok(None),
        });
        let made = match made {
            Ok(memory) => return Ok(memory),
            Err(made) => made.ok_or_else(not_initialised)?,
        };
        // Most rings are never shared, and do without this object. It is made out here, where
        // Python code may run; so another thread may be first.
        let new = Bound::new(py, Memory::empty(&made))?;
        Ok(Self::with_state(slf, |state| {
            match std::mem::take(&mut state.backing) {
                Backing::Own(ring) => {
                    // The struct does not move, and stays alive.
                    new.get().keep(ring);
                    state.backing = Backing::Shared(new.clone().unbind());
                    Some(new.clone().unbind())
                }
                other => {
                    state.backing = other;
                    match &state.backing {
                        Backing::Shared(memory) => Some(memory.clone_ref(py)),
                        _ => None,
                    }
                }
            }
        }))
    }

    /// The struct's address, and an object that keeps the struct alive.
    pub(crate) fn pin(slf: &Bound<'_, Self>) -> PyResult<(usize, Keeper)> {
        let py = slf.py();
        let memory = Self::memory(slf)?;
        let (ring, owners) = Self::with_side(slf, NEITHER, |state| {
            let made_meanwhile = memory.is_none() && !matches!(state.backing, Backing::Foreign);
            (state.ring.filter(|_| !made_meanwhile), state.owners(py))
        });
        let ring = ring.ok_or_else(not_initialised)?;
        let keeper = match memory {
            Some(memory) => Keeper::Ours(memory.into_any()),
            None => Keeper::foreign(py, owners)?,
        };
        Ok((ring.as_ptr().expose_provenance(), keeper))
    }

    /// The `ffi` of a class made by `init()`, after making sure, once for each class, that it has
    /// the same struct as this library.
    fn checked_ffi<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        let class = slf.get_type();
        let ffi = class.getattr(intern!(py, "_ffi"))?;
        // Not None, which is what somebody may pass to `init()` by mistake.
        if ffi.is(py.Ellipsis()) {
            return Ok(None);
        }
        let checked = intern!(py, "_checked_ffi");
        if !class.getattr(checked)?.is(&ffi) {
            // The portable class makes the same check, in words that name the field.
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
        side: Side,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let size = size.required("size")?;
        // What does not change, first: it may run Python code.
        let all = Self::elements(slf, side)?;
        let ((regions, start, element_size, readonly), owners) =
            Self::with_ring(slf, side, |ring, state| {
                let regions = match side {
                    Side::Room => {
                        ring.check_writable()?;
                        ring.ring.write_regions(&ring.geometry, size)
                    }
                    Side::Data => {
                        ring.check_free(Side::Data)?;
                        ring.ring.read_regions(&ring.geometry, size)
                    }
                };
                let start = ring.geometry.buffer();
                let found = (regions, start, ring.element_size(), ring.readonly);
                // In the same moment: another thread may assign another pointer, or have called
                // `__init__` just now.
                match (&all, &state.backing) {
                    (Some(_), _) => Ok((found, Owners::default())),
                    (None, Backing::Foreign) => Ok((found, state.owners(py))),
                    (None, _) => Err(not_initialised()),
                }
            })?;
        let (first, second) = match (all, owners) {
            (Some(all), _) => parts(&all, start, &regions, element_size, readonly)?,
            (None, owners) => {
                let owner = Keeper::foreign(py, owners)?;
                let view = |pointer, count: usize, owner| {
                    Region::new(pointer, count * element_size, readonly, owner).view(py)
                };
                let second = if regions.second_len == 0 {
                    memory::empty_view(py, readonly)?
                } else {
                    view(regions.second, regions.second_len, owner.clone_ref(py))?
                };
                (view(regions.first, regions.first_len, owner)?, second)
            }
        };
        object::triple(regions.len(), first, second)
    }

    /// What regions are made from; `None` if the elements are not the ring's own.
    ///
    /// With a GIL, a view of all elements, which no caller gets: a slice of it is one object, a view
    /// of a new exporter would be three. CPython counts the views that are made of one view, without
    /// a lock (gh-127716): without a GIL, each region is an exporter of its own, and this is what
    /// keeps the memory.
    fn elements<'py>(slf: &Bound<'py, Self>, side: Side) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        let cached = Self::with_side(slf, side, |state| {
            state.elements.as_ref().map(|view| view.clone_ref(py))
        });
        if let Some(elements) = cached {
            return Ok(Some(elements.into_bound(py)));
        }
        let Some(memory) = Self::memory(slf)? else {
            return Ok(None);
        };
        let memory = memory.into_bound(py).into_any();
        let all = if cfg!(Py_GIL_DISABLED) {
            memory
        } else {
            memory::view_of(&memory)?
        };
        let kept = all.clone().unbind();
        // Should another thread have made one meanwhile, both are good.
        let previous = Self::with_state(slf, |state| state.elements.replace(kept));
        drop(previous.map(|view| view.into_bound(py)));
        Ok(Some(all))
    }

    fn advance(slf: &Bound<'_, Self>, size: Integer, side: Side) -> PyResult<Number> {
        let size = size.required("size")?;
        Self::with_ring(slf, side, |ring, _| {
            ring.check_free(side)?;
            let (available, what) = match side {
                Side::Room => (ring.ring.write_available_in(&ring.geometry), "written"),
                Side::Data => (ring.ring.read_available_in(&ring.geometry), "read"),
            };
            if size > available {
                return Err(Refusal::value_error(format_args!(
                    "size must be at most {available}, the number of elements that can be {what} \
                     now, not {size}"
                )));
            }
            // Not more than the ring's size, which is of that type.
            let size = size as ring_buffer_size_t;
            let index = match side {
                Side::Room => ring.ring.advance_write_index(&ring.geometry, size),
                Side::Data => ring.ring.advance_read_index(&ring.geometry, size),
            };
            // The masks of a ring in order leave no index negative.
            Ok(Number(index as usize))
        })
    }
    /// Elements in a new bytearray.
    fn take<'py>(
        slf: &Bound<'py, Self>,
        size: Integer,
        how: &Take,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let py = slf.py();
        let (count, element_size) = Self::with_ring(slf, Side::Data, |ring, _| {
            ring.check_free(Side::Data)?;
            let available = ring.ring.read_available_in(&ring.geometry);
            Ok((
                size.count().map_or(available, |n| n.min(available)),
                ring.element_size(),
            ))
        })?;
        let target = object::bytearray(py, count * element_size)?;
        let pointer = target.data();
        let read = Self::with_ring(slf, Side::Data, |ring, _| {
            if ring.element_size() != element_size {
                return Ok(0);
            }
            ring.check_free(Side::Data)?;
            // SAFETY: there is room for `count` elements, and nobody else has the array yet;
            // nobody else is reading, because the critical section is held (and C promises not to).
            Ok(unsafe { ring.take(how, pointer, count) })
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

    /// Number of elements in the ring, full or empty.
    pub(crate) fn capacity(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::with_ring(slf, NEITHER, |ring, _| Ok(ring.geometry.size()))
    }

    /// Whether elements cannot be written.
    pub(crate) fn is_readonly(slf: &Bound<'_, Self>) -> bool {
        Self::with_side(slf, NEITHER, |state| state.readonly)
    }

    /// The fields of the ring as they are now, checked.
    pub(crate) fn geometry(slf: &Bound<'_, Self>) -> PyResult<Geometry> {
        Self::with_ring(slf, NEITHER, |ring, _| Ok(ring.geometry))
    }

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
            side.has(ring, size).then_some(Outcome::Done)
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
            ring.check_free(Side::Room)?;
            ring.check_free(Side::Data)?;
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
        Self::wait(slf, Side::Data, size, timeout)
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
        Self::wait(slf, Side::Room, size, timeout)
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
        Self::coroutine(slf, "data", size, timeout)
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
        Self::coroutine(slf, "room", size, timeout)
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

methods! {
    /// Copy elements into the ring and make them available for reading.
    ///
    /// There is no need to call :meth:`advance_write_index` afterwards.
    ///
    /// :param data: The elements: any C-contiguous buffer (of any type and shape; only its bytes
    ///     matter), or a CFFI array, or a CFFI pointer. Without *size*, a pointer stands for the
    ///     one object it points to.
    /// :type data: CData pointer or buffer
    /// :param size: The number of elements to be written, at most as many as there are in *data*.
    ///     If it is negative or not given, these are all elements in *data*. If *data* is a
    ///     pointer, nothing can check that so many are there.
    /// :type size: int, optional
    /// :returns: The number of elements that were written, which is smaller than *size* if there
    ///     was not enough room.
    /// :rtype: int
    /// :raises ValueError: If *size* is more than there is in *data*, if *size* is not given and
    ///     the size of *data* in bytes is not a multiple of the element size, or if *data* is NULL
    ///     or not contiguous.
    /// :raises BufferError: If *data* is not contiguous. (The kind of error depends on *data*.)
    /// :raises TypeError: If *data* is something else, holds Python objects, or is a ``void *``
    ///     without *size*; if *size* is not an integer; if the ring uses a read-only buffer.
    fn write "($self, data, size=-1)" (ring, data, size) -> Number {
        let size = size.map_or(Ok(Integer::ALL), |size| integer(size, "size"))?;
        let data = required(data, "data")?;
        let mut slot = Slot::uninit();
        let data = Data::source(&data, &mut slot)?;
        RingBuffer::with_ring(ring, Side::Room, |ring, _| {
            ring.check_writable()?;
            let count = data.elements(ring.element_size(), size.count())?;
            // SAFETY: the geometry was just read from this ring, whose storage is alive; the data
            // has so many elements (or, behind a C pointer, the caller says so); nobody else is
            // writing, because the critical section is held (and C promises not to).
            let written = unsafe { ring.ring.write(&ring.geometry, data.pointer.cast(), count) };
            Ok(Number(written))
        })
    }

    /// Take elements out of the ring and return them in a new buffer.
    ///
    /// There is no need to call :meth:`advance_read_index` afterwards.
    ///
    /// :param size: The number of elements to be read. If it is negative or not given, all
    ///     available elements are read.
    /// :type size: int, optional
    /// :returns: The elements. If fewer than *size* were available, there are fewer.
    /// :rtype: bytearray
    /// :raises TypeError: If *size* is not an integer.
    fn read "($self, size=-1)" (ring, size) -> Bound<'py, PyByteArray> {
        let size = size.map_or(Ok(Integer::ALL), |size| integer(size, "size"))?;
        RingBuffer::take(ring, size, &Take::Oldest)
    }

    /// Take elements out of the ring and store them in existing memory.
    ///
    /// There is no need to call :meth:`advance_read_index` afterwards.
    ///
    /// :param data: The memory to be filled from its start: any writable C-contiguous buffer (of
    ///     any type and shape; only its bytes matter), or a CFFI array, or a CFFI pointer, which
    ///     stands for the one object it points to.
    /// :type data: CData pointer or buffer
    /// :returns: The number of elements that were read, which is smaller than the size of *data* if
    ///     fewer were available. The rest of *data* is left as it was.
    /// :rtype: int
    /// :raises ValueError: If the size of *data* in bytes is not a multiple of the element size, or
    ///     if *data* is NULL, read-only or not contiguous.
    /// :raises BufferError: If *data* is read-only or not contiguous. (The kind of error depends on
    ///     *data*.)
    /// :raises TypeError: If *data* is something else, holds Python objects, or is a ``void *``.
    fn readinto "($self, data)" (ring, data) -> Number {
        let data = required(data, "data")?;
        let mut slot = Slot::uninit();
        let data = Data::target(&data, &mut slot)?;
        RingBuffer::with_ring(ring, Side::Data, |ring, _| {
            ring.check_free(Side::Data)?;
            let count = data.elements(ring.element_size(), None)?;
            // SAFETY: the geometry was just read from this ring, whose storage is alive; the data
            // has room for so many elements; nobody else is reading, because the critical section
            // is held (and C promises not to).
            let read = unsafe { ring.ring.read(&ring.geometry, data.pointer.cast(), count) };
            Ok(Number(read))
        })
    }

    /// Get the part(s) of the ring's memory where the next elements can be written.
    ///
    /// After filling them, first buffer first, call :meth:`advance_write_index` to make the
    /// elements available for reading.
    ///
    /// :param size: The number of elements desired.
    /// :type size: int
    /// :returns:
    ///     * The number of elements that there is room for, at most *size*.
    ///     * The first buffer.
    ///     * The second buffer, which is empty unless the room continues at the start of the
    ///       ring's memory.
    ///
    ///     Both are writable, one-dimensional views of bytes. They keep the memory alive.
    /// :rtype: tuple (int, memoryview, memoryview)
    /// :raises ValueError: If *size* is negative.
    /// :raises TypeError: If *size* is not an integer, or if the ring uses a read-only buffer.
    fn get_write_buffers "($self, size)" (ring, size) -> Bound<'py, PyTuple> {
        let size = integer(required(size, "size")?, "size")?;
        RingBuffer::views(ring, size, Side::Room)
    }

    /// Make elements available for reading that were stored in the buffers from
    /// :meth:`get_write_buffers`.
    ///
    /// After :meth:`write`, this is not needed.
    ///
    /// :param size: The number of elements, at most :attr:`write_available`.
    /// :type size: int
    /// :returns: The new write index, which counts modulo twice the number of elements in the ring.
    /// :rtype: int
    /// :raises ValueError: If *size* is negative or too large.
    /// :raises TypeError: If *size* is not an integer.
    fn advance_write_index "($self, size)" (ring, size) -> Number {
        let size = integer(required(size, "size")?, "size")?;
        RingBuffer::advance(ring, size, Side::Room)
    }

    /// Get the part(s) of the ring's memory where the next elements can be read.
    ///
    /// After using them, first buffer first, call :meth:`advance_read_index` to make room for new
    /// elements.
    ///
    /// :param size: The number of elements desired.
    /// :type size: int
    /// :returns:
    ///     * The number of elements that are available, at most *size*.
    ///     * The first buffer.
    ///     * The second buffer, which is empty unless the elements continue at the start of the
    ///       ring's memory.
    ///
    ///     Both are one-dimensional views of bytes, and they are writable, unless the ring uses a
    ///     read-only buffer. They keep the memory alive.
    /// :rtype: tuple (int, memoryview, memoryview)
    /// :raises ValueError: If *size* is negative.
    /// :raises TypeError: If *size* is not an integer.
    fn get_read_buffers "($self, size)" (ring, size) -> Bound<'py, PyTuple> {
        let size = integer(required(size, "size")?, "size")?;
        RingBuffer::views(ring, size, Side::Data)
    }

    /// Make room for new elements, after those in the buffers from :meth:`get_read_buffers` have
    /// been used.
    ///
    /// After :meth:`read` and :meth:`readinto`, this is not needed.
    ///
    /// :param size: The number of elements, at most :attr:`read_available`.
    /// :type size: int
    /// :returns: The new read index, which counts modulo twice the number of elements in the ring.
    /// :rtype: int
    /// :raises ValueError: If *size* is negative or too large.
    /// :raises TypeError: If *size* is not an integer.
    fn advance_read_index "($self, size)" (ring, size) -> Number {
        let size = integer(required(size, "size")?, "size")?;
        RingBuffer::advance(ring, size, Side::Data)
    }
}

attributes! {
    /// Number of elements that can be written at the moment. (:class:`int`)
    ///
    /// Only :meth:`write` and :meth:`advance_write_index` make it smaller.
    fn write_available(ring) -> Number {
        RingBuffer::with_ring(ring, Side::Room, |ring, _| {
            Ok(Number(ring.ring.write_available_in(&ring.geometry)))
        })
    }

    /// Number of elements that can be read at the moment. (:class:`int`)
    ///
    /// Only :meth:`read`, :meth:`readinto` and :meth:`advance_read_index` make it smaller.
    fn read_available(ring) -> Number {
        RingBuffer::with_ring(ring, Side::Data, |ring, _| {
            Ok(Number(ring.ring.read_available_in(&ring.geometry)))
        })
    }
}

/// Two stretches of a ring that begins at `start` and was asked for its elements, which are `all`.
fn parts<'py>(
    all: &Bound<'py, PyAny>,
    #[cfg_attr(Py_GIL_DISABLED, allow(unused_variables))] start: *mut u8,
    regions: &Regions,
    element_size: usize,
    readonly: bool,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let py = all.py();
    #[cfg(Py_GIL_DISABLED)]
    let part = |pointer: *mut u8, count: usize| {
        let bytes = count * element_size;
        Region::new(pointer, bytes, readonly, Keeper::Ours(all.clone().unbind())).view(py)
    };
    #[cfg(not(Py_GIL_DISABLED))]
    let part = |pointer: *mut u8, count: usize| {
        // Both lie in the storage; whatever lay outside, a slice would leave out.
        let begin = pointer.addr() - start.addr();
        let end = begin + count * element_size;
        object::slice(all, begin, end)
    };
    let second = if regions.second_len == 0 {
        memory::empty_view(py, readonly)?
    } else {
        part(regions.second, regions.second_len)?
    };
    Ok((part(regions.first, regions.first_len)?, second))
}

/// A pointer to a struct that C owns.
fn struct_pointer(
    pointer: &Bound<'_, PyAny>,
    argument: &str,
) -> PyResult<NonNull<PaUtilRingBuffer>> {
    let address = cdata::struct_argument(pointer, argument, "PaUtilRingBuffer")?;
    let alignment = std::mem::align_of::<PaUtilRingBuffer>();
    if address % alignment != 0 {
        return Err(error::value_error(format_args!(
            "{argument} must be aligned to {alignment} bytes, as a PaUtilRingBuffer is"
        )));
    }
    let pointer = std::ptr::with_exposed_provenance_mut(address);
    Ok(NonNull::new(pointer).expect("pointer arguments are not null"))
}
