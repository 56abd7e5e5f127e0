//! A struct with anything in its fields, and a storage with not a byte more than the struct says:
//! what the fuzzers of the raw and of the C functions begin with.

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use pa_ringbuffer::{PaUtilRingBuffer, ring_buffer_size_t};

/// More is not allocated.
const LARGEST: usize = 1 << 14;

#[derive(Arbitrary, Debug)]
pub struct Fields {
    power: u8,
    element_size: u8,
    /// Fields that are not as they would be initialised, by their number.
    overwritten: Vec<(u8, ring_buffer_size_t)>,
}

pub struct Guarded {
    pub ring: Box<PaUtilRingBuffer>,
    pub storage: Box<[u8]>,
    pub element_size: usize,
}

impl Fields {
    /// `None` if the ring would need more memory than there is for it.
    pub fn build(&self) -> Option<Guarded> {
        let size = 1 << (self.power % 8);
        // bufferSize, writeIndex, readIndex, bigMask, smallMask, elementSizeBytes
        let mut fields = [size, 0, 0, 2 * size - 1, size - 1, self.element_size.into()];
        for (number, value) in &self.overwritten {
            fields[usize::from(*number) % fields.len()] = *value;
        }
        // The storage has this many elements, says the contract, if the masks do not say less.
        let elements = fields[0].min(fields[4].wrapping_add(1)).max(0) as usize;
        let element_size = fields[5].max(0) as usize;
        let bytes = elements.checked_mul(element_size)?;
        if bytes > LARGEST || element_size > LARGEST {
            return None;
        }
        let mut storage = vec![0; bytes].into_boxed_slice();
        let mut ring = Box::new(PaUtilRingBuffer::zeroed());
        let pointer = (&raw mut *ring).cast::<ring_buffer_size_t>();
        for (n, value) in fields.into_iter().enumerate() {
            // SAFETY: the struct begins with these six fields, and no other code uses it.
            unsafe { pointer.add(n).write(value) };
        }
        let offset = size_of::<PaUtilRingBuffer>() - size_of::<*mut u8>();
        // SAFETY: its last field is the address of the storage.
        unsafe {
            pointer
                .byte_add(offset)
                .cast::<*mut u8>()
                .write(storage.as_mut_ptr());
        }
        Some(Guarded {
            ring,
            storage,
            element_size,
        })
    }
}

impl Guarded {
    pub fn pointer(&mut self) -> *mut PaUtilRingBuffer {
        &raw mut *self.ring
    }

    /// Lets foreign code write one of the indices.
    pub fn set_index(&mut self, second: bool, value: ring_buffer_size_t) {
        let pointer = self.pointer().cast::<ring_buffer_size_t>();
        // SAFETY: the second and third field, of a living struct.
        unsafe { pointer.add(1 + usize::from(second)).write_volatile(value) };
    }

    /// Memory for as many elements as a call can transfer, and not a byte more.
    pub fn data(&self, count: usize) -> Box<[u8]> {
        let most = self
            .storage
            .len()
            .checked_div(self.element_size)
            .unwrap_or(0);
        vec![0xA5; count.min(most) * self.element_size].into_boxed_slice()
    }

    /// Writes or reads all of a region, which must be inside the storage.
    pub fn touch(&self, start: *mut u8, count: usize, write: bool) {
        let bytes = count * self.element_size;
        let storage = self.storage.as_ptr().addr();
        assert!(bytes == 0 || start.addr() >= storage);
        assert!(bytes == 0 || start.addr() + bytes <= storage + self.storage.len());
        for n in 0..bytes {
            // SAFETY: inside the storage, as was just asked.
            unsafe {
                if write {
                    start.add(n).write_volatile(1);
                } else {
                    start.add(n).read_volatile();
                }
            }
        }
    }
}
