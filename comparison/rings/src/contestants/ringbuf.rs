//! ringbuf.

use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::element::Element;
use crate::ring::{Receiver, Ring, Sender};

pub(super) struct Ringbuf;

impl<T: Element> Ring<T> for Ringbuf {
    type Sender = HeapProd<T>;
    type Receiver = HeapCons<T>;

    fn new(capacity: usize) -> (HeapProd<T>, HeapCons<T>) {
        HeapRb::new(capacity).split()
    }
}

impl<T: Element> Sender<T> for HeapProd<T> {
    #[inline]
    fn push(&mut self, element: T) -> bool {
        self.try_push(element).is_ok()
    }

    #[inline]
    fn write(&mut self, elements: &[T]) -> usize {
        self.push_slice(elements)
    }
}

impl<T: Element> Receiver<T> for HeapCons<T> {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.try_pop()
    }

    #[inline]
    fn read(&mut self, elements: &mut [T]) -> usize {
        self.pop_slice(elements)
    }
}
