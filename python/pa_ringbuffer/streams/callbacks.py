"""Callbacks in Python: one of our threads calls the user's function block by block.

The audio thread never runs Python. The compiled callback moves frames between the device and the
rings; the thread makes the output *ahead* of time and takes the input as soon as it arrives.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import math
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from .._native import Pump
from .arguments import number, split
from .errors import StreamStoppedError, StreamTimeoutError

if TYPE_CHECKING:
    from .. import StreamCallback
    from .._native import OutputSide
    from .backend import Handle

#: Seconds of sound that a stream with a callback in Python makes ahead: see docs/callbacks.md.
DEFAULT_AHEAD = 0.2

#: The same for streams opened with ``latency='low'`` or ``latency='high'``.
AHEAD = {"low": 0.05, "high": 0.5}

#: Maximum seconds to wait for further recorded blocks, so that several of them cost one wake-up;
#: less for a latency in seconds, nothing for ``latency='low'``.
TOGETHER = 0.01


def check_ahead(kind: str, callback: Any, ahead: float | None, ahead_frames: int | None) -> None:
    """Raise errors for unsuitable arguments before opening a device."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function or None, not {callback!r}")
    given = "ahead" if ahead is not None else "ahead_frames"
    if ahead is None and ahead_frames is None:
        return
    if ahead is not None and ahead_frames is not None:
        raise TypeError("give either ahead or ahead_frames, not both")
    if callback is None:
        raise TypeError(
            f"{given} is for streams with a callback; without one, write that much sound before "
            "the start"
        )
    if kind == "input":
        raise TypeError(
            f"{given} is for streams that play; for a callback that only records, the ring's "
            "length is how late it may be: use ring_seconds or ring_frames"
        )
    if ahead is not None and not 0 < number(ahead, "ahead") < math.inf:
        raise ValueError(f"ahead must be a positive number of seconds, not {ahead}")
    if ahead_frames is not None and not (
        1 <= number(ahead_frames, "ahead_frames", "frames") < math.inf
    ):
        raise ValueError(f"ahead_frames must be a positive number of frames, not {ahead_frames}")


def wanted_latency(latency: Any, default: Any) -> tuple[Any, Any]:
    """The latency of input and of output that the program asks for, with an argument or else with
    ``default.latency``. None stands for no wish, and so does the initial default, ``'high'``.
    """
    pair = split(latency, "latency")
    defaults = (None if default[side] == "high" else default[side] for side in (0, 1))
    first, second = (by if value is None else value for value, by in zip(pair, defaults))
    return first, second


def frames_ahead(
    samplerate: float,
    blocksize: int,
    ahead: float | None,
    ahead_frames: int | None,
    latency: Any,
) -> int:
    """Number of frames to make ahead, for an output latency: at least two blocks."""
    if ahead_frames is None:
        if ahead is None:
            ahead = AHEAD.get(latency, DEFAULT_AHEAD) if isinstance(latency, str) else DEFAULT_AHEAD
        ahead_frames = math.ceil(ahead * samplerate)
    return max(int(ahead_frames), 2 * blocksize)


def frames_together(samplerate: float, latency: Any) -> int:
    """Number of recorded frames to wait for if blocks are shorter, for an input latency."""
    if isinstance(latency, str):
        return 0 if latency == "low" else int(TOGETHER * samplerate)
    seconds = TOGETHER
    if latency is not None:
        seconds = min(seconds, max(number(latency, "latency"), 0) / 2)
    return int(seconds * samplerate)


class Blocks(Protocol):
    """Memory for the user's function: arrays, or plain buffers."""

    def room(self, frames: int) -> Any:
        """Memory for that many frames, with any contents."""

    def silence(self, frames: int) -> Any:
        """The same, filled with silence."""

    def as_argument(self, memory: Any) -> Any:
        """The object that the function gets for a block of this memory."""

    @property
    def items(self) -> int:
        """Number of items per frame."""


class Arrays:
    """NumPy arrays of the shape (frames, channels)."""

    items = 1

    def __init__(self, channels: int, dtype: str) -> None:
        import numpy as np

        self._channels, self._dtype = channels, np.dtype(dtype)
        self._empty, self._zeros, self._full = np.empty, np.zeros, np.full

    def room(self, frames: int) -> Any:
        return self._empty((frames, self._channels), self._dtype)

    def silence(self, frames: int) -> Any:
        shape = frames, self._channels
        if self._dtype == "uint8":
            return self._full(shape, 128, self._dtype)
        return self._zeros(shape, self._dtype)

    def as_argument(self, memory: Any) -> Any:
        return memory


class Buffers:
    """Buffers of interleaved samples."""

    def __init__(self, framesize: int, dtype: str) -> None:
        self.items = framesize
        self._silence = b"\x80" if dtype == "uint8" else b"\0"
        try:
            from _cffi_backend import FFI
        except ImportError:
            # On the virtual device. sounddevice needs CFFI.
            self._ffi = None
        else:
            self._ffi = FFI()

    def room(self, frames: int) -> Any:
        return memoryview(bytearray(frames * self.items))

    def silence(self, frames: int) -> Any:
        return memoryview(bytearray(self._silence * (frames * self.items)))

    def as_argument(self, memory: Any) -> Any:
        """A CFFI buffer, as from sounddevice: unlike a memoryview, it can be assigned arrays of
        any type, and its slices are bytes.
        """
        ffi = self._ffi
        return memory if ffi is None else ffi.buffer(ffi.from_buffer(memory))


class Clock:
    """The stream's clock. A query of the device takes as long as everything else that a block
    needs, so it happens only in programs that read the time.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        #: Difference to `time.perf_counter()`.
        self._offset: float | None = None
        self._latest = (0.0, 0.0)

    def begin(self) -> None:
        """Start a run. The clock's time is still available after the stream has been closed."""
        self._latest = (0.0, 0.0)
        self._look()

    def _look(self) -> None:
        try:
            now = self._handle.ask("time", None)
        except Exception:
            # Some devices cannot tell the time.
            return
        if now is not None:
            self._offset = float(now) - perf_counter()

    def at(self, moment: float) -> float:
        """The time at a moment of `time.perf_counter()`; 0 if unknown."""
        self._look()
        if self._offset is None:
            return 0.0
        answer = moment + self._offset
        # The clocks of some devices advance in steps.
        before, latest = self._latest
        if moment >= before:
            answer = max(answer, latest)
            self._latest = moment, answer
        return answer


class BlockTime:
    """Times at which the frames of one block were recorded and will be heard: a callback's
    ``time``.

    All three are seconds of the stream's clock, :attr:`Stream.time`.
    """

    __slots__ = ("_clock", "_moment", "_now", "inputBufferAdcTime", "outputBufferDacTime")

    def __init__(self, adc: float, dac: float, clock: Clock, moment: float) -> None:
        #: Time at which the first input frame was recorded; 0 without input.
        self.inputBufferAdcTime = adc
        #: Time at which the first output frame will be heard; 0 without output.
        self.outputBufferDacTime = dac
        self._clock = clock
        self._moment: float | None = moment

    @property
    def currentTime(self) -> float:
        """Time at which the function was called."""
        if self._moment is not None:
            self._now, self._moment = self._clock.at(self._moment), None
        return self._now

    def __repr__(self) -> str:
        names = "inputBufferAdcTime", "currentTime", "outputBufferDacTime"
        values = ", ".join(f"{name}={getattr(self, name):.6f}" for name in names)
        return f"<BlockTime: {values}>"


class Refusal:
    """Replaces the side of a stream that only its callback may use."""

    def __init__(self, side: Any, error: Callable[..., Exception], *arguments: object) -> None:
        self._side, self._error, self._arguments = side, error, arguments

    def __getattr__(self, name: str) -> Any:
        if name in ("position", "time_of"):
            # These only query the side.
            return getattr(self._side, name)
        raise self._error(*self._arguments)


#: Callers whose threads must end before the interpreter does.
_running: set[Caller] = set()


class Caller:
    """Calls a function block by block, on its own thread, from start to end.

    It does not refer to the stream, which can be garbage-collected in the meantime unless the
    function refers to it.
    """

    #: Seconds without progress after which a wait for the function to return gives up.
    PATIENCE = 5.0
    PATIENCE_AT_EXIT = 1.0

    #: Seconds between two checks for events during a wait: a fork, for example.
    LOOK = 0.05

    def __init__(
        self,
        function: Callable[..., object],
        callback: StreamCallback,
        handle: Handle,
        flags: Any,
        memory: tuple[Blocks | None, Blocks | None],
        output: OutputSide | None,
        blocksize: int,
        ahead: int,
        together: int,
        samplerate: float,
        silence: int,
        name: str,
        finished_callback: Callable[[], object] | None,
    ) -> None:
        self._function = function
        self._callback = callback
        self._handle = handle
        self._flags = flags
        self._in, self._out = memory
        self._output = output
        self._samplerate = samplerate
        self._name = name
        self._finished_callback = finished_callback
        self._clock = Clock(handle)
        self.pump = Pump(callback, blocksize, ahead, samplerate, silence, together)
        self._thread: threading.Thread | None = None
        #: Set when the function has returned for the last time in this run.
        self._has_returned = threading.Event()
        #: Whether the function must not be called again in this run.
        self._is_over = True
        #: Whether the device has been started.
        self._is_started = False
        #: Number of blocks for which the function has returned.
        self._calls = 0

    @property
    def ahead(self) -> float:
        """Seconds by which the output is ahead; 0 without output."""
        return self.pump.ahead / self._samplerate if self._out else 0.0

    # The life of a run.

    def begin(self) -> None:
        """Called by the starting thread right before the device starts."""
        for ring in (self._callback.input_ring, self._callback.output_ring):
            if ring is not None:
                ring.flush()
        before, self._is_started, self._is_over = self._has_returned, False, False
        if self._thread is None:
            before.set()
        self._has_returned = over = threading.Event()
        run = self.pump.begin()
        # Until the device has made one call, and there is sound to play. What is recorded is never
        # held back: the function gets it from the first frame on.
        self._callback.mode = "hold" if self._out and not self._in else "run"
        self._thread = threading.Thread(
            target=self._call_all, args=(run, before, over), name="stream callback", daemon=True
        )
        _running.add(self)
        self._thread.start()

    def started(self) -> None:
        """The device has been started."""
        self._is_started = True

    def before_end(self, how: str) -> None:
        """Called before the device is stopped, aborted or closed."""
        if how == "stop" and not self._out:
            # The function still gets everything that was recorded.
            if self._is_here():
                self._is_over = True
            return
        plays_rest = how == "stop" and self._callback.finished is None
        if plays_rest and self._in:
            # Here too. What is recorded from now on would be heard after the end.
            self.pump.finish()
            self._join(self.PATIENCE)
        self._is_over = True
        self.pump.end()
        if plays_rest:
            if not self._in:
                self._join(self.PATIENCE)
            self._callback.mode = "complete"
            self._play_rest()

    def after_end(self) -> None:
        """Called when the device has been stopped, aborted or closed."""
        self._join(self.PATIENCE)

    def end_at_exit(self) -> None:
        """The interpreter is about to exit."""
        self._is_over = True
        self.pump.give_up()
        if self._thread is not None:
            self._thread.join(self.PATIENCE_AT_EXIT)

    def _is_here(self) -> bool:
        return self._thread is not None and self._thread.ident == _thread.get_ident()

    def _join(self, patience: float) -> None:
        """Wait until the function has returned for the last time."""
        calls, since = self._calls, time.monotonic()
        if self._thread is None or self._is_here():
            return
        while not self._has_returned.wait(self.LOOK) and self._handle.here:
            if calls != self._calls:
                calls, since = self._calls, time.monotonic()
            if time.monotonic() - since > patience:
                return

    def _play_rest(self) -> None:
        """Wait until the device has played what the ring holds."""
        ring = self._callback.output_ring
        assert ring is not None and self._output is not None
        # The device may have disappeared, or another thread may abort the stream.
        with contextlib.suppress(StreamStoppedError, StreamTimeoutError):
            self._output.wait_for_end(ring.read_available / self._samplerate + self.PATIENCE)

    # The thread.

    def _call_all(self, run: int, before: threading.Event, over: threading.Event) -> None:
        try:
            # The function may have started this run itself.
            before.wait()
            self._call_until_over(run)
            over.set()
            self.pump.wait_for_end(run)
            if self._finished_callback is not None:
                self._finished_callback()
        finally:
            over.set()
            if self._thread is threading.current_thread():
                _running.discard(self)

    def _call_until_over(self, run: int) -> None:
        try:
            self._clock.begin()
            while True:
                due = self.pump.wait(run)
                if due is None:
                    return
                if due[0]:
                    if not self._call_blocks(run, *due):
                        return
                    if due[2]:
                        self._handle.report()
                elif self._is_started and not self._handle.active:
                    return
        except Exception:
            self._end_with_traceback()

    def _call_blocks(
        self, run: int, blocks: int, frames: int, flags: int, adc: float, dac: float
    ) -> bool:
        """Call the function for blocks that are due; return whether there will be more."""
        function, make_flags, clock = self._function, self._flags.CallbackFlags, self._clock
        pump, source, target = self.pump, self._in, self._out
        duration = frames / self._samplerate
        # The memory for all blocks, and for one of them.
        all_in = all_out = indata = None
        outdata: Any = None
        size_in = size_out = 0
        if source:
            all_in = indata = source.room(blocks * frames)
            pump.take(indata)
            size_in = frames * source.items
        if target:
            all_out = outdata = target.silence(blocks * frames)
            size_out = frames * target.items
        is_filling = blocks > 1 and target and self._callback.mode == "hold"
        for n in range(blocks):
            if self._is_over:
                return False
            block_time = BlockTime(adc, dac, clock, perf_counter())
            status = make_flags(flags if n == 0 else 0)
            if blocks > 1 and all_in is not None:
                indata = all_in[n * size_in : (n + 1) * size_in]
            if blocks > 1 and all_out is not None:
                outdata = all_out[n * size_out : (n + 1) * size_out]
            if source:
                adc += duration
            if target:
                dac += duration
            is_last = drops_block = False
            try:
                if source and target:
                    given, wanted = source.as_argument(indata), target.as_argument(outdata)
                    function(given, wanted, frames, block_time, status)
                elif source:
                    function(source.as_argument(indata), frames, block_time, status)
                elif target:
                    function(target.as_argument(outdata), frames, block_time, status)
            except self._flags.CallbackStop:
                is_last = True
            except self._flags.CallbackAbort:
                is_last = drops_block = True
            except BaseException:
                self._end_with_traceback()
                return False
            if target and not drops_block:
                pump.put(run, outdata)
            self._calls += 1
            if is_last:
                self._end()
                return False
            if is_filling and n + 1 < blocks:
                # The ring is being filled for the first time. Threads that feed the function, from
                # a queue for example, get a turn between two blocks.
                time.sleep(min(0.001, duration / 8))
        return True

    def _end(self) -> None:
        """End the stream after the output made so far, which a device would have played by now."""
        self._is_over = True
        self._callback.mode = "complete" if self._out else "abort"

    def _end_with_traceback(self) -> None:
        self._end()
        if sys.stderr is not None:
            print(f"From the callback {self._function!r} of {self._name}:", file=sys.stderr)
            traceback.print_exc()


@atexit.register
def _end_all() -> None:
    """Stop calling the functions when the interpreter exits."""
    for caller in list(_running):
        if caller._handle.here:
            caller.end_at_exit()


if hasattr(os, "register_at_fork"):
    # The child has none of these threads.
    os.register_at_fork(after_in_child=_running.clear)
