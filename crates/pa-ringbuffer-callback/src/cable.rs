//! The path from a virtual device's output back to its input.

use std::vec::Vec;

use pa_ringbuffer::{RingError, RingMemory, ring_buffer_size_t};

/// Capacity of a cable in blocks: those in transit, and those that underflows add.
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
    /// The largest block for which the cable is long enough: the number of frames in it before a
    /// call if nothing was lost or added.
    delay: usize,
}

impl Cable {
    /// A cable that contains `delay` frames of silence.
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

    /// Delay of a frame, if nothing was lost or added.
    pub(crate) fn delay(&self) -> usize {
        self.delay
    }

    /// Extends the cable for blocks of `delay` frames by adding silence behind its contents.
    /// Allocates.
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

    /// Puts whole frames in; frames that do not fit are lost. Real-time safe.
    pub(crate) fn put(&mut self, block: &[u8]) {
        let frames = block.len() / self.frame_size;
        // SAFETY: the block holds that many frames, and no other code uses this ring.
        unsafe {
            self.ring
                .write(&self.ring.geometry(), block.as_ptr().cast(), frames)
        };
    }

    /// Fills the start of the block with the available frames, and returns their number of bytes.
    /// Real-time safe.
    pub(crate) fn take(&mut self, block: &mut [u8]) -> usize {
        let frames = block.len() / self.frame_size;
        // SAFETY: the block has room for that many frames, and no other code uses this ring.
        let taken = unsafe {
            self.ring
                .read(&self.ring.geometry(), block.as_mut_ptr().cast(), frames)
        };
        taken * self.frame_size
    }

    /// Removes frames without using them. Real-time safe.
    pub(crate) fn lose(&mut self, frames: usize) {
        let lost = frames.min(self.ring.read_available());
        self.ring
            .advance_read_index(&self.ring.geometry(), lost as ring_buffer_size_t);
    }
}
