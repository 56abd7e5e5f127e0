//! Waiting for elements or room, without a stream.

use pa_ringbuffer::PaUtilRingBuffer;
use pyo3::intern;
use pyo3::prelude::*;

use super::RingBuffer;
use super::method::{Argument, integer, methods};
use crate::arguments::integer::Integer;
use crate::arguments::seconds::seconds;
use crate::side::Side;
use crate::stream::wait::{self, Outcome};

impl RingBuffer {
    fn wait(
        slf: &Bound<'_, Self>,
        side: Side,
        size: Argument<'_, '_>,
        timeout: Argument<'_, '_>,
    ) -> PyResult<bool> {
        let size = size.map_or(Ok(Integer::ONE), |size| integer(size, "size"))?;
        size.required("size")?;
        let end = wait::deadline(seconds(timeout, "timeout")?)?;
        let size = wait::checked_size(size, Self::capacity(slf)?)?;
        // Objects dropped in here are dropped immediately; see `method`.
        Python::attach(|py| {
            let (address, _keeper) = Self::pin(slf)?;
            let pointer = std::ptr::with_exposed_provenance::<PaUtilRingBuffer>(address);
            // SAFETY: its keeper keeps it alive, or the owner of the struct guarantees that.
            let ring = unsafe { &*pointer };
            let outcome = wait::poll(py, end, wait::INTERVAL, || {
                (ring.available(side) >= size).then_some(Outcome::Done)
            })?;
            Ok(outcome == Outcome::Done)
        })
    }

    fn coroutine<'py>(
        slf: &Bound<'py, Self>,
        side: &str,
        size: Argument<'_, 'py>,
        timeout: Argument<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let size = match size {
            Some(size) => size.to_owned(),
            None => 1usize.into_pyobject(py)?.into_any(),
        };
        py.import(intern!(py, "pa_ringbuffer._asyncio"))?
            .call_method1("wait_for", (slf, side, size, timeout))
    }
}

methods! {
    /// Wait until elements can be read.
    ///
    /// The producer does not have to signal anything: this method checks the ring every millisecond
    /// (less often after a while), without needing Python for that. Other threads keep running, and
    /// Ctrl-C works.
    ///
    /// :param size: The number of elements that must be available.
    /// :type size: int, optional
    /// :param timeout: Maximum time to wait, in seconds; no limit if omitted.
    /// :type timeout: float, optional
    /// :returns: Whether *size* elements can be read now.
    /// :rtype: bool
    /// :raises ValueError: If *size* is negative or exceeds the ring's size, or *timeout* is not a
    ///     number.
    /// :raises TypeError: If *size* is not an integer.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> ring.wait_for_data(1, timeout=0.01)
    /// False
    /// >>> ring.write(b'aa')
    /// 1
    /// >>> ring.wait_for_data(1)
    /// True
    fn wait_for_data "($self, size=1, timeout=None)" (ring, size, timeout) -> bool {
        RingBuffer::wait(ring, Side::Consumer, size, timeout)
    }

    /// Wait until there is room for elements.
    ///
    /// The same as :meth:`wait_for_data`, for the producer.
    ///
    /// :param size: The number of elements that must fit.
    /// :type size: int, optional
    /// :param timeout: Maximum time to wait, in seconds; no limit if omitted.
    /// :type timeout: float, optional
    /// :returns: Whether *size* elements can be written now.
    /// :rtype: bool
    /// :raises ValueError: If *size* is negative or exceeds the ring's size, or *timeout* is not a
    ///     number.
    /// :raises TypeError: If *size* is not an integer.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> ring.wait_for_room(4)
    /// True
    fn wait_for_room "($self, size=1, timeout=None)" (ring, size, timeout) -> bool {
        RingBuffer::wait(ring, Side::Producer, size, timeout)
    }

    /// :meth:`wait_for_data` as a coroutine, for ``asyncio``.
    ///
    /// :param size: The number of elements that must be available.
    /// :type size: int, optional
    /// :param timeout: Maximum time to wait, in seconds; no limit if omitted.
    /// :type timeout: float, optional
    /// :returns: Whether *size* elements can be read now.
    /// :rtype: bool
    ///
    /// >>> import asyncio, pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> asyncio.run(ring.wait_for_data_async(1, timeout=0.01))
    /// False
    fn wait_for_data_async "($self, size=1, timeout=None)" (ring, size, timeout) -> Bound<'py, PyAny> {
        RingBuffer::coroutine(ring, "consumer", size, timeout)
    }

    /// :meth:`wait_for_room` as a coroutine, for ``asyncio``.
    ///
    /// :param size: The number of elements that must fit.
    /// :type size: int, optional
    /// :param timeout: Maximum time to wait, in seconds; no limit if omitted.
    /// :type timeout: float, optional
    /// :returns: Whether *size* elements can be written now.
    /// :rtype: bool
    ///
    /// >>> import asyncio, pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> asyncio.run(ring.wait_for_room_async(4))
    /// True
    fn wait_for_room_async "($self, size=1, timeout=None)" (ring, size, timeout) -> Bound<'py, PyAny> {
        RingBuffer::coroutine(ring, "producer", size, timeout)
    }
}
