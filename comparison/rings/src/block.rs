//! The caller's data.

use std::mem::size_of;
use std::ops::{Deref, DerefMut};

use crate::chance::chance;
use crate::element::Element;

/// Elements in cache lines that nothing else is in: for all contestants alike, and no thread is
/// slowed down by what its neighbour writes. Two lines, because processors fetch them in pairs.
///
/// Where in its page a block begins is chosen by chance, because copies are slower between some
/// pairs of places than between others, by a third for 4 KiB: no ring should always have the
/// same luck.
#[derive(Debug)]
pub struct Block<T> {
    elements: Vec<T>,
    start: usize,
    len: usize,
}

const APART: usize = 128;
const PAGE: usize = 4096;

impl<T: Element> Block<T> {
    /// Elements numbered from 0 on.
    pub fn new(len: usize) -> Self {
        // The fewest elements that fill pairs of lines.
        let pair = APART >> size_of::<T>().trailing_zeros().min(APART.ilog2());
        let places = PAGE / APART;
        // Each element has a byte at least.
        let mut elements = vec![T::numbered(0); len + APART + pair * (places + 1)];
        let start = elements.as_ptr().align_offset(APART) + pair * chance(places);
        assert!(start + len <= elements.len());
        for (number, element) in elements[start..start + len].iter_mut().enumerate() {
            *element = T::numbered(number as u64);
        }
        Self {
            elements,
            start,
            len,
        }
    }
}

impl<T> Deref for Block<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements[self.start..][..self.len]
    }
}

impl<T> DerefMut for Block<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.elements[self.start..][..self.len]
    }
}
