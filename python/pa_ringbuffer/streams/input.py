"""The side of a stream that records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .._asyncio import outcome_of
from .base import Async, Base, Blocking, integer
from .errors import StreamStoppedError

if TYPE_CHECKING:
    import numpy.typing as npt


class Blocks:
    """Cuts what was read into blocks that overlap."""

    def __init__(self, blocksize: int, overlap: int) -> None:
        self._step = blocksize - overlap
        self._overlap = overlap
        self.wanted = blocksize
        self._end: npt.NDArray[Any] | None = None

    def next(self, frames: npt.NDArray[Any]) -> npt.NDArray[Any]:
        block = frames
        if self._overlap:
            if self._end is not None:
                block = np.concatenate([self._end, frames])
            # What becomes of the block is up to the user.
            self._end = block[-self._overlap :].copy()
        self.wanted = self._step
        return block

    def rest(self, error: StreamStoppedError, frames: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """What is left after the end of the stream: a shorter block, or none."""
        if error.data is not None and len(error.data):
            frames = np.concatenate([error.data, frames])
        return [self.next(frames)] if len(frames) else []


class Input(Base):
    """The side of a stream that records."""

    @property
    def read_available(self) -> int:
        """Number of frames that can be read without waiting."""
        return self.input_ring.read_available

    def _array(self, data: bytearray) -> npt.NDArray[Any]:
        return np.frombuffer(data, self._dtypes[0]).reshape(-1, self._channels[0])

    def _empty(self, frames: int) -> npt.NDArray[Any]:
        frames = integer(frames, "frames")
        if frames < 0:
            raise ValueError(f"frames must not be negative, not {frames}")
        return np.empty((frames, self._channels[0]), self._dtypes[0])

    def read_nowait(self, frames: int = -1) -> npt.NDArray[Any]:
        """Read what there is, without waiting.

        :param frames: Number of frames at most; all if negative or not given.
        :returns: An array of the shape (frames, channels), with fewer frames than asked for if
            there were not so many.
        """
        self._enter()
        return self._array(self.input_ring.read(frames))

    def peek(self, frames: int = -1) -> npt.NDArray[Any]:
        """Like `read_nowait()`, but the frames can be read once more.

        :param frames: Number of frames at most; all if negative or not given.
        :returns: An array of the shape (frames, channels), oldest frame first.
        """
        self._enter()
        return self._array(self.input_ring.peek(frames))

    def read_latest(self, frames: int) -> npt.NDArray[Any]:
        """Read the newest frames and drop all older ones, without waiting: for meters and plots.

        :param frames: Number of frames at most.
        :returns: An array of the shape (frames, channels), with fewer frames than asked for if
            there were not so many since the last time.
        """
        self._enter()
        return self._array(self.input_ring.read_latest(frames))

    def _block_steps(self, blocksize: int, overlap: int) -> Blocks:
        blocksize, overlap = integer(blocksize, "blocksize"), integer(overlap, "overlap")
        if blocksize < 1:
            raise ValueError(f"blocksize must be a positive number of frames, not {blocksize}")
        if not 0 <= overlap < blocksize:
            raise ValueError(f"overlap must be from 0 to blocksize - 1, not {overlap}")
        if not (self.active or self.read_available):
            self._fail("ended", "nothing was recorded", 0)
        return Blocks(blocksize, overlap)


class BlockingInput(Blocking, Input):
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
        self._enter()
        done = 0

        def step(timeout: float | None) -> str:
            nonlocal done
            count, outcome = self._callback._readinto(array[done:], timeout)
            done += count
            return outcome

        outcome = self._wait(step, timeout)
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

    def _generate(self, steps: Blocks) -> Iterator[npt.NDArray[Any]]:
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


class AsyncInput(Async, Input):
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
        self._enter()
        ring = self.input_ring
        # Frames that fit into the ring all at once stay there if not all of them come.
        chunk = frames if frames <= len(ring) else max(len(ring) // 4, 1)
        done = 0

        async def step(timeout: float | None) -> str:
            nonlocal done
            size = min(frames - done, chunk)
            outcome = await outcome_of(ring, "data", size, timeout, self._callback)
            if outcome == "done" or chunk < frames:
                done += ring.readinto(array[done:])
            return "done" if done == frames else "more" if outcome == "done" else outcome

        self._reading = True
        try:
            outcome = await self._wait_async(step, timeout)
        finally:
            self._reading = False
        if outcome != "done":
            self._fail(outcome, f"{done} of {frames} frames were read", done, array[:done])
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

    async def _generate(self, steps: Blocks) -> AsyncIterator[npt.NDArray[Any]]:
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
