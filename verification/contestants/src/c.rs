//! PortAudio's C and our C library, which have the same ten functions.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::slice::{from_raw_parts, from_raw_parts_mut};

use crate::side::{Granted, Reader, Writer};
use crate::{Fields, PaUtilRingBuffer, ring_buffer_size_t};

type Available = unsafe extern "C" fn(*const PaUtilRingBuffer) -> ring_buffer_size_t;
type Advance =
    unsafe extern "C" fn(*mut PaUtilRingBuffer, ring_buffer_size_t) -> ring_buffer_size_t;
type Regions = unsafe extern "C" fn(
    *mut PaUtilRingBuffer,
    ring_buffer_size_t,
    *mut *mut c_void,
    *mut ring_buffer_size_t,
    *mut *mut c_void,
    *mut ring_buffer_size_t,
) -> ring_buffer_size_t;

/// The ten functions.
#[allow(clippy::type_complexity, reason = "they are C's")]
pub(crate) struct Library {
    pub(crate) initialize: unsafe extern "C" fn(
        *mut PaUtilRingBuffer,
        ring_buffer_size_t,
        ring_buffer_size_t,
        *mut c_void,
    ) -> ring_buffer_size_t,
    pub(crate) flush: unsafe extern "C" fn(*mut PaUtilRingBuffer),
    write_available: Available,
    read_available: Available,
    write: unsafe extern "C" fn(
        *mut PaUtilRingBuffer,
        *const c_void,
        ring_buffer_size_t,
    ) -> ring_buffer_size_t,
    read: unsafe extern "C" fn(
        *mut PaUtilRingBuffer,
        *mut c_void,
        ring_buffer_size_t,
    ) -> ring_buffer_size_t,
    write_regions: Regions,
    advance_write: Advance,
    read_regions: Regions,
    advance_read: Advance,
}

macro_rules! library {
    ($module:ident) => {
        Library {
            initialize: c_rings::$module::PaUtil_InitializeRingBuffer,
            flush: c_rings::$module::PaUtil_FlushRingBuffer,
            write_available: c_rings::$module::PaUtil_GetRingBufferWriteAvailable,
            read_available: c_rings::$module::PaUtil_GetRingBufferReadAvailable,
            write: c_rings::$module::PaUtil_WriteRingBuffer,
            read: c_rings::$module::PaUtil_ReadRingBuffer,
            write_regions: c_rings::$module::PaUtil_GetRingBufferWriteRegions,
            advance_write: c_rings::$module::PaUtil_AdvanceRingBufferWriteIndex,
            read_regions: c_rings::$module::PaUtil_GetRingBufferReadRegions,
            advance_read: c_rings::$module::PaUtil_AdvanceRingBufferReadIndex,
        }
    };
}

pub(crate) static GENUINE: Library = library!(genuine);
pub(crate) static OURS: Library = library!(ours);

/// One side of a ring, driven by a library.
pub(crate) struct C {
    library: &'static Library,
    ring: *mut PaUtilRingBuffer,
    element_size: usize,
    storage: *mut u8,
}

// SAFETY: one side of a ring may be on any thread.
unsafe impl Send for C {}

/// What a region function answers.
struct Chunk {
    first: *mut u8,
    first_len: usize,
    second: *mut u8,
    second_len: usize,
}

fn count(elements: usize) -> ring_buffer_size_t {
    ring_buffer_size_t::try_from(elements).unwrap_or(ring_buffer_size_t::MAX)
}

impl C {
    /// # Safety
    ///
    /// The ring is initialised, outlives this, and no other code uses this side of it.
    pub(crate) unsafe fn new(library: &'static Library, ring: *mut PaUtilRingBuffer) -> Self {
        // SAFETY: valid, says the caller. These two fields do not change while a ring is in use.
        let (element_size, storage) = unsafe {
            let fields = ring.cast::<Fields>();
            (
                (&raw const (*fields).element_size).read(),
                (&raw const (*fields).buffer).read(),
            )
        };
        Self {
            library,
            ring,
            element_size: element_size as usize,
            storage: storage.cast(),
        }
    }

    fn chunk(&self, regions: Regions, wanted: usize) -> Chunk {
        let (mut first, mut second) = (null_mut(), null_mut());
        let (mut first_len, mut second_len) = (0, 0);
        // SAFETY: the ring is valid since `new`; the other pointers are those of variables.
        let total = unsafe {
            regions(
                self.ring,
                count(wanted),
                &mut first,
                &mut first_len,
                &mut second,
                &mut second_len,
            )
        };
        assert_eq!(total, first_len + second_len);
        Chunk {
            first: first.cast(),
            first_len: usize::try_from(first_len).expect("a length"),
            second: second.cast(),
            second_len: usize::try_from(second_len).expect("a length"),
        }
    }

    fn granted(&self, found: &Chunk) -> Granted {
        let start = self.storage.addr();
        Granted {
            first: found.first.addr() - start,
            first_len: found.first_len,
            second: (!found.second.is_null()).then(|| found.second.addr() - start),
            second_len: found.second_len,
        }
    }
}

impl Writer for C {
    fn element_size(&self) -> usize {
        self.element_size
    }

    fn room(&self) -> usize {
        // SAFETY: valid since `new`.
        unsafe { (self.library.write_available)(self.ring) as usize }
    }

    fn write(&mut self, data: &[u8]) -> usize {
        let elements = count(data.len() / self.element_size);
        // SAFETY: the data has that many elements, and no other code writes.
        unsafe { (self.library.write)(self.ring, data.as_ptr().cast(), elements) as usize }
    }

    fn in_place(&mut self, data: &[u8], used: usize) -> Granted {
        let size = self.element_size;
        let found = self.chunk(self.library.write_regions, data.len() / size);
        let (first, rest) = data.split_at(found.first_len * size);
        let second_len = found.second_len * size;
        // SAFETY: the regions are the writer's until it advances. A region without elements may be
        // null, which no slice is.
        unsafe {
            from_raw_parts_mut(found.first, first.len()).copy_from_slice(first);
            if second_len != 0 {
                from_raw_parts_mut(found.second, second_len).copy_from_slice(&rest[..second_len]);
            }
        }
        let granted = self.granted(&found);
        // SAFETY: valid since `new`; there is room for that many.
        unsafe { (self.library.advance_write)(self.ring, count(used.min(granted.len()))) };
        granted
    }

    fn advance(&mut self, wanted: usize) -> usize {
        let granted = self.granted(&self.chunk(self.library.write_regions, wanted));
        // SAFETY: valid since `new`; there is room for that many.
        unsafe { (self.library.advance_write)(self.ring, count(granted.len())) };
        granted.len()
    }
}

impl Reader for C {
    fn element_size(&self) -> usize {
        self.element_size
    }

    fn available(&self) -> usize {
        // SAFETY: valid since `new`.
        unsafe { (self.library.read_available)(self.ring) as usize }
    }

    fn read(&mut self, target: &mut [u8]) -> usize {
        let elements = count(target.len() / self.element_size);
        // SAFETY: the target has room for that many elements, and no other code reads.
        unsafe { (self.library.read)(self.ring, target.as_mut_ptr().cast(), elements) as usize }
    }

    /// C has no such function; this is how one does it there.
    fn peek(&mut self, target: &mut [u8]) -> usize {
        let mut found = Vec::new();
        let granted = Reader::in_place(self, target.len() / self.element_size, 0, &mut found);
        target[..found.len()].copy_from_slice(&found);
        granted.len()
    }

    fn in_place(&mut self, wanted: usize, used: usize, found: &mut Vec<u8>) -> Granted {
        let size = self.element_size;
        let chunk = self.chunk(self.library.read_regions, wanted);
        // SAFETY: the regions are the reader's until it advances. A region without elements may be
        // null, which no slice is.
        unsafe {
            found.extend_from_slice(from_raw_parts(chunk.first, chunk.first_len * size));
            if chunk.second_len != 0 {
                let bytes = chunk.second_len * size;
                found.extend_from_slice(from_raw_parts(chunk.second, bytes));
            }
        }
        let granted = self.granted(&chunk);
        // SAFETY: valid since `new`; that many are there.
        unsafe { (self.library.advance_read)(self.ring, count(used.min(granted.len()))) };
        granted
    }

    fn discard(&mut self, wanted: usize) -> usize {
        let granted = self.granted(&self.chunk(self.library.read_regions, wanted));
        // SAFETY: valid since `new`; that many are there.
        unsafe { (self.library.advance_read)(self.ring, count(granted.len())) };
        granted.len()
    }
}
