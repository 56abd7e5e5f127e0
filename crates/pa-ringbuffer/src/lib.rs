//! PortAudio's lock-free ring buffer: one producer, one consumer, no waiting.
//!
//! A sound card calls a function every few milliseconds, and a late return is audible. This ring
//! carries samples (or messages, or any other plain data) between that function and the rest of the
//! program without locks, allocations or system calls. Its memory layout is that of PortAudio's
//! `pa_ringbuffer.h`, so C or Python can drive either side.
//!
//! ```
//! use pa_ringbuffer::RingBuffer;
//!
//! let (mut producer, mut consumer) = RingBuffer::<f32>::new(4096)?.split();
//! producer.write(&[0.1, 0.2, 0.3]);         // in the main thread
//! let mut block = [0.0; 256];
//! let samples = consumer.read(&mut block);  // in the audio callback
//! block[samples..].fill(0.0);
//! assert_eq!(samples, 3);
//! # Ok::<(), pa_ringbuffer::RingError>(())
//! ```
//!
//! # Where to look
//!
//! | | |
//! | --- | --- |
//! | [`RingBuffer`], [`Producer`], [`Consumer`] | a ring for a Rust type and its two handles |
//! | [`Producer::from_raw`], [`Consumer::from_raw`] | one side of a ring that C or Python owns |
//! | [`Plain`] | which types can be elements |
//! | [`RingMemory`] | a ring whose element size is known only at run time |
//! | [`Placement`] | position of a ring's struct relative to cache lines |
//! | [`PaUtilRingBuffer`], [`Geometry`], [`Regions`], [`Side`] | the C struct and the operations on it |
//!
//! # Promises
//!
//! - Functions documented as "Real-time safe." do not allocate, lock, make system calls or panic.
//! - Indices written by the other side are not trusted: wrong values give wrong elements, never an
//!   access outside the storage.
//! - All elements of the ring are usable; a full ring loses none.
//!
//! # Features
//!
//! | | default | |
//! | --- | --- | --- |
//! | `alloc` | on | The types that own memory, [`RingBuffer`] and [`RingMemory`]. Without it the crate needs neither an allocator nor an operating system. |
//! | `std` | off | `std::io::Write` for `Producer<u8>` and `std::io::Read` for `Consumer<u8>`. They never wait: the error `WouldBlock` means that the ring is full or empty. |
//! | `bytemuck` | off | `PodElement`: types that are `bytemuck::Pod` become elements without `unsafe`. |
//!
//! # Coming from rtrb
//!
//! The differences follow from PortAudio's struct, which both sides share:
//!
//! - Elements are [`Plain`] data, because C may write them. They are copied and never dropped; a
//!   ring cannot carry a `String` or a `Box`.
//! - The number of elements is a power of two.
//! - [`Producer::is_abandoned`] and [`Consumer::is_abandoned`] work for handles from
//!   [`RingBuffer::split`]. They cannot detect the end of C code, or of a handle made from a
//!   pointer, because the struct has no field for it.
//! - A chunk has as many elements as are available, up to the number requested; fewer are not an
//!   error. [`WriteChunk`] contains old elements, which are valid values, so there is no
//!   uninitialised variant.
//! - [`WriteChunk::fill_from_iter`] and the iterator of a [`ReadChunk`] commit the elements that
//!   they have written or read.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod atomic;
mod consumer;
mod copy;
mod elements;
mod error;
mod geometry;
mod handle;
#[cfg(feature = "std")]
mod io;
mod layout;
#[cfg(feature = "alloc")]
mod memory;
mod owner;
mod plain;
mod prefetch;
mod producer;
mod raw;
#[cfg(feature = "alloc")]
mod ring;
mod side;

pub use consumer::{Consumer, ReadChunk, ReadChunkIter};
pub use error::{Expected, InvalidField, RingError};
pub use geometry::Geometry;
#[cfg(pa_ringbuffer_loom)]
pub use layout::Field;
pub use layout::{PaUtilRingBuffer, ring_buffer_size_t};
#[cfg(feature = "alloc")]
pub use memory::{Placement, RingMemory};
pub use plain::Plain;
#[cfg(feature = "bytemuck")]
pub use plain::PodElement;
pub use producer::{Producer, TooFew, WriteChunk};
pub use raw::Regions;
#[cfg(feature = "alloc")]
pub use ring::RingBuffer;
pub use side::Side;

#[cfg(all(doctest, feature = "alloc"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
