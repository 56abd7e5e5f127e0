//! The version, documented in `include/pa_ringbuffer.h`.

use core::ffi::c_uint;

/// A part of the package's version.
const fn part(text: &str) -> c_uint {
    let mut value = 0;
    let mut position = 0;
    while position < text.len() {
        value = value * 10 + (text.as_bytes()[position] - b'0') as c_uint;
        position += 1;
    }
    value
}

/// Major, minor and patch, each in 8 bits.
pub const VERSION: c_uint = part(env!("CARGO_PKG_VERSION_MAJOR")) << 16
    | part(env!("CARGO_PKG_VERSION_MINOR")) << 8
    | part(env!("CARGO_PKG_VERSION_PATCH"));

/// The version of this library.
#[cfg_attr(not(pa_ringbuffer_unexported), unsafe(no_mangle))]
pub extern "C" fn pa_ringbuffer_version() -> c_uint {
    VERSION
}
