"""The side of a stream that plays."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._asyncio import complete
from .._native import OutputSide
from .base import Async, Base, Blocking
from .errors import StreamStoppedError

if TYPE_CHECKING:
    import numpy.typing as npt

#: What is written: arrays, or buffers.
Written = TypeVar("Written")


def as_frames(data: npt.ArrayLike, channels: int, dtype: str) -> npt.NDArray[Any]:
    """What is to be written, as array of whole frames."""
    import numpy as np

    array = np.asarray(data)
    if array.dtype != dtype:
        raise TypeError(
            f"data must be of the stream's dtype '{dtype}', not '{array.dtype}'; "
            f"use data.astype('{dtype}')"
        )
    if array.ndim < 2 and channels == 1:
        array = array.reshape(-1, 1)
    if array.ndim != 2 or array.shape[1] != channels:
        hint = ""
        if array.ndim == 2 and array.shape[0] == channels:
            hint = "; use numpy.ascontiguousarray(data.T)"
        raise ValueError(
            f"data must have the shape (frames, {channels}), a column for each channel, "
            f"not {array.shape}{hint}"
        )
    if not array.flags.c_contiguous:
        raise TypeError(
            "data must be C-contiguous (interleaved): use numpy.ascontiguousarray(data)"
        )
    return array


class Output(Base, Generic[Written]):
    """The side of a stream that plays."""

    _output: OutputSide

    def _open_output(self, channels: int, dtype: str) -> None:
        frames = functools.partial(as_frames, channels=channels, dtype=dtype)
        self._output = OutputSide(
            self._callback,
            self._handle,
            None if self._raw else frames,
            channels,
            dtype,
            self.samplerate,
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

    def write_nowait(self, data: Written) -> int:
        """Write as many frames as there is room for, without waiting.

        :param data: Frames, of the shape (frames, channels) and the stream's dtype; for a raw
            stream, a buffer of whole frames.
        :returns: The number of frames that were written.
        """
        return self._output.write_nowait(data)

    def _prepare(self) -> None:
        super()._prepare()
        if self._caller is None:
            self._output.forget()

    def _begin_draining(self, reason: str = "it was drained") -> bool:
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
            self._handle.stop_reason = reason
        return True

    def _play_out(self) -> None:
        if self._caller is not None or not self.active:
            return
        self._output.shut(True)
        try:
            if self._begin_draining("it was stopped"):
                self._output.wait_for_end()
        except StreamStoppedError:
            # The device is gone, or another thread has aborted the stream.
            pass
        finally:
            self._output.shut(False)


class BlockingOutput(Blocking, Output[Written]):
    """The blocking side that plays."""

    def write(self, data: Written, timeout: float | None = None) -> bool:
        """Write all of it, waiting for room where there is none.

        Other Python threads go on meanwhile. If this is not the main thread (which must look after
        Ctrl-C), nothing that Python does can keep the ring from being refilled until everything is
        written, not even a thread that holds the GIL for longer than the ring lasts.

        Before the stream was started, as much can be written as the ring holds.

        :param data: Frames, of the shape (frames, channels) and the stream's dtype, C-contiguous.
            For one channel, the shape (frames,) is taken as well. For a raw stream, a buffer of
            whole frames.
        :param timeout: Seconds to wait at most; forever if not given.
        :returns: *underflowed*: whether silence was played since the previous call because the ring
            was empty, or the device has reported an underflow.
        :raises ValueError: If *data* has another shape.
        :raises TypeError: If *data* has another dtype or is not C-contiguous.
        :raises StreamTimeoutError: If there is still something left to write then.
        :raises StreamStoppedError: If the stream does not run, and so there will be no more room.
        """
        return self._output.write(data, timeout)

    def drain(self, timeout: float | None = None) -> None:
        """Play what is in the ring, then stop.

        As :meth:`stop`, but it is an error if the stream does not run, and there can be a timeout.

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


class AsyncOutput(Async, Output[Written]):
    """The asynchronous side that plays."""

    async def write(self, data: Written, timeout: float | None = None) -> bool:
        """Write all of it, waiting for room where there is none, while other tasks go on.

        Before the stream was started, as much can be written as the ring holds.

        :param data: Frames, of the shape (frames, channels) and the stream's dtype, C-contiguous.
            For one channel, the shape (frames,) is taken as well.
        :param timeout: Seconds to wait at most; forever if not given.
        :returns: *underflowed*: whether silence was played since the previous call because the ring
            was empty, or the device has reported an underflow.
        :raises ValueError: If *data* has another shape.
        :raises TypeError: If *data* has another dtype or is not C-contiguous.
        :raises RuntimeError: If another task is writing.
        :raises StreamTimeoutError: If there is still something left to write then.
        :raises StreamStoppedError: If the stream does not run, and so there will be no more room.
        """
        transfer = await complete(functools.partial(self._output.begin, data, timeout))
        underflowed: bool = transfer.result
        return underflowed

    async def drain(self, timeout: float | None = None) -> None:
        """Play what is in the ring, then stop.

        Other tasks go on, while ``stop()`` keeps the event loop waiting until all is played.

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
