//! The state of an instance, and checked access to its ring, by one thread at a time.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use pa_ringbuffer::{Geometry, PaUtilRingBuffer, RingMemory};
use pyo3::prelude::*;

use super::memory::{Memory, Owners};
use super::{NEITHER, RingBuffer};
use crate::error::Refusal;
use crate::side::Side;

#[derive(Default)]
pub(super) struct State {
    pub(super) backing: Backing,
    /// Location of the struct, unless there is none yet.
    pub(super) ring: Option<NonNull<PaUtilRingBuffer>>,
    /// The fields of the struct when it was made, or when they were last checked. As long as they
    /// do not change, no check is needed.
    pub(super) checked: Option<Geometry>,
    pub(super) readonly: bool,
    /// `_ptr`: the assigned pointer, or the one made for the ring's own struct.
    pub(super) pointer: Option<Py<PyAny>>,
    /// `_data`, if assigned.
    pub(super) data: Option<Py<PyAny>>,
    /// The source of regions, after the first request; see [`RingBuffer::elements`].
    pub(super) elements: Option<Py<PyAny>>,
    /// Sides on which a thread is working outside of the critical sections.
    pub(super) busy: Busy,
}

/// Whether a thread is working on a side without the GIL. Each flag is changed inside the section
/// of its side.
#[derive(Default)]
pub(super) struct Busy {
    pub(super) producer: AtomicBool,
    pub(super) consumer: AtomicBool,
}

impl Busy {
    pub(super) fn side(&self, side: Side) -> &AtomicBool {
        match side {
            Side::Producer => &self.producer,
            Side::Consumer => &self.consumer,
        }
    }

    #[inline]
    pub(super) fn is(&self, side: Side) -> bool {
        // The section orders this access.
        self.side(side).load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(super) enum Backing {
    /// `__init__` has not been called, or its replacement has not assigned `_ptr`.
    #[default]
    Nothing,
    /// The ring made by `__init__`.
    Own(RingMemory),
    /// The same, for other code that needs it longer than this object.
    Shared(Py<Memory>),
    /// A ring that C owns.
    Foreign,
}

/// A ring, checked for one operation.
pub(super) struct Ring<'a> {
    pub(super) ring: &'a PaUtilRingBuffer,
    pub(super) geometry: Geometry,
    pub(super) readonly: bool,
    pub(super) busy: &'a Busy,
}

impl State {
    #[inline]
    pub(super) fn ring(&self) -> Option<&'static PaUtilRingBuffer> {
        // SAFETY: the backing, or the code that assigned the pointer, keeps the struct alive; it is
        // aligned. The lifetime is that of the access to the state, which the callers do not
        // exceed.
        self.ring.map(|ring| unsafe { ring.as_ref() })
    }

    /// `_ptr` and `_data`, for a ring that C owns.
    pub(super) fn owners(&self, py: Python<'_>) -> Owners {
        let reference = |object: &Option<Py<PyAny>>| object.as_ref().map(|o| o.clone_ref(py));
        (reference(&self.pointer), reference(&self.data))
    }

    /// The fields of the ring, if they have not changed since they were checked.
    #[inline]
    fn known(&self, ring: &PaUtilRingBuffer) -> Option<Geometry> {
        self.checked.filter(|checked| checked.is_current(ring))
    }

    /// The fields of the ring after a change.
    #[cold]
    pub(super) fn check(&mut self, ring: &PaUtilRingBuffer) -> Result<Geometry, Refusal> {
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

impl<'a> Ring<'a> {
    pub(super) fn new(ring: &'a PaUtilRingBuffer, geometry: Geometry, state: &'a State) -> Self {
        Self {
            ring,
            geometry,
            readonly: state.readonly,
            busy: &state.busy,
        }
    }

    pub(super) fn element_size(&self) -> usize {
        self.geometry.element_size()
    }

    /// Raises an error if the element size has changed since the stream was opened.
    #[inline]
    pub(super) fn check_element_size(&self, expected: usize) -> Result<(), Refusal> {
        if self.element_size() == expected {
            return Ok(());
        }
        Err(Refusal::runtime_error(format_args!(
            "the ring's elementsize was {expected} bytes when the stream was opened and must stay \
             so, but is {} now",
            self.element_size()
        )))
    }

    pub(super) fn check_writable(&self) -> Result<(), Refusal> {
        if self.readonly {
            return Err(Refusal::type_error(
                "the ring's buffer is read-only: it can be read and its write index advanced, but \
                 not written to",
            ));
        }
        self.check_free(Side::Producer)
    }

    /// Raises an error if another thread is working on a side.
    pub(super) fn check_free(&self, side: Side) -> Result<(), Refusal> {
        if self.busy.is(side) {
            let (doing, verb) = match side {
                Side::Producer => ("writing to", "write"),
                Side::Consumer => ("reading from", "read"),
            };
            return Err(Refusal::runtime_error(format_args!(
                "another thread is {doing} this ring: only one thread at a time can {verb}"
            )));
        }
        Ok(())
    }
}

/// A side of a ring that one thread uses exclusively while it waits without the GIL.
pub(crate) struct Claim<'a, 'py> {
    pub(super) ring: &'a Bound<'py, RingBuffer>,
    side: Side,
}

impl<'a, 'py> Claim<'a, 'py> {
    /// # Errors
    ///
    /// RuntimeError if another thread is working there.
    pub(crate) fn new(ring: &'a Bound<'py, RingBuffer>, side: Side) -> PyResult<Self> {
        RingBuffer::with_ring(ring, side, |checked, _| {
            match side {
                Side::Producer => checked.check_writable()?,
                Side::Consumer => checked.check_free(side)?,
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

/// The fields of our own ring, unless they differ from those when the ring was made.
#[cold]
fn changed_geometry(ring: &PaUtilRingBuffer, made: &Geometry) -> Result<Geometry, Refusal> {
    made.reloaded(ring).map_err(|field| {
        Refusal::runtime_error(format_args!(
            "the ring's field {} was overwritten: it must be {}, not {}",
            field.name, field.expected, field.value
        ))
    })
}

/// The fields of a ring that other code has made.
#[cold]
fn foreign_geometry(ring: &PaUtilRingBuffer) -> Result<Geometry, Refusal> {
    ring.checked_geometry()
        .map_err(|field| Refusal::runtime_error(format_args!("{field}; was the ring initialised?")))
}

#[cold]
pub(super) fn not_initialised() -> Refusal {
    Refusal::runtime_error(
        "the ring buffer is not initialised: RingBuffer.__init__() was not called",
    )
}

impl RingBuffer {
    /// Exclusive access to the state. `f` must not run Python code; dropping references can.
    #[inline]
    pub(super) fn with_state<R>(slf: &Bound<'_, Self>, f: impl FnOnce(&mut State) -> R) -> R {
        let this = slf.get();
        // SAFETY: inside both sections, no other thread has access, and `f` does nothing that could
        // leave them.
        (this.sections).both(slf.py(), || f(unsafe { &mut *this.state.get() }))
    }

    /// Read access to the state, while no other thread uses this side. `f` must not run Python
    /// code.
    #[inline]
    pub(super) fn with_side<R>(
        slf: &Bound<'_, Self>,
        side: Side,
        f: impl FnOnce(&State) -> R,
    ) -> R {
        let this = slf.get();
        // SAFETY: inside one section, no other thread can enter both to change anything, and `f`
        // does nothing that could leave it.
        (this.sections).one(slf.py(), side, || f(unsafe { &*this.state.get() }))
    }

    /// Calls `f` with one side of the ring. `f` must not run Python code.
    #[inline]
    pub(super) fn with_ring<R>(
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
                let Some(geometry) = state.known(ring) else {
                    return Err(f);
                };
                Ok(f(&Ring::new(ring, geometry, state), state))
            });
            match done {
                Ok(done) => return done.map_err(PyErr::from),
                Err(f) => f,
            }
        };
        // With a GIL, all sections are the same, and compiling `f` twice makes it slower.
        #[cfg(not(Py_GIL_DISABLED))]
        let _ = side;
        Self::with_whole_ring(slf, f)
    }

    /// Calls `f` with both sides of the ring, or with one after checking the ring. `f` must not run
    /// Python code.
    #[cfg_attr(Py_GIL_DISABLED, cold)]
    #[cfg_attr(not(Py_GIL_DISABLED), inline(always))]
    pub(super) fn with_whole_ring<R>(
        slf: &Bound<'_, Self>,
        f: impl FnOnce(&Ring<'_>, &State) -> Result<R, Refusal>,
    ) -> PyResult<R> {
        Self::with_state(slf, |state| {
            let ring = state.ring().ok_or_else(not_initialised)?;
            let geometry = match state.known(ring) {
                Some(geometry) => geometry,
                None => state.check(ring)?,
            };
            f(&Ring::new(ring, geometry, state), state)
        })
        .map_err(PyErr::from)
    }

    /// Transfers up to `count` elements, limited by the room or by the available elements, and
    /// returns their number: the access to the ring for all code except its own methods.
    ///
    /// # Safety
    ///
    /// `elements` is valid for that many elements of `element_size` bytes: for reads on the
    /// producer's side, for writes on the consumer's.
    #[inline]
    pub(crate) unsafe fn transfer(
        slf: &Bound<'_, Self>,
        side: Side,
        elements: *mut u8,
        count: usize,
        element_size: usize,
    ) -> PyResult<usize> {
        Self::with_ring(slf, side, |ring, _| {
            ring.check_element_size(element_size)?;
            match side {
                Side::Producer => ring.check_writable()?,
                Side::Consumer => ring.check_free(side)?,
            }
            // SAFETY: the geometry was just read from this ring, whose storage is alive; the caller
            // guarantees the rest; the section gives exclusive access to this side.
            Ok(unsafe {
                match side {
                    Side::Producer => ring.ring.write(&ring.geometry, elements.cast(), count),
                    Side::Consumer => ring.ring.read(&ring.geometry, elements.cast(), count),
                }
            })
        })
    }

    /// Number of elements that the ring can hold.
    pub(crate) fn capacity(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::with_ring(slf, NEITHER, |ring, _| Ok(ring.geometry.size()))
    }

    /// Whether elements cannot be written.
    pub(crate) fn is_readonly(slf: &Bound<'_, Self>) -> bool {
        Self::with_side(slf, NEITHER, |state| state.readonly)
    }

    /// The fields of the ring as they are now, checked.
    ///
    /// # Errors
    ///
    /// RuntimeError if another thread has replaced the ring, so that it is no longer the one at
    /// this address.
    pub(crate) fn geometry_at(slf: &Bound<'_, Self>, address: usize) -> PyResult<Geometry> {
        Self::with_ring(slf, NEITHER, |ring, _| {
            if std::ptr::from_ref(ring.ring).addr() == address {
                Ok(ring.geometry)
            } else {
                Err(Refusal::runtime_error(
                    "another thread has just replaced the ring of this object",
                ))
            }
        })
    }

    /// The same for any ring.
    pub(crate) fn geometry(slf: &Bound<'_, Self>) -> PyResult<Geometry> {
        Self::with_ring(slf, NEITHER, |ring, _| Ok(ring.geometry))
    }
}
