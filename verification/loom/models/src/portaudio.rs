//! What PortAudio's C does, as far as the memory model is concerned: the indices are `volatile`, and
//! barriers stand where its functions have them.
//!
//! In terms of C11, accesses to `volatile` integers of this size are relaxed at least, and a barrier
//! is a fence at least; where PortAudio has its full barrier, it is a sequentially consistent one.
//! `PaUtil_WriteRingBuffer` is regions, copy, advance, and `PaUtil_ReadRingBuffer` likewise, also if
//! nothing was transferred.

use checker::{Atomic, Ordering, fence};
use pa_ringbuffer::{PaUtilRingBuffer, ring_buffer_size_t};

type Field = Atomic<ring_buffer_size_t>;

/// A ring in the hands of PortAudio.
pub(crate) struct PortAudio<const S: usize> {
    ring: *mut PaUtilRingBuffer,
}

// SAFETY: it stands for one side of a ring, which the model keeps alive.
unsafe impl<const S: usize> Send for PortAudio<S> {}

/// As many elements from a position on, then as many from the start of the storage.
struct Regions {
    position: usize,
    first: usize,
    second: usize,
}

impl<const S: usize> PortAudio<S> {
    /// The ring must be one of elements of S bytes, and live longer.
    pub(crate) fn new(ring: *mut PaUtilRingBuffer) -> Self {
        Self { ring }
    }

    pub(crate) fn write(&self, elements: &[[u8; S]]) -> usize {
        let regions = self.write_regions(elements.len());
        let places = self.places(&regions);
        for (place, element) in places.iter().zip(elements) {
            // SAFETY: inside the storage of a ring that is alive.
            unsafe { checker::write(*place, *element) };
        }
        self.advance_write_index(places.len());
        places.len()
    }

    pub(crate) fn read(&self, count: usize) -> Vec<[u8; S]> {
        let regions = self.read_regions(count);
        let elements: Vec<_> = self
            .places(&regions)
            .iter()
            // SAFETY: inside the storage of a ring that is alive.
            .map(|place| unsafe { checker::read(*place) })
            .collect();
        self.advance_read_index(elements.len());
        elements
    }

    fn read_available(&self) -> ring_buffer_size_t {
        let write = self.field("writeIndex").load(Ordering::Relaxed);
        let read = self.field("readIndex").load(Ordering::Relaxed);
        (write - read) & self.constant("bigMask")
    }

    fn write_available(&self) -> ring_buffer_size_t {
        self.constant("bufferSize") - self.read_available()
    }

    fn write_regions(&self, count: usize) -> Regions {
        let available = self.write_available() as usize;
        let index = self.field("writeIndex").load(Ordering::Relaxed);
        if available != 0 {
            // PaUtil_FullMemoryBarrier
            fence(Ordering::SeqCst);
        }
        self.regions(index, count.min(available))
    }

    fn advance_write_index(&self, count: usize) {
        // PaUtil_WriteMemoryBarrier
        fence(Ordering::Release);
        self.advance("writeIndex", count);
    }

    fn read_regions(&self, count: usize) -> Regions {
        let available = self.read_available() as usize;
        let index = self.field("readIndex").load(Ordering::Relaxed);
        if available != 0 {
            // PaUtil_ReadMemoryBarrier
            fence(Ordering::Acquire);
        }
        self.regions(index, count.min(available))
    }

    fn advance_read_index(&self, count: usize) {
        // PaUtil_FullMemoryBarrier
        fence(Ordering::SeqCst);
        self.advance("readIndex", count);
    }

    fn advance(&self, name: &str, count: usize) {
        let field = self.field(name);
        let next = field.load(Ordering::Relaxed) + count as ring_buffer_size_t;
        field.store(next & self.constant("bigMask"), Ordering::Relaxed);
    }

    fn regions(&self, index: ring_buffer_size_t, count: usize) -> Regions {
        let position = (index & self.constant("smallMask")) as usize;
        let first = count.min(self.constant("bufferSize") as usize - position);
        Regions {
            position,
            first,
            second: count - first,
        }
    }

    fn places(&self, regions: &Regions) -> Vec<*mut [u8; S]> {
        // SAFETY: the ring is alive.
        let start = unsafe { &*self.ring }.geometry().buffer().cast::<[u8; S]>();
        (regions.position..regions.position + regions.first)
            .chain(0..regions.second)
            .map(|position| start.wrapping_add(position))
            .collect()
    }

    fn constant(&self, name: &str) -> ring_buffer_size_t {
        self.field(name).load(Ordering::Relaxed)
    }

    /// A field of the C struct, which is all that PortAudio knows of a ring.
    fn field(&self, name: &str) -> &Field {
        crate::ring::field(self.ring, name)
    }
}
