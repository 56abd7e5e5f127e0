//! Rings of bytes as `std::io` streams that do not wait or allocate.

use std::io::{self, ErrorKind, Read, Write};

use crate::consumer::Consumer;
use crate::producer::Producer;

/// Writes as many bytes as there is room for, without waiting.
///
/// # Errors
///
/// [`ErrorKind::WouldBlock`] if the ring is full and the slice is not empty. A dropped consumer is
/// not an error; see [`Producer::is_abandoned`].
///
/// # Examples
///
/// ```
/// use std::io::{ErrorKind, Write};
///
/// let (mut producer, _consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
/// write!(producer, "abc")?;
/// assert_eq!(Write::write(&mut producer, b"de")?, 1);
/// let error = Write::write(&mut producer, b"e").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::WouldBlock);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
impl Write for Producer<'_, u8> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        transferred(Producer::write(self, bytes), bytes.len())
    }

    /// Does nothing: bytes are readable as soon as they are written.
    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads as many bytes as are available, without waiting.
///
/// # Errors
///
/// [`ErrorKind::WouldBlock`] if the ring is empty and the slice is not. The stream has no end:
/// after the producer is dropped, this does not return 0; see [`Consumer::is_abandoned`].
///
/// # Examples
///
/// ```
/// use std::io::{ErrorKind, Read};
///
/// let (mut producer, mut consumer) = pa_ringbuffer::RingBuffer::new(4)?.split();
/// producer.write(b"abc");
/// let mut bytes = [0; 2];
/// consumer.read_exact(&mut bytes)?;
/// assert_eq!(&bytes, b"ab");
/// assert_eq!(Read::read(&mut consumer, &mut bytes)?, 1);
/// let error = Read::read(&mut consumer, &mut bytes).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::WouldBlock);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
impl Read for Consumer<'_, u8> {
    #[inline]
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        transferred(Consumer::read(self, bytes), bytes.len())
    }
}

#[inline]
fn transferred(count: usize, wanted: usize) -> io::Result<usize> {
    if count == 0 && wanted != 0 {
        Err(ErrorKind::WouldBlock.into())
    } else {
        Ok(count)
    }
}
