//! What goes through the rings.

use std::fmt::Debug;

use pa_ringbuffer::Plain;

/// An element that can be told from its neighbours.
pub trait Element: Plain + Debug + PartialEq {
    /// The element with this number, or with as much of the number as it can hold.
    fn numbered(number: u64) -> Self;
}

impl Element for u64 {
    fn numbered(number: u64) -> Self {
        number
    }
}

impl Element for u32 {
    fn numbered(number: u64) -> Self {
        number as Self
    }
}

impl Element for [u8; 3] {
    fn numbered(number: u64) -> Self {
        [number as u8, (number >> 8) as u8, (number >> 16) as u8]
    }
}

impl Element for [u64; 3] {
    fn numbered(number: u64) -> Self {
        [number, !number, number.wrapping_mul(3)]
    }
}
