//! The two C libraries.
//!
//! C has no function that allocates a ring. Both are given the same memory, struct and storage each
//! at the beginning of a cache line: what differs is the code.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::{MaybeUninit, size_of};
use std::sync::Arc;

use c_rings::{genuine, ours};
use pa_ringbuffer::{PaUtilRingBuffer, Placement, RingMemory, ring_buffer_size_t};

use crate::element::Element;
use crate::ring::{Receiver, Ring, Sender};

/// The calls of a library that are measured; as in C.
pub(super) trait Library: Send + 'static {
    unsafe fn write(
        ring: *mut PaUtilRingBuffer,
        data: *const c_void,
        count: ring_buffer_size_t,
    ) -> ring_buffer_size_t;

    unsafe fn read(
        ring: *mut PaUtilRingBuffer,
        data: *mut c_void,
        count: ring_buffer_size_t,
    ) -> ring_buffer_size_t;
}

macro_rules! library {
    ($name:ident, $module:ident) => {
        pub(super) struct $name;

        impl Library for $name {
            #[inline]
            unsafe fn write(
                ring: *mut PaUtilRingBuffer,
                data: *const c_void,
                count: ring_buffer_size_t,
            ) -> ring_buffer_size_t {
                // SAFETY: the caller's promises are the same.
                unsafe { $module::PaUtil_WriteRingBuffer(ring, data, count) }
            }

            #[inline]
            unsafe fn read(
                ring: *mut PaUtilRingBuffer,
                data: *mut c_void,
                count: ring_buffer_size_t,
            ) -> ring_buffer_size_t {
                // SAFETY: the caller's promises are the same.
                unsafe { $module::PaUtil_ReadRingBuffer(ring, data, count) }
            }
        }
    };
}

library!(Ours, ours);
library!(Genuine, genuine);

/// Rings whose struct lies in one cache line or in two.
pub(super) struct Rings<L, const LINES: usize = 1>(PhantomData<L>);

/// One side: a pointer, as C programs have it.
pub(super) struct Side<L> {
    ring: *mut PaUtilRingBuffer,
    _memory: Arc<RingMemory>,
    library: PhantomData<L>,
}

// SAFETY: the memory lives with each side, and each side is used by one thread at a time.
unsafe impl<L: Library> Send for Side<L> {}

impl<T: Element, L: Library, const LINES: usize> Ring<T> for Rings<L, LINES> {
    type Sender = Side<L>;
    type Receiver = Side<L>;

    fn new(capacity: usize) -> (Side<L>, Side<L>) {
        let placement = match LINES {
            1 => Placement::OneLine,
            _ => Placement::TwoLines,
        };
        let memory = RingMemory::with_placement(size_of::<T>(), capacity, placement)
            .expect("a power of two, and memory");
        let memory = Arc::new(memory);
        let side = || Side {
            ring: memory.as_ptr(),
            _memory: Arc::clone(&memory),
            library: PhantomData,
        };
        (side(), side())
    }
}

impl<T: Element, L: Library> Sender<T> for Side<L> {
    #[inline]
    fn push(&mut self, element: T) -> bool {
        // SAFETY: the ring is one for elements of type `T`, with one sender.
        unsafe { L::write(self.ring, (&raw const element).cast(), 1) == 1 }
    }

    #[inline]
    fn write(&mut self, elements: &[T]) -> usize {
        let count = elements.len() as ring_buffer_size_t;
        // SAFETY: as above, and the slice has as many elements as it says.
        unsafe { L::write(self.ring, elements.as_ptr().cast(), count) as usize }
    }
}

impl<T: Element, L: Library> Receiver<T> for Side<L> {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        let mut element = MaybeUninit::<T>::uninit();
        // SAFETY: the ring is one for elements of type `T`, with one receiver.
        let count = unsafe { L::read(self.ring, element.as_mut_ptr().cast(), 1) };
        // SAFETY: one element was copied there.
        (count == 1).then(|| unsafe { element.assume_init() })
    }

    #[inline]
    fn read(&mut self, elements: &mut [T]) -> usize {
        let count = elements.len() as ring_buffer_size_t;
        // SAFETY: as above, and the slice has as many elements as it says.
        unsafe { L::read(self.ring, elements.as_mut_ptr().cast(), count) as usize }
    }
}
