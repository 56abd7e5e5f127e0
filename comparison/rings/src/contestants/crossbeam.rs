//! crossbeam-queue's `ArrayQueue`. It is for any number of threads on each side, and has no call
//! for slices.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;

use crate::element::Element;
use crate::ring::{Receiver, Ring, Sender};

pub(super) struct Crossbeam;

impl<T: Element> Ring<T> for Crossbeam {
    type Sender = Arc<ArrayQueue<T>>;
    type Receiver = Arc<ArrayQueue<T>>;

    fn new(capacity: usize) -> (Self::Sender, Self::Receiver) {
        let queue = Arc::new(ArrayQueue::new(capacity));
        (Arc::clone(&queue), queue)
    }
}

impl<T: Element> Sender<T> for Arc<ArrayQueue<T>> {
    #[inline]
    fn push(&mut self, element: T) -> bool {
        ArrayQueue::push(self, element).is_ok()
    }

    #[inline]
    fn write(&mut self, elements: &[T]) -> usize {
        elements
            .iter()
            .take_while(|element| ArrayQueue::push(self, **element).is_ok())
            .count()
    }
}

impl<T: Element> Receiver<T> for Arc<ArrayQueue<T>> {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        ArrayQueue::pop(self)
    }

    #[inline]
    fn read(&mut self, elements: &mut [T]) -> usize {
        for (count, element) in elements.iter_mut().enumerate() {
            let Some(next) = ArrayQueue::pop(self) else {
                return count;
            };
            *element = next;
        }
        elements.len()
    }
}
