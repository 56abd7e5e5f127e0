"""What all streams have: a life cycle, a device, and what its callback tells."""

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
from .callbacks import Arrays, Blocks, Buffers, Caller, Refusal, check_ahead, frames_ahead
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
    # What streams read and write, for type checkers only: raw streams do without NumPy.
    Array = ArrayLike = Buffer = Any

#: Bytes per sample. NumPy has no type for 24 bits.
SAMPLE_SIZES = {"float32": 4, "int32": 4, "int24": 3, "int16": 2, "int8": 1, "uint8": 1}

#: Called with each stream that was opened, for ``python -m pa_ringbuffer run``.
observers: list[Callable[[Base], object]] = []


def _split(value: Any) -> tuple[Any, Any]:
    return value if isinstance(value, tuple) else (value, value)


def ring_size(samplerate: float, seconds: float | None, frames: int | None) -> int:
    """The power of 2 that a ring's length in seconds or frames comes to."""
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
    """The parameters of a stream, for those that take some more."""

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
    """Have the error for arguments that do not fit name the class that was called."""
    signature = inspect.signature(initialise)

    @functools.wraps(initialise)
    def __init__(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{type(args[0]).__name__}() {error}") from None
        initialise(*args, **kwargs)

    return __init__


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
        or ``'uint8'``; for raw streams also ``'int24'``, for which NumPy has no type. (``'int32'``
        loses nothing on a 24-bit device.)
    :type dtype: str, optional
    :param latency: What the device should have, in seconds, or ``'low'`` or ``'high'``. The ring
        comes on top.
    :type latency: float or str, optional
    :param callback: A function that makes the output or takes the input of block after block, as in
        :mod:`sounddevice`; it is called by a thread, not by the device. See :doc:`callbacks`.
    :param extra_settings: As *clip_off*, *dither_off*, *never_drop_input* and
        *prime_output_buffers_using_stream_callback*, settings of PortAudio: see
        :mod:`sounddevice`. Where a stream has two directions, a pair (input, output) can be given
        for *device*, *channels*, *dtype*, *latency* and *extra_settings*.
    :param finished_callback: Called without arguments, in a thread of its own, after the stream has
        become inactive for whatever reason.
    :param ring_seconds: How much sound each ring holds at least: longer than Python may be busy.
        The number of frames is the next power of 2. Default: 1 second. A ring must hold at least
        one block of the device.
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
        two blocks. Default: 0.2 seconds, 0.05 with ``latency='low'``, 0.5 with
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
    #: Whether frames are plain bytes, for which NumPy is not needed.
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
        if not self._raw:
            self._need_numpy()
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
        for observer in observers:
            observer(self)

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
                f"{given} must make room for at least one block of the device (blocksize), "
                f"{backend.blocksize} frames, not {size}"
            )
        sizes = [size, size]
        if frames_ahead:
            # With blocks of a device that has not said yet how long they are.
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
        for name, text, code in (
            ("_input", "Can't read from a callback stream", -9977),
            ("_output", "Can't write to a callback stream", -9976),
        ):
            if hasattr(self, name):
                setattr(self, name, Refusal(getattr(self, name), error, text, code))

    def _open_input(self, channels: int, dtype: str) -> None:
        """Prepare the side that records."""

    def _open_output(self, channels: int, dtype: str) -> None:
        """Prepare the side that plays."""

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
        """Refuse a callback where there can be none."""

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
        """Begin to play and record.

        What was recorded before is dropped if it was not read. What was written to a stream that is
        stopped is played. An output ring that is empty is not an underflow until it has held a
        block once. A stream that runs goes on.
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
        """Stop when everything that was written is played.

        Another thread that is writing, and waits for room, gets an error. What was recorded can
        still be read, until the stream is started again.

        This and what else ends a stream can be called by any thread and by signal handlers.
        """
        if self._can_end(ignore_errors):
            self._play_out()
            self._end("stop", "it was stopped", ignore_errors, drop=True)

    def abort(self, ignore_errors: bool = True) -> None:
        """Stop at once, and drop what was written and is not played yet."""
        if self._can_end(ignore_errors):
            self._end("abort", "it was aborted", ignore_errors, drop=True)

    def _can_end(self, ignore_errors: bool) -> bool:
        """Whether there is something to stop."""
        if ignore_errors and self._handle.here and self._handle.closed:
            return False
        self._check_open()
        return True

    def _play_out(self) -> None:
        """Wait until what was written is played."""

    def close(self, ignore_errors: bool = True) -> None:
        """Stop at once and give the device back.

        What was recorded can still be read. A closed stream cannot be started again.
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
        """What was counted so far, a new :class:`~pa_ringbuffer.streams.Stats` object."""
        self._report()
        dropped, inserted = self._caller.pump.corrections if self._caller else (0, 0)
        return collect(self._callback, self.samplerate, dropped, inserted)

    @property
    def ring(self) -> RingBuffer:
        """The stream's ring buffer, for working without copies."""
        if self._kind == "duplex":
            raise AttributeError("this stream has two rings: use input_ring or output_ring")
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
            raise AttributeError(f"this stream has no {name} ring: it was opened for {self._kind} only")
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
        """Play what is in the ring, unless there was an error, and close the stream."""
        try:
            if exception_type is None and self._has_to_finish():
                await self._finish()
        finally:
            self.close()

    async def _finish(self) -> None:
        self.stop()
