//! JACK's ring. It counts bytes, has a power of two of them, and one less can be used: where an
//! element would be the last to fit, only a part of it goes through, and the rest has to follow.

use std::ffi::c_char;
use std::hint::spin_loop;
use std::mem::{MaybeUninit, size_of};
use std::sync::Arc;

use crate::element::Element;
use crate::ring::{Receiver, Ring, Sender};

/// `jack_ringbuffer_t`.
#[repr(C)]
pub(super) struct Opaque {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn jack_ringbuffer_create(size: usize) -> *mut Opaque;
    fn jack_ringbuffer_free(ring: *mut Opaque);
    fn jack_ringbuffer_write(ring: *mut Opaque, source: *const c_char, count: usize) -> usize;
    fn jack_ringbuffer_read(ring: *mut Opaque, target: *mut c_char, count: usize) -> usize;
}

pub(super) struct Jack;

struct Owner(*mut Opaque);

// SAFETY: the ring is made for one thread on each side, and freed by the last one that has it.
unsafe impl Send for Owner {}
// SAFETY: as above.
unsafe impl Sync for Owner {}

impl Drop for Owner {
    fn drop(&mut self) {
        // SAFETY: made by `jack_ringbuffer_create`, and freed once.
        unsafe { jack_ringbuffer_free(self.0) }
    }
}

pub(super) struct Side {
    ring: *mut Opaque,
    _owner: Arc<Owner>,
}

// SAFETY: the ring lives with each side, and each side is used by one thread at a time.
unsafe impl Send for Side {}

impl<T: Element> Ring<T> for Jack {
    type Sender = Side;
    type Receiver = Side;

    fn new(capacity: usize) -> (Side, Side) {
        // SAFETY: it may be called with any number.
        let ring = unsafe { jack_ringbuffer_create(capacity * size_of::<T>()) };
        assert!(!ring.is_null(), "there is no memory for JACK's ring");
        let owner = Arc::new(Owner(ring));
        let side = || Side {
            ring,
            _owner: Arc::clone(&owner),
        };
        (side(), side())
    }
}

impl<T: Element> Sender<T> for Side {
    #[inline]
    fn push(&mut self, element: T) -> bool {
        Sender::write(self, std::slice::from_ref(&element)) == 1
    }

    #[inline]
    fn write(&mut self, elements: &[T]) -> usize {
        let source: *const c_char = elements.as_ptr().cast();
        // SAFETY: the slice has that many bytes.
        let mut done = unsafe { jack_ringbuffer_write(self.ring, source, size_of_val(elements)) };
        while done % size_of::<T>() != 0 {
            spin_loop();
            let missing = size_of::<T>() - done % size_of::<T>();
            // SAFETY: the rest of an element of the slice.
            done += unsafe { jack_ringbuffer_write(self.ring, source.add(done), missing) };
        }
        done / size_of::<T>()
    }
}

impl<T: Element> Receiver<T> for Side {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        let mut element = MaybeUninit::<T>::uninit();
        // SAFETY: there is room for one element.
        let count = unsafe { read(self.ring, element.as_mut_ptr(), 1) };
        // SAFETY: one element was copied there.
        (count == 1).then(|| unsafe { element.assume_init() })
    }

    #[inline]
    fn read(&mut self, elements: &mut [T]) -> usize {
        // SAFETY: the slice has that many elements.
        unsafe { read(self.ring, elements.as_mut_ptr(), elements.len()) }
    }
}

/// # Safety
///
/// `target` is valid for writes of `count` elements.
#[inline]
unsafe fn read<T>(ring: *mut Opaque, target: *mut T, count: usize) -> usize {
    let target: *mut c_char = target.cast();
    // SAFETY: there is room, says the caller.
    let mut done = unsafe { jack_ringbuffer_read(ring, target, count * size_of::<T>()) };
    while done % size_of::<T>() != 0 {
        spin_loop();
        let missing = size_of::<T>() - done % size_of::<T>();
        // SAFETY: the rest of an element.
        done += unsafe { jack_ringbuffer_read(ring, target.add(done), missing) };
    }
    done / size_of::<T>()
}
