//! What one thread does with one contestant under one workload.
//!
//! Each job fills pairs of cache lines of its own: what one thread notes in its handle never slows
//! the other one down by chance.

use crate::block::Block;
use crate::element::Element;
use crate::ring::{Ring, pop, push, read, write};

/// What one thread does.
pub trait Job: Send {
    /// Moves `count` blocks: what is measured.
    fn run(&mut self, count: usize);

    /// Moves `count` blocks and looks whether each element is the one that was sent.
    ///
    /// # Errors
    ///
    /// Says which one is not.
    fn check(&mut self, count: usize) -> Result<(), String>;
}

/// The jobs of all threads; the first one is the main thread's.
pub type Jobs = Vec<Box<dyn Job>>;

/// One thread writes blocks of `n` and reads them.
pub fn alone<T: Element, R: Ring<T> + 'static>(capacity: usize, n: usize) -> Jobs {
    let (sender, receiver) = R::new(capacity);
    vec![Box::new(Alone::<T, R> {
        sender,
        receiver,
        source: Block::new(n),
        target: Block::new(n),
    })]
}

/// One thread reads blocks of `n`, another one writes them.
pub fn across<T: Element, R: Ring<T> + 'static>(capacity: usize, n: usize) -> Jobs {
    let (sender, receiver) = R::new(capacity);
    vec![
        Box::new(Receiving::<T, R> {
            receiver,
            target: Block::new(n),
        }),
        Box::new(Sending::<T, R> {
            sender,
            source: Block::new(n),
        }),
    ]
}

/// One thread sends an element and waits for the answer, another one answers.
pub fn round_trip<T: Element, R: Ring<T> + 'static>(capacity: usize, _: usize) -> Jobs {
    let (there_sender, there_receiver) = R::new(capacity);
    let (back_sender, back_receiver) = R::new(capacity);
    vec![
        Box::new(Ping::<T, R> {
            sender: there_sender,
            receiver: back_receiver,
        }),
        Box::new(Pong::<T, R> {
            sender: back_sender,
            receiver: there_receiver,
        }),
    ]
}

#[repr(align(128))]
struct Alone<T: Element, R: Ring<T>> {
    sender: R::Sender,
    receiver: R::Receiver,
    source: Block<T>,
    target: Block<T>,
}

impl<T: Element, R: Ring<T>> Job for Alone<T, R> {
    #[inline(never)]
    fn run(&mut self, count: usize) {
        R::alone(
            &mut self.sender,
            &mut self.receiver,
            &self.source,
            &mut self.target,
            count,
        );
    }

    fn check(&mut self, count: usize) -> Result<(), String> {
        let mut numbers = Numbers::default();
        for _ in 0..count {
            let first = numbers.0;
            if self.source.len() == 1 {
                push(&mut self.sender, T::numbered(first));
                self.target[0] = pop(&mut self.receiver);
            } else {
                fill(&mut self.source, first);
                write(&mut self.sender, &self.source);
                read(&mut self.receiver, &mut self.target);
            }
            numbers.compare(&self.target)?;
        }
        Ok(())
    }
}

#[repr(align(128))]
struct Sending<T: Element, R: Ring<T>> {
    sender: R::Sender,
    source: Block<T>,
}

impl<T: Element, R: Ring<T>> Job for Sending<T, R> {
    #[inline(never)]
    fn run(&mut self, count: usize) {
        R::send(&mut self.sender, &self.source, count);
    }

    fn check(&mut self, count: usize) -> Result<(), String> {
        let mut number = 0;
        for _ in 0..if R::SYNCHRONISED { count } else { 0 } {
            if self.source.len() == 1 {
                push(&mut self.sender, T::numbered(number));
            } else {
                fill(&mut self.source, number);
                write(&mut self.sender, &self.source);
            }
            number += self.source.len() as u64;
        }
        Ok(())
    }
}

#[repr(align(128))]
struct Receiving<T: Element, R: Ring<T>> {
    receiver: R::Receiver,
    target: Block<T>,
}

impl<T: Element, R: Ring<T>> Job for Receiving<T, R> {
    #[inline(never)]
    fn run(&mut self, count: usize) {
        R::receive(&mut self.receiver, &mut self.target, count);
    }

    fn check(&mut self, count: usize) -> Result<(), String> {
        let mut numbers = Numbers::default();
        for _ in 0..if R::SYNCHRONISED { count } else { 0 } {
            if self.target.len() == 1 {
                self.target[0] = pop(&mut self.receiver);
            } else {
                read(&mut self.receiver, &mut self.target);
            }
            numbers.compare(&self.target)?;
        }
        Ok(())
    }
}

#[repr(align(128))]
struct Ping<T: Element, R: Ring<T>> {
    sender: R::Sender,
    receiver: R::Receiver,
}

impl<T: Element, R: Ring<T>> Job for Ping<T, R> {
    #[inline(never)]
    fn run(&mut self, count: usize) {
        R::ping(&mut self.sender, &mut self.receiver, count);
    }

    fn check(&mut self, count: usize) -> Result<(), String> {
        let mut numbers = Numbers::default();
        for _ in 0..if R::SYNCHRONISED { count } else { 0 } {
            push(&mut self.sender, T::numbered(numbers.0));
            numbers.compare(&[pop(&mut self.receiver)])?;
        }
        Ok(())
    }
}

#[repr(align(128))]
struct Pong<T: Element, R: Ring<T>> {
    sender: R::Sender,
    receiver: R::Receiver,
}

impl<T: Element, R: Ring<T>> Job for Pong<T, R> {
    #[inline(never)]
    fn run(&mut self, count: usize) {
        R::pong(&mut self.sender, &mut self.receiver, count);
    }

    fn check(&mut self, count: usize) -> Result<(), String> {
        for _ in 0..if R::SYNCHRONISED { count } else { 0 } {
            let element: T = pop(&mut self.receiver);
            push(&mut self.sender, element);
        }
        Ok(())
    }
}

fn fill<T: Element>(block: &mut [T], first: u64) {
    for (element, number) in block.iter_mut().zip(first..) {
        *element = T::numbered(number);
    }
}

/// The number of the element that should come next.
#[derive(Default)]
struct Numbers(u64);

impl Numbers {
    fn compare<T: Element>(&mut self, block: &[T]) -> Result<(), String> {
        for element in block {
            let expected = T::numbered(self.0);
            if *element != expected {
                return Err(format!(
                    "element {} should be {expected:?} and is {element:?}",
                    self.0
                ));
            }
            self.0 += 1;
        }
        Ok(())
    }
}
