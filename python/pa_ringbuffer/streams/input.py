"""The side of a stream that records."""

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

#: What is read: arrays, or bytearrays.
Read = TypeVar("Read")


class Input(Base, Generic[Read]):
    """The side of a stream that records.

    What a read takes out of the ring belongs to a transfer until it is asked for its ``frames``, or
    its ``result``, as the last thing before the return: Python runs no signal handler in between. A
    read that an exception breaks off before, whatever it is and wherever it comes from, leaves its
    frames to the next one.
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
        """Number of the frame that is read next. The first one that was recorded is 0.

        It grows by what is read, discarded or skipped (by :meth:`read_latest`), with this stream's
        methods or those of its ring. Right after a read it is the number of the frame behind the
        last one that was returned: an array *data* begins with the frame ``read_position -
        len(data)``. Frames that were dropped in an overflow have no numbers.
        """
        return self._input.position

    def input_time(self, frame: int) -> float:
        """When a frame was recorded, in seconds of the stream's clock: see :attr:`time`.

        This is what the device has told for the block that the frame was in. Between blocks, and
        for frames that are still to come, time passes at the *samplerate*.

        :param frame: Number of the frame: see :attr:`read_position`.
        :raises StreamStoppedError: If the frame comes after the last block of a stream that does
            not run.
        :raises RuntimeError: If the stream has been started and the first block is not there yet,
            or if the device tells no times.
        :raises ValueError: If the time is not known any more. Times before the latest 16 gaps in
            the recording are forgotten.
        """
        return self._input.time_of(frame, self.samplerate)

    def read_nowait(self, frames: int = -1) -> Read:
        """Read what there is, without waiting.

        :param frames: Number of frames at most; all if negative or not given.
        :returns: An array of the shape (frames, channels), with fewer frames than asked for if
            there were not so many.
        """
        array: Read = self._input.read_nowait(frames).frames
        return array

    def peek(self, frames: int = -1) -> Read:
        """Like `read_nowait()`, but the frames can be read once more.

        :param frames: Number of frames at most; all if negative or not given.
        :returns: An array of the shape (frames, channels), oldest frame first.
        """
        array: Read = self._input.peek(frames)
        return array

    def read_latest(self, frames: int) -> Read:
        """Read the newest frames and drop all older ones, without waiting: for meters and plots.

        :param frames: Number of frames at most.
        :returns: An array of the shape (frames, channels), with fewer frames than asked for if
            there were not so many since the last time.
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
    """The blocking side that records."""

    def read(self, frames: int, timeout: float | None = None) -> tuple[Read, bool]:
        """Wait for a number of frames and read them.

        Other Python threads go on meanwhile. More frames than the ring holds can be read, too.

        :param frames: Number of frames.
        :param timeout: Seconds to wait at most; forever if not given.
        :returns: A pair: *data*, a new array of the shape (frames, channels), or a bytearray from a
            raw stream; and *overflowed*: whether frames were dropped since the previous call
            because the ring was full, or the device has reported an overflow.
        :raises StreamTimeoutError: If they are not there then. Those that are can be read later,
            or, if more were asked for than the ring holds, are in the error's ``data``.
        :raises StreamStoppedError: If the stream does not run, and so there will not be so many.
            The same holds for those that are there.
        """
        result: tuple[Read, bool] = self._input.read(frames, timeout).result
        return result

    def blocks(self, blocksize: int, overlap: int = 0) -> Iterator[Read]:
        """Go through what is recorded, block by block, until the stream is stopped.

        If it stops by itself, that is an error when everything that was recorded has been read.

        :param blocksize: Frames per block. The last one may be shorter.
        :param overlap: Number of frames at the end of a block that the next one begins with.
        :returns: An iterator over arrays of the shape (blocksize, channels).
        :raises StreamStoppedError: If the stream does not run, or has stopped by itself.
        """
        return self._generate(blocksize, self._begin_blocks(blocksize, overlap))

    def _generate(self, blocksize: int, overlap: Overlap) -> Iterator[Read]:
        while True:
            try:
                block = self._input.read(blocksize, None, overlap, True).frames
            except StreamStoppedError as error:
                if self._callback.finished is None:
                    raise
                # What is left after the end of the stream: a shorter block, or none.
                if self.read_available:
                    yield self._input.read_nowait(-1, overlap).frames
                if self._handle.stop_reason:
                    return
                error.frames, error.data = 0, None
                raise
            yield block


class AsyncInput(Async, Input[Read]):
    """The asynchronous side that records."""

    async def read(self, frames: int, timeout: float | None = None) -> tuple[Read, bool]:
        """Wait for a number of frames, while other tasks go on, and read them.

        More frames than the ring holds can be read, too.

        :param frames: Number of frames.
        :param timeout: Seconds to wait at most; forever if not given.
        :returns: A pair: *data*, a new array of the shape (frames, channels), or a bytearray from a
            raw stream; and *overflowed*: whether frames were dropped since the previous call
            because the ring was full, or the device has reported an overflow.
        :raises RuntimeError: If another task is reading.
        :raises StreamTimeoutError: If they are not there then. Those that are can be read later,
            or, if more were asked for than the ring holds, are in the error's ``data``.
        :raises StreamStoppedError: If the stream does not run, and so there will not be so many.
            The same holds for those that are there.
        """
        transfer = await complete(functools.partial(self._input.begin, frames, timeout))
        result: tuple[Read, bool] = transfer.result
        return result

    def blocks(self, blocksize: int, overlap: int = 0) -> AsyncIterator[Read]:
        """Go through what is recorded, block by block, until the stream is stopped.

        If it stops by itself, that is an error when everything that was recorded has been read.

        :param blocksize: Frames per block. The last one may be shorter.
        :param overlap: Number of frames at the end of a block that the next one begins with.
        :returns: An asynchronous iterator over arrays of the shape (blocksize, channels).
        :raises StreamStoppedError: If the stream does not run, or has stopped by itself.
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
                # What is left after the end of the stream: a shorter block, or none.
                if self.read_available:
                    yield self._input.read_nowait(-1, overlap).frames
                if self._handle.stop_reason:
                    return
                error.frames, error.data = 0, None
                raise
            yield block
