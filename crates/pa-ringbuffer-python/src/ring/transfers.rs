//! Transfers that copy elements into the ring and out of it.

use pyo3::prelude::*;
use pyo3::types::PyByteArray;

use super::RingBuffer;
use super::method::{attributes, integer, methods, required};
use super::state::Ring;
use crate::arguments::data::{Data, Slot};
use crate::arguments::integer::Integer;
use crate::object::{self, Number};
use crate::side::Side;

/// Which elements to take.
pub(super) enum Take {
    /// The oldest ones.
    Oldest,
    /// The oldest ones, which stay in the ring.
    Peek,
    /// The newest ones; all others are dropped.
    Latest,
}

impl Ring<'_> {
    /// Copies out `count` elements, or as many as are available.
    ///
    /// # Safety
    ///
    /// The target has room for `count` elements, and no other code is reading.
    unsafe fn take(&self, how: &Take, target: *mut u8, count: usize) -> usize {
        let target = target.cast();
        if let Take::Latest = how {
            let available = self.ring.read_available_in(&self.geometry);
            (self.ring).discard(&self.geometry, available.saturating_sub(count));
        }
        // SAFETY: the geometry was just read from this ring, whose storage is alive; the caller
        // guarantees the rest.
        unsafe {
            match how {
                Take::Peek => self.ring.peek(&self.geometry, target, count),
                _ => self.ring.read(&self.geometry, target, count),
            }
        }
    }
}

impl RingBuffer {
    /// Copies `count` elements, or as many as are available, which stay in the ring.
    ///
    /// # Safety
    ///
    /// `elements` is valid for writes of that many elements of `element_size` bytes.
    pub(crate) unsafe fn peek_into(
        slf: &Bound<'_, Self>,
        elements: *mut u8,
        count: usize,
        element_size: usize,
    ) -> PyResult<usize> {
        Self::with_ring(slf, Side::Consumer, |ring, _| {
            ring.check_element_size(element_size)?;
            ring.check_free(Side::Consumer)?;
            // SAFETY: the caller's guarantee; no other code is reading, because the section is
            // held.
            Ok(unsafe { ring.take(&Take::Peek, elements, count) })
        })
    }

    /// Removes up to that many of the oldest elements, and returns their number.
    pub(crate) fn discard_oldest(slf: &Bound<'_, Self>, count: usize) -> PyResult<usize> {
        Self::with_ring(slf, Side::Consumer, |ring, _| {
            ring.check_free(Side::Consumer)?;
            Ok(ring.ring.discard(&ring.geometry, count))
        })
    }

    /// Number of elements that are available, or that there is room for.
    #[inline]
    pub(crate) fn available(slf: &Bound<'_, Self>, side: Side) -> PyResult<usize> {
        Self::with_ring(slf, side, |ring, _| {
            Ok(match side {
                Side::Producer => ring.ring.write_available_in(&ring.geometry),
                Side::Consumer => ring.ring.read_available_in(&ring.geometry),
            })
        })
    }

    /// Elements in a new bytearray.
    pub(super) fn take<'py>(
        slf: &Bound<'py, Self>,
        size: Integer,
        how: &Take,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let py = slf.py();
        let (count, element_size) = Self::with_ring(slf, Side::Consumer, |ring, _| {
            ring.check_free(Side::Consumer)?;
            let available = ring.ring.read_available_in(&ring.geometry);
            Ok((
                size.count().map_or(available, |n| n.min(available)),
                ring.element_size(),
            ))
        })?;
        let target = object::bytearray(py, count * element_size)?;
        let pointer = target.data();
        let read = Self::with_ring(slf, Side::Consumer, |ring, _| {
            if ring.element_size() != element_size {
                return Ok(0);
            }
            ring.check_free(Side::Consumer)?;
            // SAFETY: there is room for `count` elements, and no other code has the array yet; no
            // other code is reading, because the critical section is held (and C promises not to).
            Ok(unsafe { ring.take(how, pointer, count) })
        });
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                target.resize(0)?;
                return Err(error);
            }
        };
        if read < count {
            // Another thread, or a finaliser that ran in the meantime, has read some of it.
            target.resize(read * element_size)?;
        }
        Ok(target)
    }
}

methods! {
    /// Copy elements into the ring and make them available for reading.
    ///
    /// This advances the write index: do not call :meth:`advance_write_index` afterwards.
    ///
    /// :param data: The elements: any C-contiguous buffer (of any type and shape; only its bytes
    ///     matter), a CFFI array, or a CFFI pointer. Without *size*, a pointer stands for the one
    ///     object that it points to.
    /// :type data: CData pointer or buffer
    /// :param size: The number of elements to write, at most the number in *data*. If it is
    ///     negative or omitted, all elements in *data* are written. If *data* is a pointer, the
    ///     caller must make sure that it points to at least *size* elements: this cannot be
    ///     checked.
    /// :type size: int, optional
    /// :returns: The number of elements written, which is smaller than *size* if there is not
    ///     enough room.
    /// :rtype: int
    /// :raises ValueError: If *size* exceeds the number of elements in *data*, if *size* is omitted
    ///     and the size of *data* in bytes is not a multiple of the element size, or if *data* is
    ///     NULL or not contiguous.
    /// :raises BufferError: If *data* is not contiguous. (The kind of error depends on *data*.)
    /// :raises TypeError: If *data* is something else, holds Python objects, or is a ``void *``
    ///     without *size*; if *size* is not an integer; if the ring uses a read-only buffer.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> ring.write(b'aabbcc')
    /// 3
    /// >>> ring.write(b'ddee')
    /// 1
    fn write "($self, data, size=-1)" (ring, data, size) -> Number {
        let size = size.map_or(Ok(Integer::ALL), |size| integer(size, "size"))?;
        let data = required(data, "data")?;
        let mut slot = Slot::uninit();
        let data = Data::source(&data, &mut slot)?;
        RingBuffer::with_ring(ring, Side::Producer, |ring, _| {
            ring.check_writable()?;
            let count = data.elements(ring.element_size(), Some(size))?;
            // SAFETY: the geometry was just read from this ring, whose storage is alive; the data
            // has that many elements (or, behind a C pointer, the caller guarantees them); no other
            // code is writing, because the critical section is held (and C promises not to).
            let written = unsafe { ring.ring.write(&ring.geometry, data.pointer.cast(), count) };
            Ok(Number(written))
        })
    }

    /// Remove elements from the ring and return them in a new buffer.
    ///
    /// This advances the read index: do not call :meth:`advance_read_index` afterwards.
    ///
    /// :param size: The number of elements to read. If it is negative or omitted, all available
    ///     elements are read.
    /// :type size: int, optional
    /// :returns: The elements; fewer than *size* if fewer are available.
    /// :rtype: bytearray
    /// :raises TypeError: If *size* is not an integer.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> ring.write(b'aabbcc')
    /// 3
    /// >>> ring.read(2)
    /// bytearray(b'aabb')
    /// >>> ring.read()
    /// bytearray(b'cc')
    fn read "($self, size=-1)" (ring, size) -> Bound<'py, PyByteArray> {
        let size = size.map_or(Ok(Integer::ALL), |size| integer(size, "size"))?;
        RingBuffer::take(ring, size, &Take::Oldest)
    }

    /// Remove elements from the ring and store them in existing memory.
    ///
    /// This advances the read index: do not call :meth:`advance_read_index` afterwards.
    ///
    /// :param data: The memory to fill from its start: any writable C-contiguous buffer (of any
    ///     type and shape; only its bytes matter), a CFFI array, or a CFFI pointer, which stands
    ///     for the one object that it points to.
    /// :type data: CData pointer or buffer
    /// :returns: The number of elements read, which is smaller than the size of *data* if fewer are
    ///     available. The rest of *data* does not change.
    /// :rtype: int
    /// :raises ValueError: If the size of *data* in bytes is not a multiple of the element size, or
    ///     if *data* is NULL, read-only or not contiguous.
    /// :raises BufferError: If *data* is read-only or not contiguous. (The kind of error depends on
    ///     *data*.)
    /// :raises TypeError: If *data* is something else, holds Python objects, or is a ``void *``.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> ring.write(b'aa')
    /// 1
    /// >>> data = bytearray(4)
    /// >>> ring.readinto(data), data
    /// (1, bytearray(b'aa\x00\x00'))
    fn readinto "($self, data)" (ring, data) -> Number {
        let data = required(data, "data")?;
        let mut slot = Slot::uninit();
        let data = Data::target(&data, &mut slot)?;
        RingBuffer::with_ring(ring, Side::Consumer, |ring, _| {
            ring.check_free(Side::Consumer)?;
            let count = data.elements(ring.element_size(), None)?;
            // SAFETY: the geometry was just read from this ring, whose storage is alive; the data
            // has room for that many elements; no other code is reading, because the critical
            // section is held (and C promises not to).
            let read = unsafe { ring.ring.read(&ring.geometry, data.pointer.cast(), count) };
            Ok(Number(read))
        })
    }

    /// Remove the oldest elements without copying them.
    ///
    /// :param size: The number of elements. If fewer are available, all of them are removed.
    /// :type size: int
    /// :returns: The number of elements removed.
    /// :rtype: int
    /// :raises ValueError: If *size* is negative.
    /// :raises TypeError: If *size* is not an integer.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> ring.write(b'aabb')
    /// 2
    /// >>> ring.discard(1), ring.read()
    /// (1, bytearray(b'bb'))
    fn discard "($self, size)" (ring, size) -> Number {
        let size = integer(required(size, "size")?, "size")?.required("size")?;
        RingBuffer::discard_oldest(ring, size).map(Number)
    }

    /// Copy elements out of the ring without removing them.
    ///
    /// :param size: The number of elements, starting with the one that :meth:`read` would return
    ///     first. If it is negative or omitted, all available elements are copied.
    /// :type size: int, optional
    /// :returns: The elements; fewer than *size* if fewer are available.
    /// :rtype: bytearray
    /// :raises TypeError: If *size* is not an integer.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> ring.write(b'aabb')
    /// 2
    /// >>> ring.peek(1), ring.read_available
    /// (bytearray(b'aa'), 2)
    fn peek "($self, size=-1)" (ring, size) -> Bound<'py, PyByteArray> {
        let size = size.map_or(Ok(Integer::ALL), |size| integer(size, "size"))?;
        RingBuffer::take(ring, size, &Take::Peek)
    }

    /// Remove all elements from the ring and return the newest ones.
    ///
    /// Use this for meters and plots, which show the present. Afterwards the ring is empty, except
    /// for what the producer has written in the meantime.
    ///
    /// :param size: The number of elements to return.
    /// :type size: int
    /// :returns: The elements, oldest first; fewer than *size* if fewer are available.
    /// :rtype: bytearray
    /// :raises ValueError: If *size* is negative.
    /// :raises TypeError: If *size* is not an integer.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> ring.write(b'aabbcc')
    /// 3
    /// >>> ring.read_latest(1), ring.read_available
    /// (bytearray(b'cc'), 0)
    fn read_latest "($self, size)" (ring, size) -> Bound<'py, PyByteArray> {
        let size = integer(required(size, "size")?, "size")?;
        size.required("size")?;
        RingBuffer::take(ring, size, &Take::Latest)
    }
}

attributes! {
    /// Number of elements that can be written now. (:class:`int`)
    ///
    /// Only :meth:`write` and :meth:`advance_write_index` decrease it.
    fn write_available(ring) -> Number {
        RingBuffer::available(ring, Side::Producer).map(Number)
    }

    /// Number of elements that can be read now. (:class:`int`)
    ///
    /// Only methods that remove elements decrease it, such as :meth:`read`.
    fn read_available(ring) -> Number {
        RingBuffer::available(ring, Side::Consumer).map(Number)
    }
}
