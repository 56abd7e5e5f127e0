//! Ours: the two handles.

use pa_ringbuffer::{Consumer, Placement, Producer, RingBuffer};

use crate::element::Element;
use crate::ring::{Receiver, Ring, Sender};

impl<T: Element> Sender<T> for Producer<'static, T> {
    #[inline]
    fn push(&mut self, element: T) -> bool {
        Producer::push(self, element).is_ok()
    }

    #[inline]
    fn write(&mut self, elements: &[T]) -> usize {
        Producer::write(self, elements)
    }
}

impl<T: Element> Receiver<T> for Consumer<'static, T> {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        Consumer::pop(self)
    }

    #[inline]
    fn read(&mut self, elements: &mut [T]) -> usize {
        Consumer::read(self, elements)
    }
}

macro_rules! handles {
    ($name:ident, $constructor:expr) => {
        pub(super) struct $name;

        impl<T: Element> Ring<T> for $name {
            type Sender = Producer<'static, T>;
            type Receiver = Consumer<'static, T>;

            fn new(capacity: usize) -> (Self::Sender, Self::Receiver) {
                ($constructor)(capacity)
            }
        }
    };
}

const POSSIBLE: &str = "a power of two, and memory";

// A ring made in another way is one more of these, and one line in `contestants()`.
handles!(Handles, |capacity| RingBuffer::new(capacity)
    .expect(POSSIBLE)
    .split());
handles!(Prefetching, |capacity| {
    let (producer, consumer) = RingBuffer::new(capacity).expect(POSSIBLE).split();
    (producer.with_prefetch(), consumer.with_prefetch())
});
handles!(OneLine, |capacity| {
    RingBuffer::with_placement(capacity, Placement::OneLine)
        .expect(POSSIBLE)
        .split()
});
