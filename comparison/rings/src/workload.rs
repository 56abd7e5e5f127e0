//! What is measured.

use std::fmt;
use std::str::FromStr;

/// The threads of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One thread writes a block and reads it.
    Single,
    /// One thread writes, another one reads.
    TwoThreads,
    /// An element goes through one ring to the other thread and comes back through another ring.
    RoundTrip,
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Ok(match name {
            "single" => Self::Single,
            "two-threads" => Self::TwoThreads,
            "round-trip" => Self::RoundTrip,
            _ => return Err(()),
        })
    }
}

/// Blocks of how many elements of how many bytes.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Elements in a block.
    pub n: usize,
    /// Bytes of an element.
    pub bytes: usize,
}

const fn workload(n: usize, bytes: usize) -> Workload {
    Workload { n, bytes }
}

impl Workload {
    /// What is measured in this mode.
    pub fn all(mode: Mode) -> &'static [Self] {
        const ALL: [Workload; 7] = [
            workload(1, 8),
            workload(64, 8),
            workload(512, 8),
            workload(4096, 8),
            workload(1, 4),
            workload(64, 3),
            workload(64, 24),
        ];
        match mode {
            Mode::Single | Mode::TwoThreads => &ALL,
            Mode::RoundTrip => &ALL[..1],
        }
    }

    /// Elements of the ring: several blocks.
    pub fn capacity(&self) -> usize {
        if self.n < 4096 { 4096 } else { 65536 }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.n, self.bytes)
    }
}
