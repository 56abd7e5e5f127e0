//! The struct as C declares it.

use std::ffi::c_void;

use crate::{PaUtilRingBuffer, ring_buffer_size_t};

/// The seven fields, which anybody may look at and overwrite.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// `bufferSize`
    pub buffer_size: ring_buffer_size_t,
    /// `writeIndex`
    pub write_index: ring_buffer_size_t,
    /// `readIndex`
    pub read_index: ring_buffer_size_t,
    /// `bigMask`
    pub big_mask: ring_buffer_size_t,
    /// `smallMask`
    pub small_mask: ring_buffer_size_t,
    /// `elementSizeBytes`
    pub element_size: ring_buffer_size_t,
    /// `buffer`
    pub buffer: *mut c_void,
}

const _: () = assert!(size_of::<Fields>() == size_of::<PaUtilRingBuffer>());

impl Fields {
    /// An empty ring whose indices begin at `start`, filled in only by this code.
    pub fn new(element_size: usize, size: usize, start: usize, buffer: *mut c_void) -> Self {
        Self {
            buffer_size: size as ring_buffer_size_t,
            write_index: start as ring_buffer_size_t,
            read_index: start as ring_buffer_size_t,
            big_mask: (2 * size - 1) as ring_buffer_size_t,
            small_mask: (size - 1) as ring_buffer_size_t,
            element_size: element_size as ring_buffer_size_t,
            buffer,
        }
    }

    /// Puts this into the struct.
    ///
    /// # Safety
    ///
    /// As for [`start_at`](Self::start_at).
    pub unsafe fn put(self, ring: *mut PaUtilRingBuffer) {
        // SAFETY: the same layout, and valid, says the caller.
        unsafe { ring.cast::<Self>().write(self) }
    }

    /// What is in the struct.
    ///
    /// # Safety
    ///
    /// The pointer is valid, and no other thread uses the ring.
    pub unsafe fn of(ring: *const PaUtilRingBuffer) -> Self {
        // SAFETY: the same layout, and valid, says the caller.
        unsafe { ring.cast::<Self>().read() }
    }

    /// Moves both indices, which empties the ring or makes its old bytes elements.
    ///
    /// # Safety
    ///
    /// As for [`of`](Self::of), and no handle knows the ring.
    pub unsafe fn start_at(
        ring: *mut PaUtilRingBuffer,
        write: ring_buffer_size_t,
        read: ring_buffer_size_t,
    ) {
        let fields = ring.cast::<Self>();
        // SAFETY: the same layout, and valid, says the caller.
        unsafe {
            (*fields).write_index = write;
            (*fields).read_index = read;
        }
    }
}
