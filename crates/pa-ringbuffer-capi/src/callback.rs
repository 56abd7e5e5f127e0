//! The compiled callback, documented in `include/pa_ringbuffer_callback.h`.

use core::ffi::{c_double, c_int, c_uchar, c_uint, c_ulong, c_void};
use core::mem::{offset_of, size_of};
use core::time::Duration;

use pa_ringbuffer::PaUtilRingBuffer;
use pa_ringbuffer_callback::{
    BlockTimes, CallbackState, Counters, FinishReason, Mode, OnOverflow, OnUnderflow, Side, Slept,
    TimeInfo, UnknownTime, callback, finished,
};

/// The header declares the state's fields: two pointers, two sizes, eight 32-bit integers, then the
/// counters after two more, and times. These assertions repeat that, and so do the tests in C.
const _: () = {
    const WORDS: usize = 8;
    const COUNTERS: usize = 4 * size_of::<usize>() + WORDS * size_of::<u32>();
    const FIRST: usize = 2 * size_of::<u32>();
    const FURTHER: usize = 16;
    const TIMES: usize = 109;
    const BEHIND: usize = Counters::COUNT + FURTHER + TIMES;
    assert!(Counters::TIME_WORDS == TIMES);
    assert!(size_of::<Counters>() == FIRST + BEHIND * size_of::<u64>());
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

/// `PA_RINGBUFFER_SILENCE`.
const SILENCE: c_int = OnUnderflow::Silence as c_int;
/// `PA_RINGBUFFER_DROP`.
const DROP: c_int = OnOverflow::Drop as c_int;
/// `PA_RINGBUFFER_STOP`, in both cases.
const STOP: c_int = OnUnderflow::Stop as c_int;

const _: () = assert!(SILENCE == 0 && DROP == 0 && STOP == 1 && OnOverflow::Stop as c_int == STOP);

/// A `PaStreamCallback` that plays from one ring and records into another.
///
/// # Safety
///
/// As for [`pa_ringbuffer_callback::callback`]; PortAudio keeps these promises.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback(
    input: *const c_void,
    output: *mut c_void,
    frame_count: c_ulong,
    time_info: *const TimeInfo,
    status_flags: c_ulong,
    user_data: *mut c_void,
) -> c_int {
    // SAFETY: the caller makes the same guarantees.
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

/// Initialises the state, with all counters 0 and in the mode `PA_RINGBUFFER_RUN`. Returns 0, or -1
/// without writing anything if the caller's state is smaller than this library's.
///
/// # Safety
///
/// `state` is valid for writes of `state_size` bytes, and no stream uses it. The rings are null or
/// initialised, outlive the stream, and have no other writer (input) or reader (output).
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_init(
    state: *mut CallbackState,
    state_size: usize,
    input_ring: *mut PaUtilRingBuffer,
    input_frame_size: usize,
    output_ring: *mut PaUtilRingBuffer,
    output_frame_size: usize,
    silence: c_uchar,
) -> c_int {
    if state_size < size_of::<CallbackState>() {
        return -1;
    }
    // SAFETY: the caller makes the same guarantees, and the state is valid for writes.
    unsafe {
        state.write(CallbackState::new(
            input_ring,
            input_frame_size,
            output_ring,
            output_frame_size,
            silence,
        ));
    }
    0
}

/// Sets the meaning of an empty output ring; returns 0, or -1 if there is no such mode.
///
/// # Safety
///
/// `state` is initialised.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
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
    // SAFETY: initialised, as the caller guarantees; everything that changes in it is atomic.
    unsafe { &*state }.set_mode(mode);
    0
}

/// Sets the reaction to an underflow; returns 0, or -1 if there is no such action.
///
/// # Safety
///
/// `state` is initialised.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_set_on_underflow(
    state: *mut CallbackState,
    action: c_int,
) -> c_int {
    let action = match action {
        SILENCE => OnUnderflow::Silence,
        STOP => OnUnderflow::Stop,
        _ => return -1,
    };
    // SAFETY: initialised, as the caller guarantees; everything that changes in it is atomic.
    unsafe { &*state }.set_on_underflow(action);
    0
}

/// Sets the reaction to an overflow; returns 0, or -1 if there is no such action.
///
/// # Safety
///
/// `state` is initialised.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_set_on_overflow(
    state: *mut CallbackState,
    action: c_int,
) -> c_int {
    let action = match action {
        DROP => OnOverflow::Drop,
        STOP => OnOverflow::Stop,
        _ => return -1,
    };
    // SAFETY: initialised, as the caller guarantees; everything that changes in it is atomic.
    unsafe { &*state }.set_on_overflow(action);
    0
}

/// Why the stream has finished: one of the header's `PA_RINGBUFFER_FINISH_…`; 0 before that.
///
/// # Safety
///
/// `state` is initialised.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_finish_reason(
    state: *const CallbackState,
) -> c_int {
    // SAFETY: initialised, as the caller guarantees; everything that changes in it is atomic.
    match unsafe { &*state }.finish_reason() {
        None => 0,
        Some(FinishReason::Completed) => 1,
        Some(FinishReason::Underflow) => 2,
        Some(FinishReason::Overflow) => 3,
        Some(FinishReason::Stopped) => 4,
    }
}

/// Whether PortAudio has stopped calling the callback: 1 or 0.
///
/// # Safety
///
/// `state` is initialised.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_is_finished(state: *const CallbackState) -> c_int {
    // SAFETY: initialised, as the caller guarantees; everything that changes in it is atomic.
    c_int::from(unsafe { &*state }.is_finished())
}

/// Forgets why the stream has finished.
///
/// # Safety
///
/// `state` is initialised.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_restart(state: *mut CallbackState) {
    // SAFETY: initialised, as the caller guarantees; everything that changes in it is atomic.
    unsafe { &*state }.restart();
}

/// Sets whether the callback wakes sleeping threads; returns 0, or -1 if that is not supported.
///
/// # Safety
///
/// `state` is initialised.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_set_wake(
    state: *mut CallbackState,
    on: c_int,
) -> c_int {
    // SAFETY: initialised, as the caller guarantees; everything that changes in it is atomic.
    if unsafe { &*state }.set_wake(on != 0) {
        0
    } else {
        -1
    }
}

/// Sleeps until the input ring has `frames` frames, or the timeout expires; returns one of the
/// header's `PA_RINGBUFFER_SLEPT_…`.
///
/// # Safety
///
/// `state` is initialised, and its rings are null or initialised.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_sleep_for_data(
    state: *mut CallbackState,
    frames: usize,
    milliseconds: c_uint,
) -> c_int {
    // SAFETY: the caller makes the same guarantees.
    unsafe { sleep(state, Side::Consumer, frames, milliseconds) }
}

/// Sleeps until the output ring has room for `frames` frames, or the timeout expires; returns one
/// of the header's `PA_RINGBUFFER_SLEPT_…`.
///
/// # Safety
///
/// `state` is initialised, and its rings are null or initialised.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_sleep_for_room(
    state: *mut CallbackState,
    frames: usize,
    milliseconds: c_uint,
) -> c_int {
    // SAFETY: the caller makes the same guarantees.
    unsafe { sleep(state, Side::Producer, frames, milliseconds) }
}

/// # Safety
///
/// `state` is initialised, and its rings are null or initialised.
unsafe fn sleep(
    state: *mut CallbackState,
    side: Side,
    frames: usize,
    milliseconds: c_uint,
) -> c_int {
    let timeout = Duration::from_millis(u64::from(milliseconds));
    // SAFETY: initialised, as the caller guarantees; everything that changes in it is atomic.
    match unsafe { (*state).sleep(side, frames, timeout) } {
        Slept::Ready => 0,
        Slept::Finished => 1,
        Slept::Early => 2,
        Slept::Off => 3,
    }
}

/// The header declares six fields of eight bytes.
const _: () = {
    assert!(size_of::<BlockTimes>() == 48);
    assert!(offset_of!(BlockTimes, output_dac_time) == 32);
};

/// Position of the latest block in the stream's frames and in time. Returns 0, or -1 without
/// writing anything before the first block.
///
/// # Safety
///
/// `state` is initialised, and `times` is valid for writes.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_times(
    state: *const CallbackState,
    times: *mut BlockTimes,
) -> c_int {
    // SAFETY: initialised, as the caller guarantees; everything that changes in it is atomic.
    let Some(latest) = (unsafe { &*state }).block_times() else {
        return -1;
    };
    // SAFETY: the caller's guarantee.
    unsafe { times.write(latest) };
    0
}

/// Time at which a frame of the input ring was recorded; returns one of the header's
/// `PA_RINGBUFFER_TIME_…`.
///
/// # Safety
///
/// `state` is initialised, and `time` is valid for writes.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_input_time(
    state: *const CallbackState,
    frame: u64,
    sample_rate: c_double,
    time: *mut c_double,
) -> c_int {
    // SAFETY: the caller makes the same guarantees.
    unsafe { time_of(state, Side::Consumer, frame, sample_rate, time) }
}

/// Time at which a frame of the output ring is heard; returns one of the header's
/// `PA_RINGBUFFER_TIME_…`.
///
/// # Safety
///
/// `state` is initialised, and `time` is valid for writes.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_output_time(
    state: *const CallbackState,
    frame: u64,
    sample_rate: c_double,
    time: *mut c_double,
) -> c_int {
    // SAFETY: the caller makes the same guarantees.
    unsafe { time_of(state, Side::Producer, frame, sample_rate, time) }
}

/// # Safety
///
/// `state` is initialised, and `time` is valid for writes.
unsafe fn time_of(
    state: *const CallbackState,
    side: Side,
    frame: u64,
    sample_rate: c_double,
    time: *mut c_double,
) -> c_int {
    // SAFETY: initialised, as the caller guarantees; everything that changes in it is atomic.
    match unsafe { &*state }.time_of(side, frame, sample_rate) {
        Ok(value) => {
            // SAFETY: the caller's guarantee.
            unsafe { time.write(value) };
            0
        }
        Err(UnknownTime::NoRing) => 1,
        Err(UnknownTime::NotYet) => 2,
        Err(UnknownTime::Finished) => 3,
        Err(UnknownTime::Forgotten) => 4,
        Err(_) => 5,
    }
}

/// The number of the next frame to be read from the input ring; 0 without that ring.
///
/// # Safety
///
/// `state` is initialised, and its rings are null or initialised.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_read_position(state: *const CallbackState) -> u64 {
    // SAFETY: the caller's guarantees; everything that changes in it is atomic.
    unsafe { (*state).position(Side::Consumer) }.unwrap_or(0)
}

/// The number of the next frame to be written to the output ring; 0 without that ring.
///
/// # Safety
///
/// `state` is initialised, and its rings are null or initialised.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_write_position(state: *const CallbackState) -> u64 {
    // SAFETY: the caller's guarantees; everything that changes in it is atomic.
    unsafe { (*state).position(Side::Producer) }.unwrap_or(0)
}

/// A `PaStreamFinishedCallback`.
///
/// # Safety
///
/// As for [`pa_ringbuffer_callback::finished`]; PortAudio keeps these promises.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub unsafe extern "C" fn pa_ringbuffer_callback_finished(user_data: *mut c_void) {
    // SAFETY: the caller makes the same guarantees.
    unsafe { finished(user_data) }
}
