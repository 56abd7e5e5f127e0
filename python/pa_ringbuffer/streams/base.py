"""What all streams have: a life cycle, a device, and what its callback tells."""

from __future__ import annotations

import math
import operator
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Literal

import numpy as np

from .. import RingBuffer, StreamCallback
from .backend import Backend, Device, Handle
from .callbacks import Arrays, Blocks, Buffers, Caller, Refusal, check_ahead, frames_ahead
from .errors import StreamStoppedError
from .stats import LossReport, Stats, collect, default_warn

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

SAMPLE_FORMATS = ("float32", "int32", "int16", "int8", "uint8")


def _split(value: Any) -> tuple[Any, Any]:
    return value if isinstance(value, tuple) else (value, value)


def integer(value: Any, name: str) -> int:
    """An argument that must be an integer."""
    if not hasattr(type(value), "__index__"):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
    # What goes wrong in there is another matter.
    return operator.index(value)


def number(value: Any, name: str) -> float:
    """An argument that must be a number of seconds."""
    if not (hasattr(type(value), "__float__") or hasattr(type(value), "__index__")):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    return float(value)


def ring_size(samplerate: float, seconds: float | None, frames: int | None) -> int:
    """The power of 2 that a ring's length in seconds or frames comes to."""
    if seconds is not None and frames is not None:
        raise TypeError("give either ring_seconds or ring_frames, not both")
    if frames is None:
        seconds = 1.0 if seconds is None else number(seconds, "ring_seconds")
        if not 0 < seconds < math.inf:
            raise ValueError(f"ring_seconds must be a positive number, not {seconds}")
        frames = math.ceil(seconds * samplerate)
    frames = integer(frames, "ring_frames")
    if frames < 1:
        raise ValueError(f"ring_frames must be a positive number, not {frames}")
    return 1 << (frames - 1).bit_length()


class Base:
    """A stream.

    :param samplerate: Frames per second; the device's default if not given.
    :type samplerate: float, optional
    :param blocksize: Frames per call of the callback; if 0, the device decides, and blocks may
        differ. Usually there is no reason to give it.
    :type blocksize: int, optional
    :param device: Number of the device, or a part of its name.
    :type device: int or str, optional
    :param channels: Number of channels; as many as the device has if not given.
    :type channels: int, optional
    :param dtype: Sample format: ``'float32'`` (the default), ``'int32'``, ``'int16'``, ``'int8'``
        or ``'uint8'``. (NumPy has no ``'int24'``; ``'int32'`` loses nothing on a 24-bit device.)
    :type dtype: str, optional
    :param latency: What the device should have, in seconds, or ``'low'`` or ``'high'``. The ring
        comes on top.
    :type latency: float or str, optional
    :param callback: A function that makes the output or takes the input of block after block, as in
        :mod:`sounddevice`; it is called by a thread, not by the device. See :doc:`callbacks`.
    :type callback: callable, optional
    :param extra_settings: As *clip_off*, *dither_off*, *never_drop_input* and
        *prime_output_buffers_using_stream_callback*, settings of PortAudio: see
        :mod:`sounddevice`. Where a stream has two directions, a pair (input, output) can be given
        for *device*, *channels*, *dtype*, *latency* and *extra_settings*.
    :param finished_callback: Called without arguments, in a thread of its own, after the stream has
        become inactive for whatever reason.
    :param ring_seconds: How much sound each ring holds at least: longer than Python may be busy.
        The number of frames is the next power of 2. Default: 1 second.
    :type ring_seconds: float, optional
    :param ring_frames: The same in frames.
    :type ring_frames: int, optional
    :param on_underflow: What happens when the output ring holds too little: ``'silence'`` is
        played, or the stream is to ``'stop'``.
    :type on_underflow: str, optional
    :param on_overflow: What happens when the input ring has too little room: what does not fit is
        ``'drop'``\\ ped, or the stream is to ``'stop'``.
    :type on_overflow: str, optional
    :param ahead: For a stream with a callback: how many seconds of sound it makes in advance,
        and so for how long Python may be late; for both directions, the latency added. At least
        two blocks. Default: 0.1 seconds, 0.03 with ``latency='low'``, 0.5 with
        ``latency='high'``.
    :type ahead: float, optional
    :param ahead_frames: The same in frames.
    :type ahead_frames: int, optional
    :param wake: Whether the compiled callback wakes a thread that waits in ``read()`` or
        ``write()``, with one system call that does not block. The thread then goes on within some
        tens of microseconds; otherwise it looks at the ring every millisecond. By default the
        callback does not: the call makes its worst case much longer
        (``python comparison/waiting``).
    :type wake: bool, optional
    :param warn: Called with a text about once a second when something was lost, by the thread that
        uses the stream, never by the callback. By default it is
        ``logging.getLogger('pa_ringbuffer').warning``; another choice is ``warnings.warn``, or
        ``None``.
    """

    _kind: ClassVar[str]
    _device: ClassVar[Device]

    def __init__(
        self,
        samplerate: float | None = None,
        blocksize: int | None = None,
        device: Any = None,
        channels: Any = None,
        dtype: Any = None,
        latency: Any = None,
        extra_settings: Any = None,
        callback: Callable[..., object] | None = None,
        finished_callback: Callable[[], object] | None = None,
        clip_off: bool | None = None,
        dither_off: bool | None = None,
        never_drop_input: bool | None = None,
        prime_output_buffers_using_stream_callback: bool | None = None,
        *,
        ring_seconds: float | None = None,
        ring_frames: int | None = None,
        on_underflow: Literal["silence", "stop"] = "silence",
        on_overflow: Literal["drop", "stop"] = "drop",
        wake: bool = False,
        ahead: float | None = None,
        ahead_frames: int | None = None,
        warn: Callable[[str], object] | None = default_warn,
    ) -> None:
        self._refuse_callback(callback)
        check_ahead(self._kind, callback, ahead, ahead_frames)
        # Before there is a device that would have to be closed.
        ring_size(1.0, ring_seconds, ring_frames)
        compiled = StreamCallback(on_underflow=on_underflow, on_overflow=on_overflow, wake=wake)
        compiled._finish()
        backend = None
        try:
            backend = self._device.open(
                self._kind,
                compiled,
                samplerate=samplerate,
                blocksize=blocksize,
                device=device,
                channels=channels,
                dtype=dtype,
                latency=latency,
                extra_settings=extra_settings,
                clip_off=clip_off,
                dither_off=dither_off,
                never_drop_input=never_drop_input,
                prime_output_buffers_using_stream_callback=(
                    prime_output_buffers_using_stream_callback
                ),
                **self._device_options,
            )
            self._finished_callback = finished_callback
            frames = 0
            if callback is not None:
                frames = frames_ahead(
                    backend.samplerate, backend.blocksize, ahead, ahead_frames, latency
                )
            self._set_up(backend, compiled, ring_seconds, ring_frames, warn, frames)
            if callback is not None:
                self._set_up_caller(callback, frames)
        except BaseException:
            if backend is not None:
                backend.close()
            raise
        self._warn = warn
        finalizer = weakref.finalize(self, self._handle.abandon, type(self).__name__)
        # The module that has the device closes it in time when the interpreter exits.
        finalizer.atexit = False
        self._opened()

    def _opened(self) -> None:
        """Called when everything has gone well."""

    #: What this kind of device has beyond the parameters that all have.
    _device_options: Mapping[str, Any] = {}

    def _set_up(
        self,
        backend: Backend,
        callback: StreamCallback,
        ring_seconds: float | None,
        ring_frames: int | None,
        warn: Callable[[str], object] | None,
        frames_ahead: int,
    ) -> None:
        """Make the rings for a device, whose frames are known now."""
        channels, dtypes = _split(backend.channels), _split(backend.dtype)
        for dtype in dtypes:
            if dtype not in SAMPLE_FORMATS:
                raise ValueError(
                    f"dtype must be one of {', '.join(SAMPLE_FORMATS)}, not {dtype!r}, for "
                    "which NumPy has no type; 'int32' loses nothing on a 24-bit device"
                )
        size = ring_size(backend.samplerate, ring_seconds, ring_frames)
        sizes = [size, size]
        if frames_ahead:
            # With blocks of a device that has not said yet how long they are.
            enough = ring_size(1.0, None, frames_ahead + 2 * (backend.blocksize or 2048))
            is_given = ring_seconds is not None or ring_frames is not None
            sizes = [max(size, enough), max(size, enough) if is_given else enough]
        rings = [
            RingBuffer(channels[side] * np.dtype(dtypes[side]).itemsize, sizes[side])
            if self._kind in (kind, "duplex")
            else None
            for side, kind in enumerate(("input", "output"))
        ]
        callback._attach(rings[0], rings[1], silence=128 if dtypes[1] == "uint8" else 0)
        self._callback = callback
        self._report = LossReport(callback, warn, type(self).__name__)
        self._handle = Handle(backend, callback, self._device.give_up, self._report)
        if rings[0]:
            self._open_input(channels[0], dtypes[0])
        if rings[1]:
            self._open_output(channels[1], dtypes[1])

    #: Whether the callback gets plain buffers.
    _raw: ClassVar[bool] = False

    #: What calls the callback, if there is one.
    _caller: Caller | None = None

    def _set_up_caller(self, function: Callable[..., object], ahead: int) -> None:
        """Have a function called that makes or takes the blocks."""
        backend, callback, flags = self._handle.backend, self._callback, self._device.flags
        memory: list[Blocks | None] = [None, None]
        sides = zip(
            (callback.input_ring, callback.output_ring),
            _split(backend.channels),
            _split(backend.dtype),
        )
        for side, (ring, channels, dtype) in enumerate(sides):
            if ring is not None and self._raw:
                memory[side] = Buffers(ring.elementsize, dtype)
            elif ring is not None:
                memory[side] = Arrays(channels, dtype)
        self._caller = Caller(
            function=function,
            callback=callback,
            handle=self._handle,
            flags=flags,
            memory=(memory[0], memory[1]),
            blocksize=backend.blocksize,
            ahead=ahead,
            samplerate=backend.samplerate,
            silence=128 if _split(backend.dtype)[1] == "uint8" else 0,
            name=type(self).__name__,
            finished_callback=self._finished_callback,
        )
        # The caller's thread calls it.
        self._finished_callback = None
        # PortAudio's texts and numbers.
        error = flags.PortAudioError
        for name, text, number in (
            ("_input", "Can't read from a callback stream", -9977),
            ("_output", "Can't write to a callback stream", -9976),
        ):
            if hasattr(self, name):
                setattr(self, name, Refusal(getattr(self, name), error, text, number))

    def _open_input(self, channels: int, dtype: str) -> None:
        """Prepare the side that records."""

    def _open_output(self, channels: int, dtype: str) -> None:
        """Prepare the side that plays."""

    def _refuse_callback(self, callback: object) -> None:
        """Refuse a callback where there can be none."""

    def _check_open(self) -> None:
        self._handle.check_here()
        if self._handle.closed:
            raise StreamStoppedError("the stream is closed")

    def _ask(self, name: str) -> Any:
        """An attribute of the device."""
        answer = self._handle.ask(name, None)
        if answer is None:
            self._check_open()
        return answer

    def start(self) -> None:
        """Begin to play and record.

        A stream that was stopped, or has stopped by itself, goes on with what its rings hold. An
        output ring that is empty is not an underflow until it has held a block once.
        """
        self._check_open()
        while self._handle.start(self._finished_callback, self._prepare):
            # A stream whose callback has ended it must be stopped before it can be started.
            self._end("stop", self._handle.stop_reason, ignore_errors=False)
        if self._caller is not None:
            self._caller.started()

    def _prepare(self) -> None:
        """Called before the device begins to call, on another thread."""
        if self._caller is not None:
            self._caller.begin()

    def stop(self, ignore_errors: bool = True) -> None:
        """Stop when the device has played the blocks that it has already got.

        What is in the rings stays there. To have the output ring played as well, use ``drain()``.

        This and what else ends a stream can be called by any thread and by signal handlers.
        """
        self._check_open()
        self._end("stop", "it was stopped", ignore_errors)

    def abort(self, ignore_errors: bool = True) -> None:
        """Stop at once."""
        self._check_open()
        self._end("abort", "it was aborted", ignore_errors)

    def close(self, ignore_errors: bool = True) -> None:
        """Stop at once and give the device back.

        What was recorded can still be read. A closed stream cannot be started again.
        """
        if self._handle.here and not self._handle.is_over:
            self._end("close", "it was closed", ignore_errors)

    def _end(self, how: str, reason: str, ignore_errors: bool) -> None:
        if self._caller is not None and self._handle.here:
            self._caller.before_end(how)
        ended = self._handle.end(how, reason, ignore_errors)
        if self._caller is not None:
            self._caller.after_end()
        self._report(at_once=True)
        if not ended:
            message = "the device does not answer any more, and is given up with its stream"
            if not ignore_errors:
                raise StreamStoppedError(message)
            if self._warn is not None:
                self._warn(f"{type(self).__name__}: {message}")

    @property
    def active(self) -> bool:
        """Whether the device plays or records."""
        return self._handle.active

    @property
    def stopped(self) -> bool:
        """Whether the stream was not started, or was stopped by `stop()` or `abort()`."""
        return bool(self._handle.ask("stopped", True))

    @property
    def closed(self) -> bool:
        """Whether the stream was closed."""
        return self._handle.closed

    @property
    def time(self) -> float:
        """The device's time in seconds."""
        return float(self._ask("time"))

    @property
    def cpu_load(self) -> float:
        """Share of the time that the callback needs, from 0 to 1."""
        return float(self._ask("cpu_load"))

    @property
    def latency(self) -> Any:
        """Input and/or output latency in seconds.

        With a callback in Python, the output latency includes what it makes ahead. Otherwise, the
        time that frames are in the rings is not included.
        """
        latency = self._handle.backend.latency
        if self._caller is None or self._kind == "input":
            return latency
        if isinstance(latency, tuple):
            return latency[0], latency[1] + self._caller.ahead
        return latency + self._caller.ahead

    @property
    def samplerate(self) -> float:
        """Frames per second."""
        return self._handle.backend.samplerate

    @property
    def blocksize(self) -> int:
        """Frames per call of the callback; 0 if the device decides."""
        return self._handle.backend.blocksize

    @property
    def device(self) -> Any:
        """The device, or a pair (input, output) of them."""
        return self._handle.backend.device

    @property
    def channels(self) -> Any:
        """Number of channels, or a pair (input, output) of them."""
        return self._handle.backend.channels

    @property
    def dtype(self) -> Any:
        """Sample format, or a pair (input, output) of them."""
        return self._handle.backend.dtype

    @property
    def samplesize(self) -> Any:
        """Bytes per sample, or a pair (input, output) of them."""
        return self._handle.backend.samplesize

    @property
    def stats(self) -> Stats:
        """What was counted so far, a new :class:`~pa_ringbuffer.streams.Stats` object."""
        self._report()
        dropped, inserted = self._caller.pump.corrections if self._caller else (0, 0)
        return collect(self._callback, self.samplerate, dropped, inserted)

    @property
    def ring(self) -> RingBuffer:
        """The stream's ring buffer, for working without copies."""
        if self._kind == "duplex":
            raise AttributeError("this stream has two rings: input_ring and output_ring")
        return self.output_ring if self._kind == "output" else self.input_ring

    @property
    def output_ring(self) -> RingBuffer:
        """The ring that is played. Python writes to it."""
        return self._one_of(self._callback.output_ring, "output")

    @property
    def input_ring(self) -> RingBuffer:
        """The ring that is recorded into. Python reads from it."""
        return self._one_of(self._callback.input_ring, "input")

    def _one_of(self, ring: RingBuffer | None, name: str) -> RingBuffer:
        if ring is None:
            raise AttributeError(f"a stream for {self._kind} has no {name} ring")
        return ring

    def _has_to_finish(self) -> bool:
        """Whether the stream runs, or does not although it should."""
        return not self._handle.stop_reason and self._callback.finished in (None, "stopped")


class Blocking(Base):
    """A stream that is used with ``with``."""

    def __enter__(self) -> Self:
        """Start the stream."""
        self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Play what is in the ring, unless there was an error, and close the stream."""
        try:
            if exception_type is None and self._has_to_finish():
                self._finish()
        finally:
            self.close()

    def _finish(self) -> None:
        self.stop()


class Async(Base):
    """A stream that is used with ``async with``."""

    def _refuse_callback(self, callback: object) -> None:
        if callback is not None:
            name = type(self).__name__
            raise TypeError(
                f"{name} takes no callback, not {callback!r}: a callback does not run in the event "
                f"loop. {name.removeprefix('Async')} takes one"
            )

    async def __aenter__(self) -> Self:
        """Start the stream."""
        self.start()
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Play what is in the ring, unless there was an error, and close the stream."""
        try:
            if exception_type is None and self._has_to_finish():
                await self._finish()
        finally:
            self.close()

    async def _finish(self) -> None:
        self.stop()
