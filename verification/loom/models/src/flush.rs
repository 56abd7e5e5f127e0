//! A ring is made empty while no thread uses it, and used again.

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use crate::c_library::PaUtil_FlushRingBuffer;
use crate::ring::{Pointer, make_shared, numbered};
use crate::run::Model;
use crate::sides::{Reader, Writer};

/// The threads end before the ring is flushed, and others take over.
pub(crate) fn between_threads(writer: Writer, reader: Reader) -> Model {
    Model::new(
        format!("flush between threads: {writer:?} -> {reader:?}"),
        move || {
            let ring = make_shared::<1>(2, 1);
            let pointer = Pointer(ring.as_ptr());
            for round in 0..2 {
                let first = 10 * round;
                let mut put = writer.open::<1>(pointer);
                let mut take = reader.open::<1>(pointer);
                let producer = thread::spawn(move || assert_eq!(put(&numbered(first, 2)), 2));
                let received = take(1);
                assert_eq!(received, numbered(first, received.len()));
                producer.join().expect("nothing failed");
                // SAFETY: the ring is alive.
                unsafe { PaUtil_FlushRingBuffer(ring.as_ptr()) };
                assert_eq!((ring.read_available(), ring.write_available()), (0, 2));
            }
        },
    )
}

/// The threads go on, and tell each other when one of them may flush.
pub(crate) fn among_threads(writer: Writer, reader: Reader) -> Model {
    Model::new(
        format!("flush among threads: {writer:?} -> {reader:?}"),
        move || {
            let ring = make_shared::<1>(1, 1);
            let pointer = Pointer(ring.as_ptr());
            let mut put = writer.open::<1>(pointer);
            let mut take = reader.open::<1>(pointer);
            let rests = Arc::new(AtomicBool::new(false));
            let goes_on = Arc::new(AtomicBool::new(false));
            let (resting, going) = (rests.clone(), goes_on.clone());
            let producer = thread::spawn(move || {
                assert_eq!(put(&numbered(1, 1)), 1);
                resting.store(true, Ordering::Release);
                if going.load(Ordering::Acquire) {
                    assert_eq!(put(&numbered(2, 1)), 1, "there is room after a flush");
                }
            });
            let before = take(1);
            assert_eq!(before, numbered(1, before.len()));
            if rests.load(Ordering::Acquire) {
                // SAFETY: the ring is alive.
                unsafe { PaUtil_FlushRingBuffer(ring.as_ptr()) };
                goes_on.store(true, Ordering::Release);
                let after = take(1);
                assert_eq!(after, numbered(2, after.len()), "what was flushed is gone");
            }
            producer.join().expect("nothing failed");
        },
    )
}
