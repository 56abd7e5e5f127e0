//! What the optional features add.

#[cfg(feature = "std")]
#[test]
fn bytes_pass_through_the_traits_of_the_standard_library() {
    use std::io::{ErrorKind, Read, Write};

    fn is_blocked<T>(result: std::io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::<u8>::new(8).unwrap().split();
    let (writer, reader): (&mut dyn Write, &mut dyn Read) = (&mut producer, &mut consumer);
    let mut bytes = [0; 16];
    for _ in 0..3 {
        assert!(is_blocked(reader.read(&mut bytes)));
        assert_eq!(reader.read(&mut []).unwrap(), 0);
        assert_eq!(writer.write(b"12345").unwrap(), 5);
        writer.flush().unwrap();
        assert_eq!(writer.write(b"67890").unwrap(), 3);
        assert!(is_blocked(writer.write(b"90")));
        assert!(is_blocked(writer.write_all(b"90")));
        assert_eq!(writer.write(b"").unwrap(), 0);
        assert_eq!(reader.read(&mut bytes).unwrap(), 8);
        assert_eq!(&bytes[..8], b"12345678");
    }
    // The other handle's end is no end of the stream.
    drop(producer);
    assert!(is_blocked(Read::read(&mut consumer, &mut bytes)));
}

#[cfg(feature = "bytemuck")]
#[test]
fn pod_types_are_elements_beside_those_that_are_plain_by_hand() {
    use bytemuck::{Pod, Zeroable};
    use pa_ringbuffer::{Plain, PodElement, RingBuffer};

    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct Note {
        pitch: u32,
        velocity: f32,
    }
    // SAFETY: two numbers without padding, for which zeros are a value.
    unsafe impl Zeroable for Note {}
    // SAFETY: as above, repr(C), and every pattern of bytes is a value.
    unsafe impl Pod for Note {}
    impl PodElement for Note {}

    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(transparent)]
    struct ByHand(u16);
    // SAFETY: a number.
    unsafe impl Plain for ByHand {}

    fn pass<T: Plain + PartialEq + core::fmt::Debug>(element: T) {
        let (mut producer, mut consumer) = RingBuffer::new(2).unwrap().split();
        producer.push(element).unwrap();
        assert_eq!(consumer.pop(), Some(element));
    }
    let note = Note {
        pitch: 69,
        velocity: 0.5,
    };
    pass(note);
    pass([note; 5]);
    pass(ByHand(7));
    pass([ByHand(7); 5]);
    pass([1.0f32; 5]);
}
