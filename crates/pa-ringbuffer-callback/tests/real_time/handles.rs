//! All methods of the two handles and of their chunks, for elements of several sizes, in all states
//! of a ring.

use pa_ringbuffer::{Consumer, Placement, Plain, Producer, RingBuffer};

use crate::Case;
use crate::guard::{Outcome, guarded};

const N: usize = 64;

/// Calls something with `producer`, `consumer` and a block, for elements that are copied in
/// different ways.
macro_rules! on_all {
    (|$producer:ident, $consumer:ident, $block:ident| $call:expr) => {
        || {
            let outcomes = [
                on_all_of(7u8, |$producer, $consumer, $block| $call),
                on_all_of(0.5f32, |$producer, $consumer, $block| $call),
                on_all_of([1i16; 3], |$producer, $consumer, $block| $call),
                on_all_of([0.25f64; 8], |$producer, $consumer, $block| $call),
            ];
            let first = outcomes.into_iter().find(|o| *o != Outcome::Passed);
            first.unwrap_or(Outcome::Passed)
        }
    };
}

pub(crate) const CASES: &[Case] = &[
    (
        &["Producer::with_prefetch", "Consumer::with_prefetch"],
        with_prefetch,
    ),
    (&["Producer::capacity"], {
        on_all!(|producer, _consumer, _block| assert_eq!(producer.capacity(), N))
    }),
    (&["Producer::as_ptr"], {
        on_all!(|producer, consumer, _block| assert_eq!(producer.as_ptr(), consumer.as_ptr()))
    }),
    (&["Producer::write_available"], {
        on_all!(|producer, consumer, _block| {
            assert_eq!(producer.write_available() + consumer.read_available(), N);
        })
    }),
    (&["Producer::is_full"], {
        on_all!(|producer, _consumer, _block| {
            assert_eq!(producer.is_full(), producer.write_available() == 0);
        })
    }),
    (&["Producer::push"], {
        on_all!(|producer, _consumer, block| for _ in 0..3 {
            let full = producer.is_full();
            assert_eq!(producer.push(block[0]).is_err(), full);
        })
    }),
    (&["Producer::write"], {
        on_all!(|producer, _consumer, block| {
            for count in [0, 1, 5, 2 * N] {
                let room = producer.write_available();
                assert_eq!(producer.write(&block[..count]), count.min(room));
            }
        })
    }),
    (&["Producer::is_abandoned"], {
        on_all!(|producer, _consumer, _block| assert!(!producer.is_abandoned()))
    }),
    (&["Producer::write_all"], {
        on_all!(|producer, _consumer, block| {
            for count in [0, 1, N / 2, 2 * N] {
                let fits = count <= producer.write_available();
                assert_eq!(producer.write_all(&block[..count]).is_ok(), fits);
            }
        })
    }),
    (
        &[
            "Producer::chunk",
            "WriteChunk::len",
            "WriteChunk::is_empty",
            "WriteChunk::as_mut_slices",
            "WriteChunk::commit",
            "WriteChunk::commit_all",
        ],
        {
            on_all!(|producer, _consumer, block| {
                for commit_all in [false, true] {
                    let room = producer.write_available();
                    let mut chunk = producer.chunk(usize::MAX);
                    assert_eq!((chunk.len(), chunk.is_empty()), (room, room == 0));
                    let (first, second) = chunk.as_mut_slices();
                    assert_eq!(first.len() + second.len(), room);
                    first.fill(block[0]);
                    second.fill(block[0]);
                    if commit_all {
                        chunk.commit_all();
                    } else {
                        chunk.commit(3);
                    }
                }
                assert!(producer.is_full());
            })
        },
    ),
    (&["WriteChunk::fill_from_iter"], {
        on_all!(|producer, _consumer, block| {
            for count in [0, 1, N / 2, 2 * N] {
                let elements = block[..count].iter().copied();
                let filled = producer.chunk(N / 2).fill_from_iter(elements);
                assert!(filled <= count.min(N / 2));
            }
        })
    }),
    (&["Consumer::capacity"], {
        on_all!(|_producer, consumer, _block| assert_eq!(consumer.capacity(), N))
    }),
    (&["Consumer::as_ptr"], {
        on_all!(|_producer, consumer, _block| assert!(!consumer.as_ptr().is_null()))
    }),
    (&["Consumer::read_available"], {
        on_all!(|_producer, consumer, _block| assert!(consumer.read_available() <= N))
    }),
    (&["Consumer::is_empty"], {
        on_all!(|_producer, consumer, _block| {
            assert_eq!(consumer.is_empty(), consumer.read_available() == 0);
        })
    }),
    (&["Consumer::is_abandoned"], {
        on_all!(|_producer, consumer, _block| assert!(!consumer.is_abandoned()))
    }),
    (&["Consumer::pop"], {
        on_all!(|_producer, consumer, _block| for _ in 0..3 {
            let empty = consumer.is_empty();
            assert_eq!(consumer.pop().is_none(), empty);
        })
    }),
    (&["Consumer::peek"], {
        on_all!(|_producer, consumer, _block| {
            assert_eq!(consumer.peek().is_none(), consumer.is_empty());
        })
    }),
    (&["Consumer::read"], {
        on_all!(|_producer, consumer, block| {
            for count in [0, 1, 5, 2 * N] {
                let there = consumer.read_available();
                assert_eq!(consumer.read(&mut block[..count]), count.min(there));
            }
        })
    }),
    (&["Consumer::read_all"], {
        on_all!(|_producer, consumer, block| {
            for count in [0, 1, N / 2, 2 * N] {
                let there = count <= consumer.read_available();
                assert_eq!(consumer.read_all(&mut block[..count]).is_ok(), there);
            }
        })
    }),
    (&["Consumer::peek_slice"], {
        on_all!(|_producer, consumer, block| {
            assert_eq!(consumer.peek_slice(block), consumer.read_available());
        })
    }),
    (&["Consumer::discard"], {
        on_all!(|_producer, consumer, _block| {
            for count in [0, 1, usize::MAX] {
                let there = consumer.read_available();
                assert_eq!(consumer.discard(count), count.min(there));
            }
        })
    }),
    (
        &[
            "Consumer::chunk",
            "ReadChunk::len",
            "ReadChunk::is_empty",
            "ReadChunk::as_slices",
            "ReadChunk::commit",
            "ReadChunk::commit_all",
        ],
        {
            on_all!(|_producer, consumer, _block| {
                for commit_all in [false, true] {
                    let there = consumer.read_available();
                    assert_eq!(consumer.chunk(2).into_iter().count(), there.min(2));
                    let there = consumer.read_available();
                    let chunk = consumer.chunk(usize::MAX);
                    assert_eq!((chunk.len(), chunk.is_empty()), (there, there == 0));
                    let (first, second) = chunk.as_slices();
                    assert_eq!(first.len() + second.len(), there);
                    if commit_all {
                        chunk.commit_all();
                    } else {
                        chunk.commit(3);
                    }
                }
                assert!(consumer.is_empty());
            })
        },
    ),
];

fn with_prefetch() -> Outcome {
    let (producer, consumer) = RingBuffer::<f32>::new(N).unwrap().split();
    guarded(|| (producer.with_prefetch(), consumer.with_prefetch()))
}

/// Calls something with both handles of rings in all states, and with a block of two rings' size.
fn on_all_of<T: Plain, R>(
    element: T,
    call: impl Fn(&mut Producer<'_, T>, &mut Consumer<'_, T>, &mut [T]) -> R,
) -> Outcome {
    let mut block = [element; 2 * N];
    let mut rings = Vec::new();
    for placement in [Placement::OneLine, Placement::TwoLines] {
        for position in [0, 1, N - 1, N, 2 * N - 1] {
            for filled in [0, 1, N / 2, N - 1, N] {
                for prefetch in [false, true] {
                    let ring = RingBuffer::with_placement(N, placement).unwrap();
                    let (mut producer, mut consumer) = ring.split();
                    for _ in 0..position {
                        assert_eq!(producer.write(&block[..1]), 1);
                        assert_eq!(consumer.discard(1), 1);
                    }
                    assert_eq!(producer.write(&block[..filled]), filled);
                    if prefetch {
                        producer = producer.with_prefetch();
                        consumer = consumer.with_prefetch();
                    }
                    rings.push((producer, consumer));
                }
            }
        }
    }
    guarded(|| {
        for (producer, consumer) in &mut rings {
            call(producer, consumer, &mut block);
        }
    })
}
