//! Memory for a ring: the struct and the elements.

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ffi::c_void;
use core::fmt;
use core::mem::{align_of, offset_of, size_of};
use core::ptr::NonNull;

use crate::error::RingError;
use crate::layout::PaUtilRingBuffer;
use crate::prefetch::LINE;

/// Where the C struct lies in a ring's memory. The elements begin with a cache line in any case.
///
/// There is no default: the better one depends on the code that drives the ring. [`RingBuffer::new`] has
/// `TwoLines`, because it makes a ring for two handles; [`RingMemory::new`] has `OneLine`, because its
/// ring is driven through the struct. `make bench` measures both; the results are in the documentation
/// (*Rings*).
///
/// [`RingBuffer::new`]: crate::RingBuffer::new
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// All of it in one cache line (of 64 bytes): best if one side or both look at both indices in
    /// each call, as all C functions do.
    OneLine,
    /// So that one cache line ends with the write index and the next one begins with the read
    /// index: best if handles are on both sides, because they seldom look at the other side's index.
    TwoLines,
}

impl Placement {
    /// What the ring's memory has to be aligned to. Two lines are four, because some processors
    /// fetch them in pairs.
    const fn alignment(self) -> usize {
        match self {
            Self::OneLine => LINE,
            Self::TwoLines => 2 * LINE,
        }
    }

    /// Distance of the struct from the beginning of the ring's memory.
    const fn offset(self) -> usize {
        match self {
            Self::OneLine => 0,
            Self::TwoLines => self.alignment() - offset_of!(PaUtilRingBuffer, read_index),
        }
    }

    /// Distance of the elements from the beginning of the ring's memory.
    const fn storage(self) -> usize {
        (self.offset() + size_of::<PaUtilRingBuffer>()).next_multiple_of(LINE)
    }
}

/// What the allocator is asked for. If that were more, it would take another way, which is slower;
/// so the rest is aligned here. (glibc 2.36, making a ring of 512 bytes in Python and dropping it:
/// 215 instead of 260 ns.)
const ALLOCATED: usize = 2 * size_of::<usize>();

/// The size of the smallest pages there are.
const PAGE: usize = 4096;

const _: () = {
    let offset = Placement::TwoLines.offset();
    assert!(offset % align_of::<PaUtilRingBuffer>() == 0);
    assert!((offset + offset_of!(PaUtilRingBuffer, write_index)) / LINE == 1);
    assert!((offset + offset_of!(PaUtilRingBuffer, read_index)) / LINE == 2);
};

/// A ring that owns its struct and, unless told otherwise, its storage; the size of an element is
/// known at run time.
///
/// The struct stays where it is as long as this value lives, wherever the value itself is moved,
/// so its address can be given to C. For elements of a Rust type, see
/// [`RingBuffer`](crate::RingBuffer).
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
    /// The beginning of the ring's memory, aligned as its placement needs.
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

    /// [`new`](Self::new) with the struct where you want it.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn with_placement(
        element_size: usize,
        element_count: usize,
        placement: Placement,
    ) -> Result<Self, RingError> {
        // An unfit count must be told from one that is too large to allocate.
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
    /// the ring is used, and be used through this ring only. If it cannot be written, neither may
    /// the ring's [`write`](PaUtilRingBuffer::write) be called.
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
        // SAFETY: the layout has the struct's size at least. Zeros are a valid, unusable ring.
        let allocated =
            NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(RingError::OutOfMemory {
                bytes: layout.size(),
            })?;
        let skipped = allocated.as_ptr().addr().wrapping_neg() % alignment;
        Ok(Self {
            // SAFETY: at most `alignment - ALLOCATED` bytes are skipped, because the allocated
            // memory is aligned to ALLOCATED. So many more are there than struct and storage need.
            block: unsafe { allocated.add(skipped) },
            placement,
            allocated,
            layout,
        })
    }

    /// Writes to every page, so that the system provides it now and not in an audio callback: zeros
    /// that the allocator gets from the system are not there before.
    fn touch(&self) {
        // The memory need not begin with a page; the last byte may be in one more.
        let last = self.layout.size() - 1;
        for offset in (0..last).step_by(PAGE).chain([last]) {
            // SAFETY: inside the allocated memory, which is all zero and not in use yet.
            unsafe { self.allocated.add(offset).write_volatile(0) }
        }
    }

    fn storage(&self) -> *mut u8 {
        self.block.as_ptr().wrapping_add(self.placement.storage())
    }

    /// The struct's address, for C.
    pub fn as_ptr(&self) -> *mut PaUtilRingBuffer {
        let offset = self.placement.offset();
        self.block.as_ptr().wrapping_add(offset).cast()
    }
}

impl core::ops::Deref for RingMemory {
    type Target = PaUtilRingBuffer;

    fn deref(&self) -> &PaUtilRingBuffer {
        // SAFETY: the struct is in the block, aligned and initialised, and lives as long as `self`.
        // All its fields are atomics, so foreign writes are no aliasing violation.
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
