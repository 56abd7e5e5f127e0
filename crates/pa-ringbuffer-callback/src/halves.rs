//! A 64-bit counter for processors that cannot load or store 64 bits at once: some 32-bit ones,
//! such as PowerPC, MIPS, and ARM before version 6.

#![allow(
    unreachable_pub,
    reason = "where processors have 64-bit atomics, only the test below uses it"
)]

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

/// Has the memory layout of a `u64`, whose halves are loaded and stored one after the other.
///
/// A read during a write in another thread may combine an old and a new half; the sequence of
/// [`Counters`](crate::Counters) detects this.
#[derive(Default)]
#[repr(C, align(8))]
pub struct AtomicU64([AtomicU32; 2]);

const LOW: usize = if cfg!(target_endian = "little") { 0 } else { 1 };
const HIGH: usize = 1 - LOW;

impl AtomicU64 {
    /// Loads both halves.
    pub fn load(&self, order: Ordering) -> u64 {
        u64::from(self.0[HIGH].load(order)) << 32 | u64::from(self.0[LOW].load(order))
    }

    /// Stores both halves.
    pub fn store(&self, value: u64, order: Ordering) {
        self.0[HIGH].store((value >> 32) as u32, order);
        self.0[LOW].store(value as u32, order);
    }
}

impl fmt::Debug for AtomicU64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.load(Ordering::Relaxed), f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::mem::{align_of, size_of};
    use std::format;

    use super::*;

    #[test]
    fn halves_are_a_number_of_64_bits_in_memory() {
        assert_eq!(size_of::<AtomicU64>(), 8);
        assert_eq!(align_of::<AtomicU64>(), 8);
        let counter = AtomicU64::default();
        for value in [
            0,
            1,
            u64::from(u32::MAX),
            1 << 32,
            0x0123_4567_89ab_cdef,
            u64::MAX,
        ] {
            counter.store(value, Ordering::Relaxed);
            assert_eq!(counter.load(Ordering::Relaxed), value);
            // SAFETY: a `u64` in size and alignment, which no other thread writes to.
            assert_eq!(unsafe { (&raw const counter).cast::<u64>().read() }, value);
            assert_eq!(format!("{counter:?}"), format!("{value}"));
        }
    }
}
