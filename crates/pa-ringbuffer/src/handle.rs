//! What the two handles have in common: a checked pointer to a ring for elements of type `T`.

use core::marker::PhantomData;
use core::mem::{align_of, size_of};
use core::ptr::NonNull;

use crate::error::RingError;
use crate::geometry::Geometry;
use crate::layout::PaUtilRingBuffer;
use crate::plain::Plain;

/// What keeps a ring's memory alive, where the handle does.
#[cfg(feature = "alloc")]
type Owner = Option<alloc::sync::Arc<crate::memory::RingMemory>>;
#[cfg(not(feature = "alloc"))]
type Owner = Option<core::convert::Infallible>;

pub(crate) struct Handle<'a, T> {
    ring: NonNull<PaUtilRingBuffer>,
    geometry: Geometry,
    _owner: Owner,
    elements: PhantomData<&'a mut [T]>,
}

// SAFETY: a handle stands for one side of the ring, and the ring's protocol lets each side be on a
// thread of its own; elements are plain data.
unsafe impl<T: Plain> Send for Handle<'_, T> {}
// SAFETY: with a shared handle one can only ask how much is available.
unsafe impl<T: Plain> Sync for Handle<'_, T> {}

impl<T: Plain> Handle<'_, T> {
    /// # Safety
    ///
    /// `ring` points to a ring that was initialised for elements of type `T`, whose storage is
    /// aligned for them, and which lives as long as `'a` or is kept alive by `owner`.
    pub(crate) unsafe fn over(ring: *mut PaUtilRingBuffer, owner: Owner) -> Self {
        // SAFETY: not null, and alive, as the caller promises.
        let (ring, geometry) = unsafe { (NonNull::new_unchecked(ring), (*ring).geometry()) };
        Self {
            ring,
            geometry,
            _owner: owner,
            elements: PhantomData,
        }
    }

    /// # Safety
    ///
    /// See [`Producer::from_raw`](crate::Producer::from_raw).
    pub(crate) unsafe fn from_raw(pointer: *mut PaUtilRingBuffer) -> Result<Self, RingError> {
        if pointer.is_null() {
            return Err(RingError::Null);
        }
        let needed = align_of::<PaUtilRingBuffer>();
        if pointer.addr() % needed != 0 {
            return Err(RingError::Alignment { needed });
        }
        // SAFETY: not null, aligned, and the caller promises that it points to a ring.
        let geometry = unsafe { &*pointer }.checked_geometry()?;
        if geometry.element_size() != size_of::<T>() {
            return Err(RingError::ElementSize {
                value: geometry.element_size(),
            });
        }
        if !geometry.size().is_power_of_two() {
            return Err(RingError::Capacity {
                value: geometry.size(),
            });
        }
        let needed = align_of::<T>();
        if geometry.buffer().addr() % needed != 0 {
            return Err(RingError::Alignment { needed });
        }
        // SAFETY: just checked; that it lives long enough is the caller's promise.
        Ok(unsafe { Self::over(pointer, None) })
    }
}

impl<T> Handle<'_, T> {
    pub(crate) fn ring(&self) -> &PaUtilRingBuffer {
        // SAFETY: alive and aligned since `over`; all fields are atomics.
        unsafe { self.ring.as_ref() }
    }

    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub(crate) fn as_ptr(&self) -> *mut PaUtilRingBuffer {
        self.ring.as_ptr()
    }
}
