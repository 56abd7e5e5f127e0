//! The consumer's side.

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::slice::from_raw_parts;

use crate::elements;
use crate::error::RingError;
use crate::geometry::Chunk;
use crate::handle::Handle;
use crate::layout::PaUtilRingBuffer;
use crate::owner::Owner;
use crate::plain::Plain;
use crate::producer::TooFew;
use crate::side::ConsumerSide;

/// The consumer's side of a ring. There must be only one consumer.
///
/// [`RingBuffer::split`](crate::RingBuffer::split) and
/// [`RingBuffer::handles`](crate::RingBuffer::handles) make it; for a ring that C or Python owns,
/// [`from_raw`](Self::from_raw) does. All methods except `from_raw` are real-time safe.
///
/// Dropping a handle from `split` is not real-time safe: the second drop frees the ring's memory.
pub struct Consumer<'a, T>(Handle<T, ConsumerSide>, PhantomData<&'a mut [T]>);

impl<T: Plain> Consumer<'_, T> {
    pub(crate) fn over(handle: Handle<T, ConsumerSide>) -> Self {
        Self(handle, PhantomData)
    }

    /// Makes the consumer's side of a ring that other code has made.
    ///
    /// # Errors
    ///
    /// As for [`Producer::from_raw`](crate::Producer::from_raw).
    ///
    /// # Safety
    ///
    /// As for [`Producer::from_raw`](crate::Producer::from_raw), with the sides exchanged: no other
    /// code reads elements, or changes any field except `writeIndex`.
    ///
    /// # Examples
    ///
    /// ```
    /// use pa_ringbuffer::{Consumer, RingError, RingMemory};
    ///
    /// let owner = RingMemory::new(4, 16)?;
    /// // SAFETY: the owner outlives the handle, and leaves the reading to it.
    /// let wrong = unsafe { Consumer::<f64>::from_raw(owner.as_ptr()) };
    /// assert_eq!(wrong.unwrap_err(), RingError::ElementType { found: 4, needed: 8 });
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    pub unsafe fn from_raw(ring: *mut PaUtilRingBuffer) -> Result<Self, RingError> {
        // SAFETY: the same contract.
        unsafe { Handle::new(ring, Owner::default()) }.map(Self::over)
    }

    /// The same handle with prefetching: it asks the processor for the next element while it checks
    /// whether there is one.
    ///
    /// Use this if the producer, on another core, writes at the same time: two cache lines have to
    /// be fetched from that core, and this fetches both at once. For more, see
    /// [`Producer::with_prefetch`](crate::Producer::with_prefetch).
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

    /// Number of elements that can be read now. It grows while the producer writes.
    #[inline]
    pub fn read_available(&self) -> usize {
        self.0.available_now()
    }

    /// Whether the ring is empty now.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.read_available() == 0
    }

    /// Whether the producer is known to have been dropped, so that no element will be written any
    /// more.
    ///
    /// Elements written before can still be read: to find out whether all have been read, call this
    /// first and [`is_empty`](Self::is_empty) afterwards.
    ///
    /// Only handles from [`RingBuffer::split`](crate::RingBuffer::split) can tell. For handles from
    /// [`RingBuffer::handles`](crate::RingBuffer::handles) and [`from_raw`](Self::from_raw), this
    /// is always `false`: the C struct has no field for it.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
    /// producer.write(&[1, 2]);
    /// drop(producer);
    /// let mut received = Vec::new();
    /// while !(consumer.is_abandoned() && consumer.is_empty()) {
    ///     received.extend(consumer.pop());
    /// }
    /// assert_eq!(received, [1, 2]);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.0.is_abandoned()
    }

    /// Removes one element from the ring and returns it, if there is one.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let claim = self.0.claim_one()?;
        // SAFETY: one element was claimed; the storage lives with the handle, is aligned for `T` and
        // holds plain data.
        let element = unsafe { elements::read(self.0.place(claim)) };
        self.0.advance_in_one(claim, 1);
        Some(element)
    }

    /// Returns the next element, if there is one, and leaves it in the ring.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
    /// assert_eq!(consumer.peek(), None);
    /// producer.push(1.5f64).unwrap();
    /// assert_eq!(consumer.peek(), Some(1.5));
    /// assert_eq!(consumer.pop(), Some(1.5));
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn peek(&self) -> Option<T> {
        (self.0.claim_shared(1) != 0).then(|| {
            // SAFETY: the address is in the storage, which lives with the handle, is aligned for
            // `T` and holds plain data.
            unsafe { elements::read(self.0.element()) }
        })
    }

    /// Fills the slice from its start with as many elements as are available and returns their
    /// number. The rest of the slice does not change.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
    /// producer.write(&[1u8, 2, 3]);
    /// let mut block = [0; 2];
    /// assert_eq!(consumer.read(&mut block), 2);
    /// assert_eq!(block, [1, 2]);
    /// assert_eq!(consumer.read(&mut block), 1);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn read(&mut self, elements: &mut [T]) -> usize {
        let count = elements.len();
        let Some(claim) = self.0.claim_in_one(count) else {
            return self.read_slowly(elements);
        };
        // SAFETY: the slice has room for `count` elements, and the storage has as many starting
        // there.
        unsafe { elements::copy(self.0.place(claim), elements.as_mut_ptr(), count) };
        self.0.advance_in_one(claim, count);
        count
    }

    /// [`read`](Self::read) beyond the known elements, and across the end of the storage.
    #[inline(never)]
    fn read_slowly(&mut self, elements: &mut [T]) -> usize {
        let count = self.0.claim(elements.len());
        if count != 0 {
            // SAFETY: the slice has room for at least `count` elements.
            unsafe { self.0.copy_out(elements.as_mut_ptr(), count) };
            self.0.advance(count);
        }
        count
    }

    /// Fills the whole slice, or leaves it unchanged if there are too few elements.
    ///
    /// # Errors
    ///
    /// Contains the number of available elements.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
    /// producer.write(&[1u8, 2, 3]);
    /// let mut block = [0; 4];
    /// assert_eq!(consumer.read_all(&mut block).unwrap_err().available, 3);
    /// assert_eq!(consumer.read_all(&mut block[..3]), Ok(()));
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn read_all(&mut self, elements: &mut [T]) -> Result<(), TooFew> {
        let available = self.0.claim(elements.len());
        if available < elements.len() {
            return Err(TooFew { available });
        }
        self.read(elements);
        Ok(())
    }

    /// [`read`](Self::read) that leaves the elements in the ring.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
    /// producer.write(&[1.0f32, 2.0]);
    /// let mut block = [0.0; 4];
    /// assert_eq!(consumer.peek_slice(&mut block), 2);
    /// assert_eq!(consumer.read_available(), 2);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn peek_slice(&self, elements: &mut [T]) -> usize {
        let count = self.0.claim_shared(elements.len());
        if count != 0 {
            // SAFETY: the slice has room for at least `count` elements.
            unsafe { self.0.copy_out(elements.as_mut_ptr(), count) };
        }
        count
    }

    /// Removes the oldest `count` elements, or as many as are available, without copying them, and
    /// returns their number.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
    /// producer.write(&[1u8, 2, 3]);
    /// assert_eq!(consumer.discard(2), 2);
    /// assert_eq!(consumer.pop(), Some(3));
    /// assert_eq!(consumer.discard(usize::MAX), 0);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn discard(&mut self, count: usize) -> usize {
        let chunk = self.chunk(count);
        let discarded = chunk.len();
        chunk.commit_all();
        discarded
    }

    /// The next `count` elements, or as many as are available, in place.
    ///
    /// Dropping the chunk leaves them in the ring; [`ReadChunk::commit`] removes them.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
    /// producer.write(&[1, 2, 3]);
    /// let chunk = consumer.chunk(2);
    /// let (first, second) = chunk.as_slices();
    /// assert_eq!(first.iter().chain(second).sum::<i32>(), 3);
    /// chunk.commit(1);
    /// assert_eq!(consumer.pop(), Some(2));
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn chunk(&mut self, count: usize) -> ReadChunk<'_, T> {
        let count = self.0.claim(count);
        ReadChunk {
            chunk: self.0.chunk(count),
            handle: &mut self.0,
        }
    }
}

impl<T> fmt::Debug for Consumer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_as("Consumer", f)
    }
}

/// Elements in a ring, in place; see [`Consumer::chunk`]. All methods are real-time safe.
pub struct ReadChunk<'a, T> {
    handle: &'a mut Handle<T, ConsumerSide>,
    chunk: Chunk,
}

impl<T: Plain> ReadChunk<'_, T> {
    /// Number of elements in both slices.
    #[inline]
    pub fn len(&self) -> usize {
        self.chunk.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements, in order. The second slice is empty unless they wrap at the end of the
    /// storage.
    #[inline]
    pub fn as_slices(&self) -> (&[T], &[T]) {
        let Chunk {
            position,
            first,
            second,
        } = self.chunk;
        // Only for the model checker: this would change the machine code of other builds.
        #[cfg(pa_ringbuffer_loom)]
        {
            elements::reading(self.handle.at(position), first);
            elements::reading(self.handle.at(0), second);
        }
        // SAFETY: both regions lie in the storage, hold plain data, and belong to the consumer
        // until it commits, which consumes `self`.
        unsafe {
            (
                from_raw_parts(self.handle.at(position), first),
                from_raw_parts(self.handle.at(0), second),
            )
        }
    }

    /// Removes the first `count` elements from the ring; a larger number stands for all.
    #[inline]
    pub fn commit(self, count: usize) {
        let count = count.min(self.len());
        if count != 0 {
            self.handle.advance(count);
        }
    }

    /// Removes all elements from the ring.
    #[inline]
    pub fn commit_all(self) {
        let all = self.len();
        self.commit(all);
    }
}

impl<T> fmt::Debug for ReadChunk<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadChunk").field(&self.chunk).finish()
    }
}

/// Iterates over the elements; dropping the iterator removes those that it has returned from the
/// ring.
///
/// # Examples
///
/// ```
/// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
/// producer.write(&[1, 2, 3]);
/// let sum: i32 = consumer.chunk(3).into_iter().take(2).sum();
/// assert_eq!(sum, 3);
/// assert_eq!(consumer.pop(), Some(3)); // the iterator was not asked for it
/// # Ok::<(), pa_ringbuffer::RingError>(())
/// ```
impl<'a, T: Plain> IntoIterator for ReadChunk<'a, T> {
    type Item = T;
    type IntoIter = ReadChunkIter<'a, T>;

    #[inline]
    fn into_iter(self) -> ReadChunkIter<'a, T> {
        ReadChunkIter {
            chunk: self,
            taken: 0,
        }
    }
}

/// The elements of a [`ReadChunk`], by value. Dropping the iterator removes the elements that it
/// has returned from the ring and leaves the others. All methods, and the drop, are real-time safe.
pub struct ReadChunkIter<'a, T: Plain> {
    chunk: ReadChunk<'a, T>,
    taken: usize,
}

impl<T: Plain> Iterator for ReadChunkIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let Chunk {
            position,
            first,
            second,
        } = self.chunk.chunk;
        let place = match self.taken {
            taken if taken < first => position + taken,
            taken if taken < first + second => taken - first,
            _ => return None,
        };
        self.taken += 1;
        // SAFETY: the position is in one of the chunk's regions, which lie in the storage, hold plain
        // data, and belong to the consumer until this iterator is dropped.
        Some(unsafe { elements::read(self.chunk.handle.at(place)) })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.chunk.len() - self.taken;
        (left, Some(left))
    }
}

impl<T: Plain> ExactSizeIterator for ReadChunkIter<'_, T> {}

impl<T: Plain> FusedIterator for ReadChunkIter<'_, T> {}

impl<T: Plain> Drop for ReadChunkIter<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.taken != 0 {
            self.chunk.handle.advance(self.taken);
        }
    }
}

impl<T: Plain> fmt::Debug for ReadChunkIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadChunkIter")
            .field("chunk", &self.chunk)
            .field("taken", &self.taken)
            .finish()
    }
}
