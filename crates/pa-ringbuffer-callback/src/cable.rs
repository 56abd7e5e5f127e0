//! The way from a virtual device's output back to its input.

use std::vec::Vec;

use pa_ringbuffer::{RingError, RingMemory, ring_buffer_size_t};

/// For how many blocks a cable has room: those on their way, and those that underflows add.
const ROOM: usize = 8;

/// `frames` frames of zeros.
pub(crate) fn silence(frame_size: usize, frames: usize) -> Result<Vec<u8>, RingError> {
    let bytes = frame_size
        .checked_mul(frames)
        .ok_or(RingError::OutOfMemory { bytes: usize::MAX })?;
    let mut block = Vec::new();
    block
        .try_reserve_exact(bytes)
        .map_err(|_| RingError::OutOfMemory { bytes })?;
    block.resize(bytes, 0);
    Ok(block)
}

/// A delay line.
pub(crate) struct Cable {
    ring: RingMemory,
    frame_size: usize,
    /// The largest block for which the cable is long enough: so many frames are in it before a
    /// call if nothing was lost or added.
    delay: usize,
}

impl Cable {
    /// A cable with `delay` frames of silence in it.
    pub(crate) fn new(frame_size: usize, delay: usize) -> Result<Self, RingError> {
        let room = delay
            .checked_mul(ROOM)
            .and_then(usize::checked_next_power_of_two)
            .ok_or(RingError::OutOfMemory { bytes: usize::MAX })?;
        let mut cable = Self {
            ring: RingMemory::new(frame_size, room)?,
            frame_size,
            delay,
        };
        cable.put(&silence(frame_size, delay)?);
        Ok(cable)
    }

    /// How many frames later a frame comes back, if nothing was lost or added.
    pub(crate) fn delay(&self) -> usize {
        self.delay
    }

    /// Makes the cable long enough for blocks of `delay` frames: what is in it gets silence behind
    /// it. Allocates.
    pub(crate) fn lengthen(&mut self, delay: usize) -> Result<(), RingError> {
        if delay <= self.delay {
            return Ok(());
        }
        let mut longer = Self::new(self.frame_size, delay)?;
        let mut held = silence(self.frame_size, self.ring.read_available())?;
        let gap = silence(self.frame_size, delay - self.delay)?;
        longer.lose(delay);
        self.take(&mut held);
        longer.put(&held);
        longer.put(&gap);
        *self = longer;
        Ok(())
    }

    /// Puts whole frames in; what there is no room for gets lost. Real-time safe.
    pub(crate) fn put(&mut self, block: &[u8]) {
        let frames = block.len() / self.frame_size;
        // SAFETY: the block holds that many frames, and nobody else has this ring.
        unsafe {
            self.ring
                .write(&self.ring.geometry(), block.as_ptr().cast(), frames)
        };
    }

    /// Fills the beginning of the block with what there is, and returns with how many bytes.
    /// Real-time safe.
    pub(crate) fn take(&mut self, block: &mut [u8]) -> usize {
        let frames = block.len() / self.frame_size;
        // SAFETY: the block has room for that many frames, and nobody else has this ring.
        let taken = unsafe {
            self.ring
                .read(&self.ring.geometry(), block.as_mut_ptr().cast(), frames)
        };
        taken * self.frame_size
    }

    /// Takes frames out, for nobody. Real-time safe.
    pub(crate) fn lose(&mut self, frames: usize) {
        let lost = frames.min(self.ring.read_available());
        self.ring
            .advance_read_index(&self.ring.geometry(), lost as ring_buffer_size_t);
    }
}
