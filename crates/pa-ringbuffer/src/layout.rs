//! The C struct `PaUtilRingBuffer`, bit for bit.

use core::ffi::c_char;
use core::fmt;
use core::mem::{align_of, offset_of, size_of};

use crate::atomic::{AtomicPtr, AtomicSize, Ordering};

/// The integer type of PortAudio's `pa_ringbuffer.h`: 32 bits on Apple systems, C's `long` elsewhere
/// (which has 32 bits on Windows).
#[cfg(target_vendor = "apple")]
#[allow(non_camel_case_types, reason = "it is the type's name in C")]
pub type ring_buffer_size_t = i32;

/// The integer type of PortAudio's `pa_ringbuffer.h`: 32 bits on Apple systems, C's `long` elsewhere
/// (which has 32 bits on Windows).
#[cfg(not(target_vendor = "apple"))]
#[allow(non_camel_case_types, reason = "it is the type's name in C")]
pub type ring_buffer_size_t = core::ffi::c_long;

/// PortAudio's ring buffer, as C programs see it.
///
/// The struct does not contain the elements: `buffer` points to them. Both sides of the ring use
/// the same struct, each from one thread at a time, and each side may be driven by a different
/// implementation: this crate, PortAudio's C, or the Python class.
///
/// All fields are atomics, because code unknown to this crate may write them at any time. For the
/// same reason, every method takes `&self`.
#[repr(C)]
pub struct PaUtilRingBuffer {
    /// `bufferSize`: number of elements.
    pub(crate) buffer_size: AtomicSize,
    /// `writeIndex`: where the producer writes next, modulo twice the number of elements.
    pub(crate) write_index: AtomicSize,
    /// `readIndex`: where the consumer reads next, modulo twice the number of elements.
    pub(crate) read_index: AtomicSize,
    /// `bigMask`: twice the number of elements, minus one; wraps the indices.
    pub(crate) big_mask: AtomicSize,
    /// `smallMask`: number of elements minus one; turns an index into a position.
    pub(crate) small_mask: AtomicSize,
    /// `elementSizeBytes`: bytes per element.
    pub(crate) element_size: AtomicSize,
    /// `buffer`: address of the elements.
    pub(crate) buffer: AtomicPtr<c_char>,
}

const _: () = {
    const WORD: usize = size_of::<ring_buffer_size_t>();
    // Six integers, then a pointer, which may need padding before it.
    const BUFFER: usize = (6 * WORD).next_multiple_of(align_of::<*mut c_char>());
    assert!(size_of::<AtomicSize>() == WORD);
    assert!(align_of::<AtomicSize>() == align_of::<ring_buffer_size_t>());
    assert!(offset_of!(PaUtilRingBuffer, buffer_size) == 0);
    assert!(offset_of!(PaUtilRingBuffer, write_index) == WORD);
    assert!(offset_of!(PaUtilRingBuffer, read_index) == 2 * WORD);
    assert!(offset_of!(PaUtilRingBuffer, big_mask) == 3 * WORD);
    assert!(offset_of!(PaUtilRingBuffer, small_mask) == 4 * WORD);
    assert!(offset_of!(PaUtilRingBuffer, element_size) == 5 * WORD);
    assert!(offset_of!(PaUtilRingBuffer, buffer) == BUFFER);
    assert!(size_of::<PaUtilRingBuffer>() == BUFFER + size_of::<*mut c_char>());
    assert!(align_of::<PaUtilRingBuffer>() == align_of::<*mut c_char>());
};

/// One field of the struct, as a C compiler lays it out: for checks of other declarations of the
/// struct.
#[cfg(pa_ringbuffer_loom)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The field's name in C.
    pub name: &'static str,
    /// Its offset from the start of the struct, in bytes.
    pub offset: usize,
    /// Its size in bytes.
    pub size: usize,
}

impl PaUtilRingBuffer {
    /// The seven fields, in order.
    #[cfg(pa_ringbuffer_loom)]
    pub const FIELDS: [Field; 7] = {
        const fn integer(name: &'static str, offset: usize) -> Field {
            Field {
                name,
                offset,
                size: size_of::<ring_buffer_size_t>(),
            }
        }
        [
            integer("bufferSize", offset_of!(PaUtilRingBuffer, buffer_size)),
            integer("writeIndex", offset_of!(PaUtilRingBuffer, write_index)),
            integer("readIndex", offset_of!(PaUtilRingBuffer, read_index)),
            integer("bigMask", offset_of!(PaUtilRingBuffer, big_mask)),
            integer("smallMask", offset_of!(PaUtilRingBuffer, small_mask)),
            integer(
                "elementSizeBytes",
                offset_of!(PaUtilRingBuffer, element_size),
            ),
            Field {
                name: "buffer",
                offset: offset_of!(PaUtilRingBuffer, buffer),
                size: size_of::<*mut c_char>(),
            },
        ]
    };

    /// A struct of zeros: a ring without elements, until [`initialize`](Self::initialize).
    pub const fn zeroed() -> Self {
        Self {
            buffer_size: AtomicSize::new(0),
            write_index: AtomicSize::new(0),
            read_index: AtomicSize::new(0),
            big_mask: AtomicSize::new(0),
            small_mask: AtomicSize::new(0),
            element_size: AtomicSize::new(0),
            buffer: AtomicPtr::new(core::ptr::null_mut()),
        }
    }
}

impl fmt::Debug for PaUtilRingBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaUtilRingBuffer")
            .field("buffer_size", &self.buffer_size.load(Ordering::Relaxed))
            .field("write_index", &self.write_index.load(Ordering::Relaxed))
            .field("read_index", &self.read_index.load(Ordering::Relaxed))
            .field("big_mask", &self.big_mask.load(Ordering::Relaxed))
            .field("small_mask", &self.small_mask.load(Ordering::Relaxed))
            .field("element_size", &self.element_size.load(Ordering::Relaxed))
            .field("buffer", &self.buffer.load(Ordering::Relaxed))
            .finish()
    }
}
