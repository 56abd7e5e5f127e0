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

/// `PaStreamFinishedCallback`: called when a stream has become inactive. Its argument is the
/// pointer given when the stream was opened.
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

/// `PaStreamCallbackFlags`: conditions that PortAudio has detected before a call.
pub mod flags {
    use core::ffi::c_ulong;

    /// PortAudio inserted input, because none was available.
    pub const INPUT_UNDERFLOW: c_ulong = 0x01;
    /// PortAudio dropped input before this block.
    pub const INPUT_OVERFLOW: c_ulong = 0x02;
    /// The output ran out, and PortAudio inserted other data.
    pub const OUTPUT_UNDERFLOW: c_ulong = 0x04;
    /// PortAudio will drop output.
    pub const OUTPUT_OVERFLOW: c_ulong = 0x08;
    /// This call's output only fills buffers before the stream starts.
    pub const PRIMING_OUTPUT: c_ulong = 0x10;
}

/// `PaStreamCallbackResult`: what a callback returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum CallbackResult {
    /// Continue.
    Continue = 0,
    /// Play all output up to this block, then stop.
    Complete = 1,
    /// Stop as soon as possible.
    Abort = 2,
}
