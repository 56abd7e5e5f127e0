//! Instructions for a virtual device in offline use.

use core::ffi::c_ulong;
use std::vec::Vec;

/// The calls that [`VirtualDevice::process`](crate::VirtualDevice::process) makes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Script<'a> {
    /// Frames in all calls. The last block is shortened to fit.
    pub frames: u64,
    /// Interleaved input frames, at least as many as `frames`. Unused input is discarded. `None`
    /// for loopback, if the device has it, or zeros.
    pub input: Option<&'a [u8]>,
    /// Frames per call, repeated from the start after the last entry. Empty for the device's own
    /// block size.
    pub block_sizes: &'a [usize],
    /// Underflows and overflows: the number of the call, from 0, and its [`flags`](crate::flags).
    /// Entries for calls that do not take place have no effect.
    pub xruns: &'a [(u64, c_ulong)],
}

impl Script<'_> {
    /// The largest block, if the script determines it.
    pub(crate) fn largest_block(&self) -> usize {
        let largest = self.block_sizes.iter().copied().max().unwrap_or(0);
        largest.min(usize::try_from(self.frames).unwrap_or(usize::MAX))
    }
}

/// Source of a call's input and destination of its output, besides loopback.
#[derive(Default)]
pub(crate) struct Tape<'a> {
    /// Given input that has not been consumed yet.
    pub(crate) input: Option<&'a [u8]>,
    /// All output so far, if it is needed.
    pub(crate) output: Option<Vec<u8>>,
}
