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
        // What is dropped in here is dropped at once; see `method`.
        Python::attach(|py| {
            let (address, _keeper) = Self::pin(slf)?;
            let pointer = std::ptr::with_exposed_provenance::<PaUtilRingBuffer>(address);
            // SAFETY: alive as long as its keeper, or as whoever owns the struct has promised.
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
    /// The other side need not know that somebody waits: the ring is looked at every millisecond
    /// (after a while, less often), and Python is not needed for that. Other threads go on, and
    /// Ctrl-C works.
    ///
    /// :param size: The number of elements that must be available.
    /// :type size: int, optional
    /// :param timeout: Seconds to wait at most; forever if not given.
    /// :type timeout: float, optional
    /// :returns: Whether so many elements can be read now.
    /// :rtype: bool
    /// :raises ValueError: If *size* is negative or more than the ring can hold, or *timeout* is
    ///     not a number.
    /// :raises TypeError: If *size* is not an integer.
    fn wait_for_data "($self, size=1, timeout=None)" (ring, size, timeout) -> bool {
        RingBuffer::wait(ring, Side::Consumer, size, timeout)
    }

    /// Wait until there is room for elements.
    ///
    /// As :meth:`wait_for_data`, but for the side that writes.
    ///
    /// :param size: The number of elements that there must be room for.
    /// :type size: int, optional
    /// :param timeout: Seconds to wait at most; forever if not given.
    /// :type timeout: float, optional
    /// :returns: Whether so many elements can be written now.
    /// :rtype: bool
    /// :raises ValueError: If *size* is negative or more than the ring can hold, or *timeout* is
    ///     not a number.
    /// :raises TypeError: If *size* is not an integer.
    fn wait_for_room "($self, size=1, timeout=None)" (ring, size, timeout) -> bool {
        RingBuffer::wait(ring, Side::Producer, size, timeout)
    }

    /// :meth:`wait_for_data` for ``asyncio``: the same as a coroutine.
    ///
    /// :param size: The number of elements that must be available.
    /// :type size: int, optional
    /// :param timeout: Seconds to wait at most; forever if not given.
    /// :type timeout: float, optional
    /// :returns: Whether so many elements can be read now.
    /// :rtype: bool
    fn wait_for_data_async "($self, size=1, timeout=None)" (ring, size, timeout) -> Bound<'py, PyAny> {
        RingBuffer::coroutine(ring, "consumer", size, timeout)
    }

    /// :meth:`wait_for_room` for ``asyncio``: the same as a coroutine.
    ///
    /// :param size: The number of elements that there must be room for.
    /// :type size: int, optional
    /// :param timeout: Seconds to wait at most; forever if not given.
    /// :type timeout: float, optional
    /// :returns: Whether so many elements can be written now.
    /// :rtype: bool
    fn wait_for_room_async "($self, size=1, timeout=None)" (ring, size, timeout) -> Bound<'py, PyAny> {
        RingBuffer::coroutine(ring, "producer", size, timeout)
    }
}
