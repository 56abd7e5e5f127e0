"""What all streams share: a life cycle, a device, and the information from its callback."""

from __future__ import annotations

import functools
import inspect
import math
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Literal, TypedDict

from .. import RingBuffer, StreamCallback
from .arguments import integer, number
from .backend import Backend, Device, Handle
from .callbacks import (
    Arrays,
    Blocks,
    Buffers,
    Caller,
    Refusal,
    check_ahead,
    frames_ahead,
    frames_together,
    wanted_latency,
)
from .stats import LossReport, Stats, collect, default_warn

if TYPE_CHECKING:
    from types import TracebackType

    import numpy.typing as npt
    from _typeshed import ReadableBuffer
    from typing_extensions import ParamSpec, Self

    P = ParamSpec("P")
    Array = npt.NDArray[Any]
    ArrayLike = npt.ArrayLike
    Buffer = ReadableBuffer
else:
    # What streams read and write, for type checkers only: raw streams work without NumPy.
    Array = ArrayLike = Buffer = Any

#: Bytes per sample. NumPy has no type for 24 bits.
SAMPLE_SIZES = {"float32": 4, "int32": 4, "int24": 3, "int16": 2, "int8": 1, "uint8": 1}

#: Called with each opened stream, for ``python -m pa_ringbuffer run``.
observers: list[Callable[[Base], object]] = []


def _split(value: Any) -> tuple[Any, Any]:
    return value if isinstance(value, tuple) else (value, value)


def ring_size(samplerate: float, seconds: float | None, frames: int | None) -> int:
    """The ring's size for a length in seconds or frames: the next power of 2."""
    if seconds is not None and frames is not None:
        raise TypeError("give either ring_seconds or ring_frames, not both")
    if frames is None:
        seconds = 1.0 if seconds is None else number(seconds, "ring_seconds")
        if not 0 < seconds < math.inf:
            raise ValueError(f"ring_seconds must be a positive number of seconds, not {seconds}")
        frames = math.ceil(seconds * samplerate)
    frames = integer(frames, "ring_frames")
    if frames < 1:
        raise ValueError(f"ring_frames must be a positive number of frames, not {frames}")
    return 1 << (frames - 1).bit_length()


class Parameters(TypedDict, total=False):
    """The parameters of a stream, for subclasses that have additional ones."""

    samplerate: float | None
    blocksize: int | None
    device: Any
    channels: Any
    dtype: Any
    latency: Any
    extra_settings: Any
    callback: Callable[..., object] | None
    finished_callback: Callable[[], object] | None
    clip_off: bool | None
    dither_off: bool | None
    never_drop_input: bool | None
    prime_output_buffers_using_stream_callback: bool | None
    ring_seconds: float | None
    ring_frames: int | None
    on_underflow: Literal["silence", "stop"]
    on_overflow: Literal["drop", "stop"]
    wake: bool
    ahead: float | None
    ahead_frames: int | None
    warn: Callable[[str], object] | None


def _errors_name_the_class(
    initialise: Callable[P, None],
) -> Callable[P, None]:
    """Make errors name the class that was called."""
    signature = inspect.signature(initialise)

    @functools.wraps(initialise)
    def __init__(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{type(args[0]).__name__}() {error}") from None
        stream: Any = args[0]
        try:
            initialise(*args, **kwargs)
        except stream._device.flags.PortAudioError as error:
            # "Error opening _StreamBase": the class of sounddevice that opens the device.
            error.args = tuple(
                part.replace("_StreamBase", type(stream).__name__)
                if isinstance(part, str)
                else part
                for part in error.args
            )
            raise

    return __init__


class Base:
    """A stream.

    :param samplerate: Frames per second. Default: the device's own sample rate.
    :type samplerate: float, optional
    :param blocksize: Frames per block (per call of the callback). With 0, the device
        decides, and block sizes may vary. There is usually no reason to set it.
    :type blocksize: int, optional
    :param device: Number of the device, or part of its name.
    :type device: int or str, optional
    :param channels: Number of channels. Default: as many as the device has.
    :type channels: int, optional
    :param dtype: Sample format: ``'float32'`` (the default), ``'int32'``, ``'int16'``, ``'int8'``
        or ``'uint8'``; raw streams also support ``'int24'``, for which NumPy has no type.
        (``'int32'`` is lossless on a 24-bit device.)
    :type dtype: str, optional
    :param latency: Desired latency of the device in seconds, or ``'low'`` or ``'high'``. The ring
        adds its own latency.
    :type latency: float or str, optional
    :param callback: A function that makes the output, or takes the input, block by block, as in
        :mod:`sounddevice`. A Python thread calls it, not the device. See :doc:`callbacks`.
    :param extra_settings: This, *clip_off*, *dither_off*, *never_drop_input* and
        *prime_output_buffers_using_stream_callback* are settings of PortAudio: see
        :mod:`sounddevice`. A stream with two directions accepts a pair (input, output) for
        *device*, *channels*, *dtype*, *latency* and *extra_settings*.
    :param finished_callback: A function without arguments. A thread of its own calls it after the
        stream has become inactive for whatever reason.
    :param ring_seconds: Minimum length of each ring in seconds: longer than Python's longest
        stall. The ring's size in frames is the next power of 2. Default: 1 second. A ring must
        hold at least one block of the device.
    :type ring_seconds: float, optional
    :param ring_frames: The same in frames.
    :type ring_frames: int, optional
    :param on_underflow: What happens if the output ring holds too few frames: ``'silence'`` fills
        the gap, or the stream is to ``'stop'``.
    :type on_underflow: str, optional
    :param on_overflow: What happens if the input ring has too little room: ``'drop'`` the frames
        that do not fit, or ``'stop'`` the stream.
    :type on_overflow: str, optional
    :param ahead: For a stream with a callback: how many seconds of sound it makes in advance. This
        is how long Python may stall; in a stream with both directions, it adds to the latency. The
        minimum is two blocks. Default: 0.2 seconds, 0.05 with ``latency='low'``, 0.5 with
        ``latency='high'``.
    :type ahead: float, optional
    :param ahead_frames: The same in frames.
    :type ahead_frames: int, optional
    :param wake: Whether the compiled callback wakes a thread that waits in ``read()`` or
        ``write()``, with one system call that does not block. The thread then continues within
        tens of microseconds; otherwise it checks the ring every millisecond. Off by default,
        because the system call makes the callback's worst case much longer
        (``python comparison/waiting``).
    :type wake: bool, optional
    :param warn: A function that is called with a text, about once a second, after a loss. The
        thread that uses the stream calls it, never the callback. Default:
        ``logging.getLogger('pa_ringbuffer').warning``. Alternatives are ``warnings.warn`` and
        ``None``.
    """

    _kind: ClassVar[str]
    _device: ClassVar[Device]
    #: Whether frames are plain bytes, which do not need NumPy.
    _raw: ClassVar[bool] = False

    @_errors_name_the_class
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
        if finished_callback is not None and not callable(finished_callback):
            raise TypeError(
                "finished_callback must be a function without arguments or None, not "
                f"{finished_callback!r}"
            )
        if warn is not None and not callable(warn):
            raise TypeError(f"warn must be a function of a text, or None, not {warn!r}")
        if not self._raw:
            self._need_numpy()
        # Before opening a device, which would have to be closed again.
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
                wanted = wanted_latency(latency, self._device.default.latency)
                frames = frames_ahead(
                    backend.samplerate, backend.blocksize, ahead, ahead_frames, wanted[1]
                )
            self._set_up(backend, compiled, ring_seconds, ring_frames, warn, frames)
            if callback is not None:
                together = frames_together(backend.samplerate, wanted[0])
                self._set_up_caller(callback, frames, together)
        except BaseException:
            if backend is not None:
                backend.close()
            raise
        self._warn = warn
        finalizer = weakref.finalize(self, self._handle.abandon, type(self).__name__)
        # The module of the device closes the stream in time when the interpreter exits.
        finalizer.atexit = False
        self._opened()
        for observer in observers:
            observer(self)

    def _opened(self) -> None:
        """Called after everything has succeeded."""

    #: Parameters that only this kind of device has.
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
        """Make the rings for a device whose frame sizes are now known."""
        channels, dtypes = _split(backend.channels), _split(backend.dtype)
        if "int24" in dtypes and not self._raw:
            raise ValueError(
                f"dtype must be {', '.join(name for name in SAMPLE_SIZES if name != 'int24')}, not "
                "int24, for which NumPy has no type: use int32, which is lossless on a 24-bit "
                f"device, or Raw{type(self).__name__}, which supports int24"
            )
        size = ring_size(backend.samplerate, ring_seconds, ring_frames)
        if ring_seconds is None and ring_frames is None:
            size = max(size, ring_size(backend.samplerate, None, backend.blocksize or 1))
        elif size < backend.blocksize:
            given = "ring_seconds" if ring_frames is None else "ring_frames"
            raise ValueError(
                f"{given} must be enough for at least one block of the device (blocksize), "
                f"{backend.blocksize} frames, not {size} frames"
            )
        sizes = [size, size]
        if frames_ahead:
            # If the device has not told its block size yet.
            enough = ring_size(1.0, None, frames_ahead + 2 * (backend.blocksize or 2048))
            is_given = ring_seconds is not None or ring_frames is not None
            sizes = [max(size, enough), max(size, enough) if is_given else enough]
        rings = [
            RingBuffer(channels[side] * SAMPLE_SIZES[dtypes[side]], sizes[side])
            if self._kind in (kind, "duplex")
            else None
            for side, kind in enumerate(("input", "output"))
        ]
        callback._attach(rings[0], rings[1], silence=128 if dtypes[1] == "uint8" else 0)
        self._callback = callback
        self._report = LossReport(callback, warn, type(self).__name__)
        self._handle = Handle(backend, callback, self._device, self._report)
        if rings[0]:
            self._open_input(channels[0], dtypes[0])
        if rings[1]:
            self._open_output(channels[1], dtypes[1])

    #: Calls the callback, if there is one.
    _caller: Caller | None = None

    def _set_up_caller(self, function: Callable[..., object], ahead: int, together: int) -> None:
        """Have a thread call a function that makes or takes the blocks."""
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
            output=getattr(self, "_output", None),
            blocksize=backend.blocksize,
            ahead=ahead,
            together=together,
            samplerate=backend.samplerate,
            silence=128 if _split(backend.dtype)[1] == "uint8" else 0,
            name=type(self).__name__,
            finished_callback=self._finished_callback,
        )
        # The caller's thread calls it.
        self._finished_callback = None
        # PortAudio's error texts and numbers.
        error = flags.PortAudioError
        for name, text, code in (
            ("_input", "Can't read from a callback stream", -9977),
            ("_output", "Can't write to a callback stream", -9976),
        ):
            if hasattr(self, name):
                setattr(self, name, Refusal(getattr(self, name), error, text, code))

    def _open_input(self, channels: int, dtype: str) -> None:
        """Prepare the input side."""

    def _open_output(self, channels: int, dtype: str) -> None:
        """Prepare the output side."""

    def _need_numpy(self) -> None:
        try:
            import numpy

            assert numpy
        except ModuleNotFoundError as error:
            name = type(self).__name__
            raw = f"; Raw{name} does not need it" if not name.startswith("Async") else ""
            raise ImportError(
                f"{name} needs {error.name}: pip install {error.name}{raw}", name=error.name
            ) from None

    def _refuse_callback(self, callback: object) -> None:
        """Raise an error for a callback if this class does not support one."""

    def _check_open(self) -> None:
        self._handle.check_here()
        if self._handle.closed:
            raise self._handle.stopped_error("the stream is closed")

    def _ask(self, name: str) -> Any:
        """An attribute of the device."""
        answer = self._handle.ask(name, None)
        if answer is None:
            self._check_open()
        return answer

    def start(self) -> None:
        """Start the stream.

        This drops recorded frames that have not been read, and plays frames that were written
        before the start. An empty output ring does not count as an underflow until it has held one
        block. Starting a running stream has no effect.

        >>> from pa_ringbuffer import testing
        >>> stream = testing.OutputStream(channels=1)
        >>> stream.start()
        >>> stream.active
        True
        >>> stream.close()
        """
        self._check_open()
        while self._handle.start(self._finished_callback, self._prepare):
            # After its callback has ended it, a stream must be stopped before it can start again.
            self._end("stop", self._handle.stop_reason, ignore_errors=False)
        if self._caller is not None:
            self._caller.started()

    def _prepare(self) -> None:
        """Called on another thread, before the device makes its first call."""
        if self._caller is not None:
            self._caller.begin()

    def stop(self, ignore_errors: bool = True) -> None:
        """Play everything that was written, then stop.

        A thread that is waiting for room in order to write gets an error. Recorded frames can be
        read until the next start.

        Any thread and any signal handler may call this and the other methods that end a stream.

        >>> import numpy as np
        >>> from pa_ringbuffer import testing
        >>> stream = testing.OutputStream(channels=1)
        >>> stream.start()
        >>> underflowed = stream.write(np.zeros((480, 1), 'float32'))
        >>> stream.stop()
        >>> stream.stats.output.fill
        0
        """
        if self._can_end(ignore_errors):
            self._play_out()
            self._end("stop", "it was stopped", ignore_errors, drop=True)

    def abort(self, ignore_errors: bool = True) -> None:
        """Stop immediately and drop frames that have not been played.

        >>> import numpy as np
        >>> from pa_ringbuffer import testing
        >>> stream = testing.OutputStream(48000, channels=1, ring_seconds=5)
        >>> stream.start()
        >>> underflowed = stream.write(np.zeros((5 * 48000, 1), 'float32'))
        >>> stream.abort()
        >>> stream.active
        False
        """
        if self._can_end(ignore_errors):
            self._end("abort", "it was aborted", ignore_errors, drop=True)

    def _can_end(self, ignore_errors: bool) -> bool:
        """Whether there is a stream to stop."""
        if ignore_errors and self._handle.here and self._handle.closed:
            return False
        self._check_open()
        return True

    def _play_out(self) -> None:
        """Wait until all written frames have been played."""

    def close(self, ignore_errors: bool = True) -> None:
        """Stop immediately and release the device.

        Recorded frames can still be read. A closed stream cannot be started again. Leaving a
        ``with`` statement closes the stream, too, after it has played everything.

        >>> from pa_ringbuffer import testing
        >>> stream = testing.InputStream(channels=1)
        >>> stream.close()
        >>> stream.closed
        True
        """
        if self._handle.here and not self._handle.is_over:
            self._end("close", "it was closed", ignore_errors)

    def _end(self, how: str, reason: str, ignore_errors: bool, drop: bool = False) -> None:
        if self._caller is not None and self._handle.here:
            self._caller.before_end(how)
        ended = self._handle.end(how, reason, ignore_errors, drop)
        if self._caller is not None:
            self._caller.after_end()
        self._report(at_once=True)
        if not ended:
            message = "the device no longer responds; it is abandoned together with the stream"
            if not ignore_errors:
                raise self._handle.stopped_error(message)
            if self._warn is not None:
                self._warn(f"{type(self).__name__}: {message}")

    @property
    def active(self) -> bool:
        """Whether the device is playing or recording."""
        return self._handle.active

    @property
    def stopped(self) -> bool:
        """Whether the stream has not been started, or `stop()` or `abort()` has stopped it."""
        return bool(self._handle.ask("stopped", True))

    @property
    def closed(self) -> bool:
        """Whether the stream has been closed."""
        return self._handle.closed

    @property
    def time(self) -> float:
        """Current time of the device's clock in seconds."""
        return float(self._ask("time"))

    @property
    def cpu_load(self) -> float:
        """Fraction of the available time that the callback uses, from 0 to 1."""
        return float(self._ask("cpu_load"))

    @property
    def latency(self) -> Any:
        """Input and/or output latency in seconds.

        With a callback in Python, the output latency includes the sound that it makes ahead.
        Otherwise it does not include the time that frames spend in the rings.
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
        """Frames per block; 0 if the device decides."""
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

    def __repr__(self) -> str:
        name = type(self).__name__
        if not hasattr(self, "_handle"):
            return f"<{name}: not opened>"
        fills = [
            f"{kind} ring {ring.read_available} of {len(ring)} frames"
            for kind, ring in (
                ("input", self._callback.input_ring),
                ("output", self._callback.output_ring),
            )
            if ring is not None
        ]
        device = self.device
        if isinstance(device, tuple) and device[0] == device[1]:
            device = device[0]
        parts = [
            f"device {device!r}",
            f"{self.samplerate:g} Hz",
            f"channels {self.channels}",
            f"dtype {self.dtype!r}",
            *fills,
            self._state(),
        ]
        return f"<{name}: {', '.join(parts)}>"

    def _state(self) -> str:
        if not self._handle.here:
            return "of the parent process"
        if self.closed:
            return "closed"
        if self.active:
            return "active"
        if self._handle.stop_reason == "call start() first":
            return "not started"
        if self.stopped:
            return "stopped"
        return f"finished ({self._callback.finished})"

    @property
    def stats(self) -> Stats:
        """Counters and fill levels, in a new :class:`~pa_ringbuffer.streams.Stats` object."""
        self._report()
        dropped, inserted = self._caller.pump.corrections if self._caller else (0, 0)
        return collect(self._callback, self.samplerate, dropped, inserted)

    @property
    def ring(self) -> RingBuffer:
        """The stream's ring buffer, for access without copies."""
        if self._kind == "duplex":
            raise AttributeError("this stream has two rings: use input_ring or output_ring")
        return self.output_ring if self._kind == "output" else self.input_ring

    @property
    def output_ring(self) -> RingBuffer:
        """The output ring: Python writes to it, the callback plays it."""
        return self._one_of(self._callback.output_ring, "output")

    @property
    def input_ring(self) -> RingBuffer:
        """The input ring: the callback records into it, Python reads from it."""
        return self._one_of(self._callback.input_ring, "input")

    def _one_of(self, ring: RingBuffer | None, name: str) -> RingBuffer:
        if ring is None:
            raise AttributeError(
                f"this stream has no {name} ring: it was opened for {self._kind} only"
            )
        return ring

    def _has_to_finish(self) -> bool:
        """Whether the stream is running, or should be but is not."""
        return not self._handle.stop_reason and self._callback.finished in (None, "stopped")


class Blocking(Base):
    """A stream for the ``with`` statement."""

    def __enter__(self) -> Self:
        """Start the stream."""
        self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None = None,
        exception: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Play what is in the ring, unless an exception was raised, and close the stream."""
        try:
            if exception_type is None and self._has_to_finish():
                self._finish()
        finally:
            self.close()

    def _finish(self) -> None:
        self.stop()


class Async(Base):
    """A stream for the ``async with`` statement."""

    def _refuse_callback(self, callback: object) -> None:
        if callback is not None:
            name = type(self).__name__
            raise TypeError(
                f"{name} takes no callback, because callbacks do not run in the event loop: use "
                f"{name.removeprefix('Async')} for {callback!r}"
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
        """Play what is in the ring, unless an exception was raised, and close the stream."""
        try:
            if exception_type is None and self._has_to_finish():
                await self._finish()
        finally:
            self.close()

    async def _finish(self) -> None:
        self.stop()
