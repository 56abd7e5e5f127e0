//! Pointers to the struct, which others use, and who keeps what they point to.

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
    /// Makes this object stand for a ring, unless it already does.
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
        refused.map(drop).map_err(|_| already_initialised())
    }

    /// Refuses what [`attach`](Self::attach) would refuse, before arguments are judged. A `foreign`
    /// ring can be exchanged for another one.
    pub(super) fn check_attachable(slf: &Bound<'_, Self>, foreign: bool) -> PyResult<()> {
        Self::with_side(slf, NEITHER, |state| match state.backing {
            Backing::Nothing => true,
            Backing::Foreign => foreign,
            _ => false,
        })
        .then_some(())
        .ok_or_else(already_initialised)
    }

    /// What keeps the memory of a ring that `__init__` has made; `None` if somebody else has made
    /// the ring, or nobody.
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
    pub(super) fn checked_ffi<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
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
            // A class without CFFI: `void *` goes wherever a pointer to a ring is wanted.
            None => cdata::from_buffer(&cdata::own_ffi(py)?, intern!(py, "void *"), &region)?,
        };
        let kept = pointer.clone().unbind();
        // Should another thread have made one meanwhile, both are good.
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

// What is dropped inside `attach` is dropped at once; see `method`.
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

/// A pointer to a struct that C owns; unless `only_pointer`, its address can be an integer.
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
