//! Elements go from one thread to another one: all that arrive are the right ones, and none is lost.

use loom::thread;

use crate::ring::{Pointer, make_shared, numbered};
use crate::run::Model;
use crate::sides::{Reader, Writer};

/// How a ring is used.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Number of elements of the ring.
    pub(crate) size: usize,
    /// How many have passed through it before: where its storage ends.
    pub(crate) passed: usize,
    /// How many elements are to be written at once.
    pub(crate) puts: &'static [usize],
    /// How many elements are to be read at once.
    pub(crate) takes: &'static [usize],
}

/// Elements of S bytes from one side to the other.
pub(crate) fn transfer<const S: usize>(writer: Writer, reader: Reader, shape: Shape) -> Model {
    let Shape {
        size,
        passed,
        puts,
        takes,
    } = shape;
    let name =
        format!("{writer:?} -> {reader:?}, {size} x {S} bytes from {passed}, {puts:?} {takes:?}");
    Model::new(name, move || {
        let ring = make_shared::<S>(size, passed);
        let mut put = writer.open::<S>(Pointer(ring.as_ptr()));
        let mut take = reader.open::<S>(Pointer(ring.as_ptr()));
        let producer = thread::spawn(move || {
            let sent = puts.iter().fold(0, |sent, count| {
                let written = put(&numbered(sent + 1, *count));
                assert!(written <= *count);
                sent + written
            });
            (sent, put)
        });
        let mut received = Vec::new();
        for count in takes {
            let elements = take(*count);
            assert!(elements.len() <= *count);
            received.extend(elements);
        }
        let (sent, mut put) = producer.join().expect("nothing failed");
        assert!(sent >= size, "what there is room for is written");
        // What was still under way.
        received.extend(take(size));
        assert_eq!(received, numbered(1, sent), "all that was sent, in order");
        assert!(take(size).is_empty(), "the ring is empty");
        assert_eq!(put(&numbered(1, size + 1)), size, "the ring is full then");
        assert_eq!(take(size + 1), numbered(1, size));
        // The checker was told of all accesses.
        let touched = checker::touched();
        assert!(touched.written >= sent + size && touched.read >= sent + size);
    })
}
