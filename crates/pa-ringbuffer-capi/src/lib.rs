//! PortAudio's ring buffer as a C library.
//!
//! This crate is only the C face of the ring: [`ring`] has the ten functions of PortAudio's
//! `pa_ringbuffer.h`, [`callback`] the compiled PortAudio callback that works on such rings. The
//! headers in `include/` document them for C programmers. What they do is in the crates
//! `pa-ringbuffer` and `pa-ringbuffer-callback`.
//!
//! # Safety
//!
//! Said once, for all functions:
//!
//! - Pointers to structs are aligned and valid; a ring was initialised, or consists of zeros.
//! - The ring's `buffer` has `bufferSize` elements of `elementSizeBytes` bytes, which only the ring
//!   uses.
//! - Pointers to data are valid for as many elements as are asked for.
//! - At most one thread at a time is on each side of a ring.
//!
//! Everything else may be as it likes: counts may be negative or too large, and the ring's indices
//! may have been overwritten. The functions still stay inside the storage.

#![no_std]

use core::ffi::c_uint;

#[cfg(target_has_atomic = "32")]
pub mod callback;
pub mod ring;

/// Never called: nothing here can panic. The compiler sees that and leaves this function out of the
/// library; the tests look whether it did.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

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

/// The version of this library: major, minor and patch, each in 8 bits.
#[unsafe(no_mangle)]
pub extern "C" fn pa_ringbuffer_version() -> c_uint {
    const VERSION: c_uint = part(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | part(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | part(env!("CARGO_PKG_VERSION_PATCH"));
    VERSION
}
