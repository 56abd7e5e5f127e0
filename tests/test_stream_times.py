"""Times of a stream's frames, on the virtual device, whose clock counts frames."""

import asyncio
import runpy
import sys
import types
from pathlib import Path

import numpy as np
import pa_ringbuffer
import pytest
from pa_ringbuffer import testing
from pa_ringbuffer.streams import StreamStoppedError, StreamTimeoutError

ROOT = Path(__file__).parents[1]
LONG = 30  # seconds that nothing takes
RATE = 32768  # frames per second: what is divided by it is exact
BLOCK = 256


def silence(frames, channels=1):
    return np.zeros((frames, channels), "float32")


def click(frames):
    """Silence after a click."""
    data = silence(frames)
    data[0] = 1
    return data


def stream_of(class_, **parameters):
    return class_(**{"samplerate": RATE, "blocksize": BLOCK, "channels": 1, **parameters})


def wait_until_heard(stream, frame):
    """Wait until a frame that was written has been played."""
    while stream.write_position - stream.output_ring.read_available <= frame:
        stream.write(silence(BLOCK), LONG)


# Frame numbers.


def test_the_read_position_is_the_number_of_the_frame_behind_those_that_were_read():
    stream = stream_of(testing.Stream, loopback=True)
    ramp = np.arange(RATE, dtype="float32").reshape(-1, 1)
    stream.write(ramp)
    assert stream.read_position == 0

    def check(data):
        assert len(data)
        # What is played is recorded a block later.
        first = stream.read_position - len(data)
        numbers = np.arange(first, first + len(data))
        assert np.array_equal(data[:, 0], np.maximum(numbers - BLOCK, 0))

    with stream:
        check(stream.read(1000, LONG)[0])
        stream.read(0)
        assert stream.read_position == 1000
        stream.peek()
        assert stream.read_position == 1000
        blocks = stream.blocks(500, overlap=200)
        for _ in range(3):
            check(next(blocks))
        assert stream.read_position == 1000 + 500 + 2 * 300
        # Of them, the newest ones.
        while stream.read_available < 1000:
            pass
        check(stream.read_latest(10))
        check(stream.read(100, LONG)[0])
        position = stream.read_position
        while stream.read_available < 300:
            pass
        assert stream.input_ring.discard(100) == 100
        assert len(stream.input_ring.read(100)) == 400
        stream.input_ring.advance_read_index(100)
        assert stream.read_position == position + 300
        check(stream.read(100, LONG)[0])


def test_frames_of_a_read_that_was_broken_off_keep_their_numbers():
    async def main():
        async with stream_of(testing.AsyncStream, loopback=True, ring_frames=1024) as stream:
            reading = asyncio.ensure_future(stream.read(10_000))
            while stream.read_position == 0:
                await asyncio.sleep(0.001)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert stream.read_position == 0
            assert len((await stream.read(500))[0]) == 500
            assert stream.read_position == 500

    asyncio.run(asyncio.wait_for(main(), LONG))


def test_frames_in_an_error_count_as_read():
    with stream_of(testing.InputStream, ring_frames=1024) as stream:
        with pytest.raises(StreamTimeoutError) as caught:
            stream.read(100 * RATE, timeout=0.2)
        assert stream.read_position == caught.value.frames > 0


def test_the_write_position_is_the_number_of_the_frame_that_is_written_next():
    with stream_of(testing.OutputStream) as stream:
        assert stream.write_position == 0
        stream.write(silence(1000))
        assert stream.write_position == 1000
        written = stream.write_nowait(silence(3 * RATE))
        assert stream.write_position == 1000 + written
        stream.write(silence(BLOCK), LONG)
        while stream.write_available < 10:
            pass
        position = stream.write_position
        stream.ring.write(bytes(4 * 10))
        assert stream.write_position == position + 10


# Times.


def test_times_are_computed_from_frames():
    stream = stream_of(testing.Stream, loopback=True)
    stream.write(silence(10 * BLOCK))
    with stream:
        stream.read(4 * BLOCK, LONG)
        # The first block is heard from 0 on, and was recorded before.
        for frame in [0, 1, BLOCK, BLOCK + 1, 5 * BLOCK, 100 * RATE]:
            assert stream.output_time(frame) == frame / RATE
            assert stream.input_time(frame) == (frame - BLOCK) / RATE
        assert stream.input_time(np.int64(7)) == (7 - BLOCK) / RATE
        assert stream.input_time(stream.read_position) <= stream.time
    assert stream.output_time(10 * BLOCK - 1) == (10 * BLOCK - 1) / RATE


@pytest.mark.parametrize("blocksize", [64, 256, 1000, 0])
def test_on_a_cable_a_frame_is_recorded_when_it_is_heard(blocksize):
    stream = stream_of(testing.Stream, loopback=True, blocksize=blocksize)
    stream.write(silence(5000))
    sent = stream.write_position
    stream.write(click(5000))
    with stream:
        data, _ = stream.read(8000, LONG)
    (heard,) = np.nonzero(data[:, 0])
    received = stream.read_position - len(data) + heard[0]
    # Exactly.
    assert stream.input_time(received) == stream.output_time(sent)
    input_latency, output_latency = stream.latency
    assert received - sent == (input_latency + output_latency) * RATE


def test_silence_of_an_underflow_delays_what_comes_after_it():
    with stream_of(testing.OutputStream, ring_seconds=4, warn=None) as stream:
        stream.write(silence(1000))
        while not stream.stats.output.losses:
            pass
        lost = 0
        while stream.stats.output.lost_frames == lost or not lost:
            lost = stream.stats.output.lost_frames
        stream.write(silence(2 * RATE))
        wait_until_heard(stream, 1000)
        lost = stream.stats.output.lost_frames
        begin = stream.output_time(0)
        assert stream.output_time(999) == begin + 999 / RATE
        # At the beginning of a block.
        assert stream.output_time(1000) == begin + (1000 + lost) / RATE
        assert stream.output_time(1001) == begin + (1001 + lost) / RATE
        assert (
            stream.output_time(stream.write_position)
            == begin + (stream.write_position + lost) / RATE
        )


def test_frames_that_are_dropped_in_an_overflow_have_no_numbers():
    with stream_of(testing.InputStream, ring_frames=1024, warn=None) as stream:
        while not stream.stats.input.losses:
            pass
        stream.read(1000)
        later, _ = stream.read(1000, LONG)
        assert stream.read_position == 2000
        assert len(later) == 1000
        begin = stream.input_time(0)
        assert stream.input_time(1023) == begin + 1023 / RATE
        assert stream.input_time(1024) > begin + 1024 / RATE
        assert stream.input_time(1024) * RATE % BLOCK == 0


def test_nothing_is_known_of_a_stream_that_was_not_started():
    stream = stream_of(testing.Stream)
    stream.write(silence(10))
    for time_of in (stream.input_time, stream.output_time):
        with pytest.raises(StreamStoppedError, match=r"call start\(\) first .*the time of frame 3"):
            time_of(3)
    stream.close()


def test_nothing_is_known_before_the_first_block():
    # The first call comes after some minutes.
    stream = stream_of(testing.InputStream, jitter=3600)
    text = r"of frame 0 is not known yet: .*wait for the first"
    with stream, pytest.raises(RuntimeError, match=text):
        stream.input_time(0)


def test_what_was_played_and_recorded_has_its_time_when_the_stream_has_stopped():
    stream = stream_of(testing.Stream)
    stream.write(silence(4 * BLOCK))
    stream.start()
    stream.read(BLOCK, LONG)
    stream.drain(LONG)
    recorded = stream.read_position + stream.read_available
    assert stream.output_time(4 * BLOCK - 1) == (4 * BLOCK - 1) / RATE
    assert stream.input_time(recorded - 1) == (recorded - 1 - BLOCK) / RATE
    for time_of, frame in [
        (stream.input_time, recorded),
        (stream.output_time, 4 * BLOCK),
    ]:
        with pytest.raises(StreamStoppedError, match=f"frame {frame} is not known: the stream end"):
            time_of(frame)
    stream.close()
    assert stream.output_time(0) == 0


def test_times_are_forgotten_rather_than_wrong():
    stream = stream_of(testing.InputStream)
    firsts = []
    for _ in range(18):
        stream.start()
        firsts.append(stream.read_position + stream.read_available)
        position = stream.stats.frames
        while stream.stats.frames == position:
            pass
        stream.stop()
    begin = stream.input_time(firsts[-1])
    assert begin > stream.input_time(firsts[2])
    with pytest.raises(ValueError, match="of frame 0 is not known any more"):
        stream.input_time(0)
    stream.close()


@pytest.mark.parametrize(
    ("frame", "error", "text"),
    [
        (-1, ValueError, "frame must be 0 or more, not -1"),
        (1.5, TypeError, "frame must be an integer, not float"),
        ("1", TypeError, "frame must be an integer, not str"),
    ],
)
def test_what_is_no_frame_number_is_refused(frame, error, text):
    with stream_of(testing.Stream) as stream:
        for time_of in (stream.input_time, stream.output_time):
            with pytest.raises(error, match=text):
                time_of(frame)


def test_a_direction_that_a_stream_does_not_have_has_no_times():
    with stream_of(testing.OutputStream) as stream:
        for name in ("input_time", "read_position"):
            with pytest.raises(AttributeError, match=f"'OutputStream' object .*'{name}'"):
                getattr(stream, name)
    with stream_of(testing.InputStream) as stream:
        for name in ("output_time", "write_position"):
            with pytest.raises(AttributeError, match=f"'InputStream' object .*'{name}'"):
                getattr(stream, name)


def test_the_callback_tells_where_its_latest_block_is():
    rings = [pa_ringbuffer.RingBuffer(4, 4096) for _ in range(2)]
    callback = pa_ringbuffer.StreamCallback(*rings)
    rings[1].write(bytes(4 * 1000))
    assert callback._block_times() is None
    device = testing.VirtualDevice(callback, channels=1, samplerate=RATE, blocksize=BLOCK)
    device.run(3 * BLOCK)
    time = 2 * BLOCK / RATE
    expected = (3, 2 * BLOCK, time - BLOCK / RATE, 2 * BLOCK, time, time)
    assert callback._block_times() == expected
    device.close()


# Alignment.


@pytest.mark.parametrize("ahead", [RATE, RATE + 1000])
def test_in_a_duplex_stream_the_delay_is_what_was_written_before_the_start(ahead):
    stream = stream_of(testing.Stream, loopback=True, ring_seconds=4)
    stream.write(click(ahead))
    echo = []
    with stream:
        blocks = stream.blocks(128)
        while stream.read_position < 2 * ahead + 3 * BLOCK:
            echo.append(next(blocks))
            stream.write(echo[-1])
        assert stream.stats.losses == 0
        delay = stream.output_time(ahead + 5000) - stream.input_time(5000)
    # What the program adds, and the device's.
    assert delay == (ahead + BLOCK) / RATE
    (heard,) = np.nonzero(np.concatenate(echo)[:, 0])
    assert heard.tolist()[:2] == [BLOCK, BLOCK + ahead + BLOCK]


@pytest.mark.parametrize(
    ("before", "written_before_the_start", "added"),
    [(0, True, 256), (1, False, 512), (3, False, 1024)],
)
def test_what_is_written_ahead_after_the_start_adds_the_blocks_that_have_gone_by(
    before, written_before_the_start, added
):
    input_ring, output_ring = (pa_ringbuffer.RingBuffer(4, 4096) for _ in range(2))
    callback = pa_ringbuffer.StreamCallback(input_ring, output_ring)
    # As a stream has it when it is started.
    callback.mode = "start"
    device = testing.VirtualDevice(callback, channels=1, samplerate=RATE, blocksize=BLOCK)
    if written_before_the_start:
        output_ring.write(bytes(4 * 256))
    device.run(before * BLOCK)
    if not written_before_the_start:
        output_ring.write(bytes(4 * 256))
    for _ in range(8):
        output_ring.write(input_ring.read())
        device.run(BLOCK)
    assert callback.counters["output_underflows"] == 0
    _, input_frame, recorded, output_frame, heard, _ = callback._block_times()
    # The frame that is recorded as the nth is heard as the (n + 256)th.
    seconds = heard + (input_frame + 256 - output_frame) / RATE - recorded
    assert seconds * RATE - BLOCK == added
    device.close()


def test_the_example_of_a_duplex_stream_writes_ahead_before_the_start():
    text = (ROOT / "docs/streams.md").read_text(encoding="utf-8")
    section = text.partition("## Both at once")[2]
    program = section.partition("```python\n")[2].partition("```")[0]
    assert "import Stream\n" in program
    ahead = []

    class Enough(Exception):
        pass

    class Stream(testing.Stream):
        def start(self):
            ahead.append(self.write_position)
            super().start()

        def write(self, data, timeout=None):
            if self.read_position > 10 * BLOCK:
                raise Enough
            return super().write(data, timeout)

    program = program.replace("from pa_ringbuffer.sounddevice import Stream\n", "")
    with pytest.raises(Enough):
        exec(program, {"Stream": Stream, "numpy": np})
    assert ahead == [1024]


def test_the_metronome_clicks_at_exact_frames(monkeypatch, capsys):
    heard = []

    class OutputStream(testing.Stream):
        """Records what it plays."""

        def __init__(self, samplerate, *, device, channels, ring_seconds):
            assert ring_seconds < 1
            super().__init__(samplerate, channels=channels, loopback=True, ring_seconds=8)

        def close(self, ignore_errors=True):
            if not self.closed:
                heard.append(self.read_nowait())
            super().close(ignore_errors)

    ours = types.SimpleNamespace(OutputStream=OutputStream)
    theirs = types.SimpleNamespace(PortAudioError=OSError, query_devices=str)
    monkeypatch.setitem(sys.modules, "pa_ringbuffer.sounddevice", ours)
    monkeypatch.setitem(sys.modules, "sounddevice", theirs)
    arguments = ["metronome.py", "-r", "44100", "--tempo", "170", "--beats", "6", "--bar", "3"]
    monkeypatch.setattr(sys, "argv", arguments)
    runpy.run_path(str(ROOT / "examples/metronome.py"), run_name="__main__")
    begins = [round(n * 60 / 170 * 44100) for n in range(6)]
    (loud,) = np.nonzero(heard[0][:, 0])
    # The first sample of a sine is 0, and each click is shorter than a beat.
    clicks = loud[np.flatnonzero(np.diff(loud, prepend=-10_000) > 10_000)] - 1
    assert (clicks - clicks[0]).tolist() == begins
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"{n % 3 + 1}  frame {begin}" for n, begin in enumerate(begins)
    ]
    times = [float(line.split()[3]) for line in lines]
    expected = [times[0] + begin / 44100 for begin in begins]
    assert times == pytest.approx(expected, abs=0.0011)
