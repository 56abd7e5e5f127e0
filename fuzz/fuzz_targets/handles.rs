//! The Rust handles, with an other side that writes anything into its index.
//!
//! The storage is allocated for itself, with not a byte more than there are elements, so that the
//! address sanitizer sees each access beside it.

#![no_main]

use std::collections::VecDeque;
use std::mem::size_of;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pa_ringbuffer::{Consumer, PaUtilRingBuffer, Producer, ring_buffer_size_t};

type Element = [u16; 3];

#[derive(Arbitrary, Debug)]
enum Step {
    Push(Element),
    Write(u8),
    WriteAll(u8),
    WriteChunk {
        wanted: u8,
        commit: u8,
    },
    FillChunk {
        wanted: u8,
        count: u8,
    },
    Pop,
    Peek,
    PeekSlice(u8),
    Read(u8),
    ReadAll(u8),
    Discard(u8),
    ReadChunk {
        wanted: u8,
        commit: u8,
    },
    IterateChunk {
        wanted: u8,
        count: u8,
    },
    /// Both handles are made anew, as from a pointer.
    Again {
        prefetch: bool,
    },
    WriteIndex(ring_buffer_size_t),
    ReadIndex(ring_buffer_size_t),
}

#[derive(Arbitrary, Debug)]
struct Input {
    power: u8,
    steps: Vec<Step>,
}

/// The contents of the ring, until other code has overwritten an index.
struct Model {
    elements: VecDeque<Element>,
    size: usize,
    known: bool,
}

impl Model {
    fn took(&mut self, taken: &[Element]) {
        if self.known {
            let expected: Vec<_> = self.elements.drain(..taken.len()).collect();
            assert_eq!(expected, taken);
        }
    }

    fn put(&mut self, elements: &[Element]) {
        self.elements.extend(elements);
        assert!(!self.known || self.elements.len() <= self.size);
    }
}

fn handles<'a>(
    ring: *mut PaUtilRingBuffer,
    prefetch: bool,
) -> (Producer<'a, Element>, Consumer<'a, Element>) {
    // SAFETY: the ring and its storage outlive the handles, and those before are dropped.
    let (producer, consumer) = unsafe { (Producer::from_raw(ring), Consumer::from_raw(ring)) };
    let (producer, consumer) = (producer.unwrap(), consumer.unwrap());
    if prefetch {
        (producer.with_prefetch(), consumer.with_prefetch())
    } else {
        (producer, consumer)
    }
}

fuzz_target!(|input: Input| {
    let size = 1 << (input.power % 7);
    let mut storage = vec![Element::default(); size].into_boxed_slice();
    let mut struct_ = Box::new(PaUtilRingBuffer::zeroed());
    struct_
        .initialize(size_of::<Element>(), size, storage.as_mut_ptr().cast())
        .unwrap();
    let ring = &raw mut *struct_;
    // The second and third field, which belong to the two sides.
    let index = |n| ring.cast::<ring_buffer_size_t>().wrapping_add(n);
    let (mut producer, mut consumer) = handles(ring, false);
    let mut model = Model {
        elements: VecDeque::new(),
        size,
        known: true,
    };
    let mut serial = 0;
    let mut fresh = |count: u8| -> Vec<Element> {
        (0..count)
            .map(|_| {
                serial += 1;
                [serial, !serial, 7]
            })
            .collect()
    };
    for step in input.steps {
        let room = model.known.then(|| size - model.elements.len());
        let filled = model.known.then_some(model.elements.len());
        let check = |known: Option<usize>, wanted: usize, got: usize| {
            assert!(got <= wanted.min(size));
            assert!(known.is_none_or(|available| got == wanted.min(available)));
        };
        match step {
            Step::Push(element) => {
                let pushed = producer.push(element).is_ok();
                check(room, 1, usize::from(pushed));
                model.put(&[element][..usize::from(pushed)]);
            }
            Step::Write(count) => {
                let elements = fresh(count);
                let written = producer.write(&elements);
                check(room, elements.len(), written);
                model.put(&elements[..written]);
            }
            Step::WriteAll(count) => {
                let elements = fresh(count);
                if producer.write_all(&elements).is_ok() {
                    model.put(&elements);
                }
            }
            Step::WriteChunk { wanted, commit } => {
                let mut chunk = producer.chunk(wanted.into());
                let length = chunk.len();
                check(room, wanted.into(), length);
                let elements = fresh(length as u8);
                let (first, second) = chunk.as_mut_slices();
                assert_eq!(first.len() + second.len(), length);
                first.copy_from_slice(&elements[..first.len()]);
                second.copy_from_slice(&elements[first.len()..]);
                let commit = length.min(commit.into());
                chunk.commit(commit);
                model.put(&elements[..commit]);
            }
            Step::FillChunk { wanted, count } => {
                let chunk = producer.chunk(wanted.into());
                let expected = chunk.len().min(count.into());
                let elements = fresh(count);
                assert_eq!(chunk.fill_from_iter(elements.iter().copied()), expected);
                model.put(&elements[..expected]);
            }
            Step::Pop => {
                let popped = consumer.pop();
                check(filled, 1, popped.iter().count());
                model.took(popped.as_slice());
            }
            Step::Peek => {
                let peeked = consumer.peek();
                check(filled, 1, peeked.iter().count());
                assert!(!model.known || peeked.as_ref() == model.elements.front());
            }
            Step::PeekSlice(count) => {
                let mut target = vec![Element::default(); count.into()];
                check(filled, target.len(), consumer.peek_slice(&mut target));
            }
            Step::Read(count) => {
                let mut target = vec![Element::default(); count.into()];
                let read = consumer.read(&mut target);
                check(filled, target.len(), read);
                model.took(&target[..read]);
            }
            Step::ReadAll(count) => {
                let mut target = vec![Element::default(); count.into()];
                if consumer.read_all(&mut target).is_ok() {
                    model.took(&target);
                }
            }
            Step::Discard(count) => {
                let discarded = consumer.discard(count.into());
                check(filled, count.into(), discarded);
                if model.known {
                    model.elements.drain(..discarded);
                }
            }
            Step::ReadChunk { wanted, commit } => {
                let chunk = consumer.chunk(wanted.into());
                let length = chunk.len();
                check(filled, wanted.into(), length);
                let (first, second) = chunk.as_slices();
                let elements = [first, second].concat();
                let commit = length.min(commit.into());
                chunk.commit(commit);
                model.took(&elements[..commit]);
            }
            Step::IterateChunk { wanted, count } => {
                let elements = consumer.chunk(wanted.into()).into_iter();
                check(filled, wanted.into(), elements.len());
                let taken: Vec<_> = elements.take(count.into()).collect();
                model.took(&taken);
            }
            Step::Again { prefetch } => (producer, consumer) = handles(ring, prefetch),
            // SAFETY: a field of a living struct; this is what foreign code may do.
            Step::WriteIndex(value) => unsafe {
                index(1).write_volatile(value);
                model.known = false;
            },
            // SAFETY: as above.
            Step::ReadIndex(value) => unsafe {
                index(2).write_volatile(value);
                model.known = false;
            },
        }
        assert!(producer.write_available() <= size);
        assert!(consumer.read_available() <= size);
    }
});
