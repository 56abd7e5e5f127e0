//! A ring for elements of a Rust type.

use core::fmt;
use core::marker::PhantomData;
use core::mem::{align_of, size_of};

use crate::error::RingError;
use crate::handle::Handle;
use crate::layout::PaUtilRingBuffer;
use crate::memory::{Placement, RingMemory};
use crate::owner::Owner;
use crate::plain::Plain;
use crate::{Consumer, Producer};

/// A ring that owns its memory, for elements of type `T`.
///
/// [`split`](Self::split) makes the two handles, one for each thread.
///
/// # Examples
///
/// ```
/// use pa_ringbuffer::RingBuffer;
///
/// let (mut producer, mut consumer) = RingBuffer::<[f32; 2]>::new(1024)?.split();
///
/// let audio = std::thread::spawn(move || {
///     let mut block = [[0.0; 2]; 64];
///     let mut frames = 0;
///     while frames < 100 {
///         frames += consumer.read(&mut block); // real-time safe
///     }
///     frames
/// });
/// let mut left = &[[0.5, -0.5]; 100][..];
/// while !left.is_empty() {
///     left = &left[producer.write(left)..];
/// }
/// assert_eq!(audio.join().unwrap(), 100);
/// # Ok::<(), pa_ringbuffer::RingError>(())
/// ```
pub struct RingBuffer<T> {
    memory: RingMemory,
    elements: PhantomData<T>,
}

impl<T: Plain> RingBuffer<T> {
    const FITS: () = {
        assert!(size_of::<T>() > 0, "elements must have a size");
        assert!(
            align_of::<T>() <= 64,
            "elements must not be aligned to more than 64 bytes"
        );
    };

    /// Allocates a ring of `capacity` elements, all zero, for a handle on each side.
    ///
    /// The C struct lies [in two cache lines](Placement::TwoLines), one for each index.
    ///
    /// # Errors
    ///
    /// [`RingError::Capacity`] if `capacity` is not a power of two, [`RingError::TooLarge`] if it
    /// does not fit into the address space, [`RingError::OutOfMemory`] if there is none.
    pub fn new(capacity: usize) -> Result<Self, RingError> {
        Self::with_placement(capacity, Placement::TwoLines)
    }

    /// [`new`](Self::new) with a given position of the C struct: [`Placement::OneLine`] if C drives
    /// one side.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use pa_ringbuffer::{Placement, RingBuffer};
    ///
    /// let ring = RingBuffer::<f32>::with_placement(1024, Placement::OneLine)?;
    /// assert_eq!(ring.as_ptr().addr() % 64, 0);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    pub fn with_placement(capacity: usize, placement: Placement) -> Result<Self, RingError> {
        let () = Self::FITS;
        let memory = RingMemory::with_placement(size_of::<T>(), capacity, placement)?;
        Ok(Self {
            memory,
            elements: PhantomData,
        })
    }

    /// Number of elements. All of them are usable.
    pub fn capacity(&self) -> usize {
        self.memory.geometry().size()
    }

    /// The struct's address, for C code on one side of the ring.
    ///
    /// It is valid as long as this value, or any handle split from it, lives.
    ///
    /// # Examples
    ///
    /// ```
    /// let ring = pa_ringbuffer::RingBuffer::<i16>::new(256)?;
    /// let pointer = ring.as_ptr(); // for PaUtil_WriteRingBuffer(), in C
    /// let (_never_used, mut consumer) = ring.split();
    /// assert_eq!(consumer.as_ptr(), pointer);
    /// assert_eq!(consumer.pop(), None);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    pub fn as_ptr(&self) -> *mut PaUtilRingBuffer {
        self.memory.as_ptr()
    }

    /// Makes the ring empty. The exclusive borrow guarantees that there are no handles.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut ring = pa_ringbuffer::RingBuffer::new(4)?;
    /// ring.handles().0.push(1.0f32).unwrap();
    /// ring.flush();
    /// assert_eq!(ring.handles().1.pop(), None);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    pub fn flush(&mut self) {
        self.memory.flush();
    }

    /// Splits the ring into its two handles, one for each thread. The second drop frees the memory.
    ///
    /// # Panics
    ///
    /// If other code has used [`as_ptr`](Self::as_ptr) to overwrite fields that must not change.
    pub fn split(self) -> (Producer<'static, T>, Consumer<'static, T>) {
        let pointer = self.memory.as_ptr();
        // SAFETY: the struct was initialised for `T` and lives as long as the handles own a share.
        unsafe { Self::handles_over(pointer, Owner::pair(self.memory)) }
    }

    /// Borrows both handles, for scoped threads and for rings that are flushed in between.
    ///
    /// # Panics
    ///
    /// As for [`split`](Self::split).
    ///
    /// # Examples
    ///
    /// ```
    /// let mut ring = pa_ringbuffer::RingBuffer::new(64)?;
    /// let (mut producer, mut consumer) = ring.handles();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(move || producer.write(&[1u8; 64]));
    ///     while consumer.pop().is_none() {}
    /// });
    /// ring.flush();
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    pub fn handles(&mut self) -> (Producer<'_, T>, Consumer<'_, T>) {
        let pointer = self.memory.as_ptr();
        // SAFETY: the struct was initialised for `T`, and the borrow outlives the handles.
        unsafe { Self::handles_over(pointer, Default::default()) }
    }

    /// # Safety
    ///
    /// As for [`Handle::new`], for as long as the handles say.
    unsafe fn handles_over<'a>(
        pointer: *mut PaUtilRingBuffer,
        owners: [Owner; 2],
    ) -> (Producer<'a, T>, Consumer<'a, T>) {
        const INTACT: &str = "the ring's struct is as it was made";
        let [producer, consumer] = owners;
        // SAFETY: the same contract.
        unsafe {
            (
                Producer::over(Handle::new(pointer, producer).expect(INTACT)),
                Consumer::over(Handle::new(pointer, consumer).expect(INTACT)),
            )
        }
    }
}

impl<T> fmt::Debug for RingBuffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RingBuffer").field(&*self.memory).finish()
    }
}
