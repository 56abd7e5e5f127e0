//! The only file that names the callback's atomics, so that a model checker can replace them:
//! `verification/loom` compiles these sources with `pa_ringbuffer_loom`.

#[cfg(pa_ringbuffer_loom)]
use checker as implementation;
#[cfg(not(pa_ringbuffer_loom))]
use core::sync::atomic as implementation;

pub(crate) use implementation::{AtomicPtr, AtomicU32, AtomicUsize, Ordering, fence};

#[cfg(not(any(target_has_atomic = "64", pa_ringbuffer_loom)))]
pub(crate) use crate::halves::AtomicU64;
#[cfg(any(target_has_atomic = "64", pa_ringbuffer_loom))]
pub(crate) use implementation::AtomicU64;

#[cfg(pa_ringbuffer_loom)]
pub(crate) use checker::spin_loop;
#[cfg(not(pa_ringbuffer_loom))]
pub(crate) use core::hint::spin_loop;
