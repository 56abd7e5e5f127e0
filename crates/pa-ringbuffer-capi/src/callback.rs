//! The compiled callback, documented in `include/pa_ringbuffer_callback.h`.

use core::ffi::{c_int, c_uchar, c_ulong, c_void};
use core::mem::{offset_of, size_of};

use pa_ringbuffer::PaUtilRingBuffer;
use pa_ringbuffer_callback::{CallbackState, Counters, Mode, TimeInfo, callback};

/// The header declares the state's fields: two pointers, two sizes, two 32-bit integers, then the
/// counters. It says the same in other words, and so do the tests in C.
const _: () = {
    const COUNTERS: usize = 4 * size_of::<usize>() + 2 * size_of::<u32>();
    assert!(size_of::<Counters>() == 13 * size_of::<u64>());
    assert!(size_of::<CallbackState>() == COUNTERS + size_of::<Counters>());
    assert!(COUNTERS % align_of::<u64>() == 0);
    assert!(offset_of!(Counters, blocks) == 0);
    assert!(offset_of!(Counters, frames) == 8);
    assert!(offset_of!(Counters, smallest_block) == 16);
    assert!(offset_of!(Counters, largest_block) == 24);
    assert!(offset_of!(Counters, output_underflows) == 32);
    assert!(offset_of!(Counters, output_underflow_frames) == 40);
    assert!(offset_of!(Counters, input_overflows) == 48);
    assert!(offset_of!(Counters, input_overflow_frames) == 56);
    assert!(offset_of!(Counters, device_input_underflows) == 64);
    assert!(offset_of!(Counters, device_input_overflows) == 72);
    assert!(offset_of!(Counters, device_output_underflows) == 80);
    assert!(offset_of!(Counters, device_output_overflows) == 88);
    assert!(offset_of!(Counters, device_primings) == 96);
};

/// `PA_RINGBUFFER_RUN`.
const RUN: c_int = Mode::Run as c_int;
/// `PA_RINGBUFFER_DRAIN`.
const DRAIN: c_int = Mode::Drain as c_int;
/// `PA_RINGBUFFER_COMPLETE`.
const COMPLETE: c_int = Mode::Complete as c_int;

const _: () = assert!(RUN == 0 && DRAIN == 1 && COMPLETE == 2);

/// A `PaStreamCallback` that plays from one ring and records into another.
///
/// # Safety
///
/// As for [`pa_ringbuffer_callback::callback`]; PortAudio keeps these promises.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pa_ringbuffer_callback(
    input: *const c_void,
    output: *mut c_void,
    frame_count: c_ulong,
    time_info: *const TimeInfo,
    status_flags: c_ulong,
    user_data: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promises are the same.
    unsafe {
        callback(
            input,
            output,
            frame_count,
            time_info,
            status_flags,
            user_data,
        )
    }
}

/// Fills in the state, with all counters 0 and in the mode `PA_RINGBUFFER_RUN`.
///
/// # Safety
///
/// `state` is valid for writes, and no stream uses it. The rings are null or initialised, outlive
/// the stream, and have no other reader (output) or writer (input).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pa_ringbuffer_callback_init(
    state: *mut CallbackState,
    output_ring: *mut PaUtilRingBuffer,
    output_frame_size: usize,
    input_ring: *mut PaUtilRingBuffer,
    input_frame_size: usize,
    silence: c_uchar,
) {
    // SAFETY: the caller's promises are the same, and the state is valid for writes.
    unsafe {
        state.write(CallbackState::new(
            output_ring,
            output_frame_size,
            input_ring,
            input_frame_size,
            silence,
        ));
    }
}

/// Says what an empty output ring means; returns 0, or -1 if there is no such mode.
///
/// # Safety
///
/// `state` is initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pa_ringbuffer_callback_set_mode(
    state: *mut CallbackState,
    mode: c_int,
) -> c_int {
    let mode = match mode {
        RUN => Mode::Run,
        DRAIN => Mode::Drain,
        COMPLETE => Mode::Complete,
        _ => return -1,
    };
    // SAFETY: initialised, says the caller; all that changes in it is atomic.
    unsafe { &*state }.set_mode(mode);
    0
}
