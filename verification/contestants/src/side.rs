//! What each side of a ring can be asked to do.

/// Where elements may be written or read in place: offsets in bytes from the start of the storage,
/// and numbers of elements. A second region of no elements is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Start of the first region.
    pub first: usize,
    /// Its length.
    pub first_len: usize,
    /// Start of the second region.
    pub second: Option<usize>,
    /// Its length.
    pub second_len: usize,
}

impl Granted {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.first_len + self.second_len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The producer's side. All slices are as long as some number of elements.
pub trait Writer: Send {
    /// Bytes per element.
    fn element_size(&self) -> usize;

    /// How many elements can be written.
    fn room(&self) -> usize;

    /// Copies as many elements as fit; how many.
    fn write(&mut self, data: &[u8]) -> usize;

    /// Writes into the ring itself as many elements as fit, and publishes at most `used` of them.
    fn in_place(&mut self, data: &[u8], used: usize) -> Granted;

    /// The same without touching the storage.
    fn advance(&mut self, count: usize) -> usize;

    /// Copies all elements, or none.
    fn write_all(&mut self, data: &[u8]) -> bool {
        let count = data.len() / self.element_size();
        self.room() >= count && self.write(data) == count
    }

    /// Copies one element.
    fn push(&mut self, element: &[u8]) -> bool {
        self.write(element) == 1
    }
}

/// The consumer's side. All slices are as long as some number of elements.
pub trait Reader: Send {
    /// Bytes per element.
    fn element_size(&self) -> usize;

    /// How many elements can be read.
    fn available(&self) -> usize;

    /// Takes as many elements as there are; how many.
    fn read(&mut self, target: &mut [u8]) -> usize;

    /// The same, but leaves them there.
    fn peek(&mut self, target: &mut [u8]) -> usize;

    /// Looks at elements where they are, appends them to `found`, and takes at most `used` of them.
    fn in_place(&mut self, count: usize, used: usize, found: &mut Vec<u8>) -> Granted;

    /// Drops elements; how many.
    fn discard(&mut self, count: usize) -> usize;

    /// Takes all elements that the slice has room for, or none.
    fn read_all(&mut self, target: &mut [u8]) -> bool {
        let count = target.len() / self.element_size();
        self.available() >= count && self.read(target) == count
    }

    /// Takes one element.
    fn pop(&mut self, target: &mut [u8]) -> bool {
        self.read(target) == 1
    }
}
