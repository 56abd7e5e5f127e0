//! rtrb.

use rtrb::{Consumer, Producer, RingBuffer};

use crate::element::Element;
use crate::ring::{Receiver, Ring, Sender};

pub(super) struct Rtrb;

impl<T: Element> Ring<T> for Rtrb {
    type Sender = Producer<T>;
    type Receiver = Consumer<T>;

    fn new(capacity: usize) -> (Producer<T>, Consumer<T>) {
        RingBuffer::new(capacity)
    }
}

impl<T: Element> Sender<T> for Producer<T> {
    #[inline]
    fn push(&mut self, element: T) -> bool {
        Producer::push(self, element).is_ok()
    }

    #[inline]
    fn write(&mut self, elements: &[T]) -> usize {
        self.push_partial_slice(elements).0.len()
    }
}

impl<T: Element> Receiver<T> for Consumer<T> {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        Consumer::pop(self).ok()
    }

    #[inline]
    fn read(&mut self, elements: &mut [T]) -> usize {
        self.pop_partial_slice(elements).0.len()
    }
}
