//! The one place that names the atomics of the callback, so that a model checker can put its own in
//! their place: `verification/loom` compiles these sources with `pa_ringbuffer_loom`.

#[cfg(pa_ringbuffer_loom)]
use checker as implementation;
#[cfg(not(pa_ringbuffer_loom))]
use core::sync::atomic as implementation;

pub(crate) use implementation::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

#[cfg(pa_ringbuffer_loom)]
pub(crate) use checker::spin_loop;
#[cfg(not(pa_ringbuffer_loom))]
pub(crate) use core::hint::spin_loop;
