//! The one way to the elements, so that a model checker learns who touches them when. Without one
//! (see `atomic.rs`), these functions are what their last lines say, or nothing.

/// `count` values from an address on are going to be read.
#[inline(always)]
pub(crate) fn reading<T>(from: *const T, count: usize) {
    #[cfg(pa_ringbuffer_loom)]
    checker::reading(from, count);
    let _ = (from, count);
}

/// `count` values from an address on are going to be written.
#[inline(always)]
pub(crate) fn writing<T>(to: *const T, count: usize) {
    #[cfg(pa_ringbuffer_loom)]
    checker::writing(to, count);
    let _ = (to, count);
}

/// Copies `count` values. Source and target may overlap.
///
/// # Safety
///
/// As for [`core::ptr::copy`].
#[inline(always)]
pub(crate) unsafe fn copy<T>(source: *const T, target: *mut T, count: usize) {
    reading(source, count);
    writing(target, count);
    // SAFETY: the caller's promises are the same.
    unsafe { core::ptr::copy(source, target, count) }
}

/// Reads one value.
///
/// # Safety
///
/// As for [`core::ptr::read`].
#[inline(always)]
pub(crate) unsafe fn read<T>(source: *const T) -> T {
    reading(source, 1);
    // SAFETY: the caller's promises are the same.
    unsafe { source.read() }
}

/// Writes one value.
///
/// # Safety
///
/// As for [`core::ptr::write`].
#[inline(always)]
pub(crate) unsafe fn write<T>(target: *mut T, value: T) {
    writing(target, 1);
    // SAFETY: the caller's promises are the same.
    unsafe { target.write(value) }
}
