//! PortAudio's callback interface, as `portaudio.h` declares it.

use core::ffi::{c_int, c_ulong, c_void};

/// `PaStreamCallback`.
///
/// Arguments: input frames (interleaved, or null), room for output frames (interleaved, or null),
/// number of frames, times, [`flags`], the pointer given when the stream was opened.
pub type CallbackFunction = unsafe extern "C" fn(
    input: *const c_void,
    output: *mut c_void,
    frame_count: c_ulong,
    time_info: *const TimeInfo,
    status_flags: c_ulong,
    user_data: *mut c_void,
) -> c_int;

/// `PaStreamFinishedCallback`: told that a stream has become inactive. Its argument is the pointer
/// given when the stream was opened.
pub type FinishedCallback = unsafe extern "C" fn(user_data: *mut c_void);

/// `PaStreamCallbackTimeInfo`: times in seconds of the stream's clock.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimeInfo {
    /// When the first sample of the input was captured.
    pub input_buffer_adc_time: f64,
    /// When the callback was called.
    pub current_time: f64,
    /// When the first sample of the output will be heard.
    pub output_buffer_dac_time: f64,
}

/// `PaStreamCallbackFlags`: what PortAudio noticed before a call.
pub mod flags {
    use core::ffi::c_ulong;

    /// Input was made up, because there was none.
    pub const INPUT_UNDERFLOW: c_ulong = 0x01;
    /// Input was thrown away before this block.
    pub const INPUT_OVERFLOW: c_ulong = 0x02;
    /// Output ran out, and something else was played.
    pub const OUTPUT_UNDERFLOW: c_ulong = 0x04;
    /// Output will be thrown away.
    pub const OUTPUT_OVERFLOW: c_ulong = 0x08;
    /// The output of this call only fills the buffers before the stream starts.
    pub const PRIMING_OUTPUT: c_ulong = 0x10;
}

/// `PaStreamCallbackResult`: what a callback returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum CallbackResult {
    /// Go on.
    Continue = 0,
    /// Play what was returned so far, then stop.
    Complete = 1,
    /// Stop as soon as possible.
    Abort = 2,
}
