//! The methods of `PaUtilRingBuffer`.

use std::slice::{from_raw_parts, from_raw_parts_mut};

use pa_ringbuffer::{Geometry, Regions};

use crate::side::{Granted, Reader, Writer};
use crate::{PaUtilRingBuffer, ring_buffer_size_t};

/// One side of a ring, by address.
pub(crate) struct Methods(*const PaUtilRingBuffer, Geometry);

// SAFETY: one side of a ring may be on any thread.
unsafe impl Send for Methods {}

impl Methods {
    /// # Safety
    ///
    /// The ring is initialised, outlives this, and no other code uses this side of it.
    pub(crate) unsafe fn new(ring: *const PaUtilRingBuffer) -> Self {
        // SAFETY: valid, says the caller.
        Self(ring, unsafe { &*ring }.geometry())
    }

    fn ring(&self) -> &PaUtilRingBuffer {
        // SAFETY: valid since `new`.
        unsafe { &*self.0 }
    }

    fn granted(&self, regions: Regions) -> Granted {
        let start = self.1.buffer().addr();
        Granted {
            first: regions.first.addr() - start,
            first_len: regions.first_len,
            second: (!regions.second.is_null()).then(|| regions.second.addr() - start),
            second_len: regions.second_len,
        }
    }
}

impl Writer for Methods {
    fn element_size(&self) -> usize {
        self.1.element_size()
    }

    fn room(&self) -> usize {
        self.ring().write_available()
    }

    fn write(&mut self, data: &[u8]) -> usize {
        let count = data.len() / self.1.element_size();
        // SAFETY: the geometry is the ring's, the data has `count` elements, and no other code writes.
        unsafe { self.ring().write(&self.1, data.as_ptr().cast(), count) }
    }

    fn in_place(&mut self, data: &[u8], used: usize) -> Granted {
        let size = self.1.element_size();
        let regions = self.ring().write_regions(&self.1, data.len() / size);
        let (first, rest) = data.split_at(regions.first_len * size);
        let second_len = regions.second_len * size;
        // SAFETY: the regions are the writer's until it advances. A region without elements may be
        // null, which no slice is.
        unsafe {
            from_raw_parts_mut(regions.first, first.len()).copy_from_slice(first);
            if second_len != 0 {
                from_raw_parts_mut(regions.second, second_len).copy_from_slice(&rest[..second_len]);
            }
        }
        let used = used.min(regions.len()) as ring_buffer_size_t;
        self.ring().advance_write_index(&self.1, used);
        self.granted(regions)
    }

    fn advance(&mut self, count: usize) -> usize {
        let count = self.ring().write_regions(&self.1, count).len();
        self.ring()
            .advance_write_index(&self.1, count as ring_buffer_size_t);
        count
    }
}

impl Reader for Methods {
    fn element_size(&self) -> usize {
        self.1.element_size()
    }

    fn available(&self) -> usize {
        self.ring().read_available()
    }

    fn read(&mut self, target: &mut [u8]) -> usize {
        let count = target.len() / self.1.element_size();
        // SAFETY: the geometry is the ring's, the target has room for `count` elements, and nobody
        // else reads.
        unsafe { self.ring().read(&self.1, target.as_mut_ptr().cast(), count) }
    }

    fn peek(&mut self, target: &mut [u8]) -> usize {
        let count = target.len() / self.1.element_size();
        // SAFETY: as in `read`.
        unsafe { self.ring().peek(&self.1, target.as_mut_ptr().cast(), count) }
    }

    fn in_place(&mut self, count: usize, used: usize, found: &mut Vec<u8>) -> Granted {
        let size = self.1.element_size();
        let regions = self.ring().read_regions(&self.1, count);
        // SAFETY: the regions are the reader's until it advances. A region without elements may be
        // null, which no slice is.
        unsafe {
            found.extend_from_slice(from_raw_parts(regions.first, regions.first_len * size));
            if regions.second_len != 0 {
                found.extend_from_slice(from_raw_parts(regions.second, regions.second_len * size));
            }
        }
        let used = used.min(regions.len()) as ring_buffer_size_t;
        self.ring().advance_read_index(&self.1, used);
        self.granted(regions)
    }

    fn discard(&mut self, count: usize) -> usize {
        self.ring().discard(&self.1, count)
    }
}
