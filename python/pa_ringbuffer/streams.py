"""What streams with ring buffers have in common, whatever device calls their callback.

A backend opens and drives the device: :mod:`pa_ringbuffer.sounddevice` for PortAudio,
:mod:`pa_ringbuffer.testing` for the virtual device. Everything between the backend's compiled
callback and the user's arrays is here.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import threading
import time
import warnings
import weakref
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, ClassVar, NoReturn, Protocol, TypeVar

import numpy as np

from . import RingBuffer, StreamCallback
from ._asyncio import outcome_of
from ._native import watch

if TYPE_CHECKING:
    from types import TracebackType

    import numpy.typing as npt
    from typing_extensions import Self

__all__ = ["RingStats", "Stats", "StreamStoppedError", "StreamTimeoutError"]

_logger = logging.getLogger("pa_ringbuffer")

#: Seconds between two reports of losses, at least.
_REPORT_INTERVAL = 1.0

_SAMPLE_FORMATS = ("float32", "int32", "int16", "int8", "uint8")

_T = TypeVar("_T")


class Backend(Protocol):
    """An opened stream of a device, as `sounddevice` has them."""

    samplerate: float
    blocksize: int
    device: Any
    channels: Any
    dtype: Any
    samplesize: Any
    latency: Any
    time: float
    cpu_load: float
    active: bool
    stopped: bool
    closed: bool

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...


class StreamTimeoutError(TimeoutError):
    """The time was over before everything was transferred.

    .. attribute:: frames

        Number of frames that were transferred nevertheless. (:class:`int`)

    .. attribute:: data

        When reading: these frames. (:class:`numpy.ndarray` or ``None``)
    """

    def __init__(self, message: str, frames: int = 0, data: npt.NDArray[Any] | None = None) -> None:
        super().__init__(message)
        self.frames = frames
        self.data = data


class StreamStoppedError(RuntimeError):
    """The stream does not run, or not any more, and so waiting makes no sense.

    .. attribute:: frames

        Number of frames that were transferred before. (:class:`int`)

    .. attribute:: data

        When reading: these frames. (:class:`numpy.ndarray` or ``None``)
    """

    def __init__(self, message: str, frames: int = 0, data: npt.NDArray[Any] | None = None) -> None:
        super().__init__(message)
        self.frames = frames
        self.data = data


@dataclass(frozen=True)
class RingStats:
    """How one ring has fared: part of :class:`Stats`. All numbers are frames, unless said."""

    #: Number of frames that the ring holds.
    size: int
    #: Frames in the ring now.
    fill: int
    #: The fewest frames that the callback has left (output) or found (input) there. What is left of
    #: the output ring at its lowest is how much longer Python could have been late.
    low_water: int
    #: The most frames that the callback has found (output) or left (input) there. What is free at
    #: the input ring's highest is how much longer Python could have been late.
    high_water: int
    #: Number of blocks that were cut short: output underflows, or input overflows.
    losses: int
    #: Frames of silence that were played, or recorded frames that were dropped.
    lost_frames: int

    def _text(self, name: str, loss: str) -> str:
        def percent(frames: int) -> str:
            return f"{100 * frames / self.size:.0f} %"

        return (
            f"{name}: {self.losses} {loss}s ({self.lost_frames} frames), "
            f"ring {percent(self.fill)} full, was {percent(self.low_water)} to "
            f"{percent(self.high_water)} of {self.size} frames"
        )


@dataclass(frozen=True)
class Stats:
    """What a stream's callback has counted since the stream was opened.

    All numbers are as they were between two calls of the callback.
    """

    #: Calls of the callback.
    blocks: int
    #: Frames in them.
    frames: int
    #: Frames in the smallest block.
    smallest_block: int
    #: Frames in the largest block.
    largest_block: int
    #: Frames per second.
    samplerate: float
    #: The output ring (:class:`RingStats`), or ``None``.
    output: RingStats | None
    #: The input ring (:class:`RingStats`), or ``None``.
    input: RingStats | None
    #: How often the device itself reported a loss: a dict with the keys ``'input_underflow'``,
    #: ``'input_overflow'``, ``'output_underflow'`` and ``'output_overflow'``. Not every report is a
    #: loss that can be heard.
    device: dict[str, int]

    def __repr__(self) -> str:
        blocks = f"{self.blocks} blocks"
        if self.blocks:
            blocks += f" of {self.smallest_block}"
            if self.largest_block != self.smallest_block:
                blocks += f" to {self.largest_block}"
        parts = [f"{blocks} frames, {self.frames / self.samplerate:.2f} s"]
        if self.output:
            parts.append(self.output._text("output", "underflow"))
        if self.input:
            parts.append(self.input._text("input", "overflow"))
        reports = [f"{count} {name}s" for name, count in self.device.items() if count]
        parts.append("device: " + (", ".join(reports) or "no xruns").replace("_", " "))
        return f"<Stats: {'; '.join(parts)}>"

    @property
    def losses(self) -> int:
        """Number of blocks that were cut short because a ring was too empty or too full."""
        return sum(ring.losses for ring in (self.output, self.input) if ring)


_DEVICE_LOSSES = ("input_underflow", "input_overflow", "output_underflow", "output_overflow")


def _abandon(backend: Backend, callback: StreamCallback, process: int, name: str) -> None:
    """Close what a stream that is collected as garbage has left open.

    PortAudio uses the callback's state until then; whoever calls this has it.
    """
    if os.getpid() != process or backend.closed:
        return
    try:
        running = backend.active
    except Exception:
        # PortAudio itself may be gone by now.
        running = False
    backend.close()
    callback._finish()
    if running:
        warnings.warn(
            f"a running {name} was forgotten, and is now closed; "
            "use it as context manager, or call its close()",
            ResourceWarning,
            stacklevel=2,
        )


def _watch_for_end(
    callback: StreamCallback, finished_callback: Callable[[], object], outcome: str = ""
) -> None:
    """Have a function called after the end of a stream, by a thread of its own."""
    if outcome != "ended":
        again = functools.partial(_watch_for_end, callback, finished_callback)
        watch(None, "end", 0, None, callback, again)
        return
    try:
        threading.Thread(target=finished_callback, name="finished callback").start()
    except RuntimeError:
        # There are no new threads while the interpreter exits.
        finished_callback()


def _split(value: Any) -> tuple[Any, Any]:
    return value if isinstance(value, tuple) else (value, value)


class _Base:
    """A stream's life cycle, and what its callback tells."""

    _kind: ClassVar[str]

    def _open(
        self,
        open_backend: Callable[[str, StreamCallback], Backend],
        *,
        ring_seconds: float | None,
        ring_frames: int | None,
        on_underflow: str,
        on_overflow: str,
        finished_callback: Callable[[], object] | None,
        warn: Callable[[str], object] | None,
    ) -> None:
        if ring_seconds is not None and ring_frames is not None:
            raise TypeError("give either ring_seconds or ring_frames, not both")
        if ring_seconds is not None and not 0 < ring_seconds < math.inf:
            raise ValueError(f"ring_seconds must be a positive number, not {ring_seconds}")
        if ring_frames is not None and ring_frames < 1:
            raise ValueError(f"ring_frames must be a positive number, not {ring_frames}")
        callback = StreamCallback(on_underflow=on_underflow, on_overflow=on_overflow)
        callback._finish()
        backend = open_backend(self._kind, callback)
        try:
            if ring_frames is None:
                ring_frames = math.ceil((ring_seconds or 1.0) * backend.samplerate)
            size = 1 << (ring_frames - 1).bit_length()
            channels, dtypes = _split(backend.channels), _split(backend.dtype)
            samplesizes = _split(backend.samplesize)
            for dtype in dtypes:
                if dtype not in _SAMPLE_FORMATS:
                    raise ValueError(
                        f"dtype must be one of {', '.join(_SAMPLE_FORMATS)}, not {dtype!r}, for "
                        "which NumPy has no type; 'int32' loses nothing on a 24-bit device"
                    )
            rings = [
                RingBuffer(channels[side] * samplesizes[side], size)
                if self._kind in (kind, "duplex")
                else None
                for side, kind in enumerate(("input", "output"))
            ]
            callback._attach(rings[1], rings[0], silence=128 if dtypes[1] == "uint8" else 0)
        except BaseException:
            backend.close()
            raise
        self._backend = backend
        self._callback = callback
        self._channels = channels
        self._dtypes = tuple(np.dtype(dtype) for dtype in dtypes)
        self._process = os.getpid()
        self._finished_callback = finished_callback
        self._warn = warn
        self._reported: dict[str, int] = callback.counters
        self._reported_losses = 0
        self._last_report = -math.inf
        # Why it is meant not to run, or nothing if it is meant to.
        self._stop_reason = "start() it first"
        self._finalizer = weakref.finalize(
            self, _abandon, backend, callback, self._process, type(self).__name__
        )
        # Whoever has the device closes it in time when the interpreter exits.
        self._finalizer.atexit = False

    def _running_backend(self) -> Backend:
        """The backend, where it can be used."""
        if os.getpid() != self._process:
            raise StreamStoppedError(
                "the stream belongs to the process that has opened it, not to its forked child"
            )
        if self._backend.closed:
            raise StreamStoppedError("the stream is closed")
        return self._backend

    def start(self) -> None:
        """Begin to play and record.

        A stream that was stopped, or has stopped by itself, goes on with what its rings hold. An
        output ring that is empty is not an underflow until it has held a block once.
        """
        backend = self._running_backend()
        if backend.active:
            return
        if not backend.stopped:
            # A stream whose callback has ended it must be stopped before it can be started.
            backend.stop()
        self._callback.mode = "start"
        self._callback._restart()
        try:
            backend.start()
        except BaseException:
            self._callback._finish()
            raise
        self._stop_reason = ""
        if self._finished_callback is not None:
            _watch_for_end(self._callback, self._finished_callback)

    def stop(self, ignore_errors: bool = True) -> None:
        """Stop when the device has played the blocks that it has already got.

        What is in the rings stays there. To have the output ring played as well, use ``drain()``.
        """
        self._end(self._running_backend().stop, "it was stopped")

    def abort(self, ignore_errors: bool = True) -> None:
        """Stop at once."""
        self._end(self._running_backend().abort, "it was aborted")

    def close(self, ignore_errors: bool = True) -> None:
        """Stop at once and give the device back.

        What was recorded can still be read. A closed stream cannot be started again.
        """
        if os.getpid() == self._process and not self._backend.closed:
            self._end(self._backend.close, "it was closed")

    def _end(self, how: Callable[[], None], reason: str) -> None:
        self._stop_reason = reason
        how()
        self._callback._finish()
        self._report(at_once=True)

    @property
    def active(self) -> bool:
        """Whether the device plays or records."""
        if os.getpid() != self._process or self._backend.closed:
            return False
        return self._backend.active

    @property
    def stopped(self) -> bool:
        """Whether the stream was not started, or was stopped by `stop()` or `abort()`."""
        if os.getpid() != self._process or self._backend.closed:
            return True
        return self._backend.stopped

    @property
    def closed(self) -> bool:
        """Whether the stream was closed."""
        return self._backend.closed

    @property
    def time(self) -> float:
        """The device's time in seconds."""
        return self._running_backend().time

    @property
    def cpu_load(self) -> float:
        """Share of the time that the callback needs, from 0 to 1."""
        return self._running_backend().cpu_load

    @property
    def latency(self) -> Any:
        """Input and/or output latency in seconds, without the time that frames are in the rings."""
        return self._backend.latency

    @property
    def samplerate(self) -> float:
        """Frames per second."""
        return self._backend.samplerate

    @property
    def blocksize(self) -> int:
        """Frames per call of the callback; 0 if the device decides."""
        return self._backend.blocksize

    @property
    def device(self) -> Any:
        """The device, or a pair (input, output) of them."""
        return self._backend.device

    @property
    def channels(self) -> Any:
        """Number of channels, or a pair (input, output) of them."""
        return self._backend.channels

    @property
    def dtype(self) -> Any:
        """Sample format, or a pair (input, output) of them."""
        return self._backend.dtype

    @property
    def samplesize(self) -> Any:
        """Bytes per sample, or a pair (input, output) of them."""
        return self._backend.samplesize

    @property
    def stats(self) -> Stats:
        """What was counted so far, a new :class:`Stats` object."""
        self._report()
        counters = self._callback.counters

        def ring_stats(ring: RingBuffer | None, name: str, loss: str) -> RingStats | None:
            if ring is None:
                return None
            return RingStats(
                size=len(ring),
                fill=ring.read_available,
                low_water=counters[f"{name}_low_water"],
                high_water=counters[f"{name}_high_water"],
                losses=counters[f"{name}_{loss}s"],
                lost_frames=counters[f"{name}_{loss}_frames"],
            )

        return Stats(
            blocks=counters["blocks"],
            frames=counters["frames"],
            smallest_block=counters["smallest_block"],
            largest_block=counters["largest_block"],
            samplerate=self.samplerate,
            output=ring_stats(self._callback.output_ring, "output", "underflow"),
            input=ring_stats(self._callback.input_ring, "input", "overflow"),
            device={name: counters[f"device_{name}s"] for name in _DEVICE_LOSSES},
        )

    def _report(self, at_once: bool = False) -> None:
        """Tell about losses since the last time, but not all the time."""
        if self._warn is None or self._callback._losses == self._reported_losses:
            return
        now = time.monotonic()
        if not at_once and now - self._last_report < _REPORT_INTERVAL:
            return
        counters, before = self._callback.counters, self._reported

        def new(name: str) -> int:
            return counters[name] - before[name]

        parts = []
        for name, what in (("output_underflow", "of silence"), ("input_overflow", "dropped")):
            if events := new(f"{name}s"):
                parts.append(
                    f"{name.replace('_', ' ')} in {events} blocks "
                    f"({new(f'{name}_frames')} frames {what})"
                )
        for name in _DEVICE_LOSSES:
            if events := new(f"device_{name}s"):
                parts.append(f"{events} {name.replace('_', ' ')}s reported by the device")
        self._last_report = now
        self._reported = counters
        self._reported_losses = self._callback._losses
        if parts:
            self._warn(f"{type(self).__name__}: {', '.join(parts)}")

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

    def _fail(
        self,
        outcome: str,
        so_far: str,
        frames: int,
        data: npt.NDArray[Any] | None = None,
    ) -> NoReturn:
        """Raise the error for an outcome of waiting."""
        self._report(at_once=True)
        if outcome == "timeout":
            raise StreamTimeoutError(f"timeout: {so_far}", frames, data)
        if outcome == "stalled":
            reason = "the device does not call any more; it may be gone"
        else:
            reason = self._stop_reason or {
                "underflow": "it was to stop on underflow",
                "overflow": "it was to stop on overflow",
            }.get(self._callback.ended or "", "it has stopped by itself; the device may be gone")
        raise StreamStoppedError(f"the stream does not run: {reason} ({so_far})", frames, data)


class _Blocking(_Base):
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
            if exception_type is None and not self.closed:
                self._finish()
        finally:
            self.close()

    def _finish(self) -> None:
        self.stop()


class _Async(_Base):
    """A stream that is used with ``async with``."""

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
            if exception_type is None and not self.closed:
                await self._finish()
        finally:
            self.close()

    async def _finish(self) -> None:
        self.stop()


class _Output(_Base):
    """The side of a stream that plays."""

    @property
    def write_available(self) -> int:
        """Number of frames that can be written without waiting."""
        return self.output_ring.write_available

    def _checked(self, data: npt.ArrayLike) -> npt.NDArray[Any]:
        """What is to be written, as array of whole frames."""
        array = np.asarray(data)
        channels, dtype = self._channels[1], self._dtypes[1]
        if array.ndim == 1 and channels == 1:
            array = array.reshape(-1, 1)
        if array.ndim != 2 or array.shape[1] != channels:
            hint = ""
            if array.ndim == 2 and array.shape[0] == channels:
                hint = "; numpy.ascontiguousarray(data.T) has it"
            raise ValueError(
                f"data must have the shape (frames, {channels}), a column for each channel, "
                f"not {array.shape}{hint}"
            )
        if array.dtype != dtype:
            raise TypeError(
                f"data must be of the stream's dtype '{dtype}', not '{array.dtype}'; "
                "see numpy.ndarray.astype()"
            )
        if not array.flags.c_contiguous:
            raise ValueError(
                "data must be interleaved: C-contiguous, as numpy.ascontiguousarray() makes it"
            )
        return array

    def write_nowait(self, data: npt.ArrayLike) -> int:
        """Write as many frames as there is room for, without waiting.

        :param data: Frames, of the shape (frames, channels) and the stream's dtype.
        :returns: The number of frames that were written.
        """
        array = self._checked(data)
        self._report()
        return self.output_ring.write(array)

    def _begin_draining(self) -> bool:
        """Have the callback end the stream after the last frame; whether there is one to end."""
        backend = self._running_backend()
        if not backend.active and not self.output_ring.read_available:
            return False
        self._callback.mode = "complete"
        if backend.active:
            self._stop_reason = "it was drained"
        return True

    def _drained(self, outcome: str) -> None:
        left = self.output_ring.read_available
        if outcome != "ended" or left:
            self._fail(outcome, f"{left} frames are left to play", 0)
        self.stop()


class BlockingOutput(_Blocking, _Output):
    """The blocking side that plays."""

    def write(self, data: npt.ArrayLike, timeout: float | None = None) -> None:
        """Write all of it, waiting for room where there is none.

        Other Python threads go on meanwhile. If this is not the main thread (which must look after
        Ctrl-C), nothing that Python does can keep the ring from being refilled until everything is
        written, not even a thread that holds the GIL for longer than the ring lasts.

        Before the stream was started, as much can be written as the ring holds.

        :param data: Frames, of the shape (frames, channels) and the stream's dtype, C-contiguous.
            For one channel, the shape (frames,) is taken as well.
        :param timeout: Seconds to wait at most; forever if not given.
        :raises ValueError: If *data* has another shape or is not C-contiguous.
        :raises TypeError: If *data* has another dtype.
        :raises StreamTimeoutError: If there is still something left to write then.
        :raises StreamStoppedError: If the stream does not run, and so there will be no more room.
        """
        array = self._checked(data)
        self._report()
        done, outcome = self._callback._write(array, timeout)
        if outcome != "done":
            self._fail(outcome, f"{done} of {len(array)} frames were written", done)

    def drain(self, timeout: float | None = None) -> None:
        """Play what is in the ring, then stop.

        :param timeout: Seconds to wait at most; forever if not given. After that, the stream still
            plays what is left and stops by itself.
        :raises StreamTimeoutError: If it has not stopped by then.
        :raises StreamStoppedError: If the stream does not run although there is something to play.
        """
        if self._begin_draining():
            self._drained(self._callback._wait_for_end(timeout))

    def _finish(self) -> None:
        self.drain()


class AsyncOutput(_Async, _Output):
    """The asynchronous side that plays."""

    _writing = False

    async def write(self, data: npt.ArrayLike, timeout: float | None = None) -> None:
        """Write all of it, waiting for room where there is none, while other tasks go on.

        Before the stream was started, as much can be written as the ring holds.

        :param data: Frames, of the shape (frames, channels) and the stream's dtype, C-contiguous.
            For one channel, the shape (frames,) is taken as well.
        :param timeout: Seconds to wait at most; forever if not given.
        :raises ValueError: If *data* has another shape or is not C-contiguous.
        :raises TypeError: If *data* has another dtype.
        :raises RuntimeError: If another task is writing.
        :raises StreamTimeoutError: If there is still something left to write then.
        :raises StreamStoppedError: If the stream does not run, and so there will be no more room.
        """
        array = self._checked(data)
        if self._writing:
            raise RuntimeError("another task is writing to this stream")
        self._report()
        ring, clock = self.output_ring, _Clock(timeout)
        self._writing = True
        try:
            done = ring.write(array)
            while done < len(array):
                # Not each frame by itself, but early enough to keep the ring filled.
                size = min(len(array) - done, max(len(ring) // 4, 1))
                outcome = await outcome_of(ring, "room", size, clock.left(), self._callback)
                done += ring.write(array[done:])
                if outcome != "done" and done < len(array):
                    self._fail(outcome, f"{done} of {len(array)} frames were written", done)
        finally:
            self._writing = False

    async def drain(self, timeout: float | None = None) -> None:
        """Play what is in the ring, then stop.

        :param timeout: Seconds to wait at most; forever if not given. After that, the stream still
            plays what is left and stops by itself.
        :raises StreamTimeoutError: If it has not stopped by then.
        :raises StreamStoppedError: If the stream does not run although there is something to play.
        """
        if self._begin_draining():
            self._drained(await outcome_of(None, "end", 0, timeout, self._callback))

    async def _finish(self) -> None:
        await self.drain()


class _Input(_Base):
    """The side of a stream that records."""

    @property
    def read_available(self) -> int:
        """Number of frames that can be read without waiting."""
        return self.input_ring.read_available

    def _array(self, data: bytearray) -> npt.NDArray[Any]:
        return np.frombuffer(data, self._dtypes[0]).reshape(-1, self._channels[0])

    def _empty(self, frames: int) -> npt.NDArray[Any]:
        if frames < 0:
            raise ValueError(f"frames must not be negative, not {frames}")
        return np.empty((frames, self._channels[0]), self._dtypes[0])

    def read_nowait(self, frames: int = -1) -> npt.NDArray[Any]:
        """Read what there is, without waiting.

        :param frames: Number of frames at most; all if negative or not given.
        :returns: An array of the shape (frames, channels), with fewer frames than asked for if
            there were not so many.
        """
        self._report()
        return self._array(self.input_ring.read(frames))

    def peek(self, frames: int = -1) -> npt.NDArray[Any]:
        """Like `read_nowait()`, but the frames can be read once more.

        :param frames: Number of frames at most; all if negative or not given.
        :returns: An array of the shape (frames, channels), oldest frame first.
        """
        return self._array(self.input_ring.peek(frames))

    def read_latest(self, frames: int) -> npt.NDArray[Any]:
        """Read the newest frames and drop all older ones, without waiting: for meters and plots.

        :param frames: Number of frames at most.
        :returns: An array of the shape (frames, channels), with fewer frames than asked for if
            there were not so many since the last time.
        """
        self._report()
        return self._array(self.input_ring.read_latest(frames))

    def _block_steps(self, blocksize: int, overlap: int) -> _Blocks:
        if blocksize < 1:
            raise ValueError(f"blocksize must be a positive number of frames, not {blocksize}")
        if not 0 <= overlap < blocksize:
            raise ValueError(f"overlap must be from 0 to blocksize - 1, not {overlap}")
        if not (self.active or self.read_available):
            self._fail("ended", "nothing was recorded", 0)
        return _Blocks(blocksize, overlap)


class _Blocks:
    """Cuts what was read into blocks that overlap."""

    def __init__(self, blocksize: int, overlap: int) -> None:
        self._step = blocksize - overlap
        self._overlap = overlap
        self.wanted = blocksize
        self._last: npt.NDArray[Any] | None = None

    def next(self, frames: npt.NDArray[Any]) -> npt.NDArray[Any]:
        block = frames
        if self._overlap and self._last is not None:
            block = np.concatenate([self._last[-self._overlap :], frames])
        self._last = block
        self.wanted = self._step
        return block

    def rest(self, error: StreamStoppedError, frames: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """What is left after the end of the stream: a shorter block, or none."""
        if error.data is not None and len(error.data):
            frames = np.concatenate([error.data, frames])
        return [self.next(frames)] if len(frames) else []


class BlockingInput(_Blocking, _Input):
    """The blocking side that records."""

    def read(self, frames: int, timeout: float | None = None) -> npt.NDArray[Any]:
        """Wait for a number of frames and read them.

        Other Python threads go on meanwhile. More frames than the ring holds can be read, too.

        :param frames: Number of frames.
        :param timeout: Seconds to wait at most; forever if not given.
        :returns: A new array of the shape (frames, channels).
        :raises StreamTimeoutError: If they are not there then. Those that are can be read later,
            or, if more were asked for than the ring holds, are in the error's ``data``.
        :raises StreamStoppedError: If the stream does not run, and so there will not be so many.
            The same holds for those that are there.
        """
        array = self._empty(frames)
        self._report()
        done, outcome = self._callback._readinto(array, timeout)
        if outcome != "done":
            self._fail(outcome, f"{done} of {frames} frames were read", done, array[:done])
        return array

    def blocks(self, blocksize: int, overlap: int = 0) -> Iterator[npt.NDArray[Any]]:
        """Go through what is recorded, block by block, until the stream is stopped.

        If it stops by itself, that is an error when everything that was recorded has been read.

        :param blocksize: Frames per block. The last one may be shorter.
        :param overlap: Number of frames at the end of a block that the next one begins with.
        :returns: An iterator over arrays of the shape (blocksize, channels).
        :raises StreamStoppedError: If the stream does not run, or has stopped by itself.
        """
        return self._generate(self._block_steps(blocksize, overlap))

    def _generate(self, steps: _Blocks) -> Iterator[npt.NDArray[Any]]:
        while True:
            try:
                frames = self.read(steps.wanted)
            except StreamStoppedError as error:
                if self._callback.ended is None:
                    raise
                yield from steps.rest(error, self.read_nowait())
                if self._stop_reason:
                    return
                raise
            yield steps.next(frames)


class AsyncInput(_Async, _Input):
    """The asynchronous side that records."""

    _reading = False

    async def read(self, frames: int, timeout: float | None = None) -> npt.NDArray[Any]:
        """Wait for a number of frames, while other tasks go on, and read them.

        More frames than the ring holds can be read, too.

        :param frames: Number of frames.
        :param timeout: Seconds to wait at most; forever if not given.
        :returns: A new array of the shape (frames, channels).
        :raises RuntimeError: If another task is reading.
        :raises StreamTimeoutError: If they are not there then. Those that are can be read later,
            or, if more were asked for than the ring holds, are in the error's ``data``.
        :raises StreamStoppedError: If the stream does not run, and so there will not be so many.
            The same holds for those that are there.
        """
        array = self._empty(frames)
        if self._reading:
            raise RuntimeError("another task is reading from this stream")
        self._report()
        ring, clock = self.input_ring, _Clock(timeout)
        # Frames that fit into the ring all at once stay there if not all of them come.
        step = frames if frames <= len(ring) else max(len(ring) // 4, 1)
        done = 0
        self._reading = True
        try:
            while done < frames:
                size = min(frames - done, step)
                outcome = await outcome_of(ring, "data", size, clock.left(), self._callback)
                if outcome == "done" or frames > len(ring):
                    done += ring.readinto(array[done:])
                if outcome != "done" and done < frames:
                    so_far = f"{done} of {frames} frames were read"
                    self._fail(outcome, so_far, done, array[:done])
        finally:
            self._reading = False
        return array

    def blocks(self, blocksize: int, overlap: int = 0) -> AsyncIterator[npt.NDArray[Any]]:
        """Go through what is recorded, block by block, until the stream is stopped.

        If it stops by itself, that is an error when everything that was recorded has been read.

        :param blocksize: Frames per block. The last one may be shorter.
        :param overlap: Number of frames at the end of a block that the next one begins with.
        :returns: An asynchronous iterator over arrays of the shape (blocksize, channels).
        :raises StreamStoppedError: If the stream does not run, or has stopped by itself.
        """
        return self._generate(self._block_steps(blocksize, overlap))

    async def _generate(self, steps: _Blocks) -> AsyncIterator[npt.NDArray[Any]]:
        while True:
            try:
                frames = await self.read(steps.wanted)
            except StreamStoppedError as error:
                if self._callback.ended is None:
                    raise
                for block in steps.rest(error, self.read_nowait()):
                    yield block
                if self._stop_reason:
                    return
                raise
            yield steps.next(frames)


class _Clock:
    """What is left of a timeout."""

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    def left(self) -> float | None:
        return None if self._end is None else max(self._end - time.monotonic(), 0.0)
