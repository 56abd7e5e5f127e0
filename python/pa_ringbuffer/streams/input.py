"""The side of a stream that records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from .._asyncio import outcome_of
from .._native import Progress
from .base import Async, Base, Blocking, Claim, integer
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


def _as_it_is(frames: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return frames


class Reading:
    """What one read has taken out of the ring so far."""

    __slots__ = ("array", "progress", "rest")

    def __init__(self, array: npt.NDArray[Any], ready: int = 0) -> None:
        self.array = array
        #: Native code counts in it what it puts into the array, before anything can go wrong.
        self.progress = Progress(ready)
        #: What an earlier read has left and this one does not take.
        self.rest: Reading | None = None

    @property
    def frames(self) -> npt.NDArray[Any]:
        return self.array[: self.progress.done]


class Input(Base):
    """The side of a stream that records.

    What a read takes out of the ring is in ``_unread`` until it is returned: a read that an
    exception breaks off, whatever it is and wherever it comes from, leaves its frames there to the
    next one. From the assignment by which a read drops them to its ``return``, nothing is called,
    and so nothing is raised.
    """

    _unread: Reading | None = None

    @property
    def read_available(self) -> int:
        """Number of frames that can be read without waiting."""
        left = 0 if "input" in self._claims else self._left_count()
        return left + self.input_ring.read_available

    def _array(self, data: bytearray) -> npt.NDArray[Any]:
        return np.frombuffer(data, self._dtypes[0]).reshape(-1, self._channels[0])

    def _left_count(self) -> int:
        """How much a read that was broken off has left."""
        unread = self._unread
        return 0 if unread is None else unread.progress.done

    def _begin_reading(self, frames: int) -> Reading:
        array = np.empty((frames, self._channels[0]), self._dtypes[0])
        unread = self._unread
        if unread is None:
            reading = Reading(array)
        else:
            left = unread.frames
            ready = min(len(left), frames)
            array[:ready] = left[:ready]
            reading = Reading(array, ready)
            if ready < len(left):
                reading.rest = Reading(left[ready:], len(left) - ready)
                return reading
        self._unread = reading
        return reading

    def _incomplete(self, reading: Reading, outcome: str, is_whole: bool) -> Exception:
        """The error for a read that has ended too early, with what it has read."""
        # What fits into the ring all at once can still be read.
        data = reading.array[:0] if is_whole else reading.frames
        so_far = f"{len(data)} of {len(reading.array)} frames were read"
        return self._error(outcome, so_far, len(data), data)

    def _read_now(
        self,
        frames: int,
        make: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] = _as_it_is,
        newest: bool = False,
    ) -> npt.NDArray[Any]:
        """Return what is made of frames that are there: at most so many, or all if negative."""
        mine = Claim()
        try:
            self._claim("input", mine, "reading from")
            there = self._left_count() + self.input_ring.read_available
            if not 0 <= frames < there:
                frames = there
            elif newest:
                self._drop(there - frames)
            reading = self._begin_reading(frames)
            outcome = self._callback._readinto(reading.array, reading.progress, False, 0.0)
            result = make(reading.array if outcome == "done" else reading.frames)
            self._unread = reading.rest
            return result
        finally:
            if "input" in self._claims and self._claims["input"] is mine:
                del self._claims["input"]

    def _drop(self, frames: int) -> None:
        """Drop the oldest frames."""
        unread = self._unread
        if unread is not None:
            left = unread.frames[frames:]
            frames -= unread.progress.done - len(left)
            self._unread = Reading(left, len(left))
        self.input_ring.advance_read_index(frames)

    def read_nowait(self, frames: int = -1) -> npt.NDArray[Any]:
        """Read what there is, without waiting.

        :param frames: Number of frames at most; all if negative or not given.
        :returns: An array of the shape (frames, channels), with fewer frames than asked for if
            there were not so many.
        """
        frames = integer(frames, "frames")
        self._enter()
        return self._read_now(frames)

    def peek(self, frames: int = -1) -> npt.NDArray[Any]:
        """Like `read_nowait()`, but the frames can be read once more.

        :param frames: Number of frames at most; all if negative or not given.
        :returns: An array of the shape (frames, channels), oldest frame first.
        """
        frames = integer(frames, "frames")
        self._enter()
        mine = Claim()
        try:
            self._claim("input", mine, "reading from")
            unread = self._unread
            if unread is None:
                return self._array(self.input_ring.peek(frames))
            left = unread.frames
            if frames >= 0:
                left = left[:frames]
                frames -= len(left)
            return np.concatenate([left, self._array(self.input_ring.peek(frames))])
        finally:
            if "input" in self._claims and self._claims["input"] is mine:
                del self._claims["input"]

    def read_latest(self, frames: int) -> npt.NDArray[Any]:
        """Read the newest frames and drop all older ones, without waiting: for meters and plots.

        :param frames: Number of frames at most.
        :returns: An array of the shape (frames, channels), with fewer frames than asked for if
            there were not so many since the last time.
        """
        frames = self._count(frames)
        self._enter()
        return self._read_now(frames, newest=True)

    def _count(self, frames: int) -> int:
        frames = integer(frames, "frames")
        if frames < 0:
            raise ValueError(f"frames must not be negative, not {frames}")
        return frames

    def _block_steps(self, blocksize: int, overlap: int) -> Blocks:
        blocksize, overlap = integer(blocksize, "blocksize"), integer(overlap, "overlap")
        if blocksize < 1:
            raise ValueError(f"blocksize must be a positive number of frames, not {blocksize}")
        if not 0 <= overlap < blocksize:
            raise ValueError(f"overlap must be from 0 to blocksize - 1, not {overlap}")
        if not (self.active or self.read_available):
            raise self._error("ended", "nothing was recorded", 0)
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
        return self._read(self._count(frames), timeout)

    def _read(
        self,
        frames: int,
        timeout: float | None = None,
        make: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] = _as_it_is,
        keep: bool = False,
    ) -> npt.NDArray[Any]:
        """Return what is made of frames; if `keep`, leave them where they are if it fails."""
        self._enter()
        is_whole = frames <= len(self.input_ring)
        mine = Claim()
        try:
            self._claim("input", mine, "reading from")
            reading = self._begin_reading(frames)

            def step(timeout: float | None) -> str:
                return self._callback._readinto(reading.array, reading.progress, is_whole, timeout)

            outcome = self._wait(step, timeout)
            if outcome != "done":
                error = self._incomplete(reading, outcome, is_whole)
                if not (is_whole or keep):
                    self._unread = None
                raise error
            result = make(reading.array)
            self._unread = reading.rest
            return result
        finally:
            if "input" in self._claims and self._claims["input"] is mine:
                del self._claims["input"]

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
                block = self._read(steps.wanted, None, steps.next, keep=True)
            except StreamStoppedError as error:
                if self._callback.ended is None:
                    raise
                # What is left after the end of the stream: a shorter block, or none.
                if self.read_available:
                    yield self._read_now(-1, steps.next)
                if self._handle.stop_reason:
                    return
                error.frames, error.data = 0, None
                raise
            yield block


class AsyncInput(Async, Input):
    """The asynchronous side that records."""

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
        return await self._read(self._count(frames), timeout)

    async def _read(
        self,
        frames: int,
        timeout: float | None = None,
        make: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] = _as_it_is,
        keep: bool = False,
    ) -> npt.NDArray[Any]:
        """Return what is made of frames; if `keep`, leave them where they are if it fails."""
        self._enter()
        ring = self.input_ring
        is_whole = frames <= len(ring)
        chunk = max(len(ring) // 4, 1)
        mine = Claim(is_task=True)
        try:
            self._claim("input", mine, "reading from")
            reading = self._begin_reading(frames)

            async def step(timeout: float | None) -> str:
                missing = frames - reading.progress.done
                size = missing if is_whole else min(missing, chunk)
                outcome = await outcome_of(ring, "consumer", size, timeout, self._callback)
                if outcome == "done" or not is_whole:
                    self._callback._readinto(reading.array, reading.progress, is_whole, 0.0)
                if reading.progress.done == frames:
                    return "done"
                return "more" if outcome == "done" else outcome

            outcome = await self._wait_async(step, timeout)
            if outcome != "done":
                error = self._incomplete(reading, outcome, is_whole)
                if not (is_whole or keep):
                    self._unread = None
                raise error
            result = make(reading.array)
            self._unread = reading.rest
            return result
        finally:
            if "input" in self._claims and self._claims["input"] is mine:
                del self._claims["input"]

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
                block = await self._read(steps.wanted, None, steps.next, keep=True)
            except StreamStoppedError as error:
                if self._callback.ended is None:
                    raise
                # What is left after the end of the stream: a shorter block, or none.
                if self.read_available:
                    yield self._read_now(-1, steps.next)
                if self._handle.stop_reason:
                    return
                error.frames, error.data = 0, None
                raise
            yield block
