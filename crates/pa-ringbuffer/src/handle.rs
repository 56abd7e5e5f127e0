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
use core::ptr::NonNull;

use crate::atomic::{AtomicSize, Ordering};
use crate::elements::copy;
use crate::error::RingError;
use crate::geometry::{InvalidField, Span, Whole};
use crate::layout::{PaUtilRingBuffer, ring_buffer_size_t};
use crate::plain::Plain;
use crate::prefetch::{self, LINE};

/// What keeps a ring's memory alive, where the handle does.
#[cfg(feature = "alloc")]
type Owner = Option<alloc::sync::Arc<crate::memory::RingMemory>>;
#[cfg(not(feature = "alloc"))]
type Owner = Option<core::convert::Infallible>;

/// One of the two sides of a ring.
pub(crate) trait Side {
    /// Whether it is the producer's.
    const WRITES: bool;
    /// The index that this side moves.
    fn own(ring: &PaUtilRingBuffer) -> &AtomicSize;
    /// The index that the other side moves.
    fn other(ring: &PaUtilRingBuffer) -> &AtomicSize;
}

/// The producer's side.
pub(crate) enum Writing {}

impl Side for Writing {
    const WRITES: bool = true;

    #[inline]
    fn own(ring: &PaUtilRingBuffer) -> &AtomicSize {
        &ring.write_index
    }

    #[inline]
    fn other(ring: &PaUtilRingBuffer) -> &AtomicSize {
        &ring.read_index
    }
}

/// The consumer's side.
pub(crate) enum Reading {}

impl Side for Reading {
    const WRITES: bool = false;

    #[inline]
    fn own(ring: &PaUtilRingBuffer) -> &AtomicSize {
        &ring.read_index
    }

    #[inline]
    fn other(ring: &PaUtilRingBuffer) -> &AtomicSize {
        &ring.write_index
    }
}

pub(crate) struct Handle<T, S> {
    ring: NonNull<PaUtilRingBuffer>,
    whole: Whole<T>,
    /// The own index; that in the struct is always the same.
    index: usize,
    /// Up to here, elements can certainly be transferred.
    limit: usize,
    /// See [`with_prefetch`](Self::with_prefetch).
    prefetch: bool,
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
            prefetch: false,
            _owner: owner,
            side: PhantomData,
        })
    }

    /// The same handle, which asks for memory before it needs it.
    pub(crate) fn with_prefetch(self) -> Self {
        Self {
            prefetch: true,
            ..self
        }
    }

    /// Where the other side's index stops this side at this moment.
    #[inline]
    fn limit_now(&self) -> usize {
        if !S::WRITES && self.prefetch {
            // Then both lines come from the other core at the same time.
            prefetch::for_reading(self.next());
        }
        let other = S::other(self.ring()).load(Ordering::Acquire);
        let lead = if S::WRITES { self.whole.size() } else { 0 };
        self.whole.advanced(self.whole.index(other), lead)
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
        let previous = self.index;
        self.index = self.whole.advanced(previous, count);
        S::own(self.ring()).store(self.index as ring_buffer_size_t, Ordering::Release);
        if S::WRITES && self.prefetch {
            self.prefetch_ahead(previous, count);
        }
    }

    /// Asks for the lines that will be written after the next few elements: as many as have just
    /// been written, because the next call will probably write as much again.
    #[inline]
    fn prefetch_ahead(&self, previous: usize, count: usize) {
        /// Bytes from the write index to what is asked for, after blocks. With 1024, blocks of 64
        /// elements of 8 bytes take a quarter longer.
        const AHEAD_OF_BLOCKS: usize = 512;
        /// The same after less than a line, which takes longer to come than to be filled: with 512,
        /// single elements of 8 bytes take twice as long.
        const AHEAD_OF_ELEMENTS: usize = 2048;
        /// Bytes asked for at the most, not to crowd out everything else from a cache of 32 KiB.
        const MOST: usize = 4096;
        let bytes = count * size_of::<T>();
        let line = |index| self.whole.element(index).addr() / LINE;
        if bytes < LINE && line(previous) == line(self.index) {
            return;
        }
        let ahead = if bytes < LINE {
            AHEAD_OF_ELEMENTS
        } else {
            AHEAD_OF_BLOCKS
        };
        let ahead = ahead / size_of::<T>().max(1);
        let index = self.whole.advanced(self.index, ahead);
        // Not further than the end of the storage, which costs one block in each round.
        let left = self.whole.until_end(index) * size_of::<T>();
        let start = self.whole.element(index);
        for offset in (0..bytes.min(left).min(MOST)).step_by(LINE) {
            prefetch::for_writing(start.wrapping_byte_add(offset));
        }
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
