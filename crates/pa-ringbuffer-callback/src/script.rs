//! What a virtual device is to do offline.

use core::ffi::c_ulong;
use std::vec::Vec;

/// The calls that [`VirtualDevice::process`](crate::VirtualDevice::process) makes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Script<'a> {
    /// Frames in all calls. The last block is cut to fit.
    pub frames: u64,
    /// Interleaved input frames, at least as many as `frames`. What the calls leave over is not
    /// kept. `None` for loopback, if the device has it, or zeros.
    pub input: Option<&'a [u8]>,
    /// Frames per call, from the beginning again after the last one. Empty for the device's own
    /// block size.
    pub block_sizes: &'a [usize],
    /// Underflows and overflows: the number of the call, from 0, and its
    /// [`flags`](crate::flags). Calls that do not happen have none.
    pub xruns: &'a [(u64, c_ulong)],
}

impl Script<'_> {
    /// The largest block there will be, if the script says so.
    pub(crate) fn largest_block(&self) -> usize {
        let largest = self.block_sizes.iter().copied().max().unwrap_or(0);
        largest.min(usize::try_from(self.frames).unwrap_or(usize::MAX))
    }
}

/// Where a call's input comes from and its output goes to, other than loopback.
#[derive(Default)]
pub(crate) struct Tape<'a> {
    /// Given input that has not been consumed yet.
    pub(crate) input: Option<&'a [u8]>,
    /// All output so far, if anybody wants it.
    pub(crate) output: Option<Vec<u8>>,
}
