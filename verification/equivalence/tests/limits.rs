//! The largest rings: of 256 MiB, and with as many elements as the type of the indices allows.

use contestants::{Fields, KINDS, Kind, PaUtilRingBuffer, ring_buffer_size_t};
use equivalence::{Geometry, Program, Step, run};

/// 65536 elements of 4096 bytes, from just before the indices start over.
#[test]
fn most_and_largest_elements() {
    let size = 1 << 16;
    let program = Program {
        geometry: Geometry {
            element_size: 4096,
            size,
            start: 2 * size - 3,
            place: 1,
        },
        steps: vec![
            Step::Write { count: 5 },
            Step::WriteInPlace {
                count: size / 64,
                used: usize::MAX,
            },
            Step::Read { count: 100 },
            Step::WriteAll { count: size },
            Step::Skip { count: 7 },
            Step::ReadInPlace {
                count: size / 64,
                used: 800,
            },
            Step::Pop,
        ],
        seed: 5,
    };
    for &kind in KINDS {
        run(&program, (kind, kind)).unwrap();
    }
}

/// A ring of elements of one byte over a storage that does not exist. No code accesses it here:
/// what is
/// asked for is where elements would be, and both indices are moved.
struct Unbacked {
    ring: Box<PaUtilRingBuffer>,
    size: u128,
    write: u128,
    read: u128,
}

impl Unbacked {
    fn new(size: u128, start: u128, filled: u128) -> Self {
        let mut ring = Box::new(PaUtilRingBuffer::zeroed());
        let round = 2 * size;
        let (write, read) = ((start + filled) % round, start % round);
        // SAFETY: the struct is valid; the storage is not, but no code accesses it.
        unsafe {
            let storage = std::ptr::without_provenance_mut(64);
            Fields::new(1, size as usize, 0, storage).put(&raw mut *ring);
            Fields::start_at(&raw mut *ring, write as _, read as _);
        }
        Self {
            ring,
            size,
            write,
            read,
        }
    }

    /// Moves both indices by up to this many elements.
    fn step(&mut self, writer: Kind, reader: Kind, wanted: (u128, u128)) {
        let ring = &raw mut *self.ring;
        let round = 2 * self.size;
        let filled = (self.write + round - self.read) % round;
        // SAFETY: the ring is initialised, and no other code uses either side. The storage is not
        // touched by these functions.
        unsafe {
            let mut writer = writer.writer(ring);
            assert_eq!(writer.room() as u128, self.size - filled);
            let count = wanted.0.min(self.size - filled);
            assert_eq!(writer.advance(wanted.0 as usize) as u128, count);
            self.write = (self.write + count) % round;
            let mut reader = reader.reader(ring);
            let filled = filled + count;
            assert_eq!(reader.available() as u128, filled);
            let count = wanted.1.min(filled);
            assert_eq!(reader.discard(wanted.1 as usize) as u128, count);
            self.read = (self.read + count) % round;
            let fields = Fields::of(ring);
            assert_eq!(fields.write_index as u128, self.write);
            assert_eq!(fields.read_index as u128, self.read);
        }
    }
}

/// PortAudio's C makes it, by way of a number that is one too large for its type. Ours do not.
#[test]
fn a_ring_whose_last_index_is_the_largest_number_is_refused() {
    let (size, half) = (
        1 << (ring_buffer_size_t::BITS - 2),
        1 << (ring_buffer_size_t::BITS - 3),
    );
    for (size, fit) in [(size, false), (half, true)] {
        let ring = PaUtilRingBuffer::zeroed();
        assert_eq!(ring.initialize(1, size, std::ptr::null_mut()).is_ok(), fit);
    }
}

#[test]
fn indices_of_all_sizes_start_over_where_their_type_ends() {
    // For the largest one, the last index is the largest number of the type.
    let largest = ring_buffer_size_t::BITS - 2;
    let mut steps = 0;
    for power in 0..=largest {
        let size = 1u128 << power;
        let amounts =
            [0, 1, size / 2 + 1, size - 1, size, 2 * size - 1].map(|n| n.min(2 * size - 1));
        for &writer in KINDS {
            for &reader in KINDS {
                for start in [0, 1, size - 1, size, 2 * size - 2, 2 * size - 1] {
                    for filled in [0, 1, size / 2, size - 1, size] {
                        let mut ring = Unbacked::new(size, start, filled);
                        for write in amounts {
                            for read in amounts {
                                ring.step(writer, reader, (write, read));
                                steps += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    println!("{steps} steps, largest ring of 2^{largest} elements");
}

/// The most elements that 32-bit indices can have, in memory that the system provides where it is
/// touched: the same bytes on both sides of where the indices, and the positions, start over.
#[test]
fn a_gibibyte_of_elements() {
    let size = 1usize << 30;
    for &writer in KINDS {
        for &reader in KINDS {
            let mut storage = vec![0u64; size / 8];
            let mut ring = Box::new(PaUtilRingBuffer::zeroed());
            let ring = &raw mut *ring;
            for start in [2 * size - 5, size - 5, 0] {
                // SAFETY: the storage has that many bytes; no other code uses the ring. The index is at
                // most the largest number of its type.
                unsafe {
                    Fields::new(1, size, start, storage.as_mut_ptr().cast()).put(ring);
                    let (mut writer, mut reader) = (writer.writer(ring), reader.reader(ring));
                    let data: [u8; 11] = std::array::from_fn(|i| start as u8 ^ (i as u8 + 1));
                    for _ in 0..3 {
                        assert_eq!(writer.write(&data), data.len());
                        assert_eq!(writer.advance(size), size - data.len());
                        assert_eq!(writer.write(&data), 0);
                        let mut found = [0; 11];
                        assert_eq!(reader.read(&mut found), found.len());
                        assert_eq!(found, data);
                        assert_eq!(reader.discard(usize::MAX >> 1), size - data.len());
                        assert_eq!(reader.read(&mut found), 0);
                    }
                }
            }
        }
    }
}
