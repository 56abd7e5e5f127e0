//! The ring through its public face: against a model, across threads, and with hostile fields.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the tests overwrite the struct's fields, as foreign code may"
)]

use std::collections::VecDeque;
use std::ffi::c_void;
use std::mem::MaybeUninit;

use pa_ringbuffer::{
    Consumer, PaUtilRingBuffer, Placement, Producer, RingBuffer, RingError, RingMemory,
    ring_buffer_size_t,
};

/// A small generator (xorshift64*, Vigna 2016), so that runs repeat without a dependency.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }
}

/// The C struct as a foreign program sees it: plain fields that anybody may overwrite.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Foreign {
    buffer_size: ring_buffer_size_t,
    write_index: ring_buffer_size_t,
    read_index: ring_buffer_size_t,
    big_mask: ring_buffer_size_t,
    small_mask: ring_buffer_size_t,
    element_size: ring_buffer_size_t,
    buffer: *mut c_void,
}

fn foreign(ring: *mut PaUtilRingBuffer) -> *mut Foreign {
    ring.cast()
}

#[test]
fn handles_behave_like_a_bounded_queue() {
    let mut random = Random(42);
    let steps = if cfg!(miri) { 100 } else { 25_000 };
    let choices = [Placement::OneLine, Placement::TwoLines].map(|p| [(p, false), (p, true)]);
    let choices = || choices.into_iter().flatten();
    for (capacity, (placement, prefetch)) in [1usize, 2, 4, 64]
        .into_iter()
        .flat_map(|c| choices().map(move |choice| (c, choice)))
    {
        let ring = RingBuffer::<u32>::with_placement(capacity, placement).unwrap();
        let (mut producer, mut consumer) = ring.split();
        if prefetch {
            producer = producer.with_prefetch();
            consumer = consumer.with_prefetch();
        }
        let mut model = VecDeque::new();
        let mut next = 0u32;
        for _ in 0..steps {
            assert_eq!(consumer.read_available(), model.len());
            assert_eq!(producer.write_available(), capacity - model.len());
            assert_eq!(producer.is_full(), model.len() == capacity);
            assert_eq!(consumer.is_empty(), model.is_empty());
            assert_eq!(consumer.peek(), model.front().copied());
            let count = random.below(capacity + 3);
            let room = capacity - model.len();
            let values: Vec<u32> = (next..).take(count).collect();
            let mut block = vec![u32::MAX; count];
            match random.below(10) {
                0 => {
                    let written = producer.write(&values);
                    assert_eq!(written, count.min(room));
                    model.extend(&values[..written]);
                    next += written as u32;
                }
                1 => match producer.write_all(&values) {
                    Ok(()) => {
                        assert!(count <= room);
                        model.extend(&values);
                        next += count as u32;
                    }
                    Err(e) => assert!(e.available == room && count > room),
                },
                2 => {
                    if producer.push(next).is_ok() {
                        model.push_back(next);
                        next += 1;
                    } else {
                        assert_eq!(room, 0);
                    }
                }
                3 => {
                    let mut chunk = producer.chunk(count);
                    assert_eq!(chunk.len(), count.min(room));
                    let (first, second) = chunk.as_mut_slices();
                    for (slot, value) in first.iter_mut().chain(second).zip(&values) {
                        *slot = *value;
                    }
                    let committed = random.below(chunk.len() + 1);
                    chunk.commit(committed);
                    model.extend(&values[..committed]);
                    next += committed as u32;
                }
                4 => {
                    let peeked = consumer.peek_slice(&mut block);
                    assert!(block[..peeked].iter().eq(model.iter().take(peeked)));
                    let read = consumer.read(&mut block);
                    assert_eq!((read, peeked), (count.min(model.len()), read));
                    assert!(block[..read].iter().copied().eq(model.drain(..read)));
                    assert!(block[read..].iter().all(|&v| v == u32::MAX));
                }
                5 => match consumer.read_all(&mut block) {
                    Ok(()) => assert!(block.iter().copied().eq(model.drain(..count))),
                    Err(e) => assert!(e.available == model.len() && count > model.len()),
                },
                6 => {
                    let available = model.len();
                    let chunk = consumer.chunk(count);
                    assert_eq!(chunk.len(), count.min(available));
                    let (first, second) = chunk.as_slices();
                    assert!(
                        first
                            .iter()
                            .chain(second)
                            .eq(model.iter().take(chunk.len()))
                    );
                    let committed = random.below(chunk.len() + 1);
                    chunk.commit(committed);
                    model.drain(..committed);
                }
                7 => {
                    let mut next_values = values.iter().copied();
                    let chunk = producer.chunk(random.below(capacity + 3));
                    let expected = chunk.len().min(count);
                    assert_eq!(chunk.fill_from_iter(&mut next_values), expected);
                    // No element was taken from the iterator that is not in the ring.
                    assert!(next_values.eq(values[expected..].iter().copied()));
                    model.extend(&values[..expected]);
                    next += expected as u32;
                }
                8 => {
                    let mut elements = consumer.chunk(count).into_iter();
                    assert_eq!(elements.len(), count.min(model.len()));
                    for _ in 0..random.below(capacity + 3) {
                        let left = elements.len();
                        let element = elements.next();
                        assert_eq!(element.is_some(), left != 0);
                        if left != 0 {
                            assert_eq!(elements.len(), left - 1);
                            assert_eq!(element, model.pop_front());
                        }
                    }
                }
                _ => {
                    let discarded = consumer.discard(count);
                    assert_eq!(discarded, count.min(model.len()));
                    model.drain(..discarded);
                }
            }
        }
    }
}

#[test]
fn two_threads_pass_every_element_once_and_in_order() {
    let (producer, consumer) = RingBuffer::new(64).unwrap().split();
    pass_in_order(producer, consumer);
}

#[test]
fn prefetching_changes_nothing_but_the_time_it_takes() {
    let (producer, consumer) = RingBuffer::new(64).unwrap().split();
    pass_in_order(producer.with_prefetch(), consumer.with_prefetch());
}

fn pass_in_order(
    mut producer: Producer<'static, [u64; 2]>,
    mut consumer: Consumer<'static, [u64; 2]>,
) {
    let total: u64 = if cfg!(miri) { 200 } else { 2_000_000 };
    let writer = std::thread::spawn(move || {
        let mut random = Random(7);
        let mut next = 0;
        while next < total {
            let count = (random.below(40) as u64).min(total - next);
            let values: Vec<_> = (next..next + count).map(|n| [n, !n]).collect();
            let written = producer.write(&values);
            next += written as u64;
            if written == 0 {
                std::thread::yield_now();
            }
        }
    });
    let mut random = Random(8);
    let mut expected = 0;
    let mut block = [[0; 2]; 40];
    while expected < total {
        let limit = random.below(block.len() + 1);
        let read = consumer.read(&mut block[..limit]);
        for element in &block[..read] {
            assert_eq!(*element, [expected, !expected]);
            expected += 1;
        }
        if read == 0 {
            std::thread::yield_now();
        }
    }
    writer.join().unwrap();
}

#[test]
fn memory_lives_as_long_as_the_later_handle() {
    let (producer, mut consumer) = RingBuffer::new(8).unwrap().split();
    let mut producer: Producer<'static, i64> = producer;
    producer.write(&[1, 2, 3]);
    drop(producer);
    assert_eq!(consumer.pop(), Some(1));
    assert_eq!(consumer.read_available(), 2);
}

#[test]
fn a_handle_says_whether_the_other_one_was_dropped() {
    let (producer, mut consumer) = RingBuffer::new(8).unwrap().split();
    let mut producer: Producer<'static, i64> = producer.with_prefetch();
    producer.write(&[1, 2]);
    assert!(!producer.is_abandoned() && !consumer.is_abandoned());
    drop(producer);
    assert!(consumer.is_abandoned());
    assert_eq!(consumer.pop(), Some(1));
    assert!(consumer.with_prefetch().is_abandoned());

    let (producer, consumer) = RingBuffer::<u8>::new(8).unwrap().split();
    drop(consumer);
    assert!(producer.is_abandoned());
}

/// The struct has no room for it.
#[test]
fn borrowed_handles_and_those_from_pointers_do_not_know_of_each_other() {
    let mut ring = RingBuffer::<u8>::new(8).unwrap();
    let (producer, consumer) = ring.handles();
    drop(producer);
    assert!(!consumer.is_abandoned());
    let (producer, consumer) = ring.split();
    let other = unsafe { Consumer::<u8>::from_raw(producer.as_ptr()) }.unwrap();
    drop(producer);
    assert!(!other.is_abandoned() && consumer.is_abandoned());
}

#[test]
fn all_that_was_written_before_the_producer_was_dropped_is_read() {
    for count in 0..if cfg!(miri) { 20 } else { 200 } {
        let (mut producer, mut consumer) = RingBuffer::new(4).unwrap().split();
        let writer = std::thread::spawn(move || {
            for number in 0..count % 9 {
                while producer.push(number).is_err() {
                    std::thread::yield_now();
                }
            }
        });
        let mut received = Vec::new();
        while !(consumer.is_abandoned() && consumer.is_empty()) {
            received.extend(consumer.chunk(3));
            std::thread::yield_now();
        }
        writer.join().unwrap();
        assert!(received.into_iter().eq(0..count % 9));
    }
}

#[test]
fn a_panic_while_a_chunk_is_filled_makes_nothing_readable() {
    let (mut producer, consumer) = RingBuffer::new(8).unwrap().split();
    let filling = std::panic::AssertUnwindSafe(|| {
        let elements = (0..8).inspect(|n| assert!(*n < 3, "the iterator panics"));
        producer.chunk(8).fill_from_iter(elements);
    });
    assert!(std::panic::catch_unwind(filling).is_err());
    assert_eq!(
        (consumer.read_available(), producer.write_available()),
        (0, 8)
    );
}

#[test]
fn handles_beside_each_other_share_no_cache_line() {
    assert!(align_of::<Producer<'_, u8>>() >= 128);
    assert!(align_of::<Consumer<'_, u8>>() >= 128);
}

#[test]
fn struct_and_storage_are_where_the_documentation_says() {
    for (element_size, count) in [(1, 1), (3, 64), (8, 4096)] {
        let ring = RingMemory::new(element_size, count).unwrap();
        let view = unsafe { foreign(ring.as_ptr()).read() };
        assert_eq!(ring.as_ptr().addr() % 64, 0);
        assert_eq!(view.buffer.addr() % 64, 0);
        assert_eq!(view.buffer_size, count as ring_buffer_size_t);
        assert_eq!(view.element_size, element_size as ring_buffer_size_t);
        assert_eq!(view.small_mask, count as ring_buffer_size_t - 1);
        assert_eq!(view.big_mask, 2 * count as ring_buffer_size_t - 1);

        let apart = Placement::TwoLines;
        let ring = RingMemory::with_placement(element_size, count, apart).unwrap();
        let view = foreign(ring.as_ptr());
        let write_index = unsafe { &raw const (*view).write_index };
        let read_index = unsafe { &raw const (*view).read_index };
        assert_eq!(read_index.addr() % 128, 0);
        assert_ne!(write_index.addr() / 64, read_index.addr() / 64);
        assert_eq!(unsafe { (*view).buffer }.addr() % 64, 0);
    }
    // A ring for two handles has one cache line for each index.
    let view = foreign(RingBuffer::<u8>::new(8).unwrap().as_ptr());
    assert_eq!(unsafe { &raw const (*view).read_index }.addr() % 128, 0);
}

#[test]
fn unfit_sizes_are_refused_with_their_value() {
    assert_eq!(
        RingMemory::new(4, 0).unwrap_err(),
        RingError::Capacity { value: 0 }
    );
    assert_eq!(
        RingMemory::new(4, 6).unwrap_err(),
        RingError::Capacity { value: 6 }
    );
    assert_eq!(
        RingMemory::new(0, 4).unwrap_err(),
        RingError::ElementSize { value: 0 }
    );
    let huge = 1 << (usize::BITS - 2);
    assert!(matches!(
        RingMemory::new(4, huge),
        Err(RingError::TooLarge { .. })
    ));
    assert!(matches!(
        RingMemory::new(usize::MAX, 1),
        Err(RingError::TooLarge { .. })
    ));
    assert!(
        RingBuffer::<f32>::new(3)
            .unwrap_err()
            .to_string()
            .contains("power of two, not 3")
    );
}

#[test]
fn a_handle_over_foreign_memory_is_checked() {
    let ring = RingMemory::new(4, 8).unwrap();
    let pointer = ring.as_ptr();
    let good = unsafe { foreign(pointer).read() };
    let attempt = |change: fn(&mut Foreign)| {
        let mut changed = good;
        change(&mut changed);
        unsafe { foreign(pointer).write(changed) };
        let result = unsafe { Consumer::<f32>::from_raw(pointer) }
            .map(|_| ())
            .unwrap_err();
        unsafe { foreign(pointer).write(good) };
        result
    };
    let field = |error: RingError| match error {
        RingError::Field(field) => field.name,
        other => panic!("{other}"),
    };
    assert_eq!(
        field(attempt(|r| r.buffer = std::ptr::null_mut())),
        "buffer"
    );
    assert_eq!(field(attempt(|r| r.small_mask = 6)), "smallMask");
    assert_eq!(field(attempt(|r| r.small_mask = -1)), "smallMask");
    assert_eq!(field(attempt(|r| r.big_mask = 7)), "bigMask");
    assert_eq!(field(attempt(|r| r.element_size = -4)), "elementSizeBytes");
    assert_eq!(field(attempt(|r| r.buffer_size = 0)), "bufferSize");
    assert_eq!(field(attempt(|r| r.buffer_size = 9)), "bufferSize");
    assert_eq!(field(attempt(|r| r.buffer_size = 4)), "bufferSize");
    assert_eq!(
        attempt(|r| r.buffer_size = 7),
        RingError::Capacity { value: 7 }
    );
    assert_eq!(
        attempt(|r| r.element_size = 8),
        RingError::ElementType {
            found: 8,
            needed: 4
        }
    );
    assert!(matches!(
        attempt(|r| r.buffer = r.buffer.wrapping_byte_add(1)),
        RingError::ElementAlignment { address, needed: 4 } if address % 4 == 1
    ));
    let misplaced = pointer.wrapping_byte_add(1);
    assert!(matches!(
        unsafe { Producer::<f32>::from_raw(misplaced) },
        Err(RingError::StructAlignment { address, .. }) if address == misplaced.addr()
    ));
    let null = unsafe { Producer::<f32>::from_raw(std::ptr::null_mut()) };
    assert_eq!(null.map(|_| ()), Err(RingError::Null));
    assert_eq!(
        unsafe { Consumer::<f32>::from_raw(pointer) }
            .unwrap()
            .capacity(),
        8
    );
}

#[test]
fn every_error_says_what_was_found_and_what_would_be_right() {
    let ring = RingMemory::new(4, 8).unwrap();
    let pointer = ring.as_ptr();
    let made = ring.geometry();
    let good = unsafe { foreign(pointer).read() };
    type Change = (fn(&mut Foreign), &'static str, &'static str);
    let changes: [Change; 7] = [
        (
            |r| r.buffer = std::ptr::null_mut(),
            "buffer must be a pointer to the elements, not 0",
            "",
        ),
        (
            |r| r.element_size = -4,
            "elementSizeBytes must be from 1 to 9223372036854775807, not -4",
            "elementSizeBytes must be 4, not -4",
        ),
        (
            |r| r.element_size = ring_buffer_size_t::MAX,
            "elementSizeBytes must be from 1 to 1152921504606846975 (what fits into the address \
             space), not 9223372036854775807",
            "elementSizeBytes must be 4, not 9223372036854775807",
        ),
        (
            |r| r.small_mask = 6,
            "smallMask must be a power of 2 minus 1, not 6",
            "smallMask must be 7, not 6",
        ),
        (
            |r| r.big_mask = -1,
            "bigMask must be 15 (twice smallMask plus 1), not -1",
            "bigMask must be 15, not -1",
        ),
        (
            |r| r.buffer_size = 9,
            "bufferSize must be from 1 to 8 (smallMask plus 1), not 9",
            "bufferSize must be from 1 to 8, not 9",
        ),
        (
            |r| r.buffer_size = -1,
            "bufferSize must be from 1 to 8 (smallMask plus 1), not -1",
            "bufferSize must be from 1 to 8, not -1",
        ),
    ];
    for (change, initialised, unchanged) in changes {
        let mut changed = good;
        change(&mut changed);
        unsafe { foreign(pointer).write(changed) };
        let view = unsafe { &*pointer };
        let [checked, reloaded] = [view.checked_geometry(), made.reloaded(view)];
        unsafe { foreign(pointer).write(good) };
        let reloaded = reloaded.unwrap_err().to_string();
        if unchanged.is_empty() {
            assert!(reloaded.ends_with(", not 0"), "{reloaded}");
        } else if size_of::<ring_buffer_size_t>() == 8 {
            assert_eq!(reloaded, format!("the ring's field {unchanged}"));
        }
        if size_of::<ring_buffer_size_t>() == 8 {
            let checked = checked.unwrap_err().to_string();
            assert_eq!(checked, format!("the ring's field {initialised}"));
        }
    }
    assert_eq!(made.reloaded(unsafe { &*pointer }), Ok(made));
    let text = RingError::ElementType {
        found: 4,
        needed: 8,
    };
    assert_eq!(
        text.to_string(),
        "the ring's elements must have 8 bytes, as the handle's type has, not 4"
    );
    assert_eq!(
        RingError::ElementSize { value: 0 }.to_string(),
        "the element size must be at least 1 byte, not 0"
    );
}

#[test]
fn foreign_indices_never_lead_outside_the_storage() {
    const GUARD: u8 = 0xA5;
    const SIZE: usize = 8;
    // The ring has the middle third; what is around it must keep its value.
    let mut storage = [GUARD; 3 * SIZE * 3];
    let middle = unsafe { storage.as_mut_ptr().add(SIZE * 3) };
    let ring = PaUtilRingBuffer::zeroed();
    ring.initialize(3, SIZE, middle.cast()).unwrap();
    let view = foreign((&raw const ring).cast_mut());
    let extremes = [ring_buffer_size_t::MIN, -1, ring_buffer_size_t::MAX];
    for buffer_size in [1, 5, 8] {
        for write in (-9..20).chain(extremes) {
            for read in (-9..20).chain(extremes) {
                unsafe {
                    (*view).buffer_size = buffer_size;
                    (*view).write_index = write;
                    (*view).read_index = read;
                    let g = ring.geometry();
                    let mut block = [0u8; 3 * SIZE];
                    assert!(ring.read_available() <= buffer_size as usize);
                    let written = ring.write(&g, block.as_ptr().cast(), SIZE);
                    assert!(written <= buffer_size as usize);
                    (*view).write_index = write;
                    let n = ring.read(&g, block.as_mut_ptr().cast(), SIZE);
                    assert!(n <= buffer_size as usize);
                }
            }
        }
    }
    assert!(storage[..3 * SIZE].iter().all(|&b| b == GUARD));
    assert!(storage[2 * 3 * SIZE..].iter().all(|&b| b == GUARD));
}

#[test]
fn foreign_indices_never_lead_handles_outside_the_storage() {
    const GUARD: u8 = 0xA5;
    const SIZE: usize = 8;
    let mut storage = [[GUARD; 3]; 3 * SIZE];
    let middle = unsafe { storage.as_mut_ptr().add(SIZE) };
    let ring = PaUtilRingBuffer::zeroed();
    ring.initialize(3, SIZE, middle.cast()).unwrap();
    let pointer = (&raw const ring).cast_mut();
    let view = foreign(pointer);
    let extremes = [ring_buffer_size_t::MIN, -1, ring_buffer_size_t::MAX];
    let indices = || (-9..20).chain(extremes);
    let pairs = || indices().flat_map(|start| indices().map(move |wrong| (start, wrong)));
    for (prefetch, (start, wrong)) in [false, true]
        .map(|p| pairs().map(move |x| (p, x)))
        .into_iter()
        .flatten()
    {
        unsafe { (*view).write_index = start };
        unsafe { (*view).read_index = start };
        let mut producer = unsafe { Producer::<[u8; 3]>::from_raw(pointer) }.unwrap();
        let mut consumer = unsafe { Consumer::<[u8; 3]>::from_raw(pointer) }.unwrap();
        if prefetch {
            producer = producer.with_prefetch();
            consumer = consumer.with_prefetch();
        }
        let mut block = [[0; 3]; 2 * SIZE];
        unsafe { (*view).read_index = wrong };
        assert!(producer.write_available() <= SIZE);
        assert!(producer.chunk(usize::MAX).len() <= SIZE);
        assert!(producer.write(&block) <= SIZE);
        let _ = producer.push([0; 3]);
        unsafe { (*view).write_index = wrong };
        assert!(consumer.read_available() <= SIZE);
        assert!(consumer.chunk(usize::MAX).len() <= SIZE);
        assert!(consumer.peek_slice(&mut block) <= SIZE);
        assert!(consumer.read(&mut block) <= SIZE);
        let _ = (consumer.peek(), consumer.pop());
        // What a handle knows of where it is must not lead it further than what it looks at.
        for step in 0..2 * SIZE {
            unsafe { (*view).read_index = wrong.wrapping_add((step % 3) as ring_buffer_size_t) };
            let _ = producer.push([0; 3]);
            assert!(producer.write(&block[..step % 4]) <= SIZE);
            unsafe { (*view).write_index = wrong.wrapping_add((step % 5) as ring_buffer_size_t) };
            let _ = (consumer.pop(), consumer.peek());
            assert!(consumer.read(&mut block[..step % 4]) <= SIZE);
            assert!(consumer.discard(step % 6) <= SIZE);
        }
    }
    assert!(storage[..SIZE].iter().all(|&e| e == [GUARD; 3]));
    assert!(storage[2 * SIZE..].iter().all(|&e| e == [GUARD; 3]));
}

/// What a handle knows of the other side may be old, and must never be wrong: on the other side are
/// functions that look at both indices each time, as C does.
#[test]
fn handles_agree_with_functions_on_the_other_side() {
    let mut random = Random(7);
    let ring = RingMemory::new(4, 8).unwrap();
    let g = ring.geometry();
    let (mut written, mut read) = (0u32, 0u32);
    let mut producer = unsafe { Producer::<u32>::from_raw(ring.as_ptr()) }.unwrap();
    let mut consumer = unsafe { Consumer::<u32>::from_raw(ring.as_ptr()) }.unwrap();
    let mut block = [0u32; 12];
    // A handle and functions in turns on the *same* side is what handles are not made for: each
    // pass has one of each.
    for by_handle in [true, false] {
        for _ in 0..if cfg!(miri) { 300 } else { 100_000 } {
            let count = random.below(12);
            for (value, slot) in (written..).zip(&mut block) {
                *slot = value;
            }
            let room = 8 - (written - read) as usize;
            let n = if by_handle {
                producer.write(&block[..count])
            } else {
                unsafe { ring.write(&g, block.as_ptr().cast(), count) }
            };
            assert_eq!(n, count.min(room));
            written += n as u32;
            let count = random.below(12);
            let n = if by_handle {
                unsafe { ring.read(&g, block.as_mut_ptr().cast(), count) }
            } else {
                consumer.read(&mut block[..count])
            };
            assert_eq!(n, count.min((written - read) as usize));
            assert!(block[..n].iter().copied().eq(read..read + n as u32));
            read += n as u32;
        }
        // The consumer's handle starts where the functions have got to.
        consumer = unsafe { Consumer::<u32>::from_raw(ring.as_ptr()) }.unwrap();
    }
}

#[test]
fn any_corrupt_field_leaves_the_reader_without_elements_or_inside_the_storage() {
    let ring = RingMemory::new(2, 8).unwrap();
    let pointer = foreign(ring.as_ptr());
    let good = unsafe { pointer.read() };
    for value in [
        ring_buffer_size_t::MIN,
        -1,
        0,
        1,
        9,
        ring_buffer_size_t::MAX,
    ] {
        for field in 0..5 {
            let mut changed = good;
            match field {
                0 => changed.buffer_size = value,
                1 => changed.write_index = value,
                2 => changed.read_index = value,
                3 => changed.big_mask = value,
                _ => changed.small_mask = value,
            }
            unsafe { pointer.write(changed) };
            let regions = ring.read_regions(&ring.geometry(), usize::MAX);
            assert!(regions.len() <= 8, "field {field} = {value}");
        }
    }
    unsafe {
        pointer.write(Foreign {
            buffer: std::ptr::null_mut(),
            ..good
        })
    };
    assert_eq!(ring.write_available(), 0);
}

/// pastream sets `bufferSize` to what is no power of two, for a buffer that is filled once.
#[test]
fn a_size_that_is_no_power_of_two_works_until_the_end() {
    let ring = RingMemory::new(1, 8).unwrap();
    unsafe { (*foreign(ring.as_ptr())).buffer_size = 5 };
    let g = ring.geometry();
    let mut block = [0u8; 8];
    unsafe {
        assert_eq!(ring.write_available(), 5);
        assert_eq!(ring.write(&g, b"abcdefg".as_ptr().cast(), 7), 5);
        assert_eq!(ring.write_available(), 0);
        assert_eq!(ring.peek(&g, block.as_mut_ptr().cast(), 2), 2);
        assert_eq!(ring.read(&g, block.as_mut_ptr().cast(), 8), 5);
    }
    assert_eq!(&block[..5], b"abcde");
    assert_eq!(ring.read_available(), 0);
}

/// What the functions on the struct carry need not be plain. Miri sees if a byte of it gets lost.
#[test]
fn padding_and_pointers_pass_through_the_functions() {
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Padded {
        kind: u8,
        value: f32,
    }
    unsafe fn pass<T: Copy>(element: T) -> T {
        let ring = RingMemory::new(size_of::<T>(), 2).unwrap();
        let g = ring.geometry();
        let mut passed = MaybeUninit::<T>::uninit();
        unsafe {
            assert_eq!(ring.write(&g, (&raw const element).cast(), 1), 1);
            assert_eq!(ring.read(&g, (&raw mut passed).cast(), 1), 1);
            passed.assume_init()
        }
    }
    let padded = Padded {
        kind: 3,
        value: 0.5,
    };
    let number = 42;
    unsafe {
        assert_eq!(pass(padded), padded);
        assert_eq!(pass([padded; 2]), [padded; 2]);
        assert_eq!(*pass(&number), 42);
        assert_eq!(pass((&number, 1u8)).1, 1);
    }
}

#[test]
fn flush_makes_it_empty() {
    let mut ring = RingBuffer::<u16>::new(4).unwrap();
    ring.handles().0.write(&[1, 2, 3]);
    ring.flush();
    let (producer, mut consumer) = ring.handles();
    assert_eq!((producer.write_available(), consumer.pop()), (4, None));
}

#[test]
fn an_uninitialised_struct_is_a_ring_without_elements() {
    let ring = PaUtilRingBuffer::zeroed();
    assert_eq!((ring.read_available(), ring.write_available()), (0, 0));
    assert!(ring.write_regions(&ring.geometry(), 5).is_empty());
}
