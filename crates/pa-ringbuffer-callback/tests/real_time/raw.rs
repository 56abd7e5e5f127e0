//! The functions on the C struct, with elements of all sizes that are copied in different ways, in
//! all states of a ring, and with fields that foreign code has overwritten.

use std::ffi::c_void;

use pa_ringbuffer::{Geometry, PaUtilRingBuffer, RingMemory, Side, ring_buffer_size_t};

use crate::Case;
use crate::guard::{Outcome, guarded};

const N: usize = 32;

/// From one byte up to what is copied by a call.
const ELEMENT_SIZES: [usize; 9] = [1, 2, 3, 4, 7, 8, 12, 16, 1000];

const COUNTS: [usize; 6] = [0, 1, 2, 7, N, usize::MAX];

pub(crate) const CASES: &[Case] = &[
    (&["PaUtilRingBuffer::geometry"], || {
        on_all(|ring, geometry, _, _| assert!(ring.geometry().size() <= geometry.size().max(N)))
    }),
    (&["PaUtilRingBuffer::checked_geometry"], || {
        on_all(|ring, _, _, _| ring.checked_geometry().map_or(0, |g| g.size()))
    }),
    (&["Geometry::is_current", "Geometry::reloaded"], || {
        on_all(|ring, geometry, _, _| {
            let current = usize::from(geometry.is_current(ring));
            current + geometry.reloaded(ring).map_or(0, |g| g.size())
        })
    }),
    (
        &[
            "Geometry::buffer",
            "Geometry::size",
            "Geometry::element_size",
            "Geometry::with_size",
        ],
        || {
            on_all(|_, geometry, _, count| {
                let other = geometry.with_size(count);
                assert_eq!(other.buffer(), geometry.buffer());
                assert_eq!(other.element_size(), geometry.element_size());
                assert!(other.size() <= count);
            })
        },
    ),
    (&["PaUtilRingBuffer::write_available"], || {
        on_all(|ring, _, _, _| ring.write_available())
    }),
    (&["PaUtilRingBuffer::read_available"], || {
        on_all(|ring, _, _, _| ring.read_available())
    }),
    (&["PaUtilRingBuffer::available"], || {
        on_all(|ring, _, _, _| {
            let available = [Side::Producer, Side::Consumer].map(|side| ring.available(side));
            assert_eq!(available, [ring.write_available(), ring.read_available()]);
        })
    }),
    (&["PaUtilRingBuffer::write_available_in"], || {
        on_all(|ring, geometry, _, _| ring.write_available_in(geometry))
    }),
    (&["PaUtilRingBuffer::read_available_in"], || {
        on_all(|ring, geometry, _, _| ring.read_available_in(geometry))
    }),
    (&["PaUtilRingBuffer::write_regions"], || {
        on_all(|ring, geometry, _, count| {
            assert!(ring.write_regions(geometry, count).len() <= count)
        })
    }),
    (&["PaUtilRingBuffer::read_regions"], || {
        on_all(|ring, geometry, _, count| {
            assert!(ring.read_regions(geometry, count).len() <= count)
        })
    }),
    (&["PaUtilRingBuffer::advance_write_index"], || {
        on_all(|ring, geometry, _, count| {
            ring.advance_write_index(geometry, count as ring_buffer_size_t)
        })
    }),
    (&["PaUtilRingBuffer::advance_read_index"], || {
        on_all(|ring, geometry, _, count| {
            ring.advance_read_index(geometry, count as ring_buffer_size_t)
        })
    }),
    (&["PaUtilRingBuffer::write"], || {
        // SAFETY: the block holds as many elements as there are in a ring, and as can be asked for.
        on_all(|ring, geometry, block, count| unsafe { ring.write(geometry, block, count.min(N)) })
    }),
    (&["PaUtilRingBuffer::read"], || {
        // SAFETY: as above.
        on_all(|ring, geometry, block, count| unsafe { ring.read(geometry, block, count.min(N)) })
    }),
    (&["PaUtilRingBuffer::peek"], || {
        // SAFETY: as above.
        on_all(|ring, geometry, block, count| unsafe { ring.peek(geometry, block, count.min(N)) })
    }),
    (&["PaUtilRingBuffer::discard"], || {
        on_all(|ring, geometry, _, count| assert!(ring.discard(geometry, count) <= count))
    }),
];

/// Calls a function for rings in all states, and numbers of elements. The block is a ring's size.
fn on_all<R>(call: impl Fn(&PaUtilRingBuffer, &Geometry, *mut c_void, usize) -> R) -> Outcome {
    let mut rings = Vec::new();
    for size in ELEMENT_SIZES {
        for position in [0, 1, N - 1, N, 2 * N - 1] {
            for filled in [0, 1, N / 2, N] {
                let ring = RingMemory::new(size, N).unwrap();
                let geometry = ring.geometry();
                ring.advance_read_index(&geometry, position as ring_buffer_size_t);
                ring.advance_write_index(&geometry, (position + filled) as ring_buffer_size_t);
                rings.push(ring);
            }
        }
        for damage in DAMAGES {
            let ring = RingMemory::new(size, N).unwrap();
            // SAFETY: the struct is six such integers and a pointer, and no other code uses it.
            damage(unsafe { ring.as_ptr().cast::<[ring_buffer_size_t; 6]>().as_mut() }.unwrap());
            rings.push(ring);
        }
    }
    let nothing = PaUtilRingBuffer::zeroed();
    let mut block = vec![0u8; N * ELEMENT_SIZES[ELEMENT_SIZES.len() - 1]];
    let block = block.as_mut_ptr().cast();
    guarded(|| {
        for ring in rings.iter().map(|ring| &**ring).chain([&nothing]) {
            for count in COUNTS {
                call(ring, &ring.geometry(), block, count);
            }
        }
    })
}

type Damage = fn(&mut [ring_buffer_size_t; 6]);

/// What foreign code may have done: the fields are `bufferSize`, `writeIndex`, `readIndex`,
/// `bigMask`, `smallMask`, `elementSizeBytes`.
const DAMAGES: [Damage; 7] = [
    |fields| fields[0] = 5,
    |fields| fields[0] = -1,
    // Both indices behind the end of the storage.
    |fields| fields[..3].copy_from_slice(&[5, 7, 6]),
    |fields| fields[1] = ring_buffer_size_t::MAX,
    |fields| fields[2] = ring_buffer_size_t::MIN,
    |fields| (fields[1], fields[2]) = (-1, 3 * N as ring_buffer_size_t),
    |fields| fields[5] = 0,
];
