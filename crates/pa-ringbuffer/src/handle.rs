//! What the two handles have in common: a ring for elements of type `T`, and what of it does not
//! have to be looked up again.
//!
//! A handle is the only one on its side of the ring. So the fields that do not change are read once,
//! and its own index is only ever written. The other side's index is looked at when less is known
//! to be available than is asked for: what was available once stays so, because the other side can
//! only make it more. Looking less often at what another core writes is most of what makes handles
//! faster than C's functions.

use core::fmt;
use core::marker::PhantomData;
use core::mem::{align_of, size_of};
use core::ptr::{NonNull, copy};

use crate::atomic::{AtomicSize, Ordering};
use crate::error::RingError;
use crate::geometry::{InvalidField, Span, Whole};
use crate::layout::{PaUtilRingBuffer, ring_buffer_size_t};
use crate::plain::Plain;

/// What keeps a ring's memory alive, where the handle does.
#[cfg(feature = "alloc")]
type Owner = Option<alloc::sync::Arc<crate::memory::RingMemory>>;
#[cfg(not(feature = "alloc"))]
type Owner = Option<core::convert::Infallible>;

/// One of the two sides of a ring.
pub(crate) trait Side {
    /// The index that this side moves.
    fn own(ring: &PaUtilRingBuffer) -> &AtomicSize;
    /// The index that the other side moves.
    fn other(ring: &PaUtilRingBuffer) -> &AtomicSize;
    /// How far behind the other side's index this side has to stop.
    fn lead(size: usize) -> usize;
}

/// The producer's side.
pub(crate) enum Writing {}

impl Side for Writing {
    #[inline]
    fn own(ring: &PaUtilRingBuffer) -> &AtomicSize {
        &ring.write_index
    }

    #[inline]
    fn other(ring: &PaUtilRingBuffer) -> &AtomicSize {
        &ring.read_index
    }

    #[inline]
    fn lead(size: usize) -> usize {
        size
    }
}

/// The consumer's side.
pub(crate) enum Reading {}

impl Side for Reading {
    #[inline]
    fn own(ring: &PaUtilRingBuffer) -> &AtomicSize {
        &ring.read_index
    }

    #[inline]
    fn other(ring: &PaUtilRingBuffer) -> &AtomicSize {
        &ring.write_index
    }

    #[inline]
    fn lead(_size: usize) -> usize {
        0
    }
}

pub(crate) struct Handle<T, S> {
    ring: NonNull<PaUtilRingBuffer>,
    whole: Whole<T>,
    /// The own index; that in the struct is always the same.
    index: usize,
    /// Up to here, elements can certainly be transferred.
    limit: usize,
    _owner: Owner,
    side: PhantomData<S>,
}

// SAFETY: a handle stands for one side of the ring, and the ring's protocol lets each side be on a
// thread of its own; elements are plain data.
unsafe impl<T: Plain, S> Send for Handle<T, S> {}
// SAFETY: with a shared handle one can only ask what is available and copy it, which changes
// nothing.
unsafe impl<T: Plain, S> Sync for Handle<T, S> {}

impl<T: Plain, S: Side> Handle<T, S> {
    /// # Safety
    ///
    /// See [`Producer::from_raw`](crate::Producer::from_raw).
    ///
    /// The struct must live as long as the handle is used, or be kept alive by `owner`.
    pub(crate) unsafe fn new(
        pointer: *mut PaUtilRingBuffer,
        owner: Owner,
    ) -> Result<Self, RingError> {
        let needed = align_of::<PaUtilRingBuffer>();
        if pointer.addr() % needed != 0 {
            return Err(RingError::Alignment { needed });
        }
        let pointer = NonNull::new(pointer).ok_or(RingError::Null)?;
        // SAFETY: not null, aligned, and the caller promises that it points to a ring.
        let ring = unsafe { pointer.as_ref() };
        let geometry = ring.checked_geometry()?;
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
        let whole = Whole::new(&geometry).ok_or(InvalidField {
            name: "bufferSize",
            expected: "smallMask plus one",
        })?;
        let index = whole.index(S::own(ring).load(Ordering::Relaxed));
        Ok(Self {
            ring: pointer,
            whole,
            index,
            limit: index,
            _owner: owner,
            side: PhantomData,
        })
    }

    /// Where the other side's index stops this side at this moment.
    #[inline]
    fn limit_now(&self) -> usize {
        let other = self
            .whole
            .index(S::other(self.ring()).load(Ordering::Acquire));
        self.whole.advanced(other, S::lead(self.whole.size()))
    }

    /// How many elements can be transferred at this moment.
    #[inline]
    pub(crate) fn available_now(&self) -> usize {
        self.whole.distance(self.index, self.limit_now())
    }

    /// Whether an element can be transferred.
    #[inline]
    pub(crate) fn claim_one(&mut self) -> bool {
        if self.index == self.limit {
            self.limit = self.limit_now();
        }
        self.index != self.limit
    }

    /// How many of `count` elements can be transferred; less than `count` is how many there are at
    /// this moment.
    #[inline]
    pub(crate) fn claim(&mut self, count: usize) -> usize {
        if count > self.whole.distance(self.index, self.limit) {
            self.limit = self.limit_now();
            count.min(self.whole.distance(self.index, self.limit))
        } else {
            count
        }
    }

    /// [`claim`](Self::claim) for those who share the handle, and cannot keep what they learn.
    #[inline]
    pub(crate) fn claim_shared(&self, count: usize) -> usize {
        if count > self.whole.distance(self.index, self.limit) {
            count.min(self.available_now())
        } else {
            count
        }
    }

    /// Where the next element is that this side transfers.
    #[inline]
    pub(crate) fn next(&self) -> *mut T {
        self.whole.element(self.index)
    }

    /// Where the next `count` elements are, which were claimed.
    #[inline]
    pub(crate) fn span(&self, count: usize) -> Span {
        self.whole.span(self.index, count)
    }

    /// Address of a position.
    #[inline]
    pub(crate) fn at(&self, position: usize) -> *mut T {
        self.whole.at(position)
    }

    /// Copies elements to where this side goes on. The source may overlap the storage.
    ///
    /// # Safety
    ///
    /// `count` elements were claimed, this is the producer's side, and the source has as many.
    #[inline]
    pub(crate) unsafe fn copy_in(&self, source: *const T, count: usize) {
        let first = self.whole.until_end(self.index);
        // A branch, not a minimum: the copy need not wait for the index.
        // SAFETY: the storage lives with the handle and is aligned for `T`; `count` elements from
        // the index on, wrapped at the end of the storage, are the producer's.
        unsafe {
            if count <= first {
                copy(source, self.next(), count);
            } else {
                copy(source, self.next(), first);
                copy(source.add(first), self.at(0), count - first);
            }
        }
    }

    /// Copies elements from where this side goes on. The target may overlap the storage.
    ///
    /// # Safety
    ///
    /// `count` elements were claimed, this is the consumer's side, and the target has room for them.
    #[inline]
    pub(crate) unsafe fn copy_out(&self, target: *mut T, count: usize) {
        let first = self.whole.until_end(self.index);
        // A branch, not a minimum: the copy need not wait for the index.
        // SAFETY: the storage lives with the handle, is aligned for `T` and holds plain data;
        // `count` elements from the index on, wrapped at the end of the storage, are the consumer's.
        unsafe {
            if count <= first {
                copy(self.next(), target, count);
            } else {
                copy(self.next(), target, first);
                copy(self.at(0), target.add(first), count - first);
            }
        }
    }

    /// Hands over `count` elements, which were claimed, to the other side.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        self.index = self.whole.advanced(self.index, count);
        S::own(self.ring()).store(self.index as ring_buffer_size_t, Ordering::Release);
    }
}

impl<T, S> Handle<T, S> {
    #[inline]
    fn ring(&self) -> &PaUtilRingBuffer {
        // SAFETY: alive and aligned since `new`; all fields are atomics.
        unsafe { self.ring.as_ref() }
    }

    /// Number of elements in the ring, full or not.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.whole.size()
    }

    pub(crate) fn as_ptr(&self) -> *mut PaUtilRingBuffer {
        self.ring.as_ptr()
    }
}

impl<T, S> fmt::Debug for Handle<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ring().fmt(f)
    }
}
