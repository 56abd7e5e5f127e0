"""Streams with rings in an event loop, on the virtual device."""

import asyncio
import contextlib
import sys

import numpy as np
import pytest
from pa_ringbuffer import testing
from pa_ringbuffer.streams import StreamStoppedError, StreamTimeoutError

LONG = 30  # seconds that nothing takes


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, LONG))


def signal(frames):
    """Frames of which no two are equal, and none is silence."""
    return (np.arange(1, 2 * frames + 1) / 2**24).astype("float32").reshape(-1, 2)


def without_silence(frames):
    (sound,) = np.nonzero(frames.any(axis=1))
    return frames[sound[0] : sound[-1] + 1] if len(sound) else frames[:0]


def loopback(**parameters):
    return testing.AsyncStream(loopback=True, **parameters)


async def play_all(stream, sent):
    """Play frames, and silence until the last one has come back."""
    await stream.write(sent)
    await stream.write(np.zeros((2048, 2), "float32"))
    await stream.drain()


@pytest.mark.parametrize("ring_frames", [2048, 65536])
def test_everything_that_is_written_is_played_and_recorded(ring_frames):
    sent = signal(20_000)

    async def main():
        # The smaller ring holds 0.13 s, so that a busy machine loses nothing.
        async with loopback(ring_frames=ring_frames, samplerate=16000) as stream:
            writing = asyncio.ensure_future(play_all(stream, sent))
            received = [(await stream.read(777))[0]]
            # More at once than the smaller ring holds.
            received.append((await stream.read(18_000))[0])
            received += [block async for block in stream.blocks(500)]
            await writing
        return np.concatenate(received), stream.stats

    received, stats = run(main())
    sound = received[received.any(axis=1)]
    # In the right order. The smaller ring is full after 21 ms: if the machine takes longer, frames
    # are lost, but only as many as are counted.
    positions = np.searchsorted(sent[:, 0], sound[:, 0])
    assert (np.diff(positions) > 0).all() and np.array_equal(sound, sent[positions])
    assert len(sent) - len(sound) <= stats.input.lost_frames


def test_blocks_overlap_as_they_should():
    async def main():
        async with loopback() as stream:
            writing = asyncio.ensure_future(play_all(stream, signal(5000)))
            blocks = [block async for block in stream.blocks(300, 100)]
            await writing
        return blocks

    blocks = run(main())
    assert {len(block) for block in blocks[:-1]} == {300}
    whole = np.concatenate([blocks[0], *(block[100:] for block in blocks[1:])])
    assert np.array_equal(without_silence(whole), signal(5000))


def test_the_loop_goes_on_while_a_stream_is_awaited():
    async def main():
        turns = 0

        async def count():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.ensure_future(count())
        async with testing.AsyncInputStream() as stream:
            await stream.read(4800)
        counting.cancel()
        return turns

    assert run(main()) > 10


def test_the_end_of_the_with_statement_waits_for_the_last_frame():
    async def main():
        async with testing.AsyncOutputStream() as stream:
            await stream.write(signal(5000))
        return stream

    stream = run(main())
    assert stream.closed
    assert stream.ring.read_available == 0
    assert stream.stats.frames >= 5000


def test_timeouts_say_what_was_done():
    async def main():
        async with loopback(ring_frames=1024) as stream:
            with pytest.raises(StreamTimeoutError) as error:
                await stream.write(np.zeros((480_000, 2), "float32"), 0.05)
            assert 1024 <= error.value.frames < 480_000
            with pytest.raises(StreamTimeoutError) as error:
                await stream.read(480_000, 0.05)
            assert error.value.frames == len(error.value.data) > 0
            with pytest.raises(StreamTimeoutError, match="frames are left to play"):
                await stream.drain(0)
            await stream.drain()
        with pytest.raises(StreamStoppedError, match="the stream is closed"):
            await stream.drain()

    run(main())


def test_frames_that_came_too_late_can_still_be_read():
    async def main():
        stream = loopback()
        stream.input_ring.write(signal(100))
        with pytest.raises(StreamStoppedError, match="0 of 101 frames"):
            await stream.read(101)
        assert np.array_equal((await stream.read(100))[0], signal(100))
        stream.close()

    run(main())


def test_only_one_task_can_use_a_side():
    async def main():
        async with loopback(ring_frames=1024) as stream:
            writing = asyncio.ensure_future(stream.write(np.zeros((20_000, 2), "float32")))
            reading = asyncio.ensure_future(stream.read(20_000))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="another task is writing"):
                await stream.write(signal(1))
            with pytest.raises(RuntimeError, match="another task is reading"):
                await stream.read(1)
            await writing
            await reading
            await stream.write(signal(1))

    run(main())


def test_a_cancelled_transfer_leaves_a_stream_that_works():
    async def main():
        async with loopback(ring_frames=1024) as stream:
            for transfer in (stream.write(np.zeros((480_000, 2), "float32")), stream.read(480_000)):
                task = asyncio.ensure_future(transfer)
                await asyncio.sleep(0.02)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            await stream.write(signal(10))
            assert len((await stream.read(10))[0]) == 10

    run(main())


class Numbered:
    """Records numbers, as fast as they are read, although the device stands still."""

    def __init__(self):
        self.stream = testing.AsyncInputStream(
            channels=1, dtype="int32", ring_frames=64, blocksize=64
        )
        self.stream._callback.restart()
        self.parts, self.position = [], 0
        self.recording = asyncio.ensure_future(self.record())

    async def record(self):
        while True:
            block = np.arange(self.position, self.position + 40, dtype="int32")
            self.position += self.stream.input_ring.write(block)
            await asyncio.sleep(0)

    def check(self):
        self.recording.cancel()
        self.parts.append(self.stream.read_nowait())
        self.stream.close()
        numbers = np.concatenate(self.parts)[:, 0]
        assert np.array_equal(numbers, np.arange(self.position))


@pytest.mark.parametrize("turns", range(1, 12))
@pytest.mark.parametrize("frames", [10, 500])
def test_a_cancelled_read_leaves_its_frames_to_the_next_one(frames, turns):
    async def main():
        numbered = Numbered()
        stream = numbered.stream
        for _ in range(3):
            task = asyncio.ensure_future(stream.read(frames))
            for _ in range(turns):
                await asyncio.sleep(0.0005)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                numbered.parts.append((await task)[0])
            numbered.parts.append((await stream.read(30))[0])
        numbered.check()

    run(main())


def test_a_read_whose_time_is_over_leaves_its_frames_to_the_next_one():
    async def main():
        numbered = Numbered()
        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(numbered.stream.read(10**7), 0.02)
            assert numbered.stream.read_available > 64
            numbered.parts.append((await numbered.stream.read(100))[0])
        with pytest.raises(StreamTimeoutError) as error:
            await numbered.stream.read(10**7, 0.02)
        numbered.parts.append(error.value.data)
        numbered.check()

    run(main())


def test_blocks_that_are_cancelled_leave_their_frames_to_the_next_ones():
    async def main():
        numbered = Numbered()

        async def collect():
            # Its device stands still, and so there must be something to begin with.
            while not numbered.stream.read_available:
                await asyncio.sleep(0)
            async for block in numbered.stream.blocks(300):
                numbered.parts.append(block)

        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(collect(), 0.02)
        numbered.check()

    run(main())


@pytest.mark.parametrize("how", ["closed", "closed, tasks kept", "collected"])
@pytest.mark.filterwarnings("ignore:.*unclosed event loop:ResourceWarning")
def test_a_loop_that_is_gone_waits_for_nothing(how, collect):
    stream = testing.AsyncStream(ring_frames=64, blocksize=64)
    stream._callback.restart()  # As if it ran.
    tasks = []

    def references():
        return sys.getrefcount(stream._callback)

    before = references()

    async def begin():
        for use in (stream.read(50), stream.write(signal(500)), stream.drain()):
            tasks.append(asyncio.ensure_future(use))
        await asyncio.sleep(0.01)

    loop = asyncio.new_event_loop()
    # Tasks that are destroyed while they wait are not what this is about.
    loop.set_exception_handler(lambda loop, context: None)
    loop.run_until_complete(begin())
    # By coroutines and by three watches.
    waiting = references()
    if how != "collected":
        loop.close()
    if how == "closed, tasks kept":
        assert references() == waiting - 3
    tasks.clear()
    del loop
    collect()
    assert references() == before
    stream.close()


@pytest.mark.filterwarnings("ignore:.*unclosed event loop:ResourceWarning")
def test_a_task_whose_loop_was_closed_leaves_its_side_and_its_frames_to_others():
    stream = testing.AsyncStream(ring_frames=64, blocksize=64)
    stream._callback.restart()  # As if it ran.
    recorded = signal(20)
    stream.input_ring.write(recorded)
    tasks = []

    async def begin():
        for use in (stream.read(100), stream.write(signal(500))):
            tasks.append(asyncio.ensure_future(use))
        await asyncio.sleep(0.01)

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)
    loop.run_until_complete(begin())
    loop.close()
    stream.output_ring.read()

    async def go_on():
        await stream.write(signal(30))
        return (await stream.read(20, LONG))[0]

    assert np.array_equal(run(go_on()), recorded)
    tasks.clear()
    stream.close()


def test_a_stream_that_ends_wakes_whoever_waits():
    async def main():
        stream = loopback(ring_frames=1024)
        async with stream:
            tasks = [
                asyncio.ensure_future(stream.read(10_000_000)),
                asyncio.ensure_future(stream.write(np.zeros((10_000_000, 2), "float32"))),
            ]
            await asyncio.sleep(0.05)
            stream.abort()
            for task in tasks:
                with pytest.raises(StreamStoppedError, match="it was aborted"):
                    await task

    run(main())


def test_a_device_that_stops_by_itself_is_an_error_where_somebody_waits():
    async def main():
        stream = loopback()
        async with stream:
            asyncio.get_running_loop().call_later(0.05, stream._handle.backend.device_itself.stop)
            with pytest.raises(StreamStoppedError, match="it has stopped by itself"):
                async for _ in stream.blocks(100):
                    pass
            stream.abort()

    run(main())


def test_data_of_the_wrong_kind_are_refused():
    async def main():
        stream = loopback()
        with pytest.raises(TypeError, match="not 'float64'"):
            await stream.write(np.zeros((2, 2)))
        with pytest.raises(ValueError, match="blocksize"):
            stream.blocks(0)
        with pytest.raises(ValueError, match="frames must be 0 or more, not -1"):
            await stream.read(-1)
        stream.close()

    run(main())


def test_stop_plays_what_was_written_and_ends_a_write_of_another_task():
    async def main():
        async with loopback(ring_frames=2048, warn=None) as stream:
            writing = asyncio.ensure_future(stream.write(np.ones((10_000_000, 2), "float32")))
            while stream.stats.output.high_water < 2048:
                await asyncio.sleep(0.001)
            stream.stop()
            assert stream.output_ring.read_available == 0
            with pytest.raises(StreamStoppedError, match="it was stopped") as error:
                await writing
            assert 2048 <= error.value.frames < 10_000_000
            assert stream.output_ring.read_available == 0

    run(main())


def test_reads_and_writes_say_whether_something_was_lost():
    async def main():
        async with loopback(ring_frames=1024, warn=None) as stream:
            assert await stream.write(signal(300)) is False
            while not (stream.stats.output.losses and stream.stats.input.losses):
                await asyncio.sleep(0.001)
            data, overflowed = await stream.read(10)
            assert data.shape == (10, 2)
            assert overflowed is True
            assert await stream.write(signal(300)) is True

    run(main())
