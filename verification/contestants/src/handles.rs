//! The handles, whose elements have a type: one for some element sizes each.

use std::mem::MaybeUninit;
use std::ptr::copy_nonoverlapping;

use pa_ringbuffer::{Consumer, Plain, Producer};

use crate::PaUtilRingBuffer;
use crate::side::{Granted, Reader, Writer};

struct ProducerHandle<T: Plain> {
    handle: Producer<'static, T>,
    storage: usize,
    elements: Vec<T>,
}

struct ConsumerHandle<T: Plain> {
    handle: Consumer<'static, T>,
    storage: usize,
    elements: Vec<T>,
}

/// Elements of the bytes, which may be aligned to nothing.
fn load<T: Plain>(elements: &mut Vec<T>, bytes: &[u8]) {
    let count = bytes.len() / size_of::<T>();
    elements.clear();
    elements.reserve(count);
    // SAFETY: there is room for that many, and every bit pattern is an element.
    unsafe {
        copy_nonoverlapping(
            bytes.as_ptr(),
            elements.as_mut_ptr().cast(),
            count * size_of::<T>(),
        );
        elements.set_len(count);
    }
}

/// The bytes of elements.
fn store<T: Plain>(elements: &[T], bytes: &mut [u8]) {
    let bytes = &mut bytes[..size_of_val(elements)];
    // SAFETY: the slice was cut to that length; plain data has no padding.
    unsafe {
        copy_nonoverlapping(
            elements.as_ptr().cast(),
            bytes.as_mut_ptr(),
            size_of_val(elements),
        );
    }
}

fn append<T: Plain>(elements: &[T], bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.resize(start + size_of_val(elements), 0);
    store(elements, &mut bytes[start..]);
}

/// Zero is a value of every plain type.
fn zero<T: Plain>() -> T {
    // SAFETY: so it is.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

fn granted<T>(first: &[T], second: &[T], storage: usize) -> Granted {
    Granted {
        first: first.as_ptr().addr() - storage,
        first_len: first.len(),
        second: (!second.is_empty()).then(|| second.as_ptr().addr() - storage),
        second_len: second.len(),
    }
}

impl<T: Plain> Writer for ProducerHandle<T> {
    fn element_size(&self) -> usize {
        size_of::<T>()
    }

    fn room(&self) -> usize {
        let room = self.handle.write_available();
        assert!(room != 0 || self.handle.is_full());
        room
    }

    fn write(&mut self, data: &[u8]) -> usize {
        load(&mut self.elements, data);
        self.handle.write(&self.elements)
    }

    fn in_place(&mut self, data: &[u8], used: usize) -> Granted {
        load(&mut self.elements, data);
        let mut chunk = self.handle.chunk(self.elements.len());
        assert_eq!(chunk.is_empty(), matches!(chunk.len(), 0));
        let (first, second) = chunk.as_mut_slices();
        let (start, rest) = self.elements.split_at(first.len());
        first.copy_from_slice(start);
        second.copy_from_slice(&rest[..second.len()]);
        let granted = granted(first, second, self.storage);
        chunk.commit(used);
        granted
    }

    fn advance(&mut self, count: usize) -> usize {
        let chunk = self.handle.chunk(count);
        let count = chunk.len();
        chunk.commit_all();
        count
    }

    fn write_all(&mut self, data: &[u8]) -> bool {
        load(&mut self.elements, data);
        self.handle.write_all(&self.elements).is_ok()
    }

    fn push(&mut self, element: &[u8]) -> bool {
        load(&mut self.elements, element);
        self.handle.push(self.elements[0]).is_ok()
    }
}

impl<T: Plain> ConsumerHandle<T> {
    fn elements_for(&mut self, target: &[u8]) {
        load(&mut self.elements, target);
    }
}

impl<T: Plain> Reader for ConsumerHandle<T> {
    fn element_size(&self) -> usize {
        size_of::<T>()
    }

    fn available(&self) -> usize {
        let available = self.handle.read_available();
        assert!(available != 0 || self.handle.is_empty());
        available
    }

    fn read(&mut self, target: &mut [u8]) -> usize {
        self.elements_for(target);
        let count = self.handle.read(&mut self.elements);
        store(&self.elements, target);
        count
    }

    fn peek(&mut self, target: &mut [u8]) -> usize {
        self.elements_for(target);
        let count = if self.elements.len() == 1 {
            let found = self.handle.peek();
            self.elements[0] = found.unwrap_or(self.elements[0]);
            usize::from(found.is_some())
        } else {
            self.handle.peek_slice(&mut self.elements)
        };
        store(&self.elements, target);
        count
    }

    fn in_place(&mut self, count: usize, used: usize, found: &mut Vec<u8>) -> Granted {
        let chunk = self.handle.chunk(count);
        assert_eq!(chunk.is_empty(), matches!(chunk.len(), 0));
        let (first, second) = chunk.as_slices();
        append(first, found);
        append(second, found);
        let granted = granted(first, second, self.storage);
        chunk.commit(used);
        granted
    }

    fn discard(&mut self, count: usize) -> usize {
        self.handle.discard(count)
    }

    fn read_all(&mut self, target: &mut [u8]) -> bool {
        self.elements_for(target);
        let complete = self.handle.read_all(&mut self.elements).is_ok();
        store(&self.elements, target);
        complete
    }

    fn pop(&mut self, target: &mut [u8]) -> bool {
        let found = self.handle.pop();
        if let Some(element) = found {
            store(&[element], target);
        }
        found.is_some()
    }
}

unsafe fn producer<T: Plain>(
    ring: *mut PaUtilRingBuffer,
    storage: usize,
    prefetch: bool,
) -> Box<dyn Writer> {
    // SAFETY: the caller's promises are the same.
    let handle = unsafe { Producer::<T>::from_raw(ring) }.expect("an intact ring of this type");
    Box::new(ProducerHandle {
        handle: if prefetch {
            handle.with_prefetch()
        } else {
            handle
        },
        storage,
        elements: vec![zero(); 16],
    })
}

unsafe fn consumer<T: Plain>(
    ring: *mut PaUtilRingBuffer,
    storage: usize,
    prefetch: bool,
) -> Box<dyn Reader> {
    // SAFETY: the caller's promises are the same.
    let handle = unsafe { Consumer::<T>::from_raw(ring) }.expect("an intact ring of this type");
    Box::new(ConsumerHandle {
        handle: if prefetch {
            handle.with_prefetch()
        } else {
            handle
        },
        storage,
        elements: vec![zero(); 16],
    })
}

macro_rules! types {
    ($($size:literal $element:ty),* $(,)?) => {
        /// The element sizes for which there are handles here.
        pub(crate) const SIZES: &[usize] = &[$({
            assert!(size_of::<$element>() == $size);
            $size
        }),*];

        /// The producer's handle for a ring with elements of such a size.
        ///
        /// # Safety
        ///
        /// As for `Producer::from_raw`, as long as it is used.
        pub(crate) unsafe fn writer(
            ring: *mut PaUtilRingBuffer,
            element_size: usize,
            storage: usize,
            prefetch: bool,
        ) -> Option<Box<dyn Writer>> {
            match element_size {
                // SAFETY: the caller's promises are the same.
                $($size => Some(unsafe { producer::<$element>(ring, storage, prefetch) }),)*
                _ => None,
            }
        }

        /// The consumer's handle for a ring with elements of such a size.
        ///
        /// # Safety
        ///
        /// As for `Consumer::from_raw`, as long as it is used.
        pub(crate) unsafe fn reader(
            ring: *mut PaUtilRingBuffer,
            element_size: usize,
            storage: usize,
            prefetch: bool,
        ) -> Option<Box<dyn Reader>> {
            match element_size {
                // SAFETY: the caller's promises are the same.
                $($size => Some(unsafe { consumer::<$element>(ring, storage, prefetch) }),)*
                _ => None,
            }
        }
    };
}

types! {
    1 u8, 2 u16, 3 [u8; 3], 4 u32, 5 [u8; 5], 6 [u16; 3], 7 [u8; 7], 8 u64, 9 [u8; 9],
    12 [u32; 3], 15 [u8; 15], 16 u128, 17 [u8; 17], 24 [u64; 3], 31 [u8; 31], 32 [u128; 2],
    33 [u8; 33], 48 [u64; 6], 63 [u8; 63], 64 [u64; 8], 65 [u8; 65], 100 [u32; 25], 128 [u64; 16],
    255 [u8; 255], 512 [u64; 64], 1000 [u64; 125], 1023 [u8; 1023], 4095 [u8; 4095],
    4096 [u64; 512],
}
