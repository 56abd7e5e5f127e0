//! Copies of bytes whose number is known at run time only.

use core::mem::size_of;
use core::ptr;

/// Copies bytes. The two stretches may overlap.
///
/// Up to 16 bytes, which is a sample, a frame or a message, are copied here: calling `memmove` would
/// take as long as all the rest of a transfer (`make bench`, the C functions with one element).
///
/// # Safety
///
/// The source is valid for reads, and the target for writes, of so many bytes.
#[inline(always)]
pub(crate) unsafe fn bytes(source: *const u8, target: *mut u8, count: usize) {
    // SAFETY: each branch touches only what the caller vouches for.
    unsafe {
        match count {
            17.. => ptr::copy(source, target, count),
            8.. => ends::<u64>(source, target, count),
            4.. => ends::<u32>(source, target, count),
            2.. => ends::<u16>(source, target, count),
            1 => target.write(source.read()),
            0 => {}
        }
    }
}

/// Copies the first and the last bytes, as many as a `T` has. If there are less than twice as many,
/// some of them are copied twice.
///
/// # Safety
///
/// As for [`bytes`], and `count` is at least the size of a `T`, which is an integer.
#[inline(always)]
unsafe fn ends<T: Copy>(source: *const u8, target: *mut u8, count: usize) {
    let last = count - size_of::<T>();
    // SAFETY: both ends are inside of what the caller vouches for. Both are read before anything is
    // written, because the stretches may overlap.
    unsafe {
        let first_part = source.cast::<T>().read_unaligned();
        let last_part = source.add(last).cast::<T>().read_unaligned();
        target.cast::<T>().write_unaligned(first_part);
        target.add(last).cast::<T>().write_unaligned(last_part);
    }
}
