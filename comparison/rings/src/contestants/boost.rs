//! Boost's `spsc_queue`, with the loops of `shim/boost.cpp`.

use std::ffi::c_void;
use std::mem::{MaybeUninit, size_of};
use std::sync::Arc;

use crate::element::Element;
use crate::ring::{Receiver, Ring, Sender};

/// `struct rings_boost`.
#[repr(C)]
struct Functions {
    create: unsafe extern "C" fn(usize) -> *mut c_void,
    destroy: unsafe extern "C" fn(*mut c_void),
    write: unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> usize,
    read: unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> usize,
    alone: unsafe extern "C" fn(*mut c_void, *const c_void, *mut c_void, usize, usize),
    send: unsafe extern "C" fn(*mut c_void, *const c_void, usize, usize),
    receive: unsafe extern "C" fn(*mut c_void, *mut c_void, usize, usize),
    ping: unsafe extern "C" fn(*mut c_void, *mut c_void, usize),
    pong: unsafe extern "C" fn(*mut c_void, *mut c_void, usize),
}

unsafe extern "C" {
    fn rings_boost_of(bytes: usize) -> Option<&'static Functions>;
}

pub(super) struct Boost;

struct Queue {
    pointer: *mut c_void,
    functions: &'static Functions,
}

// SAFETY: the queue is made for one thread on each side, and freed by the last one that has it.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: created by the same functions, and destroyed once.
        unsafe { (self.functions.destroy)(self.pointer) }
    }
}

pub(super) struct Side(Arc<Queue>);

impl<T: Element> Ring<T> for Boost {
    type Sender = Side;
    type Receiver = Side;

    fn new(capacity: usize) -> (Side, Side) {
        // SAFETY: it may be called with any number.
        let functions = unsafe { rings_boost_of(size_of::<T>()) }
            .expect("shim/boost.cpp knows elements of this size");
        let queue = Arc::new(Queue {
            // SAFETY: it may be called with any number.
            pointer: unsafe { (functions.create)(capacity) },
            functions,
        });
        (Side(Arc::clone(&queue)), Side(queue))
    }

    fn alone(sender: &mut Side, _: &mut Side, source: &[T], target: &mut [T], count: usize) {
        let Queue { pointer, functions } = *sender.0;
        let (from, to) = (source.as_ptr().cast(), target.as_mut_ptr().cast());
        // SAFETY: both blocks have that many elements, and both sides of the queue are ours.
        unsafe { (functions.alone)(pointer, from, to, source.len(), count) }
    }

    fn send(sender: &mut Side, source: &[T], count: usize) {
        let Queue { pointer, functions } = *sender.0;
        // SAFETY: the block has that many elements, and this is the only sender.
        unsafe { (functions.send)(pointer, source.as_ptr().cast(), source.len(), count) }
    }

    fn receive(receiver: &mut Side, target: &mut [T], count: usize) {
        let Queue { pointer, functions } = *receiver.0;
        // SAFETY: the block has that many elements, and this is the only receiver.
        unsafe { (functions.receive)(pointer, target.as_mut_ptr().cast(), target.len(), count) }
    }

    fn ping(sender: &mut Side, receiver: &mut Side, count: usize) {
        // SAFETY: this is the only sender of the one and the only receiver of the other.
        unsafe { (sender.0.functions.ping)(sender.0.pointer, receiver.0.pointer, count) }
    }

    fn pong(sender: &mut Side, receiver: &mut Side, count: usize) {
        // SAFETY: this is the only sender of the one and the only receiver of the other.
        unsafe { (sender.0.functions.pong)(sender.0.pointer, receiver.0.pointer, count) }
    }
}

impl<T: Element> Sender<T> for Side {
    fn push(&mut self, element: T) -> bool {
        Sender::write(self, &[element]) == 1
    }

    fn write(&mut self, elements: &[T]) -> usize {
        let source = elements.as_ptr().cast();
        // SAFETY: the slice has that many elements, and this is the only sender.
        unsafe { (self.0.functions.write)(self.0.pointer, source, elements.len()) }
    }
}

impl<T: Element> Receiver<T> for Side {
    fn pop(&mut self) -> Option<T> {
        let mut element = MaybeUninit::<T>::uninit();
        let target = element.as_mut_ptr().cast();
        // SAFETY: there is room for one element, and this is the only receiver.
        let count = unsafe { (self.0.functions.read)(self.0.pointer, target, 1) };
        // SAFETY: one element was copied there.
        (count == 1).then(|| unsafe { element.assume_init() })
    }

    fn read(&mut self, elements: &mut [T]) -> usize {
        let target = elements.as_mut_ptr().cast();
        // SAFETY: the slice has that many elements, and this is the only receiver.
        unsafe { (self.0.functions.read)(self.0.pointer, target, elements.len()) }
    }
}
