//! PortAudio's ring buffer as a C library.
//!
//! This crate contains only the C interface: [`ring`] has the ten functions of PortAudio's
//! `pa_ringbuffer.h`, and [`callback`] has the compiled PortAudio callback for such rings. The
//! headers in `include/` document them for C programmers. The implementation is in the crates
//! `pa-ringbuffer` and `pa-ringbuffer-callback`.
//!
//! # Safety
//!
//! These rules apply to all functions:
//!
//! - Pointers to structs are aligned and valid; a ring was initialised, or consists of zeros.
//! - The ring's `buffer` has `bufferSize` elements of `elementSizeBytes` bytes, which only the ring
//!   uses.
//! - Pointers to data are valid for the requested number of elements.
//! - At most one thread at a time is on each side of a ring.
//!
//! Nothing else is required: counts may be negative or too large, and the ring's indices may have
//! been overwritten. The functions still stay inside the storage.
//!
//! # Names
//!
//! Here, all functions have their C names. The Python extension compiles the same modules with
//! `--cfg pa_ringbuffer_unexported`: it passes the functions on as addresses and exports no names
//! that could clash with those of another library.

#![no_std]

#[cfg(target_has_atomic = "32")]
pub mod callback;
pub mod ring;
pub mod version;

/// Never called: nothing here can panic. The compiler recognises that and omits this function from
/// the library; the tests check that it did.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
