from collections.abc import Callable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Literal, Protocol, SupportsIndex, final, overload

from _typeshed import ReadableBuffer, WriteableBuffer
from typing_extensions import Self, TypeAlias, disjoint_base

__all__ = [
    "InputSide",
    "OutputSide",
    "Overlap",
    "Pump",
    "RingBuffer",
    "StreamCallback",
    "Transfer",
    "VirtualDevice",
    "__version__",
    "compiled_callback",
    "functions",
    "unwatch",
    "watch",
]

__version__: Final[str]
# Their addresses.
functions: Final[dict[str, int]]
# A PyCapsule.
_C_API: Final[object]

# CFFI's objects have no types of their own.
_CData: TypeAlias = Any
_Mode: TypeAlias = Literal["run", "drain", "complete", "start", "hold", "abort"]
_Outcome: TypeAlias = Literal["done", "timeout", "finished", "quiet"]
_Xrun: TypeAlias = Literal[
    "input_underflow", "input_overflow", "output_underflow", "output_overflow"
]

class _Handle(Protocol):
    """The device under a stream."""

    @property
    def active(self) -> bool: ...
    def check_here(self) -> None: ...
    def error(self, outcome: str, so_far: str, frames: int = ..., data: Any = ...) -> Exception: ...
    def report(self) -> None: ...

class _HasAddress(Protocol):
    """A function compiled by Numba."""

    @property
    def address(self) -> int: ...

# Functions of ctypes have a class that is not public; like CFFI's and capsules, they are what Any
# stands for.
_Function: TypeAlias = int | _HasAddress | Any

@disjoint_base
class RingBuffer:
    """PortAudio's lock-free ring buffer, for one producer and one consumer.

    A ring buffer carries elements of a fixed size from one thread, the producer, to another,
    the consumer. Neither ever waits for the other: if there is too little room, or too little
    data, fewer elements are transferred, and the return value says how many. All *size*
    elements are usable.

    Usually Python is on one side, and a PortAudio callback or other compiled code on the other.
    The compiled side gets a pointer to the C struct ``PaUtilRingBuffer`` (see ``address``) and
    uses PortAudio's C functions, or compatible ones.

    One thread at a time may write (``write()``, ``get_write_buffers()`` and
    ``advance_write_index()``), and one thread at a time may read (``read()``, ``readinto()``,
    ``get_read_buffers()`` and ``advance_read_index()``). Writing and reading may happen at the
    same time. If several Python threads share a side, each ``write()``, ``read()`` and
    ``readinto()`` is atomic, but a chunk takes two calls: hold a lock of your own from getting
    the buffers until you have advanced the index. Call ``flush()`` only while no thread is
    writing or reading. Any thread may ask for the number of available elements.

    :param elementsize: The size of one element in bytes. For audio, this is typically the
        number of channels times the number of bytes per sample.
    :type elementsize: int
    :param size: The number of elements in the ring, which must be a power of 2. Their memory is
        allocated and filled with zeros. Give either *size* or *buffer*.
    :type size: int, optional
    :param buffer: Existing memory to use instead: a C-contiguous buffer, or a CFFI array. It is
        not copied, and the ring keeps it alive. Its size in bytes must be *elementsize* times a
        power of 2. If it is read-only, Python cannot write elements, but
        ``advance_write_index()`` can pass the elements that it already holds to the consumer.
    :type buffer: buffer, optional
    :raises TypeError: If neither or both of *size* and *buffer* are given, or one of the
        arguments has an unsuitable type.
    :raises ValueError: If *elementsize* is not positive, if the number of elements is not a
        power of 2, or if the size of *buffer* is not a multiple of *elementsize*.
    :raises OverflowError: If *elementsize* times *size* exceeds the address space.
    :raises MemoryError: If there is not enough memory.

    A ring for 1024 stereo frames of ``'float32'`` samples:

    >>> import pa_ringbuffer
    >>> ring = pa_ringbuffer.RingBuffer(elementsize=2 * 4, size=1024)
    >>> ring.write(bytes(8 * 100))
    100
    >>> ring.read_available, ring.write_available
    (100, 924)
    >>> len(ring.read())
    800
    """

    @overload
    def __init__(self, elementsize: SupportsIndex, size: SupportsIndex) -> None: ...
    @overload
    def __init__(
        self,
        elementsize: SupportsIndex,
        size: SupportsIndex | None = None,
        buffer: ReadableBuffer | _CData | None = None,
    ) -> None: ...
    @classmethod
    def from_pointer(cls, pointer: int | _CData) -> Self:
        """Use a ring that other code, such as a C program, has initialised.

        The ring is checked and used in place. Its memory must stay valid as long as the returned
        object, or a buffer obtained from it, is in use. The returned object keeps a CFFI pointer
        alive; it cannot do that for a number.

        :param pointer: The address of a C struct ``PaUtilRingBuffer``, as a number or as a pointer
            to this struct (or to ``void``) of any CFFI instance.
        :type pointer: CData pointer or int
        :returns: A new object of this class for the same ring.
        :raises TypeError: If *pointer* is something else.
        :raises ValueError: If *pointer* is NULL or misaligned, or if the struct is not an
            initialised ring. The message names the field that is wrong.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=8)
        >>> same = pa_ringbuffer.RingBuffer.from_pointer(ring.address)
        >>> ring.write(b'abcd')
        1
        >>> bytes(same.read())
        b'abcd'
        """
    @property
    def address(self) -> int:
        """Address of the C struct ``PaUtilRingBuffer``, for the code on the other side of the ring.

        The number works with anything that can call C: ctypes, Numba, Cython, Rust etc. It is valid
        as long as this object exists. (:class:`int`)
        """
    @property
    def elementsize(self) -> int:
        """Size of one element in bytes. (:class:`int`)"""
    @property
    def read_available(self) -> int:
        """Number of elements that can be read now. (:class:`int`)

        Only methods that remove elements decrease it, such as :meth:`read`.
        """
    @property
    def write_available(self) -> int:
        """Number of elements that can be written now. (:class:`int`)

        Only :meth:`write` and :meth:`advance_write_index` decrease it.
        """
    def __len__(self) -> int: ...
    def advance_read_index(self, size: SupportsIndex) -> int:
        """Make room for new elements after using the buffers from :meth:`get_read_buffers`.

        Not needed after :meth:`read` and :meth:`readinto`.

        :param size: The number of elements, at most :attr:`read_available`.
        :type size: int
        :returns: The new read index, which counts modulo twice the number of elements in the ring.
        :rtype: int
        :raises ValueError: If *size* is negative or too large.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=1, size=8)
        >>> ring.write(b'abc')
        3
        >>> count, first, second = ring.get_read_buffers(2)
        >>> ring.advance_read_index(count)
        2
        >>> ring.read_available
        1
        """
    def advance_write_index(self, size: SupportsIndex) -> int:
        """Make the elements stored in the buffers from :meth:`get_write_buffers` available for
        reading.

        Not needed after :meth:`write`.

        :param size: The number of elements, at most :attr:`write_available`.
        :type size: int
        :returns: The new write index, which counts modulo twice the number of elements in the ring.
        :rtype: int
        :raises ValueError: If *size* is negative or too large.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=1, size=8)
        >>> count, first, second = ring.get_write_buffers(3)
        >>> first[:] = b'abc'
        >>> ring.advance_write_index(count)
        3
        >>> bytes(ring.read())
        b'abc'
        """
    def discard(self, size: SupportsIndex) -> int:
        """Remove the oldest elements without copying them.

        :param size: The number of elements. If fewer are available, all of them are removed.
        :type size: int
        :returns: The number of elements removed.
        :rtype: int
        :raises ValueError: If *size* is negative.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabb')
        2
        >>> ring.discard(1), ring.read()
        (1, bytearray(b'bb'))
        """
    def flush(self) -> None:
        """Make the ring empty.

        Call this only while no thread is writing or reading, on either side.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=8)
        >>> ring.write(b'abcdefgh')
        2
        >>> ring.flush()
        >>> ring.read_available
        0
        """
    def get_read_buffers(self, size: SupportsIndex) -> tuple[int, memoryview, memoryview]:
        """Get the region(s) of the ring's memory where the next elements can be read.

        Use the first buffer, then the second one, and call :meth:`advance_read_index` to make room
        for new elements.

        :param size: The number of elements desired.
        :type size: int
        :returns:
            * The number of elements that are available, at most *size*.
            * The first buffer.
            * The second buffer, which is empty unless the elements continue at the start of the
              ring's memory.

            Both are one-dimensional views of bytes. They are writable unless the ring uses a
            read-only buffer, and keep the memory alive.
        :rtype: tuple (int, memoryview, memoryview)
        :raises ValueError: If *size* is negative.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabb')
        2
        >>> count, first, second = ring.get_read_buffers(1)
        >>> count, bytes(first), bytes(second)
        (1, b'aa', b'')
        >>> ring.advance_read_index(1)
        1
        """
    def get_write_buffers(self, size: SupportsIndex) -> tuple[int, memoryview, memoryview]:
        """Get the region(s) of the ring's memory where the next elements can be written.

        Fill the first buffer, then the second one, and call :meth:`advance_write_index` to make the
        elements available for reading.

        :param size: The number of elements desired.
        :type size: int
        :returns:
            * The number of elements that fit, at most *size*.
            * The first buffer.
            * The second buffer, which is empty unless the room continues at the start of the ring's
              memory.

            Both are writable, one-dimensional views of bytes. They keep the memory alive.
        :rtype: tuple (int, memoryview, memoryview)
        :raises ValueError: If *size* is negative.
        :raises TypeError: If *size* is not an integer, or if the ring uses a read-only buffer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> count, first, second = ring.get_write_buffers(3)
        >>> count, len(first), len(second)
        (3, 6, 0)
        >>> first[:] = b'aabbcc'
        >>> ring.advance_write_index(3)
        3
        """
    def read(self, size: SupportsIndex = -1) -> bytearray:
        """Remove elements from the ring and return them in a new buffer.

        This advances the read index: do not call :meth:`advance_read_index` afterwards.

        :param size: The number of elements to read. If it is negative or omitted, all available
            elements are read.
        :type size: int, optional
        :returns: The elements; fewer than *size* if fewer are available.
        :rtype: bytearray
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabbcc')
        3
        >>> ring.read(2)
        bytearray(b'aabb')
        >>> ring.read()
        bytearray(b'cc')
        """
    def peek(self, size: SupportsIndex = -1) -> bytearray:
        """Copy elements out of the ring without removing them.

        :param size: The number of elements, starting with the one that :meth:`read` would return
            first. If it is negative or omitted, all available elements are copied.
        :type size: int, optional
        :returns: The elements; fewer than *size* if fewer are available.
        :rtype: bytearray
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabb')
        2
        >>> ring.peek(1), ring.read_available
        (bytearray(b'aa'), 2)
        """
    def read_latest(self, size: SupportsIndex) -> bytearray:
        """Remove all elements from the ring and return the newest ones.

        Use this for meters and plots, which show the present. Afterwards the ring is empty, except
        for what the producer has written in the meantime.

        :param size: The number of elements to return.
        :type size: int
        :returns: The elements, oldest first; fewer than *size* if fewer are available.
        :rtype: bytearray
        :raises ValueError: If *size* is negative.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabbcc')
        3
        >>> ring.read_latest(1), ring.read_available
        (bytearray(b'cc'), 0)
        """
    def readinto(self, data: WriteableBuffer | _CData) -> int:
        r"""Remove elements from the ring and store them in existing memory.

        This advances the read index: do not call :meth:`advance_read_index` afterwards.

        :param data: The memory to fill from its start: any writable C-contiguous buffer (of any
            type and shape; only its bytes matter), a CFFI array, or a CFFI pointer, which stands
            for the one object that it points to.
        :type data: CData pointer or buffer
        :returns: The number of elements read, which is smaller than the size of *data* if fewer are
            available. The rest of *data* does not change.
        :rtype: int
        :raises ValueError: If the size of *data* in bytes is not a multiple of the element size, or
            if *data* is NULL, read-only or not contiguous.
        :raises BufferError: If *data* is read-only or not contiguous. (The kind of error depends on
            *data*.)
        :raises TypeError: If *data* is something else, holds Python objects, or is a ``void *``.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aa')
        1
        >>> data = bytearray(4)
        >>> ring.readinto(data), data
        (1, bytearray(b'aa\x00\x00'))
        """
    def wait_for_data(self, size: SupportsIndex = 1, timeout: float | None = None) -> bool:
        """Wait until elements can be read.

        The producer does not have to signal anything: this method checks the ring every millisecond
        (less often after a while), without needing Python for that. Other threads keep running, and
        Ctrl-C works.

        :param size: The number of elements that must be available.
        :type size: int, optional
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :type timeout: float, optional
        :returns: Whether *size* elements can be read now.
        :rtype: bool
        :raises ValueError: If *size* is negative or exceeds the ring's size, or *timeout* is not a
            number.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.wait_for_data(1, timeout=0.01)
        False
        >>> ring.write(b'aa')
        1
        >>> ring.wait_for_data(1)
        True
        """
    def wait_for_room(self, size: SupportsIndex = 1, timeout: float | None = None) -> bool:
        """Wait until there is room for elements.

        The same as :meth:`wait_for_data`, for the producer.

        :param size: The number of elements that must fit.
        :type size: int, optional
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :type timeout: float, optional
        :returns: Whether *size* elements can be written now.
        :rtype: bool
        :raises ValueError: If *size* is negative or exceeds the ring's size, or *timeout* is not a
            number.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.wait_for_room(4)
        True
        """
    def wait_for_data_async(
        self, size: SupportsIndex = 1, timeout: float | None = None
    ) -> Coroutine[Any, Any, bool]:
        """:meth:`wait_for_data` as a coroutine, for ``asyncio``.

        :param size: The number of elements that must be available.
        :type size: int, optional
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :type timeout: float, optional
        :returns: Whether *size* elements can be read now.
        :rtype: bool

        >>> import asyncio, pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> asyncio.run(ring.wait_for_data_async(1, timeout=0.01))
        False
        """
    def wait_for_room_async(
        self, size: SupportsIndex = 1, timeout: float | None = None
    ) -> Coroutine[Any, Any, bool]:
        """:meth:`wait_for_room` as a coroutine, for ``asyncio``.

        :param size: The number of elements that must fit.
        :type size: int, optional
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :type timeout: float, optional
        :returns: Whether *size* elements can be written now.
        :rtype: bool

        >>> import asyncio, pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> asyncio.run(ring.wait_for_room_async(4))
        True
        """
    def write(self, data: ReadableBuffer | _CData, size: SupportsIndex = -1) -> int:
        """Copy elements into the ring and make them available for reading.

        This advances the write index: do not call :meth:`advance_write_index` afterwards.

        :param data: The elements: any C-contiguous buffer (of any type and shape; only its bytes
            matter), a CFFI array, or a CFFI pointer. Without *size*, a pointer stands for the one
            object that it points to.
        :type data: CData pointer or buffer
        :param size: The number of elements to write, at most the number in *data*. If it is
            negative or omitted, all elements in *data* are written. If *data* is a pointer, the
            caller must make sure that it points to at least *size* elements: this cannot be
            checked.
        :type size: int, optional
        :returns: The number of elements written, which is smaller than *size* if there is not
            enough room.
        :rtype: int
        :raises ValueError: If *size* exceeds the number of elements in *data*, if *size* is omitted
            and the size of *data* in bytes is not a multiple of the element size, or if *data* is
            NULL or not contiguous.
        :raises BufferError: If *data* is not contiguous. (The kind of error depends on *data*.)
        :raises TypeError: If *data* is something else, holds Python objects, or is a ``void *``
            without *size*; if *size* is not an integer; if the ring uses a read-only buffer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabbcc')
        3
        >>> ring.write(b'ddee')
        1
        """
    def _repr_html_(self) -> str | None: ...
    def _repr_svg_(self) -> str | None: ...
    @property
    def _data(self) -> Any: ...
    @_data.setter
    def _data(self, value: Any) -> None: ...
    @property
    def _ptr(self) -> _CData: ...
    @_ptr.setter
    def _ptr(self, value: _CData) -> None: ...

@final
class StreamCallback:
    """A compiled PortAudio callback: it plays from one ring buffer and records into another.

    It plays silence when the output ring runs empty, and drops frames that do not fit into the
    input ring. Both are counted; on request, it finishes the stream instead. It never waits and
    never touches Python, so nothing that Python does can make it late.

    :param input_ring: The ring for recorded frames. The callback writes to it, Python reads from
        it. One element is one frame: *elementsize* is channels times bytes per sample.
    :type input_ring: RingBuffer, optional
    :param output_ring: The ring for frames to play. Python writes to it, the callback reads from
        it.
    :type output_ring: RingBuffer, optional
    :param input_framesize: Bytes per input frame; only checked against *input_ring*.
    :type input_framesize: int, optional
    :param output_framesize: Bytes per output frame. Required for a stream with output channels but
        without *output_ring* (it plays silence).
    :type output_framesize: int, optional
    :param silence: The value of the bytes that silence consists of: 0, or 128 for ``'uint8'``.
    :type silence: int, optional
    :param on_underflow: What happens if the output ring holds too few frames: ``'silence'`` fills
        the gap, or the stream is to ``'stop'`` after the available frames.
    :type on_underflow: str, optional
    :param on_overflow: What happens if the input ring has too little room: ``'drop'`` the frames
        that do not fit, or ``'stop'`` the stream after recording those that fit.
    :type on_overflow: str, optional
    :param wake: Whether the callback wakes a waiting thread, where the system supports that. It
        then makes one system call, which does not block, if a thread sleeps and its frames are
        available. Otherwise, waiting threads check the ring periodically.
    :type wake: bool, optional
    :raises ValueError: if a frame size is not the *elementsize* of its ring.

    >>> import pa_ringbuffer
    >>> from pa_ringbuffer.testing import VirtualDevice
    >>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=1024)
    >>> callback = pa_ringbuffer.StreamCallback(output_ring=ring)
    >>> device = VirtualDevice(callback, channels=(0, 1))
    >>> ring.write(bytes(4 * 256))
    256
    >>> device.run(512)
    512
    >>> callback.counters['output_underflow_frames']
    256

    `sounddevice <https://python-sounddevice.readthedocs.io/>`__ accepts compiled callbacks in
    ``_StreamBase``, for interleaved sample formats only::

        callback = pa_ringbuffer.StreamCallback(output_ring=ring)
        stream = sounddevice._StreamBase(
            kind='output', channels=2, dtype='float32',
            callback=callback.function, userdata=callback.userdata)

    Keep the object until the stream is closed: PortAudio uses its memory until then. The object
    keeps the rings alive.
    """

    def __new__(
        cls,
        input_ring: RingBuffer | None = None,
        output_ring: RingBuffer | None = None,
        *,
        input_framesize: SupportsIndex | None = None,
        output_framesize: SupportsIndex | None = None,
        silence: int = 0,
        on_underflow: Literal["silence", "stop"] | str = "silence",
        on_overflow: Literal["drop", "stop"] | str = "drop",
        wake: bool = False,
    ) -> Self: ...
    @property
    def address(self) -> int:
        """The address of the callback's state, which the C function takes as ``userData``."""
    @property
    def counters(self) -> dict[str, int]:
        """The counters: a new dict of ints.

        ``blocks`` and ``frames``: calls, and frames in them; ``smallest_block`` and
        ``largest_block``: frames per call; ``input_overflows`` and ``input_overflow_frames``: calls
        in which the input ring had too little room, and frames dropped; ``output_underflows`` and
        ``output_underflow_frames``: calls in which the output ring held too few frames, and frames
        of silence played instead; ``device_input_underflows``, ``device_input_overflows``,
        ``device_output_underflows``, ``device_output_overflows`` and ``device_primings``: calls in
        which PortAudio reported this about the device itself (its status flags).

        ``input_low_water`` and ``input_high_water``: lowest fill of the input ring before a call
        (initially the ring's size), and its highest fill after a call; ``output_low_water`` and
        ``output_high_water``: lowest fill of the output ring after a call (initially the ring's
        size), and its highest fill before a call.

        All numbers are from the same moment, between two calls.
        """
    @property
    def finished(self) -> Literal["completed", "underflow", "overflow", "stopped"] | None:
        """Why the stream has finished, or ``None`` before that.

        ``'completed'``: everything was played, in the mode ``'complete'``; ``'underflow'`` and
        ``'overflow'``: according to *on_underflow* and *on_overflow*; ``'stopped'``: for another
        reason (detected only if the device calls `finished_function`).
        """
    @property
    def finished_function(self) -> int:
        """The address of another C function, a ``PaStreamFinishedCallback``.

        When a device calls it with the same ``userData``, `finished` shows that the stream is over.
        """
    @property
    def function(self) -> int:
        """The address of the C function, a ``PaStreamCallback``."""
    @property
    def input_ring(self) -> RingBuffer | None:
        """The input ring, or ``None``."""
    @property
    def mode(self) -> _Mode:
        """The meaning of an empty output ring.

        ``'run'``: an underflow; silence is played and counted. ``'drain'``: the producer has
        finished; silence is played and not counted. ``'complete'``: the producer has finished; the
        stream finishes when everything has been played. ``'start'``: the producer has not started;
        silence is played and not counted until the ring holds a block (or is full), then the mode
        is ``'run'``. ``'hold'``: silence is played whatever the ring holds, and nothing is recorded
        or counted as lost, until another mode is set. ``'abort'``: the stream is aborted at the
        next call.
        """
    @mode.setter
    def mode(self, value: _Mode) -> None: ...
    @property
    def output_ring(self) -> RingBuffer | None:
        """The output ring, or ``None``."""
    def restart(self) -> None:
        """Forget why the stream has finished. Call this before starting it again.

        >>> import pa_ringbuffer
        >>> callback = pa_ringbuffer.StreamCallback(input_ring=pa_ringbuffer.RingBuffer(4, 1024))
        >>> callback.restart()
        >>> callback.finished is None
        True
        """
    @property
    def userdata(self) -> _CData:
        """The same address as CFFI ``void *``. Imports CFFI."""
    def _attach(
        self,
        input_ring: RingBuffer | None = None,
        output_ring: RingBuffer | None = None,
        input_framesize: SupportsIndex | None = None,
        output_framesize: SupportsIndex | None = None,
        silence: int = 0,
    ) -> None: ...
    def _block_times(self) -> tuple[int, int, float, int, float, float] | None: ...
    def _finish(self) -> None: ...
    def _settle(self, input: int, output: int) -> None: ...
    @property
    def _is_finished(self) -> bool: ...
    @property
    def _losses(self) -> int: ...
    @property
    def _told_losses(self) -> int: ...
    @_told_losses.setter
    def _told_losses(self, value: int) -> None: ...

@final
class VirtualDevice:
    """A silent sound device: it calls a ``PaStreamCallback`` from its own thread.

    It replaces PortAudio where there is no sound card, in tests for example. Its thread is not a
    Python thread, and the GIL never delays it.

    :param callback: The function to call: a :class:`pa_ringbuffer.StreamCallback`, or any C
        function that is a ``PaStreamCallback``: its address, a CFFI or ctypes function pointer, a
        function from a shared library opened by one of them, an object with the address in an
        attribute ``address`` (Numba's ``cfunc``), or a capsule with the function (Cython's
        ``__pyx_capi__``). The device keeps the object.
    :type callback: StreamCallback or int or CData pointer or object
    :param userdata: The callback's last argument: an address, a CFFI or ctypes pointer, a
        :class:`pa_ringbuffer.RingBuffer` (which stands for its C struct), or a writable contiguous
        buffer, such as a NumPy array of records or a ctypes structure (which stands for its first
        byte). The device keeps the object. A `StreamCallback` brings its own.
    :type userdata: int or CData pointer or RingBuffer or buffer, optional
    :param samplerate: Frames per second.
    :type samplerate: float, optional
    :param channels: Number of channels, or a pair (input, output), in which 0 stands for a missing
        direction.
    :type channels: int or tuple, optional
    :param dtype: Sample format: ``'float32'``, ``'int32'``, ``'int24'``, ``'int16'``, ``'int8'`` or
        ``'uint8'``. Samples are interleaved.
    :type dtype: str, optional
    :param blocksize: Frames per call; 0 for blocks that vary from 1 to 1024 frames.
    :type blocksize: int, optional
    :param loopback: Whether the output comes back as input, one block later (1024 frames for
        varying blocks). Otherwise the input is zeros.
    :type loopback: bool, optional
    :param realtime: Whether the thread keeps to the sample rate or calls as fast as possible. After
        a late call, the next ones catch up immediately: lateness delays data, but loses none.
    :type realtime: bool, optional
    :param jitter: In real time, each call is late by between 0 and this number of seconds. The
        delays look random, are the same after every start, and do not add up. The callback sees
        them in ``currentTime``.
    :type jitter: float, optional
    :param finished_callback: A ``PaStreamFinishedCallback``, in the same forms as *callback*. The
        device's thread calls it with *userdata* when a started device becomes inactive, whether
        stopped or ended by its callback: after the last call, before *active* becomes false. A
        `StreamCallback` has its own, to detect that it is *finished*.
    :type finished_callback: int or CData pointer or object, optional

    >>> import numpy as np, pa_ringbuffer
    >>> from pa_ringbuffer.testing import VirtualDevice
    >>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=1024)
    >>> callback = pa_ringbuffer.StreamCallback(input_ring=ring)
    >>> device = VirtualDevice(callback, channels=(1, 0), blocksize=64)
    >>> device.process(np.ones((128, 1), 'float32'))
    >>> ring.read_available
    128

    In a ``with`` statement, the device is started, and closed at the end.

    **Times.** The clock that the callback sees counts frames: it is 0 at the first call, and each
    call advances it by its frames. Output is heard from the time of its call on. Input was captured
    one block earlier, or by the length of the largest block so far (1024 frames for varying
    blocks). With loopback, a frame is captured when it is heard. Late calls change only
    ``currentTime``.

    **Xruns.** Underflows and overflows happen only on request, with :meth:`xrun` or in
    :meth:`process`. The callback gets PortAudio's status flag. The number and sizes of the calls
    stay the same; the data is shifted relative to them. For a call of *n* frames:

    - ``'input_underflow'``: the input is *n* zeros and none is consumed; the input continues with
      the next call.
    - ``'input_overflow'``: the next *n* frames of input are lost before the block is captured.
    - ``'output_underflow'``: the output contains *n* frames of silence before this block.
    - ``'output_overflow'``: the output does not contain this block.

    Several kinds may come together. Silence is zeros, for ``'uint8'`` too. Loopback is a cable that
    contains one block: underflows lengthen its delay by a block, overflows shorten it; zeros
    replace frames that arrive too late, and frames beyond a capacity of eight blocks are lost.

    **End.** ``stop()`` and ``close()`` wait until the last call has returned. In a callback of a
    virtual device they only make the current call the last one, because the callback could wait for
    itself. A running device that is garbage-collected is closed in the same way; its thread keeps
    the callbacks until it has ended. A forked child cannot use a device that was running at the
    fork.
    """

    def __new__(
        cls,
        callback: StreamCallback | _Function,
        userdata: int | RingBuffer | WriteableBuffer | _CData | None = None,
        *,
        samplerate: float = 48000,
        channels: int | tuple[int, int] = 2,
        dtype: Literal["float32", "int32", "int24", "int16", "int8", "uint8"] = "float32",
        blocksize: SupportsIndex = 256,
        loopback: bool = False,
        realtime: bool = True,
        jitter: float = 0.0,
        finished_callback: _Function | None = None,
    ) -> Self: ...
    @property
    def active(self) -> bool:
        """Whether the device's thread is calling the callback."""
    @property
    def frames(self) -> int:
        """Number of frames in all calls so far."""
    @property
    def lateness(self) -> float:
        """Lateness of the latest call in seconds, caused by a busy machine. It does not include the
        requested jitter.
        """
    def close(self) -> None:
        """Stop permanently. The callback and its data are no longer needed after that."""
    def process(
        self,
        input: ReadableBuffer | None = None,
        frames: SupportsIndex | None = None,
        *,
        blocksizes: Iterable[SupportsIndex] | None = None,
        xruns: Mapping[int, _Xrun | Iterable[_Xrun]] | None = None,
    ) -> memoryview | None:
        """Call the callback on this thread, without a clock, with given input and block sizes, and
        return its output.

        :param input: Interleaved frames in the device's *dtype* and number of input channels: any
            C-contiguous buffer, such as a NumPy array of shape ``(frames, channels)``, or bytes.
            Without it, the input is the same as in other calls, loopback or zeros; with it, nothing
            passes through the loopback.
        :type input: buffer, optional
        :param frames: Number of frames in all calls. Default: that of *input*, which must have at
            least as many. Unused input is discarded.
        :type frames: int, optional
        :param blocksizes: Frames per call: an iterable of positive ints, which is repeated when it
            is exhausted. Default: as in other calls. The last block is shortened to fit.
        :type blocksizes: list or tuple, optional
        :param xruns: Underflows and overflows: ``{number of the call: kind or iterable of kinds}``,
            counted from 0. Entries for calls that do not take place have no effect.
        :type xruns: dict, optional
        :returns: The output in the shape ``(frames, channels)`` and the format of the *dtype*, or
            ``(frames, channels, 3)`` in bytes for ``'int24'``; ``None`` without output channels. It
            has *frames* frames, or fewer if the callback has ended the stream: including the block
            of its last call if that returned ``paComplete``, without it if ``paAbort``. Output
            underflows add a block, overflows remove one. ``numpy.asarray()`` makes it an array
            without a copy.
        :rtype: memoryview or None
        :raises ValueError: If *input* does not fit the device or is shorter than *frames*.
        :raises RuntimeError: If the device was started and not stopped, or is closed.

        Zeros follow input that an overflow has used up.
        """
    def run(self, frames: SupportsIndex) -> int:
        """Call the callback on this thread, without a clock.

        The calls are the same in every run, for repeatable tests.

        :param frames: Number of frames; the last block is shortened to fit.
        :type frames: int
        :returns: The number of frames, which is smaller if the callback has ended the stream.
        :raises RuntimeError: If the device was started and not stopped, or is closed.
        """
    def start(self) -> None:
        """Start calling the callback.

        :raises ValueError: If the frames of a `StreamCallback` are not the device's.
        :raises RuntimeError: If the device was started and not stopped, or is closed; if the
            interpreter is exiting.
        """
    def stop(self) -> None:
        """Stop calling the callback, and wait until the last call has returned.

        In a callback, this only makes the current call the last one.
        """
    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the device is no longer active.

        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :type timeout: float, optional
        :returns: ``False`` if it is still active.
        """
    def xrun(self, kind: _Xrun) -> None:
        """Make the next call report an underflow or overflow: of the thread, :meth:`run` or
        :meth:`process`.

        Any thread and the callback may call this at any time. Two requests of the same kind before
        that call count as one.

        :param kind: ``'input_underflow'``, ``'input_overflow'``, ``'output_underflow'`` or
            ``'output_overflow'``.
        :type kind: str
        :raises ValueError: If the device has no channels in that direction.
        """
    def __del__(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Overlap: ...

@final
class Pump:
    def __new__(
        cls,
        callback: StreamCallback,
        blocksize: int,
        ahead: int,
        samplerate: float,
        silence: int,
        together: int,
    ) -> Self: ...
    @property
    def ahead(self) -> int: ...
    @property
    def corrections(self) -> tuple[int, int]: ...
    def begin(self) -> int: ...
    def finish(self) -> None: ...
    def end(self) -> None: ...
    def put(self, run: int, data: ReadableBuffer) -> None: ...
    def give_up(self) -> None: ...
    def take(self, data: WriteableBuffer) -> int: ...
    def wait_for_end(self, run: int) -> None: ...
    def wait(self, run: int) -> tuple[int, int, int, float, float] | None: ...

@final
class Transfer:
    @property
    def frames(self) -> Any: ...
    @property
    def result(self) -> Any: ...
    def give_up(self) -> None: ...
    @property
    def is_over(self) -> bool: ...
    def judge(self, outcome: str) -> None: ...
    def step(self) -> int: ...
    def watch(self, done: Callable[[str], object]) -> int | _Outcome: ...

@final
class InputSide:
    def __new__(
        cls,
        callback: StreamCallback,
        handle: _Handle,
        empty: Callable[[tuple[int, int], Any], Any] | None,
        channels: int,
        dtype: str,
        dtype_object: Any,
    ) -> Self: ...
    @property
    def available(self) -> int: ...
    def begin(
        self,
        frames: SupportsIndex,
        timeout: float | None = None,
        overlap: Overlap | None = None,
        keep: bool = False,
    ) -> Transfer: ...
    def forget(self) -> None: ...
    def overlap(self, frames: SupportsIndex) -> Overlap: ...
    @property
    def position(self) -> int: ...
    def time_of(self, frame: SupportsIndex, samplerate: float) -> float: ...
    def peek(self, frames: SupportsIndex) -> Any: ...
    def read(
        self,
        frames: SupportsIndex,
        timeout: float | None = None,
        overlap: Overlap | None = None,
        keep: bool = False,
    ) -> Transfer: ...
    def read_latest(self, frames: SupportsIndex) -> Transfer: ...
    def read_nowait(self, frames: SupportsIndex, overlap: Overlap | None = None) -> Transfer: ...

@final
class OutputSide:
    def __new__(
        cls,
        callback: StreamCallback,
        handle: _Handle,
        as_frames: Callable[[Any], Any] | None,
        channels: int,
        dtype: str,
        samplerate: float,
    ) -> Self: ...
    def begin(self, data: Any, timeout: float | None = None) -> Transfer: ...
    def begin_waiting_for_end(self, timeout: float | None = None) -> Transfer: ...
    @property
    def position(self) -> int: ...
    def time_of(self, frame: SupportsIndex, samplerate: float) -> float: ...
    def forget(self) -> None: ...
    def shut(self, shut: bool) -> None: ...
    def wait_for_end(self, timeout: float | None = None) -> None: ...
    def write(self, data: Any, timeout: float | None = None) -> bool: ...
    def write_nowait(self, data: Any) -> int: ...

def compiled_callback(
    callback: StreamCallback | _Function,
    userdata: int | RingBuffer | WriteableBuffer | _CData | None = None,
    finished_callback: _Function | None = None,
) -> tuple[int, int, int, tuple[Any, Any, Any]]: ...
def unwatch(key: int) -> None: ...
def watch(
    ring: RingBuffer | None,
    side: Literal["producer", "consumer"],
    size: SupportsIndex,
    timeout: float | None,
    stream: StreamCallback | None,
    done: Callable[[str], object],
) -> int | _Outcome: ...
