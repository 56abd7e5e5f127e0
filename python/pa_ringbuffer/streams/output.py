"""The side of a stream that plays."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from .._asyncio import complete
from .._native import OutputSide
from .base import Async, Base, Blocking

if TYPE_CHECKING:
    import numpy.typing as npt


def as_frames(data: npt.ArrayLike, channels: int, dtype: str) -> npt.NDArray[Any]:
    """What is to be written, as array of whole frames."""
    array = np.asarray(data)
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


class Output(Base):
    """The side of a stream that plays."""

    _output: OutputSide

    def _open_output(self, channels: int, dtype: str) -> None:
        frames = functools.partial(as_frames, channels=channels, dtype=dtype)
        self._output = OutputSide(
            self._callback, self._handle, frames, channels, dtype, self.samplerate
        )

    @property
    def write_available(self) -> int:
        """Number of frames that can be written without waiting."""
        # Refused where a callback writes.
        _ = self._output.write_nowait
        return self.output_ring.write_available

    @property
    def write_position(self) -> int:
        """Number of the frame that is written next. The first one of all is 0.

        It grows by what is written, with this stream's methods or those of its ring, and goes back
        by what is dropped without having been played. Silence that is played in an underflow has no
        numbers.
        """
        return self._output.position

    def output_time(self, frame: int) -> float:
        """When a frame is or was heard, in seconds of the stream's clock: see :attr:`time`.

        This is what the device has told for the block that the frame was in. For frames that are
        still to come, time passes at the *samplerate*; a frame that is not written before its block
        is due is heard later.

        :param frame: Number of the frame: see :attr:`write_position`.
        :raises StreamStoppedError: If the frame comes after the last block of a stream that does
            not run.
        :raises RuntimeError: If the stream has been started and the first block is not there yet,
            or if the device tells no times.
        :raises ValueError: If the time is not known any more. Times before the latest 16 gaps in
            the sound are forgotten.
        """
        return self._output.time_of(frame, self.samplerate)

    def write_nowait(self, data: npt.ArrayLike) -> int:
        """Write as many frames as there is room for, without waiting.

        :param data: Frames, of the shape (frames, channels) and the stream's dtype.
        :returns: The number of frames that were written.
        """
        return self._output.write_nowait(data)

    def _begin_draining(self) -> bool:
        """Have the callback end the stream after the last frame; whether there is one to end."""
        if self._caller is not None:
            self.stop()
            return False
        self._check_open()
        active = self.active
        if not active and not self.output_ring.read_available:
            return False
        self._callback.mode = "complete"
        if active:
            self._handle.stop_reason = "it was drained"
        return True


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
        self._output.write(data, timeout)

    def drain(self, timeout: float | None = None) -> None:
        """Play what is in the ring, then stop.

        :param timeout: Seconds to wait at most; forever if not given. After that, the stream still
            plays what is left and stops by itself.
        :raises StreamTimeoutError: If it has not stopped by then.
        :raises StreamStoppedError: If the stream does not run although there is something to play.
        """
        if self._begin_draining():
            self._output.wait_for_end(timeout)
            self.stop()

    def _finish(self) -> None:
        if self._caller is None:
            self.drain()
        else:
            self.stop()


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
        await complete(functools.partial(self._output.begin, data, timeout))

    async def drain(self, timeout: float | None = None) -> None:
        """Play what is in the ring, then stop.

        :param timeout: Seconds to wait at most; forever if not given. After that, the stream still
            plays what is left and stops by itself.
        :raises StreamTimeoutError: If it has not stopped by then.
        :raises StreamStoppedError: If the stream does not run although there is something to play.
        """
        if self._begin_draining():
            await complete(functools.partial(self._output.begin_waiting_for_end, timeout))
            self.stop()

    async def _finish(self) -> None:
        await self.drain()
