//! The one place that names the atomics, so that a model checker can put its own in their place.

pub(crate) use core::sync::atomic::{AtomicPtr, Ordering};

#[cfg(any(target_vendor = "apple", windows, target_pointer_width = "32"))]
pub(crate) use core::sync::atomic::AtomicI32 as AtomicSize;
#[cfg(not(any(target_vendor = "apple", windows, target_pointer_width = "32")))]
pub(crate) use core::sync::atomic::AtomicI64 as AtomicSize;
