//! Pointers to the struct for other code, and the objects that keep their targets alive.

use std::ptr::NonNull;

use pa_ringbuffer::PaUtilRingBuffer;
use pyo3::intern;
use pyo3::prelude::*;

use super::memory::{self, Keeper, Memory, Region};
use super::method::attributes;
use super::state::{Backing, not_initialised};
use super::{NEITHER, RingBuffer};
use crate::arguments::cdata;
use crate::error::{self, Refusal};

impl RingBuffer {
    /// Attaches this object to a ring, unless it already has one.
    pub(super) fn attach(
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
            // Replacing an assigned pointer has always been possible through `_ptr`.
            (Backing::Nothing, _) | (Backing::Foreign, Backing::Foreign) => {
                state.backing = backing;
                state.ring = Some(ring);
                state.checked = checked;
                state.readonly = readonly;
                Ok(std::mem::replace(&mut state.pointer, pointer))
            }
            _ => Err((backing, pointer)),
        });
        // Old objects are dropped outside of the sections, because that may run Python code.
        refused.map(drop).map_err(|_| already_initialised())
    }

    /// Raises the errors of [`attach`](Self::attach) before the arguments are checked. A `foreign`
    /// ring can be replaced by another one.
    pub(super) fn check_attachable(slf: &Bound<'_, Self>, foreign: bool) -> PyResult<()> {
        Self::with_side(slf, NEITHER, |state| match state.backing {
            Backing::Nothing => true,
            Backing::Foreign => foreign,
            _ => false,
        })
        .then_some(())
        .ok_or_else(already_initialised)
    }

    /// The object that keeps the memory of a ring made by `__init__`; `None` if other code has made
    /// the ring, or there is none.
    pub(super) fn memory(slf: &Bound<'_, Self>) -> PyResult<Option<Py<Memory>>> {
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
        // Most rings are never shared and do not need this object. It is made outside of the
        // sections, because that may run Python code; so another thread may be first.
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

    /// The `ffi` of a class made by `init()`, after checking, once for each class, that its struct
    /// is the same as this library's.
    pub(super) fn checked_ffi<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        let class = slf.get_type();
        let ffi = class.getattr(intern!(py, "_ffi"))?;
        // Not None, which a program could pass to `init()` by mistake.
        if ffi.is(py.Ellipsis()) {
            return Ok(None);
        }
        let checked = intern!(py, "_checked_ffi");
        if !class.getattr(checked)?.is(&ffi) {
            // The portable class makes the same check, with messages that name the field.
            py.import("pa_ringbuffer.portable")?
                .call_method1("_check_layout", (&ffi,))?;
            class.setattr(checked, &ffi)?;
        }
        Ok(Some(ffi))
    }
}

impl RingBuffer {
    fn pointer<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let cached = Self::with_side(slf, NEITHER, |state| match state.backing {
            Backing::Nothing => Err(Refusal::attribute_error(
                "the ring buffer has no _ptr: RingBuffer.__init__() was not called",
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
            // A class without CFFI: `void *` is accepted wherever a pointer to a ring is expected.
            None => cdata::from_buffer(&cdata::own_ffi(py)?, intern!(py, "void *"), &region)?,
        };
        let kept = pointer.clone().unbind();
        // If another thread has made one in the meantime, both are valid.
        let _previous = Self::with_state(slf, |state| state.pointer.replace(kept));
        Ok(pointer)
    }

    fn data<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let assigned = Self::with_side(slf, NEITHER, |state| {
            state.data.as_ref().map(|data| data.clone_ref(py))
        });
        if let Some(data) = assigned {
            return Ok(data.into_bound(py));
        }
        let Some(memory) = Self::memory(slf)? else {
            return Err(error::attribute_error(
                "the ring buffer has no _data: RingBuffer.__init__() was not called, and nothing \
                 was assigned",
            ));
        };
        match memory.get().source(py) {
            Some(source) => Ok(source),
            None => memory::view_of(memory.bind(py)),
        }
    }
}

// Objects dropped inside `attach` are dropped immediately; see `method`.
attributes! {
    fn _ptr(ring) -> Bound<'py, PyAny> {
        Python::attach(|_| RingBuffer::pointer(ring))
    }
    set(pointer) {
        RingBuffer::check_attachable(ring, true)?;
        RingBuffer::checked_ffi(ring)?;
        let address = struct_pointer(pointer, "_ptr", true)?;
        let pointer = Some(pointer.clone().unbind());
        RingBuffer::attach(ring, Backing::Foreign, address, pointer)
    }

    fn _data(ring) -> Bound<'py, PyAny> {
        Python::attach(|_| RingBuffer::data(ring))
    }
    set(data) {
        let data = data.clone().unbind();
        let _previous = RingBuffer::with_state(ring, |state| state.data.replace(data));
        Ok(())
    }
}

fn already_initialised() -> PyErr {
    error::runtime_error(
        "the ring buffer is already initialised, and C code may be using it: make a new RingBuffer \
         instead",
    )
}

/// A pointer to a struct that C owns; unless `only_pointer` is set, its address can be an integer.
pub(super) fn struct_pointer(
    pointer: &Bound<'_, PyAny>,
    argument: &str,
    only_pointer: bool,
) -> PyResult<NonNull<PaUtilRingBuffer>> {
    let name = "PaUtilRingBuffer";
    let address = cdata::struct_argument(pointer, argument, name, only_pointer)?;
    let alignment = std::mem::align_of::<PaUtilRingBuffer>();
    if address % alignment != 0 {
        return Err(error::value_error(format_args!(
            "{argument} must be the address of a {name}, a multiple of {alignment}, not {address}"
        )));
    }
    let pointer = std::ptr::with_exposed_provenance_mut(address);
    Ok(NonNull::new(pointer).expect("pointer arguments are not null"))
}
