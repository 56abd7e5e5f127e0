//! Types that may travel through memory that other languages also write.

/// Plain data: a type for which every bit pattern is a valid value.
///
/// Numbers and arrays of numbers are plain; `bool`, `char`, references and types with padding are
/// not. A two-channel audio frame is `[f32; 2]`.
///
/// # Safety
///
/// Implement this only for types that are `#[repr(C)]` or `#[repr(transparent)]`, have only plain
/// fields and no padding: any bytes that the other side of a ring writes must be a valid value.
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

/// A type that is [`bytemuck::Pod`], as element of a ring: [`Plain`] without `unsafe`.
///
/// `Pod` guarantees everything that `Plain` requires. Each type has one of the two traits:
/// implement this one for types that are `Pod`, and `Plain` for others. For a `Pod` type of another
/// crate, define a `#[repr(transparent)]` struct around it.
///
/// # Examples
///
/// ```
/// use bytemuck::{Pod, Zeroable};
///
/// # /*
/// #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
/// # */
/// # #[derive(Clone, Copy, Debug, PartialEq)]
/// #[repr(C)]
/// struct NoteOn {
///     time: f64,
///     pitch: u32,
///     velocity: f32,
/// }
/// # // What bytemuck's feature `derive` makes.
/// # unsafe impl Zeroable for NoteOn {}
/// # unsafe impl Pod for NoteOn {}
///
/// impl pa_ringbuffer::PodElement for NoteOn {}
///
/// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::new(16)?.split();
/// let note = NoteOn { time: 0.5, pitch: 69, velocity: 1.0 };
/// producer.push(note).unwrap();
/// assert_eq!(consumer.pop(), Some(note));
/// # Ok::<(), pa_ringbuffer::RingError>(())
/// ```
#[cfg(feature = "bytemuck")]
#[cfg_attr(docsrs, doc(cfg(feature = "bytemuck")))]
pub trait PodElement: bytemuck::Pod + Send {}

// A blanket implementation for `Pod` itself would exclude `[T; N]` and hand-written implementations
// in programs in which another crate enables the feature.
// SAFETY: every bit pattern is a value of a `Pod` type, which has no padding and is `Copy`.
#[cfg(feature = "bytemuck")]
unsafe impl<T: PodElement> Plain for T {}

macro_rules! plain {
    ($($number:ty)*) => {$(
        // SAFETY: numbers have no padding and no invalid patterns.
        unsafe impl Plain for $number {}
    )*};
}

plain!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);

// SAFETY: arrays have no padding between their elements.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}
