//! What rings are measured against: the same copies without any agreement.
//!
//! On one thread: copies into a storage of the same size at a running position, and out of it
//! again. On two threads: the same on both at once (see `shim/limit.c`), each of them until both
//! have done their share; else the slower one would have the storage for itself in the end, and
//! could read what is in its own cache. As nothing keeps the two apart, they may be at the same
//! cache lines more often than the sides of a ring are, and a ring may be faster.
//!
//! Round trip: each thread waits until the other one has changed a number, each number in a cache
//! line of its own.

use std::ffi::c_char;
use std::hint::spin_loop;
use std::mem::size_of_val;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::block::Block;
use crate::element::Element;
use crate::ring::{Receiver, Ring, Sender};

/// Not a ring, but it is driven like one.
#[derive(Debug)]
pub struct Limit;

/// One side, with a position of its own.
#[derive(Debug)]
pub struct Side<T> {
    shared: Arc<Shared>,
    elements: *mut T,
    mask: usize,
    position: usize,
    turn: u64,
    runs: u64,
    /// Frees the elements. Only the pointer is used to reach them.
    _owner: Arc<Block<T>>,
}

/// A number in a pair of cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line(AtomicU64);

#[derive(Debug, Default)]
struct Shared {
    /// The number that one thread changes and the other one waits for.
    turn: Line,
    /// How often a thread has done its share of copies; both count here.
    done: Line,
}

// SAFETY: the elements are plain data that lives with each side. In Rust, only one thread touches
// them; on two, C does.
unsafe impl<T: Element> Send for Side<T> {}

unsafe extern "C" {
    fn rings_limit_copy_in(
        storage: *mut c_char,
        size: usize,
        block: *const c_char,
        bytes: usize,
        count: usize,
    );
    fn rings_limit_copy_out(
        storage: *const c_char,
        size: usize,
        block: *mut c_char,
        bytes: usize,
        count: usize,
    );
}

impl<T: Element> Side<T> {
    /// Where the next elements go, up to the end of the storage.
    #[inline]
    fn place(&self, count: usize) -> (*mut T, usize) {
        let count = count.min(self.mask + 1 - self.position);
        (self.elements.wrapping_add(self.position), count)
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        self.position = (self.position + count) & self.mask;
    }

    /// Copies blocks of a given size: `count` of them, and then on, until the other side has done
    /// the same.
    fn share(&mut self, bytes: usize, count: usize, copy: impl Fn(*mut c_char, usize, usize)) {
        let size = (self.mask + 1) * size_of::<T>();
        assert!(size.is_multiple_of(bytes), "whole blocks fill the storage");
        copy(self.elements.cast(), size, count);
        self.runs += 1;
        self.shared.done.0.fetch_add(1, Ordering::Relaxed);
        while self.shared.done.0.load(Ordering::Relaxed) < 2 * self.runs {
            copy(self.elements.cast(), size, size / bytes);
        }
    }

    fn give_turn(&mut self) {
        self.turn += 1;
        self.shared.turn.0.store(self.turn, Ordering::Release);
    }

    fn await_turn(&mut self) {
        self.turn += 1;
        while self.shared.turn.0.load(Ordering::Acquire) != self.turn {
            spin_loop();
        }
    }
}

impl<T: Element> Sender<T> for Side<T> {
    #[inline]
    fn push(&mut self, element: T) -> bool {
        let place = self.elements.wrapping_add(self.position);
        // SAFETY: the place is in the storage, and no other thread uses it.
        unsafe { place.write(element) };
        self.advance(1);
        true
    }

    #[inline]
    fn write(&mut self, elements: &[T]) -> usize {
        let (place, count) = self.place(elements.len());
        // SAFETY: the place is in the storage, with room for that many, and no other thread uses it.
        unsafe { place.copy_from_nonoverlapping(elements.as_ptr(), count) };
        self.advance(count);
        count
    }
}

impl<T: Element> Receiver<T> for Side<T> {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        let place = self.elements.wrapping_add(self.position);
        // SAFETY: the place is in the storage, all of which is initialised.
        let element = unsafe { place.read() };
        self.advance(1);
        Some(element)
    }

    #[inline]
    fn read(&mut self, elements: &mut [T]) -> usize {
        let (place, count) = self.place(elements.len());
        // SAFETY: the place is in the storage, with that many elements, and no other thread uses it.
        unsafe { elements.as_mut_ptr().copy_from_nonoverlapping(place, count) };
        self.advance(count);
        count
    }
}

impl<T: Element> Ring<T> for Limit {
    type Sender = Side<T>;
    type Receiver = Side<T>;

    const SYNCHRONISED: bool = false;

    fn new(capacity: usize) -> (Side<T>, Side<T>) {
        assert!(capacity.is_power_of_two());
        let mut block = Block::new(capacity);
        let elements = block.as_mut_ptr();
        #[allow(clippy::arc_with_non_send_sync, reason = "elements are plain data")]
        let owner = Arc::new(block);
        let shared = Arc::new(Shared::default());
        let side = || Side {
            shared: Arc::clone(&shared),
            elements,
            mask: capacity - 1,
            position: 0,
            turn: 0,
            runs: 0,
            _owner: Arc::clone(&owner),
        };
        (side(), side())
    }

    fn send(sender: &mut Side<T>, source: &[T], count: usize) {
        let bytes = size_of_val(source);
        sender.share(bytes, count, |storage, size, count| {
            // SAFETY: storage and source have these sizes; the race is explained in C.
            unsafe { rings_limit_copy_in(storage, size, source.as_ptr().cast(), bytes, count) }
        });
    }

    fn receive(receiver: &mut Side<T>, target: &mut [T], count: usize) {
        let bytes = size_of_val(target);
        let target: *mut c_char = target.as_mut_ptr().cast();
        receiver.share(bytes, count, |storage, size, count| {
            // SAFETY: storage and target have these sizes; the race is explained in C.
            unsafe { rings_limit_copy_out(storage, size, target, bytes, count) }
        });
    }

    fn ping(sender: &mut Side<T>, receiver: &mut Side<T>, count: usize) {
        for _ in 0..count {
            sender.give_turn();
            receiver.await_turn();
        }
    }

    fn pong(sender: &mut Side<T>, receiver: &mut Side<T>, count: usize) {
        for _ in 0..count {
            receiver.await_turn();
            sender.give_turn();
        }
    }
}
