//! Operations on a ring through its C struct. Elements are bytes, and their size is known only at
//! run time.
//!
//! The memory orderings are explained in the documentation of [`PaUtilRingBuffer`]'s methods.

use core::ffi::c_void;

use crate::atomic::Ordering;
use crate::copy;
use crate::elements;
use crate::error::{InvalidField, RingError};
use crate::geometry::{Chunk, Geometry};
use crate::layout::{PaUtilRingBuffer, ring_buffer_size_t};
use crate::side::Side;

/// One or two contiguous regions of a ring's memory.
///
/// The second region is null and empty if the first one holds everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regions {
    /// Start of the first region.
    pub first: *mut u8,
    /// Its length in elements.
    pub first_len: usize,
    /// Start of the second region, or null.
    pub second: *mut u8,
    /// Its length in elements.
    pub second_len: usize,
}

impl Regions {
    fn new(geometry: &Geometry, chunk: Chunk) -> Self {
        Self {
            first: geometry.at(chunk.position),
            first_len: chunk.first,
            second: if chunk.second == 0 {
                core::ptr::null_mut()
            } else {
                geometry.at(0)
            },
            second_len: chunk.second,
        }
    }

    /// Number of elements in both regions.
    pub fn len(&self) -> usize {
        self.first_len + self.second_len
    }

    /// Whether both regions are empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// # Memory ordering
///
/// Each index has one writer. The producer owns `writeIndex`, the consumer `readIndex`.
///
/// | step | ordering | why |
/// | --- | --- | --- |
/// | own index, load | relaxed | only this side writes it |
/// | other side's index, load | **acquire** | everything the other side did before publishing is visible: it has written the elements (consumer), or has finished with them (producer) |
/// | elements, copy | plain | they belong to one side at a time |
/// | own index, store | **release** | the copy is complete before the index makes it known |
///
/// These two pairs are sufficient. A release store of `writeIndex` read by an acquire load makes
/// the elements visible, and a release store of `readIndex` read by an acquire load makes it safe
/// to overwrite them. Neither side needs a sequentially consistent fence, because neither decides
/// based on both indices: a stale value of the other side's index only understates its progress.
///
/// The other side may be PortAudio's C, whose indices are `volatile`, with barriers between copy
/// and index: in `PaUtil_Advance…Index` before the store, and in `PaUtil_Get…Regions` after the
/// load. In the terms above, that is a release fence followed by a relaxed store, and a relaxed
/// load followed by an acquire fence. A release fence synchronises with an acquire load that reads
/// the store after the fence, and a release store synchronises with an acquire fence after the load
/// that reads it ([C11 7.17.4], [`fence`](core::sync::atomic::fence)): the two implementations pair
/// up in both directions.
///
/// In the repository, `verification/loom` uses a model checker to show that this is sufficient, and
/// that each acquire and release is necessary.
///
/// [C11 7.17.4]: https://www.open-std.org/jtc1/sc22/wg14/www/docs/n1570.pdf
impl PaUtilRingBuffer {
    /// Makes this an empty ring of `element_count` elements of `element_size` bytes at `buffer`.
    ///
    /// `buffer` may be null; such a ring has no elements until its `buffer` is set.
    ///
    /// # Errors
    ///
    /// [`RingError::Capacity`] if `element_count` is not a power of two, [`RingError::ElementSize`]
    /// if `element_size` is 0, and [`RingError::TooLarge`] if the storage exceeds the address space
    /// or the counts exceed [`ring_buffer_size_t`]. The struct is unchanged in these cases.
    ///
    /// # Examples
    ///
    /// ```
    /// use pa_ringbuffer::PaUtilRingBuffer;
    ///
    /// let mut storage = [0u8; 32];
    /// let ring = PaUtilRingBuffer::zeroed();
    /// ring.initialize(4, 8, storage.as_mut_ptr().cast())?;
    /// assert_eq!(ring.write_available(), 8);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    pub fn initialize(
        &self,
        element_size: usize,
        element_count: usize,
        buffer: *mut c_void,
    ) -> Result<(), RingError> {
        if !element_count.is_power_of_two() {
            return Err(RingError::Capacity {
                value: element_count,
            });
        }
        if element_size == 0 {
            return Err(RingError::ElementSize {
                value: element_size,
            });
        }
        let too_large = RingError::TooLarge {
            element_size,
            element_count,
        };
        if element_size
            .checked_mul(element_count)
            .is_none_or(|n| n > isize::MAX as usize)
        {
            return Err(too_large);
        }
        // The masks need one bit more than the count.
        let (Ok(size), Ok(count)) = (
            ring_buffer_size_t::try_from(element_size),
            ring_buffer_size_t::try_from(element_count),
        ) else {
            return Err(too_large);
        };
        let Some(doubled) = count.checked_mul(2) else {
            return Err(too_large);
        };
        self.buffer_size.store(count, Ordering::Relaxed);
        self.buffer.store(buffer.cast(), Ordering::Relaxed);
        self.flush();
        self.big_mask.store(doubled - 1, Ordering::Relaxed);
        self.small_mask.store(count - 1, Ordering::Relaxed);
        self.element_size.store(size, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the ring empty. Call this only while neither side reads or writes.
    pub fn flush(&self) {
        self.read_index.store(0, Ordering::Relaxed);
        self.write_index.store(0, Ordering::Relaxed);
    }

    /// The fields that do not change while the ring is in use, without checks.
    ///
    /// Real-time safe.
    #[inline]
    pub fn geometry(&self) -> Geometry {
        Geometry::load(self)
    }

    /// The fields that do not change while the ring is in use, checked.
    ///
    /// Real-time safe.
    ///
    /// # Errors
    ///
    /// Names the first field whose value an initialised ring cannot have.
    ///
    /// # Examples
    ///
    /// ```
    /// let ring = pa_ringbuffer::PaUtilRingBuffer::zeroed();
    /// assert_eq!(ring.checked_geometry().unwrap_err().name, "buffer");
    /// ```
    pub fn checked_geometry(&self) -> Result<Geometry, InvalidField> {
        Geometry::checked(self)
    }

    /// Number of elements that can be written now.
    ///
    /// Real-time safe.
    #[inline]
    pub fn write_available(&self) -> usize {
        self.write_available_in(&self.geometry())
    }

    /// Number of elements that can be read now.
    ///
    /// Real-time safe.
    #[inline]
    pub fn read_available(&self) -> usize {
        self.read_available_in(&self.geometry())
    }

    /// [`write_available`](Self::write_available) for a geometry read before.
    ///
    /// Real-time safe.
    #[inline]
    pub fn write_available_in(&self, geometry: &Geometry) -> usize {
        let read = self.read_index.load(Ordering::Acquire);
        geometry.writable(self.write_index.load(Ordering::Relaxed), read)
    }

    /// Number of elements that this side can transfer: [`write_available`](Self::write_available) or
    /// [`read_available`](Self::read_available).
    ///
    /// Real-time safe.
    ///
    /// # Examples
    ///
    /// ```
    /// use pa_ringbuffer::{RingMemory, Side};
    ///
    /// let ring = RingMemory::new(4, 8)?;
    /// ring.advance_write_index(&ring.geometry(), 3);
    /// assert_eq!(ring.available(Side::Producer), 5);
    /// assert_eq!(ring.available(Side::Consumer), 3);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn available(&self, side: Side) -> usize {
        match side {
            Side::Producer => self.write_available(),
            Side::Consumer => self.read_available(),
        }
    }

    /// [`read_available`](Self::read_available) for a geometry read before.
    ///
    /// Real-time safe.
    #[inline]
    pub fn read_available_in(&self, geometry: &Geometry) -> usize {
        let write = self.write_index.load(Ordering::Acquire);
        geometry.readable(write, self.read_index.load(Ordering::Relaxed))
    }

    /// Regions for writing `count` elements, or as many as there is room for.
    ///
    /// Real-time safe.
    ///
    /// # Examples
    ///
    /// ```
    /// let ring = pa_ringbuffer::RingMemory::new(4, 8)?;
    /// let geometry = ring.geometry();
    /// let regions = ring.write_regions(&geometry, 5);
    /// assert_eq!((regions.first_len, regions.second_len), (5, 0));
    /// // ... write 20 bytes to regions.first ...
    /// ring.advance_write_index(&geometry, 5);
    /// assert_eq!(ring.read_available(), 5);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn write_regions(&self, geometry: &Geometry, count: usize) -> Regions {
        Regions::new(geometry, self.write_chunk(geometry, count))
    }

    /// Regions for reading `count` elements, or as many as are available.
    ///
    /// Real-time safe.
    #[inline]
    pub fn read_regions(&self, geometry: &Geometry, count: usize) -> Regions {
        Regions::new(geometry, self.read_chunk(geometry, count))
    }

    /// Publishes `count` written elements and returns the new write index.
    ///
    /// `count` is not checked against the room. If it is too large, the two sides disagree about
    /// the contents of the ring. Only the producer may call this.
    ///
    /// Real-time safe.
    #[inline]
    pub fn advance_write_index(
        &self,
        geometry: &Geometry,
        count: ring_buffer_size_t,
    ) -> ring_buffer_size_t {
        let index = geometry.advanced(self.write_index.load(Ordering::Relaxed), count);
        self.write_index.store(index, Ordering::Release);
        index
    }

    /// Releases `count` elements that have been read and returns the new read index.
    ///
    /// `count` is not checked against the available elements. If it is too large, the two sides
    /// disagree about the contents of the ring. Only the consumer may call this.
    ///
    /// Real-time safe.
    #[inline]
    pub fn advance_read_index(
        &self,
        geometry: &Geometry,
        count: ring_buffer_size_t,
    ) -> ring_buffer_size_t {
        let index = geometry.advanced(self.read_index.load(Ordering::Relaxed), count);
        self.read_index.store(index, Ordering::Release);
        index
    }

    /// Copies `count` elements, or as many as there is room for, into the ring and returns their
    /// number. The source may overlap the storage.
    ///
    /// Real-time safe.
    ///
    /// # Safety
    ///
    /// - `geometry` is this ring's, and its storage is valid for reads and writes;
    /// - `source` is valid for reads of `count` elements (it may be anything if `count` is 0);
    /// - no other thread is writing to this ring.
    #[inline]
    pub unsafe fn write(&self, geometry: &Geometry, source: *const c_void, count: usize) -> usize {
        let read = self.read_index.load(Ordering::Acquire);
        let index = self.write_index.load(Ordering::Relaxed);
        let count = count.min(geometry.writable(index, read));
        let next = geometry.advanced(index, count as ring_buffer_size_t);
        let source = source.cast::<u8>();
        // SAFETY: these elements, starting at the write index, belong to the producer as far as
        // they are in the storage, whose validity the caller guarantees; the source has at least as
        // many.
        unsafe {
            match geometry.contiguous(index, count) {
                Some(target) => {
                    let bytes = count * geometry.element_size();
                    copy::and_publish(source, target, bytes, &self.write_index, next, count)
                }
                None => self.write_wrapped(*geometry, source, index, count),
            }
        }
    }

    /// [`write`](Self::write) across the end of the storage.
    #[cold]
    #[inline(never)]
    unsafe fn write_wrapped(
        &self,
        geometry: Geometry,
        source: *const u8,
        index: ring_buffer_size_t,
        count: usize,
    ) -> usize {
        let chunk = geometry.chunk(index, count);
        let bytes = chunk.first * geometry.element_size();
        let rest = chunk.second * geometry.element_size();
        // SAFETY: the chunk lies inside the storage; the caller guarantees the rest.
        unsafe {
            elements::copy(source, geometry.at(chunk.position), bytes);
            elements::copy(source.add(bytes), geometry.at(0), rest);
        }
        if chunk.len() != 0 {
            let next = geometry.advanced(index, chunk.len() as ring_buffer_size_t);
            self.write_index.store(next, Ordering::Release);
        }
        chunk.len()
    }

    /// Copies `count` elements, or as many as are available, out of the ring and returns their
    /// number. The target may overlap the storage.
    ///
    /// Real-time safe.
    ///
    /// # Safety
    ///
    /// - `geometry` is this ring's, and its storage is valid for reads;
    /// - `target` is valid for writes of `count` elements (it may be anything if `count` is 0);
    /// - no other thread is reading from this ring.
    #[inline]
    pub unsafe fn read(&self, geometry: &Geometry, target: *mut c_void, count: usize) -> usize {
        let write = self.write_index.load(Ordering::Acquire);
        let index = self.read_index.load(Ordering::Relaxed);
        let count = count.min(geometry.readable(write, index));
        let next = geometry.advanced(index, count as ring_buffer_size_t);
        let target = target.cast::<u8>();
        // SAFETY: these elements, starting at the read index, belong to the consumer as far as they
        // are in the storage, whose validity the caller guarantees; the target has room for as
        // many.
        unsafe {
            match geometry.contiguous(index, count) {
                Some(source) => {
                    let bytes = count * geometry.element_size();
                    copy::and_publish(source, target, bytes, &self.read_index, next, count)
                }
                None => self.read_wrapped(*geometry, target, index, count),
            }
        }
    }

    /// [`read`](Self::read) across the end of the storage.
    #[cold]
    #[inline(never)]
    unsafe fn read_wrapped(
        &self,
        geometry: Geometry,
        target: *mut u8,
        index: ring_buffer_size_t,
        count: usize,
    ) -> usize {
        let chunk = geometry.chunk(index, count);
        // SAFETY: the caller makes the same guarantees.
        unsafe { Self::copy_out(&geometry, chunk, target) };
        if chunk.len() != 0 {
            let next = geometry.advanced(index, chunk.len() as ring_buffer_size_t);
            self.read_index.store(next, Ordering::Release);
        }
        chunk.len()
    }

    /// [`read`](Self::read) that leaves the elements in the ring.
    ///
    /// Real-time safe.
    ///
    /// # Safety
    ///
    /// As for [`read`](Self::read).
    #[inline]
    pub unsafe fn peek(&self, geometry: &Geometry, target: *mut c_void, count: usize) -> usize {
        let chunk = self.read_chunk(geometry, count);
        // SAFETY: the caller makes the same guarantees.
        unsafe { Self::copy_out(geometry, chunk, target.cast()) };
        chunk.len()
    }

    /// Removes the oldest `count` elements, or as many as are available, without copying them, and
    /// returns their number. Only the consumer may call this.
    ///
    /// Real-time safe.
    ///
    /// # Examples
    ///
    /// ```
    /// let ring = pa_ringbuffer::RingMemory::new(4, 8)?;
    /// let geometry = ring.geometry();
    /// ring.advance_write_index(&geometry, 5);
    /// assert_eq!(ring.discard(&geometry, 3), 3);
    /// assert_eq!(ring.discard(&geometry, 3), 2);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    #[inline]
    pub fn discard(&self, geometry: &Geometry, count: usize) -> usize {
        let count = count.min(self.read_available_in(geometry));
        if count != 0 {
            // At most the ring's size, which has that type.
            self.advance_read_index(geometry, count as ring_buffer_size_t);
        }
        count
    }

    unsafe fn copy_out(geometry: &Geometry, chunk: Chunk, target: *mut u8) {
        let bytes = chunk.first * geometry.element_size();
        let rest = chunk.second * geometry.element_size();
        // SAFETY: the chunk lies inside the storage. The caller guarantees storage and target.
        unsafe {
            elements::copy(geometry.at(chunk.position), target, bytes);
            elements::copy(geometry.at(0), target.add(bytes), rest);
        }
    }

    /// The chunk for writing `count` elements, or as many as there is room for.
    #[inline]
    fn write_chunk(&self, geometry: &Geometry, count: usize) -> Chunk {
        let read = self.read_index.load(Ordering::Acquire);
        let write = self.write_index.load(Ordering::Relaxed);
        geometry.chunk(write, count.min(geometry.writable(write, read)))
    }

    /// The chunk for reading `count` elements, or as many as are available.
    #[inline]
    fn read_chunk(&self, geometry: &Geometry, count: usize) -> Chunk {
        let write = self.write_index.load(Ordering::Acquire);
        let read = self.read_index.load(Ordering::Relaxed);
        geometry.chunk(read, count.min(geometry.readable(write, read)))
    }
}
