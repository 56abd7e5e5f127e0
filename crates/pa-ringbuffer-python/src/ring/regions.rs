//! Direct access to the ring's memory, to write and read in place.

use pa_ringbuffer::{Regions, ring_buffer_size_t};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::RingBuffer;
use super::memory::{self, Keeper, Owners, Region};
use super::method::{integer, methods, required};
use super::state::{Backing, not_initialised};
use crate::arguments::integer::Integer;
use crate::error::Refusal;
use crate::object::{self, Number};
use crate::side::Side;

impl RingBuffer {
    /// Two regions of the ring as memoryviews, with their total number of elements.
    pub(super) fn regions<'py>(
        slf: &Bound<'py, Self>,
        size: Integer,
        side: Side,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let size = size.required("size")?;
        // The unchanging parts first: this may run Python code.
        let all = Self::elements(slf, side)?;
        let ((regions, start, element_size, readonly), owners) =
            Self::with_ring(slf, side, |ring, state| {
                let regions = match side {
                    Side::Producer => {
                        ring.check_writable()?;
                        ring.ring.write_regions(&ring.geometry, size)
                    }
                    Side::Consumer => {
                        ring.check_free(Side::Consumer)?;
                        ring.ring.read_regions(&ring.geometry, size)
                    }
                };
                let start = ring.geometry.buffer();
                let found = (regions, start, ring.element_size(), ring.readonly);
                // In the same critical section: another thread may just have assigned another
                // pointer or called `__init__`.
                match (&all, &state.backing) {
                    (Some(_), _) => Ok((found, Owners::default())),
                    (None, Backing::Foreign) => Ok((found, state.owners(py))),
                    (None, _) => Err(not_initialised()),
                }
            })?;
        let (first, second) = match (all, owners) {
            (Some(all), _) => slices(&all, start, &regions, element_size, readonly)?,
            (None, owners) => {
                let owner = Keeper::foreign(py, owners)?;
                let view = |pointer, count: usize, owner| {
                    Region::new(pointer, count * element_size, readonly, owner).view(py)
                };
                let second = if regions.second_len == 0 {
                    memory::empty_view(py, readonly)?
                } else {
                    view(regions.second, regions.second_len, owner.clone_ref(py))?
                };
                (view(regions.first, regions.first_len, owner)?, second)
            }
        };
        object::triple(regions.len(), first, second)
    }

    /// The source of regions; `None` if the ring does not own the elements.
    ///
    /// With a GIL, this is a view of all elements, which no caller gets: a slice of it is one
    /// object, a view of a new exporter would be three. CPython counts the views derived from one
    /// view without a lock (gh-127716): without a GIL, each region is an exporter of its own, and
    /// this keeps the memory alive.
    pub(super) fn elements<'py>(
        slf: &Bound<'py, Self>,
        side: Side,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        let cached = Self::with_side(slf, side, |state| {
            state.elements.as_ref().map(|view| view.clone_ref(py))
        });
        if let Some(elements) = cached {
            return Ok(Some(elements.into_bound(py)));
        }
        let Some(memory) = Self::memory(slf)? else {
            return Ok(None);
        };
        let memory = memory.into_bound(py).into_any();
        let all = if cfg!(Py_GIL_DISABLED) {
            memory
        } else {
            memory::view_of(&memory)?
        };
        let kept = all.clone().unbind();
        // If another thread has made one in the meantime, both are valid.
        let previous = Self::with_state(slf, |state| state.elements.replace(kept));
        drop(previous.map(|view| view.into_bound(py)));
        Ok(Some(all))
    }

    pub(super) fn advance(slf: &Bound<'_, Self>, size: Integer, side: Side) -> PyResult<Number> {
        let count = size.required("size")?;
        Self::with_ring(slf, side, |ring, _| {
            ring.check_free(side)?;
            let (available, what) = match side {
                Side::Producer => (ring.ring.write_available_in(&ring.geometry), "written"),
                Side::Consumer => (ring.ring.read_available_in(&ring.geometry), "read"),
            };
            if count > available {
                return Err(Refusal::value_error(format_args!(
                    "size must be at most {available}, the number of elements that can be {what} \
                     now, not {size}"
                )));
            }
            // At most the ring's size, which has that type.
            let count = count as ring_buffer_size_t;
            let index = match side {
                Side::Producer => ring.ring.advance_write_index(&ring.geometry, count),
                Side::Consumer => ring.ring.advance_read_index(&ring.geometry, count),
            };
            // The masks of a valid ring make every index non-negative.
            Ok(Number(index as usize))
        })
    }
}

/// Two regions of the ring as memoryviews of `all` of its elements, which begin at `start`.
fn slices<'py>(
    all: &Bound<'py, PyAny>,
    #[cfg_attr(Py_GIL_DISABLED, allow(unused_variables))] start: *mut u8,
    regions: &Regions,
    element_size: usize,
    readonly: bool,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let py = all.py();
    #[cfg(Py_GIL_DISABLED)]
    let slice = |pointer: *mut u8, count: usize| {
        let bytes = count * element_size;
        Region::new(pointer, bytes, readonly, Keeper::Ours(all.clone().unbind())).view(py)
    };
    #[cfg(not(Py_GIL_DISABLED))]
    let slice = |pointer: *mut u8, count: usize| {
        // Both lie in the storage; a slice would exclude anything outside.
        let begin = pointer.addr() - start.addr();
        let end = begin + count * element_size;
        object::slice(all, begin, end)
    };
    let second = if regions.second_len == 0 {
        memory::empty_view(py, readonly)?
    } else {
        slice(regions.second, regions.second_len)?
    };
    Ok((slice(regions.first, regions.first_len)?, second))
}

methods! {
    /// Get the region(s) of the ring's memory where the next elements can be written.
    ///
    /// Fill the first buffer, then the second one, and call :meth:`advance_write_index` to make the
    /// elements available for reading.
    ///
    /// :param size: The number of elements desired.
    /// :type size: int
    /// :returns:
    ///     * The number of elements that fit, at most *size*.
    ///     * The first buffer.
    ///     * The second buffer, which is empty unless the room continues at the start of the ring's
    ///       memory.
    ///
    ///     Both are writable, one-dimensional views of bytes. They keep the memory alive.
    /// :rtype: tuple (int, memoryview, memoryview)
    /// :raises ValueError: If *size* is negative.
    /// :raises TypeError: If *size* is not an integer, or if the ring uses a read-only buffer.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> count, first, second = ring.get_write_buffers(3)
    /// >>> count, len(first), len(second)
    /// (3, 6, 0)
    /// >>> first[:] = b'aabbcc'
    /// >>> ring.advance_write_index(3)
    /// 3
    fn get_write_buffers "($self, size)" (ring, size) -> Bound<'py, PyTuple> {
        let size = integer(required(size, "size")?, "size")?;
        RingBuffer::regions(ring, size, Side::Producer)
    }

    /// Make the elements stored in the buffers from :meth:`get_write_buffers` available for
    /// reading.
    ///
    /// Not needed after :meth:`write`.
    ///
    /// :param size: The number of elements, at most :attr:`write_available`.
    /// :type size: int
    /// :returns: The new write index, which counts modulo twice the number of elements in the ring.
    /// :rtype: int
    /// :raises ValueError: If *size* is negative or too large.
    /// :raises TypeError: If *size* is not an integer.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=1, size=8)
    /// >>> count, first, second = ring.get_write_buffers(3)
    /// >>> first[:] = b'abc'
    /// >>> ring.advance_write_index(count)
    /// 3
    /// >>> bytes(ring.read())
    /// b'abc'
    fn advance_write_index "($self, size)" (ring, size) -> Number {
        let size = integer(required(size, "size")?, "size")?;
        RingBuffer::advance(ring, size, Side::Producer)
    }

    /// Get the region(s) of the ring's memory where the next elements can be read.
    ///
    /// Use the first buffer, then the second one, and call :meth:`advance_read_index` to make room
    /// for new elements.
    ///
    /// :param size: The number of elements desired.
    /// :type size: int
    /// :returns:
    ///     * The number of elements that are available, at most *size*.
    ///     * The first buffer.
    ///     * The second buffer, which is empty unless the elements continue at the start of the
    ///       ring's memory.
    ///
    ///     Both are one-dimensional views of bytes. They are writable unless the ring uses a
    ///     read-only buffer, and keep the memory alive.
    /// :rtype: tuple (int, memoryview, memoryview)
    /// :raises ValueError: If *size* is negative.
    /// :raises TypeError: If *size* is not an integer.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
    /// >>> ring.write(b'aabb')
    /// 2
    /// >>> count, first, second = ring.get_read_buffers(1)
    /// >>> count, bytes(first), bytes(second)
    /// (1, b'aa', b'')
    /// >>> ring.advance_read_index(1)
    /// 1
    fn get_read_buffers "($self, size)" (ring, size) -> Bound<'py, PyTuple> {
        let size = integer(required(size, "size")?, "size")?;
        RingBuffer::regions(ring, size, Side::Consumer)
    }

    /// Make room for new elements after using the buffers from :meth:`get_read_buffers`.
    ///
    /// Not needed after :meth:`read` and :meth:`readinto`.
    ///
    /// :param size: The number of elements, at most :attr:`read_available`.
    /// :type size: int
    /// :returns: The new read index, which counts modulo twice the number of elements in the ring.
    /// :rtype: int
    /// :raises ValueError: If *size* is negative or too large.
    /// :raises TypeError: If *size* is not an integer.
    ///
    /// >>> import pa_ringbuffer
    /// >>> ring = pa_ringbuffer.RingBuffer(elementsize=1, size=8)
    /// >>> ring.write(b'abc')
    /// 3
    /// >>> count, first, second = ring.get_read_buffers(2)
    /// >>> ring.advance_read_index(count)
    /// 2
    /// >>> ring.read_available
    /// 1
    fn advance_read_index "($self, size)" (ring, size) -> Number {
        let size = integer(required(size, "size")?, "size")?;
        RingBuffer::advance(ring, size, Side::Consumer)
    }
}
