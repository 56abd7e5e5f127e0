//! Randomness, so that no ring has the same luck in each process and each round.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A number below `limit`.
pub(crate) fn chance(limit: usize) -> usize {
    RandomState::new().build_hasher().finish() as usize % limit
}
