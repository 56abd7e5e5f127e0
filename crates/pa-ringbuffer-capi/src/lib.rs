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
//!
//! # Names
//!
//! Here, all functions have their C names. The Python extension compiles the same modules with
//! `--cfg pa_ringbuffer_unexported`: it passes the functions on as addresses, and exports no names
//! that could meet those of another library.

#![no_std]

#[cfg(target_has_atomic = "32")]
pub mod callback;
pub mod ring;
pub mod version;

/// Never called: nothing here can panic. The compiler sees that and leaves this function out of the
/// library; the tests look whether it did.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
