//! Pseudo-random numbers that are the same in every run.

/// xorshift32 (Marsaglia 2003).
pub(crate) struct Random(u32);

impl Random {
    pub(crate) const fn new() -> Self {
        Self(0x2545_F491)
    }

    pub(crate) fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// A number between 0 and 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        f64::from(self.next()) / f64::from(u32::MAX)
    }
}
