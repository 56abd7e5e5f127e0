//! All that can drive one side of a ring, behind one interface: PortAudio's C, our C library, the
//! methods of the struct, and the handles with and without prefetching. Elements are bytes here.

#[cfg(all(feature = "c", feature = "as-on-apple"))]
compile_error!("C libraries have the sizes of this system; use --no-default-features");

#[cfg(feature = "as-on-apple")]
extern crate as_on_apple as pa_ringbuffer;

#[cfg(feature = "c")]
mod c;
mod fields;
mod handles;
mod kind;
mod methods;
mod side;

pub use fields::Fields;
pub use kind::{KINDS, Kind};
pub use pa_ringbuffer::{PaUtilRingBuffer, Placement, RingMemory, ring_buffer_size_t};
pub use side::{Granted, Reader, Writer};
