"""The input side of a stream."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from .._asyncio import complete
from .._native import InputSide
from .arguments import integer
from .base import Async, Base, Blocking
from .errors import StreamStoppedError

if TYPE_CHECKING:
    from .._native import Overlap

#: The type that a read returns: arrays, or bytearrays.
Read = TypeVar("Read")


class Input(Base, Generic[Read]):
    """The input side of a stream.

    Frames that a read takes out of the ring belong to a transfer until the read asks for its
    ``frames`` or ``result``. That is the last operation before the return, and Python runs no
    signal handler in between. If an exception of whatever origin interrupts the read earlier, its
    frames go to the next read.
    """

    _input: InputSide

    def _open_input(self, channels: int, dtype: str) -> None:
        if self._raw:
            self._input = InputSide(self._callback, self._handle, None, channels, dtype, None)
        else:
            import numpy as np

            self._input = InputSide(
                self._callback, self._handle, np.empty, channels, dtype, np.dtype(dtype)
            )

    def _prepare(self) -> None:
        super()._prepare()
        if self._caller is None:
            self._input.forget()

    @property
    def read_available(self) -> int:
        """Number of frames that can be read without waiting."""
        return self._input.available

    @property
    def read_position(self) -> int:
        """Number of the next frame to be read. The first frame that was recorded is 0.

        It grows by the number of frames that are read, discarded or skipped (by
        :meth:`read_latest`), through the stream or through its ring. Right after a read that
        returned *data*, the first frame of *data* has the number ``read_position - len(data)``.
        Frames that were dropped in an overflow have no numbers.
        """
        return self._input.position

    def input_time(self, frame: int) -> float:
        """Time at which a frame was recorded, in seconds of the stream's clock: see :attr:`time`.

        It follows from the time that the device reported for the frame's block. Between blocks, and
        for future frames, it advances with the *samplerate*.

        :param frame: Number of the frame: see :attr:`read_position`.
        :raises StreamStoppedError: If the stream is not running and its last block precedes the
            frame.
        :raises RuntimeError: If the stream has been started but the device has not delivered a
            block yet, or if the device reports no times.
        :raises ValueError: If the time is no longer known. The stream forgets times before the
            latest 16 gaps in the recording.

        >>> from pa_ringbuffer import testing
        >>> with testing.InputStream(48000, channels=1) as stream:
        ...     data, overflowed = stream.read(480)
        ...     duration = stream.input_time(stream.read_position) - stream.input_time(0)
        >>> round(duration, 6)
        0.01
        """
        return self._input.time_of(frame, self.samplerate)

    def read_nowait(self, frames: int = -1) -> Read:
        """Read the available frames, without waiting.

        :param frames: Maximum number of frames; no limit if negative or omitted.
        :returns: An array of shape (frames, channels); it is shorter if fewer frames are available.

        >>> from pa_ringbuffer import testing
        >>> stream = testing.InputStream(channels=2)
        >>> stream.read_nowait().shape
        (0, 2)
        """
        array: Read = self._input.read_nowait(frames).frames
        return array

    def peek(self, frames: int = -1) -> Read:
        """Like `read_nowait()`, but leave the frames in the ring.

        :param frames: Maximum number of frames; no limit if negative or omitted.
        :returns: An array of shape (frames, channels), oldest frame first.

        >>> from pa_ringbuffer import testing
        >>> with testing.InputStream(channels=1) as stream:
        ...     data, overflowed = stream.read(480)
        ...     next_frames = stream.peek(480)
        ...     position = stream.read_position
        >>> position
        480
        """
        array: Read = self._input.peek(frames)
        return array

    def read_latest(self, frames: int) -> Read:
        """Read the newest frames and drop all older ones, without waiting: for meters and plots.

        :param frames: Maximum number of frames.
        :returns: An array of shape (frames, channels); it is shorter if fewer frames have arrived
            since the last read.

        >>> from pa_ringbuffer import testing
        >>> with testing.InputStream(channels=1) as stream:
        ...     data, overflowed = stream.read(4800)
        ...     level = abs(stream.read_latest(480)).max(initial=0)
        """
        array: Read = self._input.read_latest(frames).frames
        return array

    def _begin_blocks(self, blocksize: int, overlap: int) -> Overlap:
        blocksize, overlap = integer(blocksize, "blocksize"), integer(overlap, "overlap")
        if blocksize < 1:
            raise ValueError(f"blocksize must be a positive number of frames, not {blocksize}")
        if not 0 <= overlap < blocksize:
            raise ValueError(f"overlap must be from 0 to blocksize - 1, not {overlap}")
        if not (self.active or self.read_available):
            raise self._handle.error("finished", "nothing was recorded")
        return self._input.overlap(overlap)


class BlockingInput(Blocking, Input[Read]):
    """Blocking input."""

    def read(self, frames: int, timeout: float | None = None) -> tuple[Read, bool]:
        """Wait for a number of frames and read them.

        Other Python threads keep running. The number may exceed the ring's size.

        :param frames: Number of frames.
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :returns: A pair. *data* is a new array of shape (frames, channels), or a bytearray from a
            raw stream. *overflowed* tells whether, since the previous call, frames were dropped
            because the ring was full, or the device reported an overflow.
        :raises StreamTimeoutError: If the timeout expires first. The frames that have arrived stay
            in the ring for a later read or, if the request exceeds the ring's size, are in the
            error's ``data``.
        :raises StreamStoppedError: If the stream is not running and too few frames are left. The
            same applies to these frames.

        >>> from pa_ringbuffer import testing
        >>> with testing.InputStream(channels=1) as stream:
        ...     data, overflowed = stream.read(480)
        >>> data.shape
        (480, 1)
        """
        result: tuple[Read, bool] = self._input.read(frames, timeout).result
        return result

    def blocks(self, blocksize: int, overlap: int = 0) -> Iterator[Read]:
        """Iterate over the recording, block by block, until the stream is stopped.

        If the stream stops by itself, the iterator raises an error after the last recorded frame.

        :param blocksize: Frames per block. The last block may be shorter.
        :param overlap: Number of frames that each block repeats from the end of the previous one.
        :returns: An iterator over arrays of shape (blocksize, channels).
        :raises StreamStoppedError: If the stream is not running, or has stopped by itself.

        >>> from pa_ringbuffer import testing
        >>> with testing.InputStream(channels=1) as stream:
        ...     for block in stream.blocks(480):
        ...         if stream.read_position >= 4800:
        ...             break
        """
        return self._generate(blocksize, self._begin_blocks(blocksize, overlap))

    def _generate(self, blocksize: int, overlap: Overlap) -> Iterator[Read]:
        while True:
            try:
                block = self._input.read(blocksize, None, overlap, True).frames
            except StreamStoppedError as error:
                if self._callback.finished is None:
                    raise
                # The rest after the end of the stream: a shorter block, or nothing.
                if self.read_available:
                    yield self._input.read_nowait(-1, overlap).frames
                if self._handle.stop_reason:
                    return
                error.frames, error.data = 0, None
                raise
            yield block


class AsyncInput(Async, Input[Read]):
    """Asynchronous input."""

    async def read(self, frames: int, timeout: float | None = None) -> tuple[Read, bool]:
        """Wait for a number of frames, while other tasks run, and read them.

        The number may exceed the ring's size.

        :param frames: Number of frames.
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :returns: A pair. *data* is a new array of shape (frames, channels), or a bytearray from a
            raw stream. *overflowed* tells whether, since the previous call, frames were dropped
            because the ring was full, or the device reported an overflow.
        :raises RuntimeError: If another task is reading.
        :raises StreamTimeoutError: If the timeout expires first. The frames that have arrived stay
            in the ring for a later read or, if the request exceeds the ring's size, are in the
            error's ``data``.
        :raises StreamStoppedError: If the stream is not running and too few frames are left. The
            same applies to these frames.

        >>> import asyncio
        >>> from pa_ringbuffer import testing
        >>> async def main():
        ...     async with testing.AsyncInputStream(channels=1) as stream:
        ...         data, overflowed = await stream.read(480)
        ...     return data.shape
        >>> asyncio.run(main())
        (480, 1)
        """
        transfer = await complete(functools.partial(self._input.begin, frames, timeout))
        result: tuple[Read, bool] = transfer.result
        return result

    def blocks(self, blocksize: int, overlap: int = 0) -> AsyncIterator[Read]:
        """Iterate over the recording, block by block, until the stream is stopped.

        If the stream stops by itself, the iterator raises an error after the last recorded frame.

        :param blocksize: Frames per block. The last block may be shorter.
        :param overlap: Number of frames that each block repeats from the end of the previous one.
        :returns: An asynchronous iterator over arrays of shape (blocksize, channels).
        :raises StreamStoppedError: If the stream is not running, or has stopped by itself.

        >>> import asyncio
        >>> from pa_ringbuffer import testing
        >>> async def main():
        ...     async with testing.AsyncInputStream(channels=1) as stream:
        ...         async for block in stream.blocks(480):
        ...             if stream.read_position >= 4800:
        ...                 break
        >>> asyncio.run(main())
        """
        return self._generate(blocksize, self._begin_blocks(blocksize, overlap))

    async def _generate(self, blocksize: int, overlap: Overlap) -> AsyncIterator[Read]:
        begin = functools.partial(self._input.begin, blocksize, None, overlap, True)
        while True:
            try:
                block = (await complete(begin)).frames
            except StreamStoppedError as error:
                if self._callback.finished is None:
                    raise
                # The rest after the end of the stream: a shorter block, or nothing.
                if self.read_available:
                    yield self._input.read_nowait(-1, overlap).frames
                if self._handle.stop_reason:
                    return
                error.frames, error.data = 0, None
                raise
            yield block
