//! The common part of the two handles: a ring for elements of type `T`, and the values that need
//! not be loaded again.
//!
//! A handle is the only user of its side of the ring. Therefore it reads the unchanging fields once
//! and never reads its own index back. It reloads the other side's index only if the cached value
//! cannot satisfy the request: available elements stay available, because the other side can only
//! add to them. Reading less often what another core writes is the main reason why handles are
//! faster than the C functions.
//!
//! Between two reloads, a handle works inside a [`Region`], in which the address of an element
//! follows from the index without a mask, and nothing wraps. A single element takes one comparison,
//! one increment and two stores. Every rare event (the end of the region, the next cache line to
//! prefetch, a request that exceeds the cached value) ends at that comparison.

use core::fmt;
use core::marker::PhantomData;
use core::mem::{align_of, size_of};
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use crate::atomic::Ordering;
use crate::elements::copy;
use crate::error::RingError;
use crate::geometry::{Chunk, Region, TypedGeometry};
use crate::layout::{PaUtilRingBuffer, ring_buffer_size_t};
use crate::owner::Owner;
use crate::plain::Plain;
use crate::prefetch::{self, LINE};
use crate::side::{Side, SideType};

/// Fills its own cache lines (a pair, because some processors fetch pairs of lines): programs often
/// make both handles in one place, and each thread writes its own handle all the time.
#[repr(align(128))]
pub(crate) struct Handle<T, S> {
    state: State<T, S>,
    owner: Owner,
}

/// All of a handle except the owner. Functions that are not inlined take it and return it by value,
/// which lets the compiler keep a local handle in registers: one store less per element that waits
/// until the other core returns a cache line.
pub(crate) struct State<T, S> {
    ring: NonNull<PaUtilRingBuffer>,
    /// The index behind the next element: the side's own index after that element is transferred.
    /// (If that element is not available, it may be twice the size instead of 0.)
    next: usize,
    /// The elements before the indices from `next` up to this one are known to be available, and
    /// their addresses are `base` plus index. `next - 1` if there are none, and never less.
    stop: usize,
    /// How far `stop` may advance with the same `base`. It is 0, which allows no advance, for a
    /// consumer that prefetches, so that other consumers need no extra check. For a producer, it is
    /// limited to the available room: a producer that prefetches advances `stop` line by line.
    last: usize,
    /// The same for a consumer, with or without prefetching.
    end: usize,
    base: *mut T,
    geometry: TypedGeometry<T>,
    /// The limit that follows from the cached index of the other side. Only the producer uses the
    /// value of earlier calls; the consumer advances only `stop` if that is enough.
    limit: usize,
    /// See [`with_prefetch`](Self::with_prefetch).
    prefetch: bool,
    side: PhantomData<S>,
}

impl<T: Copy, S> Clone for State<T, S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, S> Copy for State<T, S> {}

impl<T, S> Deref for Handle<T, S> {
    type Target = State<T, S>;

    #[inline(always)]
    fn deref(&self) -> &State<T, S> {
        &self.state
    }
}

impl<T, S> DerefMut for Handle<T, S> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut State<T, S> {
        &mut self.state
    }
}

/// The values needed to transfer elements and hand them over, kept in registers: after reading the
/// other side's index, the compiler would reload them from the handle.
#[derive(Clone, Copy)]
pub(crate) struct Claim {
    ring: NonNull<PaUtilRingBuffer>,
    /// The index behind the first element.
    next: usize,
}

// SAFETY: a handle stands for one side of the ring, and the ring's protocol allows each side to be
// on its own thread; elements are plain data.
unsafe impl<T: Plain, S> Send for Handle<T, S> {}
// SAFETY: a shared handle can only query what is available and copy it, which changes nothing.
unsafe impl<T: Plain, S> Sync for Handle<T, S> {}

impl<T: Plain, S: SideType> Handle<T, S> {
    /// # Safety
    ///
    /// See [`Producer::from_raw`](crate::Producer::from_raw).
    ///
    /// The struct must live as long as the handle is used; `owner` may keep it alive.
    pub(crate) unsafe fn new(
        pointer: *mut PaUtilRingBuffer,
        owner: Owner,
    ) -> Result<Self, RingError> {
        let needed = align_of::<PaUtilRingBuffer>();
        let address = pointer.addr();
        if address % needed != 0 {
            return Err(RingError::StructAlignment { address, needed });
        }
        let pointer = NonNull::new(pointer).ok_or(RingError::Null)?;
        // SAFETY: not null, aligned, and the caller promises that it points to a ring.
        let ring = unsafe { pointer.as_ref() };
        let geometry = ring.checked_geometry()?;
        if geometry.element_size() != size_of::<T>() {
            return Err(RingError::ElementType {
                found: geometry.element_size(),
                needed: size_of::<T>(),
            });
        }
        if !geometry.size().is_power_of_two() {
            return Err(RingError::Capacity {
                value: geometry.size(),
            });
        }
        let needed = align_of::<T>();
        let address = geometry.buffer().addr();
        if address % needed != 0 {
            return Err(RingError::ElementAlignment { address, needed });
        }
        let base = geometry.buffer().cast();
        let geometry = TypedGeometry::new(&geometry)?;
        let index = geometry.index(S::SIDE.own_index(ring).load(Ordering::Relaxed));
        let mut state = State {
            ring: pointer,
            next: 0,
            stop: 0,
            last: 0,
            end: 0,
            base,
            geometry,
            limit: index,
            prefetch: false,
            side: PhantomData,
        };
        state.enter(index);
        Ok(Self { state, owner })
    }

    /// The same handle, with prefetching.
    pub(crate) fn with_prefetch(mut self) -> Self {
        let index = self.index();
        self.prefetch = true;
        // The consumer has to reload the index; the cached value stays in the struct.
        self.limit = index;
        self.enter(index);
        self
    }
}

impl<T: Plain, S: SideType> State<T, S> {
    /// Whether this is the producer's side.
    const PRODUCES: bool = matches!(S::SIDE, Side::Producer);

    /// The side's own index; the struct always contains the same value.
    #[inline]
    fn index(&self) -> usize {
        self.geometry.before(self.next)
    }

    /// Reloads the index of the other side and returns the limit for this side.
    #[inline]
    fn limit_now(&self) -> usize {
        if !Self::PRODUCES && self.prefetch {
            // Both lines then come from the other core at the same time.
            prefetch::for_reading(self.geometry.element(self.index()));
        }
        let other = S::SIDE.other_index(self.ring()).load(Ordering::Acquire);
        let lead = if Self::PRODUCES {
            self.geometry.size()
        } else {
            0
        };
        self.geometry.advanced(self.geometry.index(other), lead)
    }

    /// Number of elements that can be transferred now.
    #[inline]
    pub(crate) fn available_now(&self) -> usize {
        self.geometry.distance(self.index(), self.limit_now())
    }

    /// Number of elements known to be transferable without wrapping.
    #[inline]
    fn ready(&self) -> usize {
        self.stop + 1 - self.next
    }

    /// The index behind the next element, if that element is available.
    #[inline(always)]
    pub(crate) fn claim_one(&mut self) -> Option<Claim> {
        let claim = self.here();
        if claim.next <= self.stop {
            return Some(claim);
        }
        let other = self.look(claim);
        if self.follow(claim, other) {
            return Some(claim);
        }
        if Self::PRODUCES && self.prefetch && claim.next <= self.last {
            // Inline, because passing the state by value takes longer than this.
            self.go_through_line();
            return Some(claim);
        }
        let any;
        (any, *self) = self.claim_one_slowly(other);
        any.then(|| self.here())
    }

    #[inline(always)]
    fn here(&self) -> Claim {
        Claim {
            ring: self.ring,
            next: self.next,
        }
    }

    /// The index behind the next element, if `count` elements (at least one) are known to be
    /// transferable without wrapping. Otherwise [`claim`](Self::claim) returns how many are.
    #[inline(always)]
    pub(crate) fn claim_in_one(&mut self, count: usize) -> Option<Claim> {
        let claim = self.here();
        // A count of 0 is treated as too many.
        let fits = |handle: &Self| count.wrapping_sub(1) < handle.stop + 1 - claim.next;
        (fits(self) || (self.follow(claim, self.look(claim)) && fits(self))).then_some(claim)
    }

    /// The other side's index, for the consumer. The producer usually has room in the whole region
    /// and reloads it later.
    #[inline(always)]
    fn look(&self, claim: Claim) -> ring_buffer_size_t {
        if Self::PRODUCES {
            return 0;
        }
        // SAFETY: see `ring()`.
        S::SIDE
            .other_index(unsafe { claim.ring.as_ref() })
            .load(Ordering::Acquire)
    }

    /// Advances `stop` to the producer's index, if that is further on in the same region.
    #[inline(always)]
    fn follow(&mut self, claim: Claim, other: ring_buffer_size_t) -> bool {
        let other = other as usize;
        // An overwritten index is outside the region, or points to an element of it.
        let within = |last| !Self::PRODUCES && claim.next <= other && other <= last;
        if within(self.last) {
            self.stop = other;
            return true;
        }
        if !Self::PRODUCES && self.prefetch {
            // The processor gets here before it knows the index, so both lines come from the other
            // core at the same time.
            prefetch::for_reading(self.place(claim));
            if within(self.end) {
                self.stop = other;
                return true;
            }
        }
        false
    }

    /// [`claim_one`](Self::claim_one) at the end of the known elements. It does not reload the
    /// other side's index twice: each load takes the line away from the other core.
    #[cold]
    #[inline(never)]
    fn claim_one_slowly(mut self, other: ring_buffer_size_t) -> (bool, Self) {
        let index = self.index();
        let any = if Self::PRODUCES {
            self.claim_from(index, 1) != 0
        } else {
            self.limit = self.geometry.index(other);
            self.limit != index
        };
        self.enter(index);
        if Self::PRODUCES && self.prefetch && any {
            self.go_through_line();
        }
        (any, self)
    }

    /// Advances `stop` to the last element that starts in the next element's line, and prefetches a
    /// line further ahead.
    #[inline]
    fn go_through_line(&mut self) {
        let size = size_of::<T>().max(1);
        let offset = self.place(self.here()).addr() % LINE;
        let elements = (LINE - offset).div_ceil(size);
        self.stop = self.last.min(self.next + elements - 1);
        if size >= LINE {
            self.prefetch_for_block(size);
        } else if offset < size {
            self.prefetch_for_line();
        }
    }

    /// [`claim_in_one`](Self::claim_in_one) for a producer that prefetches.
    #[inline]
    pub(crate) fn claim_lines(&self, count: usize) -> Option<Claim> {
        (self.prefetch && count.wrapping_sub(1) < self.last + 1 - self.next).then(|| self.here())
    }

    /// [`advance_in_one`](Self::advance_in_one) for a producer that prefetches.
    #[inline]
    pub(crate) fn advance_lines(&mut self, claim: Claim, count: usize) {
        self.advance_in_one(claim, count);
        self.stop = self.next - 1;
        self.prefetch_for_block(count * size_of::<T>());
    }

    /// How many of `count` elements can be transferred. A result below `count` is the number that
    /// is available now.
    #[inline]
    pub(crate) fn claim(&mut self, count: usize) -> usize {
        if count > self.ready() {
            self.claim_from(self.index(), count)
        } else {
            count
        }
    }

    #[inline]
    fn claim_from(&mut self, index: usize, count: usize) -> usize {
        let known = if Self::PRODUCES {
            self.geometry.distance(index, self.limit)
        } else {
            0
        };
        if count > known {
            self.limit = self.limit_now();
            count.min(self.geometry.distance(index, self.limit))
        } else {
            count
        }
    }

    /// [`claim`](Self::claim) for a shared handle, which cannot cache the result.
    #[inline]
    pub(crate) fn claim_shared(&self, count: usize) -> usize {
        if count > self.ready() {
            count.min(self.available_now())
        } else {
            count
        }
    }

    /// Continues at an index, in its region, with the part of it that `limit` allows.
    fn enter(&mut self, index: usize) {
        let available = self.geometry.distance(index, self.limit);
        let Region { base, next, last } = self.geometry.region(index, available != 0);
        let stop = next + available.min(last + 1 - next) - 1;
        self.base = base;
        self.next = next;
        self.stop = stop;
        self.end = last;
        self.last = match (Self::PRODUCES, self.prefetch) {
            (true, _) => stop,
            (false, true) => 0,
            (false, false) => last,
        };
        if Self::PRODUCES && self.prefetch && next != 0 {
            // Finish this line first.
            self.stop = next - 1;
        }
    }

    /// Address of the element before a [claimed](Self::claim_one) index.
    #[inline(always)]
    pub(crate) fn place(&self, claim: Claim) -> *mut T {
        self.base.wrapping_add(claim.next)
    }

    /// Address of the next element, claimed or not.
    #[inline]
    pub(crate) fn element(&self) -> *mut T {
        self.geometry.element(self.index())
    }

    /// Location of the next `count` elements, which were claimed.
    #[inline]
    pub(crate) fn chunk(&self, count: usize) -> Chunk {
        self.geometry.chunk(self.index(), count)
    }

    /// Address of a position.
    #[inline]
    pub(crate) fn at(&self, position: usize) -> *mut T {
        self.geometry.at(position)
    }

    /// Copies elements into the ring at this side's position. The source may overlap the storage.
    ///
    /// # Safety
    ///
    /// `count` elements were claimed, this is the producer's side, and the source has as many
    /// elements.
    #[inline]
    pub(crate) unsafe fn copy_in(&self, source: *const T, count: usize) {
        let next = self.element();
        let first = self.geometry.until_end(self.index());
        // A branch instead of a minimum: the copy then does not depend on the index.
        // SAFETY: the storage lives with the handle and is aligned for `T`; `count` elements
        // starting at the index, wrapped at the end of the storage, belong to the producer.
        unsafe {
            if count <= first {
                copy(source, next, count);
            } else {
                copy(source, next, first);
                copy(source.add(first), self.at(0), count - first);
            }
        }
    }

    /// Copies elements out of the ring at this side's position. The target may overlap the storage.
    ///
    /// # Safety
    ///
    /// `count` elements were claimed, this is the consumer's side, and the target has room for them.
    #[inline]
    pub(crate) unsafe fn copy_out(&self, target: *mut T, count: usize) {
        let next = self.element();
        let first = self.geometry.until_end(self.index());
        // A branch instead of a minimum: the copy then does not depend on the index.
        // SAFETY: the storage lives with the handle, is aligned for `T` and holds plain data;
        // `count` elements starting at the index, wrapped at the end of the storage, belong to the
        // consumer.
        unsafe {
            if count <= first {
                copy(next, target, count);
            } else {
                copy(next, target, first);
                copy(self.at(0), target.add(first), count - first);
            }
        }
    }

    /// Hands over `count` elements (at least one) to the other side, starting with the one before a
    /// claimed index.
    #[inline(always)]
    pub(crate) fn advance_in_one(&mut self, claim: Claim, count: usize) {
        // SAFETY: see `ring()`.
        let ring = unsafe { claim.ring.as_ref() };
        let behind = claim.next + count;
        self.next = behind;
        S::SIDE
            .own_index(ring)
            .store((behind - 1) as ring_buffer_size_t, Ordering::Release);
    }

    /// Hands over `count` claimed elements (at least one) to the other side.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        if count <= self.ready() {
            self.advance_in_one(self.here(), count);
        } else {
            self.advance_further(count);
        }
    }

    /// [`advance`](Self::advance) to another region, or where only `limit` shows that the region
    /// suffices.
    fn advance_further(&mut self, count: usize) {
        let previous = self.index();
        let index = self.geometry.advanced(previous, count);
        S::SIDE
            .own_index(self.ring())
            .store(index as ring_buffer_size_t, Ordering::Release);
        self.enter(index);
        if Self::PRODUCES && self.prefetch {
            self.prefetch_for_block(count * size_of::<T>());
        }
    }

    /// Prefetches the line that will be written some time after the line of the next element.
    #[inline]
    fn prefetch_for_line(&self) {
        /// Distance in bytes from the write index. It is larger than after blocks, because fetching
        /// a line takes longer than filling one with single elements: with 512, elements of 8 bytes
        /// take twice as long.
        const AHEAD: usize = 2048;
        self.prefetch_ahead(AHEAD, 1);
    }

    /// Prefetches the lines behind the next few elements: as many as have just been written,
    /// because the next call will probably write as many again.
    #[inline]
    fn prefetch_for_block(&self, bytes: usize) {
        /// Distance in bytes from the write index. With 1024, blocks of 64 elements of 8 bytes take
        /// a quarter longer.
        const AHEAD: usize = 512;
        /// Maximum number of bytes to prefetch, so that other data stays in a cache of 32 KiB.
        const MOST: usize = 4096;
        self.prefetch_ahead(AHEAD, bytes.min(MOST));
    }

    #[inline]
    fn prefetch_ahead(&self, ahead: usize, bytes: usize) {
        let index = (self.geometry).advanced(self.index(), ahead / size_of::<T>().max(1));
        // Only up to the end of the storage, which costs one block per round.
        let left = self.geometry.until_end(index) * size_of::<T>();
        let start = self.geometry.element(index);
        for offset in (0..bytes.min(left)).step_by(LINE) {
            prefetch::for_writing(start.wrapping_byte_add(offset));
        }
    }
}

impl<T, S> State<T, S> {
    #[inline]
    fn ring(&self) -> &PaUtilRingBuffer {
        // SAFETY: alive and aligned since `new`; all fields are atomics.
        unsafe { self.ring.as_ref() }
    }

    /// Number of elements in the ring, full or empty.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.geometry.size()
    }

    pub(crate) fn as_ptr(&self) -> *mut PaUtilRingBuffer {
        self.ring.as_ptr()
    }
}

impl<T, S> Handle<T, S> {
    /// Whether the other handle is known to have been dropped.
    #[inline]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.owner.is_abandoned()
    }

    /// Formats the handle as a struct with this name.
    pub(crate) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("ring", self.ring())
            .field("is_abandoned", &self.is_abandoned())
            .finish()
    }
}
