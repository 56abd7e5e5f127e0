//! Which Rust types may travel through memory that other languages write, too.

/// Plain data: a type for which every pattern of bytes is a value.
///
/// Numbers and arrays of numbers are; `bool`, `char`, references and types with padding are not.
/// An audio frame of two channels is `[f32; 2]`.
///
/// # Safety
///
/// Implement it only for types that are `#[repr(C)]` or `#[repr(transparent)]`, whose fields are
/// all plain, and that have no padding: whatever bytes the other side of a ring puts there must be
/// a valid value.
///
/// # Examples
///
/// ```
/// #[derive(Clone, Copy, Debug)]
/// #[repr(C)]
/// struct NoteOn {
///     time: f64,
///     pitch: u32,
///     velocity: f32,
/// }
///
/// // SAFETY: repr(C), only numbers, 8 + 4 + 4 bytes without padding.
/// unsafe impl pa_ringbuffer::Plain for NoteOn {}
///
/// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::new(16)?.split();
/// producer.push(NoteOn { time: 0.5, pitch: 69, velocity: 1.0 }).unwrap();
/// assert_eq!(consumer.pop().unwrap().pitch, 69);
/// # Ok::<(), pa_ringbuffer::RingError>(())
/// ```
pub unsafe trait Plain: Copy + Send + 'static {}

macro_rules! plain {
    ($($number:ty)*) => {$(
        // SAFETY: numbers have no padding and no invalid patterns.
        unsafe impl Plain for $number {}
    )*};
}

plain!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);

// SAFETY: arrays have no padding between their elements.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}
