//! Copies of bytes whose number is known only at run time.

use core::mem::{MaybeUninit, size_of};
use core::ptr;

use crate::atomic::{AtomicSize, Ordering};
use crate::elements;
use crate::layout::ring_buffer_size_t;

/// Copies the bytes of `count` elements, then publishes the next index, unless nothing was copied.
/// Returns `count`. Source and target may overlap.
///
/// Up to 16 bytes (a sample, a frame or a message) are copied here: a call of `memmove` would take
/// as long as the rest of the transfer (`make bench`, the C functions with one element).
///
/// # Safety
///
/// The source is valid for reads, and the target for writes, of this number of bytes.
#[inline(always)]
pub(crate) unsafe fn and_publish(
    source: *const u8,
    target: *mut u8,
    bytes: usize,
    index: &AtomicSize,
    next: ring_buffer_size_t,
    count: usize,
) -> usize {
    elements::reading(source, bytes);
    elements::writing(target, bytes);
    // SAFETY: each branch only accesses memory that the caller guarantees.
    unsafe {
        match bytes {
            17.. => return many(source, target, bytes, index, next, count),
            8.. => ends::<u64>(source, target, bytes),
            4.. => ends::<u32>(source, target, bytes),
            2.. => ends::<u16>(source, target, bytes),
            1 => ends::<u8>(source, target, bytes),
            0 => return 0,
        }
    }
    index.store(next, Ordering::Release);
    count
}

/// [`and_publish`] with a call, separate so that a copy of a few bytes does not have to save
/// registers for the call.
#[inline(never)]
unsafe fn many(
    source: *const u8,
    target: *mut u8,
    bytes: usize,
    index: &AtomicSize,
    next: ring_buffer_size_t,
    count: usize,
) -> usize {
    // SAFETY: the caller makes the same guarantees.
    unsafe { ptr::copy(source, target, bytes) };
    index.store(next, Ordering::Release);
    count
}

/// Copies the first and the last bytes, as many as a `T` has. With fewer than twice as many bytes,
/// some are copied twice.
///
/// Elements need not be numbers: they may have padding, or contain pointers. The bytes are
/// therefore moved unchanged, as `memmove` does.
///
/// # Safety
///
/// As for [`and_publish`], and `bytes` is at least the size of a `T`, which is an integer.
#[inline(always)]
unsafe fn ends<T: Copy>(source: *const u8, target: *mut u8, bytes: usize) {
    let last = bytes - size_of::<T>();
    // SAFETY: both ends lie in memory that the caller guarantees. Both are read before anything is
    // written, because source and target may overlap.
    unsafe {
        let first_part = source.cast::<MaybeUninit<T>>().read_unaligned();
        let last_part = (source.add(last)).cast::<MaybeUninit<T>>().read_unaligned();
        target.cast::<MaybeUninit<T>>().write_unaligned(first_part);
        target
            .add(last)
            .cast::<MaybeUninit<T>>()
            .write_unaligned(last_part);
    }
}
