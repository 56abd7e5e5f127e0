//! Sleeping on a word of memory until another thread wakes the sleeper, through the operating
//! system.
//!
//! `wait` sleeps only if the word still has the expected value: the system compares it and falls
//! asleep atomically. It may return early. `wake` never blocks, and does nothing if no thread is
//! sleeping. Both work only within one process: a forked child neither wakes its parent's threads
//! nor is woken by them.

#[cfg(pa_ringbuffer_loom)]
pub(crate) use checker::{futex_is_there as is_there, futex_wait as wait, futex_wake as wake};
#[cfg(not(pa_ringbuffer_loom))]
pub(crate) use system::{is_there, wait, wake};

#[cfg(all(
    not(pa_ringbuffer_loom),
    any(target_os = "linux", target_os = "android")
))]
#[path = "futex/linux.rs"]
mod system;

#[cfg(all(not(pa_ringbuffer_loom), target_vendor = "apple"))]
#[path = "futex/apple.rs"]
mod system;

#[cfg(all(not(pa_ringbuffer_loom), windows))]
#[path = "futex/windows.rs"]
mod system;

#[cfg(not(any(
    pa_ringbuffer_loom,
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    windows
)))]
#[path = "futex/none.rs"]
mod system;
