//! What a ring promises, in the simplest words: a queue, two totals, and the place of an element in
//! the storage. Remainders are computed by division; nothing here knows a mask.

use std::collections::VecDeque;

use contestants::Granted;

/// The queue.
#[derive(Clone, Debug)]
pub struct Model {
    element_size: usize,
    size: usize,
    elements: VecDeque<u8>,
    /// What the ring's storage holds, read or not.
    pub storage: Vec<u8>,
    written: u128,
    read: u128,
}

impl Model {
    /// An empty queue over a ring whose storage holds something already. The indices begin at
    /// `start`, which is less than twice the size.
    pub fn new(element_size: usize, storage: Vec<u8>, start: usize) -> Self {
        Self {
            element_size,
            size: storage.len() / element_size,
            elements: VecDeque::new(),
            storage,
            written: start as u128,
            read: start as u128,
        }
    }

    /// Number of elements in the queue.
    pub fn available(&self) -> usize {
        self.elements.len() / self.element_size
    }

    /// Number of elements that fit.
    pub fn room(&self) -> usize {
        self.size - self.available()
    }

    /// `writeIndex`
    pub fn write_index(&self) -> u128 {
        self.written % (2 * self.size as u128)
    }

    /// `readIndex`
    pub fn read_index(&self) -> u128 {
        self.read % (2 * self.size as u128)
    }

    /// Back to the beginning; the storage stays.
    pub fn flush(&mut self) {
        self.elements.clear();
        self.written = 0;
        self.read = 0;
    }

    fn granted(&self, total: u128, count: usize) -> Granted {
        let position = (total % self.size as u128) as usize;
        let first_len = count.min(self.size - position);
        let second_len = count - first_len;
        Granted {
            first: position * self.element_size,
            first_len,
            second: (second_len != 0).then_some(0),
            second_len,
        }
    }

    /// Fills the room with data, and publishes at most `used` elements of it.
    pub fn write(&mut self, data: &[u8], used: usize) -> Granted {
        let size = self.element_size;
        let count = (data.len() / size).min(self.room());
        let granted = self.granted(self.written, count);
        for (number, element) in data.chunks_exact(size).take(count).enumerate() {
            let place = ((self.written + number as u128) % self.size as u128) as usize * size;
            self.storage[place..place + size].copy_from_slice(element);
        }
        let used = used.min(count);
        self.elements.extend(&data[..used * size]);
        self.written += used as u128;
        granted
    }

    /// Looks at elements, and takes at most `used` of them.
    pub fn read(&mut self, count: usize, used: usize, found: &mut Vec<u8>) -> Granted {
        let count = count.min(self.available());
        let granted = self.granted(self.read, count);
        found.extend(self.elements.iter().take(count * self.element_size));
        let used = used.min(count);
        self.elements.drain(..used * self.element_size);
        self.read += used as u128;
        granted
    }
}
