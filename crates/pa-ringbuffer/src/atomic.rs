//! The only file that names the atomics, so that a model checker can replace them: only
//! `verification/loom` compiles these sources with `pa_ringbuffer_loom`.

#[cfg(pa_ringbuffer_loom)]
use checker as implementation;
#[cfg(not(pa_ringbuffer_loom))]
use core::sync::atomic as implementation;

pub(crate) use implementation::{AtomicPtr, Ordering};

#[cfg(any(target_vendor = "apple", windows, target_pointer_width = "32"))]
pub(crate) use implementation::AtomicI32 as AtomicSize;
#[cfg(not(any(target_vendor = "apple", windows, target_pointer_width = "32")))]
pub(crate) use implementation::AtomicI64 as AtomicSize;
