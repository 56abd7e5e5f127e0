//! What the two handles have in common: a ring for elements of type `T`, and what of it does not
//! have to be looked up again.
//!
//! A handle is the only one on its side of the ring. So the fields that do not change are read once,
//! and its own index is only ever written. The other side's index is reloaded only if what is known
//! to be available cannot satisfy the request: what was available once stays so, because the other
//! side can only make it more. Looking less often at what another core writes is most of what makes
//! handles faster than C's functions.
//!
//! Between two looks, a handle is inside a [`Region`], in which the address of an element follows from
//! the index without a mask, and nothing wraps. A single element takes one comparison, one increment
//! and two stores. Everything that happens once in a while (the end of the region, the next cache line
//! to be prefetched, a request for more than is known) ends at that comparison.

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

/// It fills cache lines of its own (a pair, because some processors fetch them in pairs): both handles
/// are often made in one place, and each is written all the time by a thread of its own.
#[repr(align(128))]
pub(crate) struct Handle<T, S> {
    state: State<T, S>,
    owner: Owner,
}

/// All of a handle but the owner. What is out of line takes it and gives it back by value: so the
/// compiler can keep a handle in registers that is a local variable, and one store less for each
/// element waits until the other core gives a cache line back.
pub(crate) struct State<T, S> {
    ring: NonNull<PaUtilRingBuffer>,
    /// The index behind the next element: the own index once that element is transferred. (Or twice
    /// the size instead of 0, if that element is not available.)
    next: usize,
    /// Indices from `next` up to this one are behind elements that can certainly be transferred, and
    /// whose addresses are `base` plus index. `next - 1` if there are none, and never less.
    stop: usize,
    /// How far `stop` may be moved without another `base`; 0, which is not further, for a consumer
    /// that prefetches, so that the others need not ask whether they are one. For a producer, not further
    /// than there is room: if it prefetches, `stop` is moved from line to line.
    last: usize,
    /// The same for a consumer, whether it prefetches or not.
    end: usize,
    base: *mut T,
    geometry: TypedGeometry<T>,
    /// Where the other side's index stopped this side. Only the producer uses what it knows from
    /// earlier calls; the consumer moves `stop` alone if that is enough.
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

/// What is needed to transfer elements and to hand them over, in registers: after looking at the other
/// side's index, the compiler would load it from the handle again.
#[derive(Clone, Copy)]
pub(crate) struct Claim {
    ring: NonNull<PaUtilRingBuffer>,
    /// The index behind the first element.
    next: usize,
}

// SAFETY: a handle stands for one side of the ring, and the ring's protocol lets each side be on a
// thread of its own; elements are plain data.
unsafe impl<T: Plain, S> Send for Handle<T, S> {}
// SAFETY: with a shared handle one can only ask what is available and copy it, which changes
// nothing.
unsafe impl<T: Plain, S> Sync for Handle<T, S> {}

impl<T: Plain, S: SideType> Handle<T, S> {
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

    /// The same handle, which asks for memory before it needs it.
    pub(crate) fn with_prefetch(mut self) -> Self {
        let index = self.index();
        self.prefetch = true;
        // The consumer has to look again; what it knew stays there.
        self.limit = index;
        self.enter(index);
        self
    }
}

impl<T: Plain, S: SideType> State<T, S> {
    /// Whether this is the producer's side.
    const PRODUCES: bool = matches!(S::SIDE, Side::Producer);

    /// The own index; that in the struct is always the same.
    #[inline]
    fn index(&self) -> usize {
        self.geometry.before(self.next)
    }

    /// Where the other side's index stops this side at this moment.
    #[inline]
    fn limit_now(&self) -> usize {
        if !Self::PRODUCES && self.prefetch {
            // Then both lines come from the other core at the same time.
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

    /// How many elements can be transferred at this moment.
    #[inline]
    pub(crate) fn available_now(&self) -> usize {
        self.geometry.distance(self.index(), self.limit_now())
    }

    /// How many elements can certainly be transferred without wrapping.
    #[inline]
    fn ready(&self) -> usize {
        self.stop + 1 - self.next
    }

    /// The index behind the next element, if that can be transferred.
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
            // Here, because giving the state away and back takes longer than this.
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

    /// The index behind the next element, if `count` elements, which are more than none, can be
    /// transferred without wrapping. If not, [`claim`](Self::claim) tells how many.
    #[inline(always)]
    pub(crate) fn claim_in_one(&mut self, count: usize) -> Option<Claim> {
        let claim = self.here();
        // None at all count as too many.
        let fits = |handle: &Self| count.wrapping_sub(1) < handle.stop + 1 - claim.next;
        (fits(self) || (self.follow(claim, self.look(claim)) && fits(self))).then_some(claim)
    }

    /// The other side's index, for the consumer. The producer has room for all the region most of the
    /// time, and looks later.
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

    /// Moves `stop` to where the producer is, if that is further on in the same region.
    #[inline(always)]
    fn follow(&mut self, claim: Claim, other: ring_buffer_size_t) -> bool {
        let other = other as usize;
        // An overwritten index goes elsewhere, or to an element of the region.
        let within = |last| !Self::PRODUCES && claim.next <= other && other <= last;
        if within(self.last) {
            self.stop = other;
            return true;
        }
        if !Self::PRODUCES && self.prefetch {
            // The processor comes here before it knows the index, so both lines come from the other
            // core at the same time.
            prefetch::for_reading(self.place(claim));
            if within(self.end) {
                self.stop = other;
                return true;
            }
        }
        false
    }

    /// [`claim_one`](Self::claim_one) at the end of what is known. It does not load the other side's
    /// index again: each look takes the line away from the other core.
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

    /// Moves `stop` to the last element that begins in the next element's line, and asks for a line
    /// further ahead.
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

    /// How many of `count` elements can be transferred; less than `count` is how many there are at
    /// this moment.
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

    /// [`claim`](Self::claim) for a shared handle, which cannot keep what is learned.
    #[inline]
    pub(crate) fn claim_shared(&self, count: usize) -> usize {
        if count > self.ready() {
            count.min(self.available_now())
        } else {
            count
        }
    }

    /// Goes on from an index, in its region, and with what `limit` leaves of that.
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
            // To go through the line first.
            self.stop = next - 1;
        }
    }

    /// Where the element is that a [claimed](Self::claim_one) index is behind.
    #[inline(always)]
    pub(crate) fn place(&self, claim: Claim) -> *mut T {
        self.base.wrapping_add(claim.next)
    }

    /// Where the next element is, claimed or not.
    #[inline]
    pub(crate) fn element(&self) -> *mut T {
        self.geometry.element(self.index())
    }

    /// Where the next `count` elements are, which were claimed.
    #[inline]
    pub(crate) fn chunk(&self, count: usize) -> Chunk {
        self.geometry.chunk(self.index(), count)
    }

    /// Address of a position.
    #[inline]
    pub(crate) fn at(&self, position: usize) -> *mut T {
        self.geometry.at(position)
    }

    /// Copies elements to where this side goes on. The source may overlap the storage.
    ///
    /// # Safety
    ///
    /// `count` elements were claimed, this is the producer's side, and the source has as many.
    #[inline]
    pub(crate) unsafe fn copy_in(&self, source: *const T, count: usize) {
        let next = self.element();
        let first = self.geometry.until_end(self.index());
        // A branch, not a minimum: the copy need not wait for the index.
        // SAFETY: the storage lives with the handle and is aligned for `T`; `count` elements from
        // the index on, wrapped at the end of the storage, are the producer's.
        unsafe {
            if count <= first {
                copy(source, next, count);
            } else {
                copy(source, next, first);
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
        let next = self.element();
        let first = self.geometry.until_end(self.index());
        // A branch, not a minimum: the copy need not wait for the index.
        // SAFETY: the storage lives with the handle, is aligned for `T` and holds plain data;
        // `count` elements from the index on, wrapped at the end of the storage, are the consumer's.
        unsafe {
            if count <= first {
                copy(next, target, count);
            } else {
                copy(next, target, first);
                copy(self.at(0), target.add(first), count - first);
            }
        }
    }

    /// Hands over `count` elements, which are more than none, to the other side, from the one on
    /// that a claimed index is behind.
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

    /// Hands over `count` elements, which are more than none and were claimed, to the other side.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        if count <= self.ready() {
            self.advance_in_one(self.here(), count);
        } else {
            self.advance_further(count);
        }
    }

    /// [`advance`](Self::advance) to another region, or to where only `limit` says that it is far
    /// enough.
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

    /// Asks for the line that will be written some time after the one that begins with the next
    /// element.
    #[inline]
    fn prefetch_for_line(&self) {
        /// Bytes from the write index to what is asked for. That is further than after blocks, because
        /// a line takes longer to come than single elements take to fill one: with 512, elements of
        /// 8 bytes take twice as long.
        const AHEAD: usize = 2048;
        self.prefetch_ahead(AHEAD, 1);
    }

    /// Asks for the lines that will be written after the next few elements: as many as have just
    /// been written, because the next call will probably write as much again.
    #[inline]
    fn prefetch_for_block(&self, bytes: usize) {
        /// Bytes from the write index to what is asked for. With 1024, blocks of 64 elements of 8
        /// bytes take a quarter longer.
        const AHEAD: usize = 512;
        /// Bytes asked for at the most, not to crowd out everything else from a cache of 32 KiB.
        const MOST: usize = 4096;
        self.prefetch_ahead(AHEAD, bytes.min(MOST));
    }

    #[inline]
    fn prefetch_ahead(&self, ahead: usize, bytes: usize) {
        let index = (self.geometry).advanced(self.index(), ahead / size_of::<T>().max(1));
        // Not further than the end of the storage, which costs one block in each round.
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

    /// Number of elements in the ring, full or not.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.geometry.size()
    }

    pub(crate) fn as_ptr(&self) -> *mut PaUtilRingBuffer {
        self.ring.as_ptr()
    }
}

impl<T, S> Handle<T, S> {
    /// Whether the other handle is known to be dropped.
    #[inline]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.owner.is_abandoned()
    }

    /// Shows it as a struct of this name.
    pub(crate) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("ring", self.ring())
            .field("is_abandoned", &self.is_abandoned())
            .finish()
    }
}
