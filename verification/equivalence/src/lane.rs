//! A ring with its producer and its consumer.

use std::fmt;

use contestants::{Fields, Kind, PaUtilRingBuffer, Placement, Reader, RingMemory, Writer};

/// What stands before and behind a storage that is no ring's own.
const MARK: [u8; 64] = [0xA5; 64];

/// Where struct and storage are.
enum Memory {
    /// As Rust and Python allocate it.
    Own(RingMemory),
    /// As C programs do: the struct here, the storage there, between marks.
    Foreign {
        ring: *mut PaUtilRingBuffer,
        storage: Box<[Aligned]>,
        bytes: usize,
    },
}

#[repr(C, align(64))]
#[derive(Clone)]
struct Aligned([u8; 64]);

impl Memory {
    fn foreign(maker: Kind, element_size: usize, size: usize) -> Self {
        let bytes = element_size * size;
        let mut storage = vec![Aligned(MARK); bytes.div_ceil(MARK.len()) + 2].into_boxed_slice();
        let ring = Box::into_raw(Box::new(PaUtilRingBuffer::zeroed()));
        let start = storage[1..].as_mut_ptr().cast::<u8>();
        // SAFETY: that many bytes are between the marks, and the struct is valid.
        unsafe {
            start.write_bytes(0, bytes);
            maker.initialize(ring, element_size, size, start.cast());
        }
        Self::Foreign {
            ring,
            storage,
            bytes,
        }
    }

    fn ring(&self) -> *mut PaUtilRingBuffer {
        match self {
            Self::Own(memory) => memory.as_ptr(),
            Self::Foreign { ring, .. } => *ring,
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Self::Foreign { ring, .. } = self {
            // SAFETY: it came out of a box, and the lane dropped those who used it before.
            drop(unsafe { Box::from_raw(*ring) });
        }
    }
}

/// A ring with a writer and a reader.
pub struct Lane {
    kinds: (Kind, Kind),
    bytes: usize,
    // Both before the memory, to be dropped before it.
    writer: Option<Box<dyn Writer>>,
    reader: Option<Box<dyn Reader>>,
    memory: Memory,
}

impl Lane {
    /// An empty ring whose indices begin at `start`; `place` chooses the kind of its memory.
    pub fn new(
        kinds: (Kind, Kind),
        element_size: usize,
        size: usize,
        start: usize,
        place: usize,
    ) -> Self {
        let own = |placement| {
            let memory = RingMemory::with_placement(element_size, size, placement);
            Memory::Own(memory.expect("a fit geometry"))
        };
        let memory = match place % 3 {
            0 => own(Placement::OneLine),
            1 => own(Placement::TwoLines),
            _ => Memory::foreign(kinds.0, element_size, size),
        };
        // SAFETY: the ring exists, and no other code refers to it yet.
        unsafe { Fields::start_at(memory.ring(), start as _, start as _) };
        let mut lane = Self {
            kinds,
            bytes: element_size * size,
            writer: None,
            reader: None,
            memory,
        };
        lane.change(kinds);
        lane
    }

    /// Lets others go on with the same ring.
    pub fn change(&mut self, kinds: (Kind, Kind)) {
        self.kinds = kinds;
        let ring = self.memory.ring();
        // At most one is on each side.
        (self.writer, self.reader) = (None, None);
        // SAFETY: the ring is initialised and lives as long as the lane, and so do both sides. All
        // storages are aligned to 64 bytes.
        unsafe {
            self.writer = Some(kinds.0.writer(ring));
            self.reader = Some(kinds.1.reader(ring));
        }
    }

    /// Makes the ring empty.
    pub fn flush(&mut self) {
        (self.writer, self.reader) = (None, None);
        // SAFETY: both sides are gone.
        unsafe { self.kinds.0.flush(self.memory.ring()) };
        self.change(self.kinds);
    }

    /// The writing side.
    pub fn writer(&mut self) -> &mut dyn Writer {
        &mut **self.writer.as_mut().expect("there is always one")
    }

    /// The reading side.
    pub fn reader(&mut self) -> &mut dyn Reader {
        &mut **self.reader.as_mut().expect("there is always one")
    }

    /// What is in the struct.
    pub fn fields(&self) -> Fields {
        // SAFETY: the ring is there, and this is the only thread.
        unsafe { Fields::of(self.memory.ring()) }
    }

    /// The bytes of all elements, read or not.
    pub fn storage(&self) -> &[u8] {
        let start = self.fields().buffer.cast::<u8>().cast_const();
        // SAFETY: the storage is initialised, and as long; no other code writes now.
        unsafe { std::slice::from_raw_parts(start, self.bytes) }
    }

    /// Whether what stands around the storage is still there.
    pub fn marks_are_intact(&self) -> bool {
        let Memory::Foreign { storage, bytes, .. } = &self.memory else {
            return true;
        };
        let behind = storage[1 + bytes / MARK.len()..]
            .iter()
            .flat_map(|line| &line.0)
            .skip(bytes % MARK.len());
        storage[0]
            .0
            .iter()
            .chain(behind)
            .all(|byte| *byte == MARK[0])
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (writer, reader) = self.kinds;
        write!(f, "{} writes, {} reads", writer.name(), reader.name())
    }
}
