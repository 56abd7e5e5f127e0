//! The ten functions of PortAudio's `pa_ringbuffer.h`, documented in `include/pa_ringbuffer.h`.
//!
//! They differ from PortAudio's C only where that would leave the storage: they refuse unsuitable
//! sizes, transfer nothing for negative counts, and do not trust indices.

#![allow(non_snake_case, reason = "the names are PortAudio's")]

use core::ffi::c_void;

use pa_ringbuffer::{PaUtilRingBuffer, Regions, ring_buffer_size_t};

/// A count from C. Negative counts transfer nothing.
fn elements(count: ring_buffer_size_t) -> usize {
    usize::try_from(count).unwrap_or(0)
}

/// Makes an empty ring; returns 0, or -1 without changing the ring if the sizes are unsuitable.
///
/// # Safety
///
/// `ring` is valid for writes; for the rest, see the [crate](crate#safety).
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn PaUtil_InitializeRingBuffer(
    ring: *mut PaUtilRingBuffer,
    element_size: ring_buffer_size_t,
    element_count: ring_buffer_size_t,
    data: *mut c_void,
) -> ring_buffer_size_t {
    // SAFETY: valid, as the caller guarantees. All fields are atomic integers or pointers, for
    // which every bit pattern is a value.
    let ring = unsafe { &*ring };
    match ring.initialize(elements(element_size), elements(element_count), data) {
        Ok(()) => 0,
        Err(_) => -1,
    }
}

/// Makes the ring empty. Call this only while no thread reads or writes.
///
/// # Safety
///
/// See the [crate](crate#safety).
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn PaUtil_FlushRingBuffer(ring: *mut PaUtilRingBuffer) {
    // SAFETY: valid, as the caller guarantees.
    unsafe { &*ring }.flush();
}

/// Number of elements that can be written.
///
/// # Safety
///
/// See the [crate](crate#safety).
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn PaUtil_GetRingBufferWriteAvailable(
    ring: *const PaUtilRingBuffer,
) -> ring_buffer_size_t {
    // SAFETY: valid, as the caller guarantees.
    unsafe { &*ring }.write_available() as ring_buffer_size_t
}

/// Number of elements that can be read.
///
/// # Safety
///
/// See the [crate](crate#safety).
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn PaUtil_GetRingBufferReadAvailable(
    ring: *const PaUtilRingBuffer,
) -> ring_buffer_size_t {
    // SAFETY: valid, as the caller guarantees.
    unsafe { &*ring }.read_available() as ring_buffer_size_t
}

/// Copies elements into the ring; returns their number.
///
/// # Safety
///
/// See the [crate](crate#safety).
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn PaUtil_WriteRingBuffer(
    ring: *mut PaUtilRingBuffer,
    data: *const c_void,
    count: ring_buffer_size_t,
) -> ring_buffer_size_t {
    // SAFETY: valid, as the caller guarantees.
    let ring = unsafe { &*ring };
    // SAFETY: the caller guarantees the storage, the data, and that it is the only writer.
    unsafe { ring.write(&ring.geometry(), data, elements(count)) as ring_buffer_size_t }
}

/// Copies elements out of the ring; returns their number.
///
/// # Safety
///
/// See the [crate](crate#safety).
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn PaUtil_ReadRingBuffer(
    ring: *mut PaUtilRingBuffer,
    data: *mut c_void,
    count: ring_buffer_size_t,
) -> ring_buffer_size_t {
    // SAFETY: valid, as the caller guarantees.
    let ring = unsafe { &*ring };
    // SAFETY: the caller guarantees the storage, the data, and that it is the only reader.
    unsafe { ring.read(&ring.geometry(), data, elements(count)) as ring_buffer_size_t }
}

/// Gets the regions for writing the next elements; returns the number of elements.
///
/// # Safety
///
/// The four pointers are valid for writes; for the rest, see the [crate](crate#safety).
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn PaUtil_GetRingBufferWriteRegions(
    ring: *mut PaUtilRingBuffer,
    count: ring_buffer_size_t,
    first: *mut *mut c_void,
    first_len: *mut ring_buffer_size_t,
    second: *mut *mut c_void,
    second_len: *mut ring_buffer_size_t,
) -> ring_buffer_size_t {
    // SAFETY: valid, as the caller guarantees.
    let ring = unsafe { &*ring };
    let regions = ring.write_regions(&ring.geometry(), elements(count));
    // SAFETY: valid for writes, as the caller guarantees.
    unsafe { give(regions, first, first_len, second, second_len) }
}

/// Publishes elements that were written into the regions; returns the new write index.
///
/// # Safety
///
/// See the [crate](crate#safety).
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn PaUtil_AdvanceRingBufferWriteIndex(
    ring: *mut PaUtilRingBuffer,
    count: ring_buffer_size_t,
) -> ring_buffer_size_t {
    // SAFETY: valid, as the caller guarantees.
    let ring = unsafe { &*ring };
    ring.advance_write_index(&ring.geometry(), count)
}

/// Gets the regions for reading the next elements; returns the number of elements.
///
/// # Safety
///
/// The four pointers are valid for writes; for the rest, see the [crate](crate#safety).
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn PaUtil_GetRingBufferReadRegions(
    ring: *mut PaUtilRingBuffer,
    count: ring_buffer_size_t,
    first: *mut *mut c_void,
    first_len: *mut ring_buffer_size_t,
    second: *mut *mut c_void,
    second_len: *mut ring_buffer_size_t,
) -> ring_buffer_size_t {
    // SAFETY: valid, as the caller guarantees.
    let ring = unsafe { &*ring };
    let regions = ring.read_regions(&ring.geometry(), elements(count));
    // SAFETY: valid for writes, as the caller guarantees.
    unsafe { give(regions, first, first_len, second, second_len) }
}

/// Releases elements that were read from the regions; returns the new read index.
///
/// # Safety
///
/// See the [crate](crate#safety).
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn PaUtil_AdvanceRingBufferReadIndex(
    ring: *mut PaUtilRingBuffer,
    count: ring_buffer_size_t,
) -> ring_buffer_size_t {
    // SAFETY: valid, as the caller guarantees.
    let ring = unsafe { &*ring };
    ring.advance_read_index(&ring.geometry(), count)
}

/// Stores regions in the form that C expects.
///
/// # Safety
///
/// The four pointers are valid for writes.
unsafe fn give(
    regions: Regions,
    first: *mut *mut c_void,
    first_len: *mut ring_buffer_size_t,
    second: *mut *mut c_void,
    second_len: *mut ring_buffer_size_t,
) -> ring_buffer_size_t {
    // SAFETY: valid for writes, as the caller guarantees.
    unsafe {
        first.write(regions.first.cast());
        first_len.write(regions.first_len as ring_buffer_size_t);
        second.write(regions.second.cast());
        second_len.write(regions.second_len as ring_buffer_size_t);
    }
    regions.len() as ring_buffer_size_t
}
