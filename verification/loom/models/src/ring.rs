//! A ring for a model.

use checker::Atomic;
use pa_ringbuffer::{
    Consumer, Geometry, PaUtilRingBuffer, Producer, RingBuffer, RingMemory, ring_buffer_size_t,
};

/// The ring's struct, for a thread.
#[derive(Clone, Copy)]
pub(crate) struct Pointer(pub(crate) *mut PaUtilRingBuffer);

// SAFETY: the models keep the ring alive until all threads have ended.
unsafe impl Send for Pointer {}

/// A ring of elements of S bytes. `passed` elements have gone through it already.
///
/// loom must know of it before there are threads: see [`share`].
pub(crate) fn make<const S: usize>(size: usize, passed: usize) -> RingMemory {
    let ring = RingMemory::new(S, size).expect("it is small");
    let geometry = ring.geometry();
    for _ in 0..passed {
        ring.advance_write_index(&geometry, 1);
        ring.advance_read_index(&geometry, 1);
    }
    watch::<S>(&ring, &geometry);
    ring
}

/// Both handles of a ring for elements of S bytes, which know of each other.
pub(crate) fn split<const S: usize>(
    size: usize,
) -> (Producer<'static, [u8; S]>, Consumer<'static, [u8; S]>) {
    let (producer, consumer) = RingBuffer::new(size).expect("it is small").split();
    // SAFETY: the handles keep the ring alive.
    let ring = unsafe { &*producer.as_ptr() };
    watch::<S>(ring, &ring.geometry());
    checker::share(&[&producer]);
    (producer, consumer)
}

fn watch<const S: usize>(ring: &PaUtilRingBuffer, geometry: &Geometry) {
    checker::watch(geometry.buffer(), S, geometry.size());
    for name in ["writeIndex", "readIndex"] {
        let field: *const _ = field((&raw const *ring).cast_mut(), name);
        checker::name(field.addr(), name);
    }
}

/// [`make`] for a model that shares nothing else.
pub(crate) fn make_shared<const S: usize>(size: usize, passed: usize) -> RingMemory {
    let ring = make::<S>(size, passed);
    checker::share(&[&ring]);
    ring
}

/// A field of the struct. The ring must be alive as long as it is used.
pub(crate) fn field<'a>(ring: *mut PaUtilRingBuffer, name: &str) -> &'a Atomic<ring_buffer_size_t> {
    let field = PaUtilRingBuffer::FIELDS.iter().find(|f| f.name == name);
    let offset = field.expect("the struct has it").offset;
    // SAFETY: the field is there, has this type, and everything in the struct is atomic.
    unsafe { &*ring.byte_add(offset).cast() }
}

/// Elements that can be told from each other: the numbers from `first` on.
pub(crate) fn numbered<const S: usize>(first: usize, count: usize) -> Vec<[u8; S]> {
    (first..first + count).map(|n| [n as u8; S]).collect()
}
