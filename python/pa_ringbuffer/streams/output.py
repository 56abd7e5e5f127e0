"""The output side of a stream."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._asyncio import complete
from .._native import OutputSide
from .base import Async, Base, Blocking
from .errors import StreamStoppedError

if TYPE_CHECKING:
    import numpy.typing as npt

#: The type that a write accepts: arrays, or buffers.
Written = TypeVar("Written")


def as_frames(data: npt.ArrayLike, channels: int, dtype: str) -> npt.NDArray[Any]:
    """Data to write, as array of whole frames."""
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
    """The output side of a stream."""

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
        # Raises an error if a callback writes to the stream.
        _ = self._output.write_nowait
        return self.output_ring.write_available

    @property
    def write_position(self) -> int:
        """Number of the next frame to be written. The first frame ever written is 0.

        It grows by the number of frames that are written, through the stream or through its ring,
        and decreases when frames are dropped before they were played. The silence of an underflow
        has no frame numbers.
        """
        return self._output.position

    def output_time(self, frame: int) -> float:
        """Time at which a frame was or will be heard, in seconds of the stream's clock: see
        :attr:`time`.

        It follows from the time that the device reported for the frame's block. For future frames,
        it advances with the *samplerate*; a frame that is written after its block was due is heard
        later.

        :param frame: Number of the frame: see :attr:`write_position`.
        :raises StreamStoppedError: If the stream is not running and its last block precedes the
            frame.
        :raises RuntimeError: If the stream has been started but the device has not requested a
            block yet, or if the device reports no times.
        :raises ValueError: If the time is no longer known. The stream forgets times before the
            latest 16 gaps in the sound.

        >>> import numpy as np
        >>> from pa_ringbuffer import testing
        >>> stream = testing.OutputStream(48000, channels=1)
        >>> underflowed = stream.write(np.zeros((9600, 1), 'float32'))
        >>> with stream:
        ...     while not stream.stats.blocks:
        ...         testing.sleep(1)
        ...     duration = stream.output_time(9600) - stream.output_time(4800)
        >>> round(duration, 6)
        0.1
        """
        return self._output.time_of(frame, self.samplerate)

    def write_nowait(self, data: Written) -> int:
        """Write as many frames as fit into the ring, without waiting.

        :param data: Frames of shape (frames, channels) and the stream's dtype; for a raw stream, a
            buffer of whole frames.
        :returns: The number of frames written.
        :raises StreamStoppedError: If the stream is closed.

        >>> import numpy as np
        >>> from pa_ringbuffer import testing
        >>> stream = testing.OutputStream(channels=1, ring_frames=512)
        >>> stream.write_nowait(np.zeros((1000, 1), 'float32'))
        512
        """
        written = self._output.write_nowait(data)
        if not written and self.closed:
            raise self._handle.error("finished", "nothing was written")
        return written

    def _prepare(self) -> None:
        super()._prepare()
        if self._caller is None:
            self._output.forget()

    def _begin_draining(self, reason: str = "it was drained") -> bool:
        """Make the callback end the stream after the last frame; return whether it is still
        running."""
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
            # The device has disappeared, or another thread has aborted the stream.
            pass
        finally:
            self._output.shut(self.closed)

    def _end(self, how: str, reason: str, ignore_errors: bool, drop: bool = False) -> None:
        super()._end(how, reason, ignore_errors, drop)
        if how == "close" and self._caller is None:
            # What is written from now on would never be played.
            self._output.shut(True)


class BlockingOutput(Blocking, Output[Written]):
    """Blocking output."""

    def write(self, data: Written, timeout: float | None = None) -> bool:
        """Write all frames, waiting for room if necessary.

        Other Python threads keep running. Except on the main thread (which must handle Ctrl-C),
        Python cannot interrupt the refilling of the ring until everything is written, not even with
        a thread that holds the GIL for longer than the ring lasts.

        Before the stream is started, you can write as many frames as the ring holds.

        :param data: Frames of shape (frames, channels) and the stream's dtype, C-contiguous. Mono
            streams also accept the shape (frames,). For a raw stream, a buffer of whole frames.
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :returns: *underflowed*: whether, since the previous call, silence was played because the
            ring was empty, or the device reported an underflow.
        :raises ValueError: If *data* has another shape.
        :raises TypeError: If *data* has another dtype or is not C-contiguous.
        :raises StreamTimeoutError: If the timeout expires before everything is written.
        :raises StreamStoppedError: If the stream is not running, so that no room will become
            available.

        >>> import numpy as np
        >>> from pa_ringbuffer import testing
        >>> with testing.OutputStream(channels=1) as stream:
        ...     underflowed = stream.write(np.zeros((480, 1), 'float32'))
        """
        return self._output.write(data, timeout)

    def drain(self, timeout: float | None = None) -> None:
        """Play what is in the ring, then stop.

        Unlike :meth:`stop`, this accepts a timeout and raises an error if the stream is not
        running.

        :param timeout: Maximum time to wait, in seconds; no limit if omitted. After it has expired,
            the stream still plays the remaining frames and then stops by itself.
        :raises StreamTimeoutError: If the timeout expires before the stream has stopped.
        :raises StreamStoppedError: If the stream is not running although there are frames to play.

        >>> import numpy as np
        >>> from pa_ringbuffer import testing
        >>> stream = testing.OutputStream(channels=1)
        >>> stream.start()
        >>> underflowed = stream.write(np.zeros((4800, 1), 'float32'))
        >>> stream.drain(timeout=5)
        >>> stream.active
        False
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
    """Asynchronous output."""

    async def write(self, data: Written, timeout: float | None = None) -> bool:
        """Write all frames, waiting for room if necessary, while other tasks run.

        Before the stream is started, you can write as many frames as the ring holds.

        :param data: Frames of shape (frames, channels) and the stream's dtype, C-contiguous. Mono
            streams also accept the shape (frames,).
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :returns: *underflowed*: whether, since the previous call, silence was played because the
            ring was empty, or the device reported an underflow.
        :raises ValueError: If *data* has another shape.
        :raises TypeError: If *data* has another dtype or is not C-contiguous.
        :raises RuntimeError: If another task is writing.
        :raises StreamTimeoutError: If the timeout expires before everything is written.
        :raises StreamStoppedError: If the stream is not running, so that no room will become
            available.

        >>> import asyncio
        >>> import numpy as np
        >>> from pa_ringbuffer import testing
        >>> async def main():
        ...     async with testing.AsyncOutputStream(channels=1) as stream:
        ...         underflowed = await stream.write(np.zeros((480, 1), 'float32'))
        >>> asyncio.run(main())
        """
        transfer = await complete(functools.partial(self._output.begin, data, timeout))
        underflowed: bool = transfer.result
        return underflowed

    async def drain(self, timeout: float | None = None) -> None:
        """Play what is in the ring, then stop.

        Other tasks keep running, whereas ``stop()`` blocks the event loop until everything has been
        played.

        :param timeout: Maximum time to wait, in seconds; no limit if omitted. After it has expired,
            the stream still plays the remaining frames and then stops by itself.
        :raises StreamTimeoutError: If the timeout expires before the stream has stopped.
        :raises StreamStoppedError: If the stream is not running although there are frames to play.

        >>> import asyncio
        >>> import numpy as np
        >>> from pa_ringbuffer import testing
        >>> async def main():
        ...     async with testing.AsyncOutputStream(channels=1) as stream:
        ...         underflowed = await stream.write(np.zeros((4800, 1), 'float32'))
        ...         await stream.drain(timeout=5)
        >>> asyncio.run(main())
        """
        if self._begin_draining():
            await complete(functools.partial(self._output.begin_waiting_for_end, timeout))
            self.stop()

    async def _finish(self) -> None:
        await self.drain()
