//! Memory for a ring: the struct and the elements.

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ffi::c_void;
use core::fmt;
use core::mem::{align_of, offset_of, size_of};
use core::ptr::NonNull;

use crate::error::RingError;
use crate::layout::PaUtilRingBuffer;
use crate::prefetch::LINE;

/// Position of the C struct in a ring's memory. The elements always start at a cache line.
///
/// There is no default, because the better choice depends on the code that drives the ring.
/// [`RingBuffer::new`] uses `TwoLines`, because it makes a ring for two handles;
/// [`RingMemory::new`] uses `OneLine`, because its ring is driven through the struct. `make bench`
/// measures both; the documentation has the results (*Rings*).
///
/// [`RingBuffer::new`]: crate::RingBuffer::new
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The whole struct in one cache line (of 64 bytes): best if one or both sides read both
    /// indices in each call, as all C functions do.
    OneLine,
    /// One cache line ends with the write index and the next one starts with the read index: best
    /// for handles on both sides, because they rarely read the other side's index.
    TwoLines,
}

impl Placement {
    /// Alignment of the ring's memory. Two lines are aligned to four, because some processors fetch
    /// pairs of lines.
    const fn alignment(self) -> usize {
        match self {
            Self::OneLine => LINE,
            Self::TwoLines => 2 * LINE,
        }
    }

    /// Offset of the struct in the ring's memory.
    const fn offset(self) -> usize {
        match self {
            Self::OneLine => 0,
            Self::TwoLines => self.alignment() - offset_of!(PaUtilRingBuffer, read_index),
        }
    }

    /// Offset of the elements in the ring's memory.
    const fn storage(self) -> usize {
        (self.offset() + size_of::<PaUtilRingBuffer>()).next_multiple_of(LINE)
    }
}

/// The alignment requested from the allocator. With a larger one, the allocator uses a slower path,
/// so the remaining alignment happens here. (glibc 2.36, making a ring of 512 bytes in Python and
/// dropping it: 215 instead of 260 ns.)
const ALLOCATED: usize = 2 * size_of::<usize>();

/// The smallest page size in use.
const PAGE: usize = 4096;

const _: () = {
    let offset = Placement::TwoLines.offset();
    assert!(offset % align_of::<PaUtilRingBuffer>() == 0);
    assert!((offset + offset_of!(PaUtilRingBuffer, write_index)) / LINE == 1);
    assert!((offset + offset_of!(PaUtilRingBuffer, read_index)) / LINE == 2);
};

/// A ring that owns its struct and, by default, its storage. The element size is known only at run
/// time.
///
/// The struct keeps its address as long as this value lives, even if the value itself is moved, so
/// C code can use that address. For elements of a Rust type, see [`RingBuffer`](crate::RingBuffer).
///
/// # Examples
///
/// ```
/// use pa_ringbuffer::RingMemory;
///
/// let ring = RingMemory::new(6, 256)?; // frames of two 24-bit samples
/// let geometry = ring.geometry();
/// // SAFETY: the geometry is this ring's, the array has two frames, no other code uses the ring.
/// let written = unsafe { ring.write(&geometry, [1u8; 12].as_ptr().cast(), 2) };
/// assert_eq!(written, 2);
/// assert_eq!(ring.read_available(), 2);
/// # Ok::<(), pa_ringbuffer::RingError>(())
/// ```
pub struct RingMemory {
    /// Start of the ring's memory, aligned as its placement requires.
    block: NonNull<u8>,
    placement: Placement,
    allocated: NonNull<u8>,
    layout: Layout,
}

// SAFETY: it owns its memory; the struct's fields are atomics, and every access to the elements is
// in an unsafe method whose contract says who may call it when.
unsafe impl Send for RingMemory {}
// SAFETY: as above.
unsafe impl Sync for RingMemory {}

impl RingMemory {
    /// Allocates a ring of `element_count` elements of `element_size` bytes, all zero.
    ///
    /// The struct lies [in one cache line](Placement::OneLine), the elements are aligned to 64 bytes.
    ///
    /// # Errors
    ///
    /// [`RingError::Capacity`] if `element_count` is not a power of two,
    /// [`RingError::ElementSize`] if `element_size` is 0, [`RingError::TooLarge`] if the storage
    /// does not fit into the address space, [`RingError::OutOfMemory`] if there is none.
    pub fn new(element_size: usize, element_count: usize) -> Result<Self, RingError> {
        Self::with_placement(element_size, element_count, Placement::OneLine)
    }

    /// [`new`](Self::new) with a given position of the struct.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn with_placement(
        element_size: usize,
        element_count: usize,
        placement: Placement,
    ) -> Result<Self, RingError> {
        // Distinguishes an invalid count from one that is too large to allocate.
        PaUtilRingBuffer::zeroed().initialize(
            element_size,
            element_count,
            core::ptr::null_mut(),
        )?;
        let bytes = element_size * element_count;
        let memory = Self::allocate(element_size, element_count, placement, bytes)?;
        memory.touch();
        memory.initialize(element_size, element_count, memory.storage().cast())?;
        Ok(memory)
    }

    /// Allocates only the struct, for a ring whose elements are at `storage`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    ///
    /// # Safety
    ///
    /// The storage must stay valid for `element_count` elements of `element_size` bytes as long as
    /// the ring is in use, and only this ring may use it. If the storage is read-only, the ring's
    /// [`write`](PaUtilRingBuffer::write) must not be called.
    ///
    /// # Examples
    ///
    /// ```
    /// let samples = [0.25f32; 64];
    /// // SAFETY: the array outlives the ring, which is only read.
    /// let ring = unsafe {
    ///     pa_ringbuffer::RingMemory::with_storage(4, 64, samples.as_ptr().cast_mut().cast())
    /// }?;
    /// ring.advance_write_index(&ring.geometry(), 64); // they are there already
    /// assert_eq!(ring.read_available(), 64);
    /// # Ok::<(), pa_ringbuffer::RingError>(())
    /// ```
    pub unsafe fn with_storage(
        element_size: usize,
        element_count: usize,
        storage: *mut c_void,
    ) -> Result<Self, RingError> {
        let memory = Self::allocate(element_size, element_count, Placement::OneLine, 0)?;
        memory.initialize(element_size, element_count, storage)?;
        Ok(memory)
    }

    fn allocate(
        size: usize,
        count: usize,
        placement: Placement,
        bytes: usize,
    ) -> Result<Self, RingError> {
        let alignment = placement.alignment();
        let layout = (placement.storage() + alignment - ALLOCATED)
            .checked_add(bytes)
            .and_then(|all| Layout::from_size_align(all, ALLOCATED).ok())
            .ok_or(RingError::TooLarge {
                element_size: size,
                element_count: count,
            })?;
        // SAFETY: the layout has at least the struct's size. Zeros are a valid, unusable ring.
        let allocated =
            NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(RingError::OutOfMemory {
                bytes: layout.size(),
            })?;
        let skipped = allocated.as_ptr().addr().wrapping_neg() % alignment;
        Ok(Self {
            // SAFETY: this skips at most `alignment - ALLOCATED` bytes, because the allocated
            // memory is aligned to ALLOCATED. The allocation exceeds struct and storage by that
            // many bytes.
            block: unsafe { allocated.add(skipped) },
            placement,
            allocated,
            layout,
        })
    }

    /// Writes to every page, so that the system provides it now rather than in an audio callback:
    /// the system provides zeroed pages only on the first access.
    fn touch(&self) {
        // The memory may start in the middle of a page, and the last byte may be in an additional
        // one.
        let last = self.layout.size() - 1;
        for offset in (0..last).step_by(PAGE).chain([last]) {
            // SAFETY: inside the allocated memory, which is all zero and not in use yet.
            unsafe { self.allocated.add(offset).write_volatile(0) }
        }
    }

    fn storage(&self) -> *mut u8 {
        self.block.as_ptr().wrapping_add(self.placement.storage())
    }

    /// The struct's address, for C code.
    pub fn as_ptr(&self) -> *mut PaUtilRingBuffer {
        let offset = self.placement.offset();
        self.block.as_ptr().wrapping_add(offset).cast()
    }
}

impl core::ops::Deref for RingMemory {
    type Target = PaUtilRingBuffer;

    fn deref(&self) -> &PaUtilRingBuffer {
        // SAFETY: the struct is in the block, aligned and initialised, and lives as long as `self`.
        // All its fields are atomics, so writes by other code are not an aliasing violation.
        unsafe { &*self.as_ptr() }
    }
}

impl Drop for RingMemory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and nothing else frees it.
        unsafe { dealloc(self.allocated.as_ptr(), self.layout) }
    }
}

impl fmt::Debug for RingMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingMemory")
            .field("ring", &**self)
            .finish_non_exhaustive()
    }
}
