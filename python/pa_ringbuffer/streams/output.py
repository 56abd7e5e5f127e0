"""The side of a stream that plays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._asyncio import outcome_of
from .._native import Progress
from .base import Async, Base, Blocking, Claim

if TYPE_CHECKING:
    import numpy.typing as npt


class Output(Base):
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
        self._enter()
        return self.output_ring.write(array)

    def _begin_draining(self) -> bool:
        """Have the callback end the stream after the last frame; whether there is one to end."""
        self._check_open()
        active = self.active
        if not active and not self.output_ring.read_available:
            return False
        self._callback.mode = "complete"
        if active:
            self._handle.stop_reason = "it was drained"
        return True

    def _drained(self, outcome: str) -> None:
        left = self.output_ring.read_available
        if outcome != "ended" or left:
            raise self._error(outcome, f"{left} frames are left to play", 0)
        self.stop()


class BlockingOutput(Blocking, Output):
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
        self._enter()
        progress = Progress(0)
        # A ring that is refilled this often can never run low for that reason.
        interval = len(self.output_ring) / self.samplerate / 64

        def step(timeout: float | None) -> str:
            return self._callback._write(array, progress, timeout, interval)

        outcome = self._wait(step, timeout)
        if outcome != "done":
            done = progress.done
            raise self._error(outcome, f"{done} of {len(array)} frames were written", done)

    def drain(self, timeout: float | None = None) -> None:
        """Play what is in the ring, then stop.

        :param timeout: Seconds to wait at most; forever if not given. After that, the stream still
            plays what is left and stops by itself.
        :raises StreamTimeoutError: If it has not stopped by then.
        :raises StreamStoppedError: If the stream does not run although there is something to play.
        """
        if self._begin_draining():
            self._drained(self._wait(self._callback._wait_for_end, timeout))

    def _finish(self) -> None:
        self.drain()


class AsyncOutput(Async, Output):
    """The asynchronous side that plays."""

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
        self._enter()
        ring = self.output_ring
        done = 0

        async def step(timeout: float | None) -> str:
            nonlocal done
            done += ring.write(array[done:])
            if done == len(array):
                return "done"
            # Not each frame by itself, but early enough to keep the ring filled.
            size = min(len(array) - done, max(len(ring) // 4, 1))
            outcome = await outcome_of(ring, "producer", size, timeout, self._callback)
            return "more" if outcome == "done" else outcome

        mine = Claim(is_task=True)
        try:
            self._claim("output", mine, "writing to")
            outcome = await self._wait_async(step, timeout)
        finally:
            if "output" in self._claims and self._claims["output"] is mine:
                del self._claims["output"]
        if outcome != "done":
            raise self._error(outcome, f"{done} of {len(array)} frames were written", done)

    async def drain(self, timeout: float | None = None) -> None:
        """Play what is in the ring, then stop.

        :param timeout: Seconds to wait at most; forever if not given. After that, the stream still
            plays what is left and stops by itself.
        :raises StreamTimeoutError: If it has not stopped by then.
        :raises StreamStoppedError: If the stream does not run although there is something to play.
        """
        if self._begin_draining():

            async def step(timeout: float | None) -> str:
                return await outcome_of(None, "consumer", 0, timeout, self._callback)

            self._drained(await self._wait_async(step, timeout))

    async def _finish(self) -> None:
        await self.drain()
