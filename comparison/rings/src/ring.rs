//! What a ring has to offer, and the loops that are measured.
//!
//! A single element goes through the call that a library has for that, more of them through the
//! call for slices. Everything is generic, so that a ring is inlined as in a user's program.

use std::hint::{black_box, spin_loop};

use crate::element::Element;

/// The writing side.
pub trait Sender<T>: Send {
    /// Writes one element, if there is room.
    fn push(&mut self, element: T) -> bool;

    /// Writes as many elements as there is room for; how many.
    fn write(&mut self, elements: &[T]) -> usize;
}

/// The reading side.
pub trait Receiver<T>: Send {
    /// Takes one element out, if there is one.
    fn pop(&mut self) -> Option<T>;

    /// Fills the slice with as many elements as there are; how many.
    fn read(&mut self, elements: &mut [T]) -> usize;
}

/// A kind of ring. A ring that cannot be inlined into Rust has its own loops that do the same.
pub trait Ring<T: Element> {
    /// Its writing side.
    type Sender: Sender<T>;
    /// Its reading side.
    type Receiver: Receiver<T>;

    /// Whether what arrives on another thread is what was sent.
    const SYNCHRONISED: bool = true;

    /// A ring of a given size, made with the defaults of its library.
    fn new(capacity: usize) -> (Self::Sender, Self::Receiver);

    /// Writes the block and reads it, `count` times.
    #[inline]
    fn alone(
        sender: &mut Self::Sender,
        receiver: &mut Self::Receiver,
        source: &[T],
        target: &mut [T],
        count: usize,
    ) {
        let source = black_box(source);
        if let [element] = source {
            for _ in 0..count {
                sender.push(black_box(*element));
                if let Some(element) = receiver.pop() {
                    black_box(element);
                }
            }
        } else {
            for _ in 0..count {
                sender.write(source);
                receiver.read(target);
                black_box(target.as_mut_ptr());
            }
        }
    }

    /// Writes the block `count` times, while another thread reads.
    #[inline]
    fn send(sender: &mut Self::Sender, source: &[T], count: usize) {
        let source = black_box(source);
        if let [element] = source {
            for _ in 0..count {
                push(sender, black_box(*element));
            }
        } else {
            for _ in 0..count {
                write(sender, source);
            }
        }
    }

    /// Reads `count` blocks, while another thread writes.
    #[inline]
    fn receive(receiver: &mut Self::Receiver, target: &mut [T], count: usize) {
        if target.len() == 1 {
            for _ in 0..count {
                black_box(pop(receiver));
            }
        } else {
            for _ in 0..count {
                read(receiver, target);
                black_box(target.as_mut_ptr());
            }
        }
    }

    /// Sends an element and waits for the answer, `count` times.
    #[inline]
    fn ping(sender: &mut Self::Sender, receiver: &mut Self::Receiver, count: usize) {
        let element = T::numbered(0);
        for _ in 0..count {
            push(sender, black_box(element));
            black_box(pop(receiver));
        }
    }

    /// Waits for an element and answers, `count` times.
    #[inline]
    fn pong(sender: &mut Self::Sender, receiver: &mut Self::Receiver, count: usize) {
        let element = T::numbered(0);
        for _ in 0..count {
            black_box(pop(receiver));
            push(sender, black_box(element));
        }
    }
}

/// Writes an element as soon as there is room.
#[inline]
pub fn push<T: Copy>(sender: &mut impl Sender<T>, element: T) {
    while !sender.push(element) {
        spin_loop();
    }
}

/// Takes an element out as soon as there is one.
#[inline]
pub fn pop<T>(receiver: &mut impl Receiver<T>) -> T {
    loop {
        if let Some(element) = receiver.pop() {
            return element;
        }
        spin_loop();
    }
}

/// Writes all elements, as there is room.
#[inline]
pub fn write<T>(sender: &mut impl Sender<T>, elements: &[T]) {
    let mut rest = elements;
    loop {
        rest = &rest[sender.write(rest)..];
        if rest.is_empty() {
            break;
        }
        spin_loop();
    }
}

/// Fills all of the slice, as elements come.
#[inline]
pub fn read<T>(receiver: &mut impl Receiver<T>, elements: &mut [T]) {
    let mut rest = elements;
    loop {
        let count = receiver.read(rest);
        rest = &mut rest[count..];
        if rest.is_empty() {
            break;
        }
        spin_loop();
    }
}
