//! A handle is dropped, and the other one learns of it.

use loom::thread;

use crate::ring::{numbered, split};
use crate::run::Model;

/// What the producer has written before can be read.
pub(crate) fn by_producer() -> Model {
    Model::new("abandoned by the producer", || {
        let (mut producer, mut consumer) = split::<1>(2);
        let thread = thread::spawn(move || assert_eq!(producer.write(&numbered(1, 2)), 2));
        if consumer.is_abandoned() {
            let mut elements = [[0]; 2];
            assert_eq!(consumer.read(&mut elements), 2, "all that was written");
            assert_eq!(elements[..], numbered(1, 2));
        }
        thread.join().expect("nothing failed");
        assert!(consumer.is_abandoned());
    })
}

/// What the consumer has read before makes room.
pub(crate) fn by_consumer() -> Model {
    Model::new("abandoned by the consumer", || {
        let (mut producer, mut consumer) = split::<1>(1);
        assert_eq!(producer.write(&numbered(1, 1)), 1);
        let thread = thread::spawn(move || assert_eq!(consumer.pop(), Some([1])));
        if producer.is_abandoned() {
            assert_eq!(producer.write_available(), 1, "all that was read");
            assert_eq!(producer.push([2]), Ok(()));
        }
        thread.join().expect("nothing failed");
        assert!(producer.is_abandoned());
    })
}
