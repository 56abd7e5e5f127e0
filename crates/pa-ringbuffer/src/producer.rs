//! The producer's side.

use core::fmt;
use core::marker::PhantomData;
use core::slice::from_raw_parts_mut;

use crate::elements;
use crate::error::RingError;
use crate::geometry::Chunk;
use crate::handle::Handle;
use crate::layout::PaUtilRingBuffer;
use crate::owner::Owner;
use crate::plain::Plain;
use crate::side::ProducerSide;

/// The producer's side of a ring. There must be only one producer.
///
/// [`RingBuffer::split`](crate::RingBuffer::split) and
/// [`RingBuffer::handles`](crate::RingBuffer::handles) make it; for a ring that C or Python owns,
/// [`from_raw`](Self::from_raw) does. All methods except `from_raw` are real-time safe.
///
/// Dropping a handle from `split` is not real-time safe: the second drop frees the ring's memory.
pub struct Producer<'a, T>(Handle<T, ProducerSide>, PhantomData<&'a mut [T]>);

impl<T: Plain> Producer<'_, T> {
    pub(crate) fn over(handle: Handle<T, ProducerSide>) -> Self {
        Self(handle, PhantomData)
    }

    /// Makes the producer's side of a ring that other code has made.
    ///
    /// # Errors
    ///
    /// - [`RingError::Null`]: the pointer is null;
    /// - [`RingError::StructAlignment`], [`RingError::ElementAlignment`]: the struct, or the
    ///   storage for `T`, is not aligned;
    /// - [`RingError::Field`]: the struct was not initialised, or its `bufferSize` was decreased;
    /// - [`RingError::ElementType`]: the elements do not have the size of `T`;
    /// - [`RingError::Capacity`]: `bufferSize` was set to a number that is not a power of two.
    ///
    /// # Safety
    ///
    /// - The pointer, unless null, is valid for reads and writes of a `PaUtilRingBuffer`, and its
    ///   `buffer` is valid for the number of elements that the struct states, during all of `'a`.
    /// - During `'a`, no other code writes elements to the ring, initialises it, flushes it, or
    ///   changes any field except `readIndex`.
    /// - The storage is initialised memory.
    ///
    /// # Examples
    ///
    /// In a callback, with a pointer from Python (`RingBuffer.address`) or C:
    ///
    /// ```
    /// use pa_ringbuffer::{PaUtilRingBuffer, Producer};
    ///
    /// # let owner = pa_ringbuffer::RingMemory::new(4, 16)?;
    /// let ring: *mut PaUtilRingBuffer = // ... from elsewhere
    /// #    owner.as_ptr();
    /// // SAFETY: the owner keeps it alive and leaves the writing to us.
    /// let mut producer = unsafe { Producer::<f32>::from_raw(ring) }?;
    /// assert_eq!(producer.write(&[0.25; 20]), 16);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    pub unsafe fn from_raw(ring: *mut PaUtilRingBuffer) -> Result<Self, RingError> {
        // SAFETY: the same contract.
        unsafe { Handle::new(ring, Owner::default()) }.map(Self::over)
    }

    /// The same handle with prefetching: while it writes, it asks the processor for the memory of
    /// the next elements.
    ///
    /// Use this if a consumer on another core is busy all the time: most of a transfer's time is
    /// then spent waiting for cache lines that the consumer has. Do not use it on a single thread,
    /// where all lines are in its cache and prefetching takes up to a third longer, or for a block
    /// every few milliseconds. `make bench` prints both results; the documentation has a table
    /// (*Rings*). On x86-64, this uses the instruction PREFETCHW, which the first 64-bit Pentium 4
    /// (2004) lacks.
    ///
    /// # Examples
    ///
    /// ```
    /// let (producer, consumer) = pa_ringbuffer::RingBuffer::new(4096)?.split();
    /// let (mut producer, mut consumer) = (producer.with_prefetch(), consumer.with_prefetch());
    /// producer.push(0.5f32).unwrap();
    /// assert_eq!(consumer.pop(), Some(0.5));
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[must_use]
    pub fn with_prefetch(self) -> Self {
        Self::over(self.0.with_prefetch())
    }

    /// Number of elements in the ring, full or empty.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// The struct's address, for the other side.
    pub fn as_ptr(&self) -> *mut PaUtilRingBuffer {
        self.0.as_ptr()
    }

    /// Number of elements that can be written now. It grows while the consumer reads.
    #[inline]
    pub fn write_available(&self) -> usize {
        self.0.available_now()
    }

    /// Whether the ring is full now.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.write_available() == 0
    }

    /// Whether the consumer is known to have been dropped, so that no element will be read any
    /// more.
    ///
    /// Only handles from [`RingBuffer::split`](crate::RingBuffer::split) can tell. For handles from
    /// [`RingBuffer::handles`](crate::RingBuffer::handles) and [`from_raw`](Self::from_raw), this
    /// is always `false`: the C struct has no field for it.
    ///
    /// # Examples
    ///
    /// ```
    /// let (producer, consumer) = pa_ringbuffer::RingBuffer::<f32>::new(4)?.split();
    /// assert!(!producer.is_abandoned());
    /// drop(consumer);
    /// assert!(producer.is_abandoned());
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.0.is_abandoned()
    }

    /// Writes one element.
    ///
    /// # Errors
    ///
    /// Returns the element if the ring is full.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::new(1)?.split();
    /// assert_eq!(producer.push(7u32), Ok(()));
    /// assert_eq!(producer.push(8), Err(8));
    /// assert_eq!(consumer.pop(), Some(7));
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn push(&mut self, element: T) -> Result<(), T> {
        let Some(claim) = self.0.claim_one() else {
            return Err(element);
        };
        // SAFETY: one element was claimed and is in the storage; `&mut self` is the only writer.
        unsafe { elements::write(self.0.place(claim), element) };
        self.0.advance_in_one(claim, 1);
        Ok(())
    }

    /// Writes as many elements as there is room for, starting with the first, and returns their
    /// number.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, _consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
    /// assert_eq!(producer.write(&[1i16, 2, 3]), 3);
    /// assert_eq!(producer.write(&[4, 5, 6]), 1);
    /// assert_eq!(producer.write(&[5, 6]), 0);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn write(&mut self, elements: &[T]) -> usize {
        let count = elements.len();
        let Some(claim) = self.0.claim_in_one(count) else {
            return self.write_slowly(elements);
        };
        // SAFETY: the slice has `count` elements, the storage has as many starting there, and `&mut
        // self` is the only writer. They may overlap, see below.
        unsafe { elements::copy(elements.as_ptr(), self.0.place(claim), count) };
        self.0.advance_in_one(claim, count);
        count
    }

    /// [`write`](Self::write) beyond the known room, and across the end of the storage.
    #[inline(never)]
    fn write_slowly(&mut self, elements: &[T]) -> usize {
        let count = elements.len();
        if let Some(claim) = self.0.claim_lines(count) {
            // SAFETY: as in `write`.
            unsafe { elements::copy(elements.as_ptr(), self.0.place(claim), count) };
            self.0.advance_lines(claim, count);
            return count;
        }
        let count = self.0.claim(count);
        if count != 0 {
            // SAFETY: the slice has at least `count` elements; `&mut self` is the only writer. The
            // slice may belong to a `ReadChunk` of this ring, and may overlap if the other side has
            // overwritten its index.
            unsafe { self.0.copy_in(elements.as_ptr(), count) };
            self.0.advance(count);
        }
        count
    }

    /// Writes all elements, or none if there is not enough room for all.
    ///
    /// # Errors
    ///
    /// Contains the number of elements that there is room for.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
    /// assert_eq!(producer.write_all(&[0u8; 3]), Ok(()));
    /// assert_eq!(producer.write_all(&[0u8; 3]).unwrap_err().available, 1);
    /// assert_eq!(consumer.read_available(), 3);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn write_all(&mut self, elements: &[T]) -> Result<(), TooFew> {
        let available = self.0.claim(elements.len());
        if available < elements.len() {
            return Err(TooFew { available });
        }
        self.write(elements);
        Ok(())
    }

    /// Room for `count` elements, or for as many as can be written now, to be filled in place.
    ///
    /// Only [`WriteChunk::commit`] makes the elements readable. Before that, the slices contain old
    /// elements.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::<f32>::new(8)?.split();
    /// let mut chunk = producer.chunk(5);
    /// let (first, second) = chunk.as_mut_slices();
    /// for sample in first.iter_mut().chain(second) {
    ///     *sample = 0.5;
    /// }
    /// chunk.commit(4);
    /// assert_eq!(consumer.read(&mut [0.0; 8]), 4);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn chunk(&mut self, count: usize) -> WriteChunk<'_, T> {
        let count = self.0.claim(count);
        WriteChunk {
            chunk: self.0.chunk(count),
            handle: &mut self.0,
        }
    }
}

impl<T> fmt::Debug for Producer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_as("Producer", f)
    }
}

/// Fewer elements, or less room, than a call that transfers everything needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFew {
    /// The available number.
    pub available: usize,
}

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "only {} elements available", self.available)
    }
}

impl core::error::Error for TooFew {}

/// Room in a ring, to be filled in place; see [`Producer::chunk`]. All methods are real-time safe.
pub struct WriteChunk<'a, T> {
    handle: &'a mut Handle<T, ProducerSide>,
    chunk: Chunk,
}

impl<T: Plain> WriteChunk<'_, T> {
    /// Number of elements in both slices.
    #[inline]
    pub fn len(&self) -> usize {
        self.chunk.len()
    }

    /// Whether there is no room.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The room, in the order in which the consumer will read it. The second slice is empty unless
    /// the room wraps at the end of the storage.
    #[inline]
    pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        let Chunk {
            position,
            first,
            second,
        } = self.chunk;
        // Only for the model checker: this would change the machine code of other builds.
        #[cfg(pa_ringbuffer_loom)]
        {
            elements::writing(self.handle.at(position), first);
            elements::writing(self.handle.at(0), second);
        }
        // SAFETY: both regions lie in the storage and do not overlap, hold plain data, and belong
        // to the producer until it commits; `&mut self` prevents that.
        unsafe {
            (
                from_raw_parts_mut(self.handle.at(position), first),
                from_raw_parts_mut(self.handle.at(0), second),
            )
        }
    }

    /// Makes the first `count` elements readable; a larger number stands for all.
    #[inline]
    pub fn commit(self, count: usize) {
        let count = count.min(self.len());
        if count != 0 {
            self.handle.advance(count);
        }
    }

    /// Makes all elements readable.
    #[inline]
    pub fn commit_all(self) {
        let all = self.len();
        self.commit(all);
    }

    /// Fills the room from an iterator until the room or the iterator ends, makes these elements
    /// readable, and returns their number.
    ///
    /// If you pass the iterator by reference, you can use the rest of it afterwards. Real-time safe
    /// if the iterator is. If the iterator panics, no element becomes readable.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::<u32>::new(4)?.split();
    /// let mut numbers = 1..;
    /// assert_eq!(producer.chunk(3).fill_from_iter(&mut numbers), 3);
    /// assert_eq!(producer.chunk(3).fill_from_iter(&mut numbers), 1);
    /// assert_eq!(numbers.next(), Some(5));
    /// assert!(consumer.chunk(4).into_iter().eq([1, 2, 3, 4]));
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn fill_from_iter(mut self, elements: impl IntoIterator<Item = T>) -> usize {
        let (first, second) = self.as_mut_slices();
        let room = first.iter_mut().chain(second);
        // The room first: no element is taken from the iterator without room for it.
        let mut filled = 0;
        for (slot, element) in room.zip(elements) {
            *slot = element;
            filled += 1;
        }
        self.commit(filled);
        filled
    }
}

impl<T> fmt::Debug for WriteChunk<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteChunk").field(&self.chunk).finish()
    }
}
