//! The only access to the elements, so that a model checker can see which thread accesses them
//! when. Without a model checker (see `atomic.rs`), these functions reduce to their last lines, or
//! to nothing.

/// Announces reads of `count` values starting at an address.
#[inline(always)]
pub(crate) fn reading<T>(from: *const T, count: usize) {
    #[cfg(pa_ringbuffer_loom)]
    checker::reading(from, count);
    let _ = (from, count);
}

/// Announces writes of `count` values starting at an address.
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
    // SAFETY: the caller makes the same guarantees.
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
    // SAFETY: the caller makes the same guarantees.
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
    // SAFETY: the caller makes the same guarantees.
    unsafe { target.write(value) }
}
