//! The compiled callback, documented in `include/pa_ringbuffer_callback.h`.

use core::ffi::{c_int, c_uchar, c_uint, c_ulong, c_void};
use core::mem::size_of;

use pa_ringbuffer::PaUtilRingBuffer;
use pa_ringbuffer_callback::{
    CallbackState, Counters, Mode, TimeInfo, callback, end, finished, policy,
};

/// The header declares the state's fields: two pointers, two sizes, four 32-bit integers, then the
/// counters behind two more. It says the same in other words, and so do the tests in C.
const _: () = {
    const COUNTERS: usize = 4 * size_of::<usize>() + 4 * size_of::<u32>();
    const FIRST: usize = 2 * size_of::<u32>();
    const FURTHER: usize = 16;
    assert!(size_of::<Counters>() == FIRST + (Counters::COUNT + FURTHER) * size_of::<u64>());
    assert!(size_of::<CallbackState>() == COUNTERS + size_of::<Counters>());
    assert!(COUNTERS % align_of::<u64>() == 0);
    let mut position = 0;
    while position < Counters::COUNT {
        assert!(Counters::OFFSETS[position] == FIRST + position * size_of::<u64>());
        position += 1;
    }
};

/// `PA_RINGBUFFER_RUN`.
const RUN: c_int = Mode::Run as c_int;
/// `PA_RINGBUFFER_DRAIN`.
const DRAIN: c_int = Mode::Drain as c_int;
/// `PA_RINGBUFFER_COMPLETE`.
const COMPLETE: c_int = Mode::Complete as c_int;
/// `PA_RINGBUFFER_START`.
const START: c_int = Mode::Start as c_int;

const _: () = assert!(RUN == 0 && DRAIN == 1 && COMPLETE == 2 && START == 3);

/// The header's `PA_RINGBUFFER_STOP_…` and `PA_RINGBUFFER_END_…`.
const _: () = {
    assert!(policy::STOP_ON_UNDERFLOW == 1 && policy::STOP_ON_OVERFLOW == 2);
    assert!(end::COMPLETED == 1 && end::UNDERFLOW == 2 && end::OVERFLOW == 4);
    assert!(end::FINISHED == 8);
};

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

/// Fills in the state, with all counters 0 and in the mode `PA_RINGBUFFER_RUN`. Returns 0, or -1 if the
/// caller's state is smaller than this library's: then nothing is written.
///
/// # Safety
///
/// `state` is valid for writes of `state_size` bytes, and no stream uses it. The rings are null or
/// initialised, outlive the stream, and have no other reader (output) or writer (input).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pa_ringbuffer_callback_init(
    state: *mut CallbackState,
    state_size: usize,
    output_ring: *mut PaUtilRingBuffer,
    output_frame_size: usize,
    input_ring: *mut PaUtilRingBuffer,
    input_frame_size: usize,
    silence: c_uchar,
) -> c_int {
    if state_size < size_of::<CallbackState>() {
        return -1;
    }
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
    0
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
        START => Mode::Start,
        _ => return -1,
    };
    // SAFETY: initialised, says the caller; all that changes in it is atomic.
    unsafe { &*state }.set_mode(mode);
    0
}

/// Says what ends the stream from now on; returns 0, or -1 if there is no such policy.
///
/// # Safety
///
/// `state` is initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pa_ringbuffer_callback_set_policy(
    state: *mut CallbackState,
    flags: c_uint,
) -> c_int {
    if flags & !(policy::STOP_ON_UNDERFLOW | policy::STOP_ON_OVERFLOW) != 0 {
        return -1;
    }
    // SAFETY: initialised, says the caller; all that changes in it is atomic.
    unsafe { &*state }.set_policy(flags);
    0
}

/// Why the stream does not go on; 0 while it does.
///
/// # Safety
///
/// `state` is initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pa_ringbuffer_callback_end(state: *const CallbackState) -> c_uint {
    // SAFETY: initialised, says the caller; all that changes in it is atomic.
    unsafe { &*state }.end()
}

/// Forgets why the stream has ended.
///
/// # Safety
///
/// `state` is initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pa_ringbuffer_callback_restart(state: *mut CallbackState) {
    // SAFETY: initialised, says the caller; all that changes in it is atomic.
    unsafe { &*state }.restart();
}

/// A `PaStreamFinishedCallback`.
///
/// # Safety
///
/// As for [`pa_ringbuffer_callback::finished`]; PortAudio keeps these promises.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pa_ringbuffer_callback_finished(user_data: *mut c_void) {
    // SAFETY: the caller's promises are the same.
    unsafe { finished(user_data) }
}
