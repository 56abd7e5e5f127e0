"""Streams with rings, on the virtual device: they play all written frames, and record them."""

import gc
import logging
import os
import re
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from gil import hold_gil
from pa_ringbuffer import testing
from pa_ringbuffer.streams import StreamStoppedError, StreamTimeoutError

LONG = 30  # seconds that nothing takes


def signal(frames, channels=2, dtype="float32"):
    """Frames of which no two are equal, and none is silence."""
    numbers = np.arange(1, frames * channels + 1)
    if dtype == "float32":
        return (numbers / 2**24).astype(dtype).reshape(-1, channels)
    return (numbers % 126 + 1).astype(dtype).reshape(-1, channels)


def without_silence(frames, dtype="float32"):
    """Frames from the first to the last one that is not silence."""
    silence = 128 if dtype == "uint8" else 0
    (sound,) = np.nonzero((frames != silence).any(axis=1))
    return frames[sound[0] : sound[-1] + 1] if len(sound) else frames[:0]


def loopback(**parameters):
    """A stream that records what it plays, one block later."""
    if "ring_frames" not in parameters:
        parameters.setdefault("ring_seconds", 0.2)
    return testing.Stream(loopback=True, **parameters)


def play_all(stream, sent):
    """Play frames, and silence until the last one has come back."""
    stream.write(sent)
    stream.write(np.zeros((2048, *sent.shape[1:]), sent.dtype))
    stream.drain(LONG)


def holding_still(**parameters):
    """A stream that is open and does not run, with a ring of 1024 frames."""
    return testing.Stream(ring_frames=1024, **parameters)


# Writing and reading.


@pytest.mark.parametrize("blocksize", [64, 256, 1000, 0])
@pytest.mark.parametrize("dtype", ["float32", "int32", "int16", "int8"])
def test_everything_that_is_written_is_played_and_recorded(dtype, blocksize):
    sent = signal(20_000, 2, dtype)
    received = []
    with loopback(dtype=dtype, blocksize=blocksize, ring_seconds=1) as stream:
        stream.write(sent[:7000])
        for start in range(7000, len(sent), 999):
            stream.write(sent[start : start + 999])
        play_all(stream, sent[:0])
        received = stream.read_nowait()
    received = without_silence(received)
    assert received.dtype == dtype
    assert np.array_equal(received, sent)
    assert stream.stats.losses == 0


def test_more_than_the_rings_hold_can_be_written_and_read_at_once():
    sent = signal(40_000)
    with loopback(ring_frames=2048, warn=None) as stream:
        # Longer than what is read, so that the ring does not run empty before.
        writer = threading.Thread(target=stream.write, args=(np.append(sent, 0 * sent, axis=0),))
        writer.start()
        received, _ = stream.read(41_000, LONG)
        stats = stream.stats
        writer.join()
    assert len(stream.output_ring) == 2048
    assert received.shape == (41_000, 2)
    sound = received[received.any(axis=1)]
    # Where the machine has no time for this program, there are gaps, and they are counted.
    positions = np.rint(sound[:, 0] * 2**23 - 0.5).astype(int)
    assert (np.diff(positions) > 0).all()
    assert np.array_equal(sound, sent[positions])
    before = int(received.any(axis=1).argmax())
    lost = stats.output.lost_frames + stats.input.lost_frames
    assert len(sent) - len(sound) <= before + lost


def test_one_channel_can_be_a_plain_array():
    sent = signal(3000, 1)
    with loopback(channels=1) as stream:
        play_all(stream, sent[:, 0])
        received = stream.read_nowait()
    assert received.shape[1] == 1
    assert np.array_equal(without_silence(received), sent)


def test_directions_can_have_different_numbers_of_channels():
    stream = testing.Stream(channels=(1, 3), ring_frames=1024)
    with stream:
        stream.write(signal(100, 3))
        assert stream.read(10, LONG)[0].shape == (10, 1)
    assert stream.channels == (1, 3)


def test_silence_of_unsigned_samples_is_128():
    with loopback(dtype="uint8", channels=1) as stream:
        recorded, _ = stream.read(2000, LONG)
    # One block of zeros is on the virtual device's cable.
    assert set(recorded[256:, 0]) == {128}


def test_a_ring_can_be_filled_before_the_start_and_not_overfilled():
    stream = holding_still()
    with stream:
        stream.stop()
        stream.write(signal(1000))
        with pytest.raises(StreamStoppedError, match="24 of 30 frames were written") as error:
            stream.write(signal(30), LONG)
        assert error.value.frames == 24
        assert stream.write_available == 0
        stream.start()
    stream = holding_still()
    with pytest.raises(StreamStoppedError, match=r"call start\(\) first .*1024 of 2000"):
        stream.write(signal(2000))
    stream.close()


def test_nothing_waits_that_is_not_to():
    stream = holding_still()
    assert stream.write_nowait(signal(1000)) == 1000
    assert stream.write_nowait(signal(1000)) == 24
    assert stream.write_nowait(signal(1)) == 0
    assert stream.read_nowait().shape == (0, 2)
    assert stream.read_nowait(5).shape == (0, 2)
    assert (stream.write_available, stream.read_available) == (0, 0)
    stream.close()


def test_a_timeout_says_how_much_was_written():
    with testing.OutputStream(ring_frames=4096, jitter=0.002) as stream:
        with pytest.raises(StreamTimeoutError) as error:
            stream.write(np.zeros((480_000, 2), "float32"), timeout=0.05)
        assert 4096 <= error.value.frames < 480_000
        assert f"{error.value.frames} of 480000 frames were written" in str(error.value)
        assert isinstance(error.value, TimeoutError)
        stream.abort()
    assert stream.ring.read_available == 0


def test_frames_that_came_too_late_can_still_be_read():
    stream = holding_still()
    stream.input_ring.write(signal(100))
    stream._callback.restart()  # As if it ran, with a device that takes its time.
    for timeout in (0, 0.01):
        with pytest.raises(StreamTimeoutError, match="0 of 101 frames were read") as error:
            stream.read(101, timeout)
        assert len(error.value.data) == 0
    assert np.array_equal(stream.read(100, 0)[0], signal(100))
    stream.close()


def test_a_long_read_that_fails_gives_what_it_has():
    with loopback(ring_frames=1024) as stream:
        with pytest.raises(StreamTimeoutError) as error:
            stream.read(480_000, 0.1)
        assert error.value.frames == len(error.value.data)
    stream = holding_still()
    stream.input_ring.write(signal(1000))
    with pytest.raises(StreamStoppedError, match="1000 of 5000") as error:
        stream.read(5000)
    assert np.array_equal(error.value.data, signal(1000))
    stream.close()


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.zeros((4, 3), "float32"), ValueError, r"shape \(frames, 2\).*not \(4, 3\)"),
        (np.zeros(4, "float32"), ValueError, r"shape \(frames, 2\).*not \(4,\)"),
        (np.zeros((2, 4), "float32"), ValueError, r"not \(2, 4\); use .*\(data.T"),
        (np.zeros((1, 4, 2), "float32"), ValueError, r"not \(1, 4, 2\)"),
        (np.float32(1), ValueError, r"not \(\)"),
        (np.zeros((4, 2)), TypeError, "dtype 'float32', not 'float64'"),
        (np.zeros((4, 2), "int16"), TypeError, "dtype 'float32', not 'int16'"),
        (np.zeros((4, 2), ">f4"), TypeError, "dtype 'float32', not '>f4'"),
        ([[0.5, 0.5]], TypeError, "dtype 'float32', not 'float64'"),
        (np.zeros((4, 4), "float32")[:, ::2], TypeError, "C-contiguous .interleaved."),
        (np.zeros((2, 4), "float32").T, TypeError, "C-contiguous .interleaved."),
        (None, TypeError, "not 'object'"),
        ("abc", TypeError, "not '<U3'"),
    ],
)
def test_data_of_the_wrong_kind_are_refused(data, error, message):
    stream = holding_still()
    for write in (stream.write, stream.write_nowait):
        with pytest.raises(error, match=message):
            write(data)
    assert stream.output_ring.read_available == 0
    stream.close()


def test_numbers_of_frames_are_checked():
    stream = holding_still()
    with pytest.raises(ValueError, match="frames must be 0 or more, not -1"):
        stream.read(-1)
    with pytest.raises(TypeError, match=r"frames must be an integer, not float"):
        stream.read(1.5)
    with pytest.raises(TypeError, match="blocksize must be an integer, not str"):
        stream.blocks("1")
    with pytest.raises(TypeError, match="timeout must be a number of seconds, not str"):
        stream.read(1, "soon")
    with pytest.raises(TypeError, match="timeout must be a number of seconds"):
        stream.write(signal(1), [1])
    with pytest.raises(TypeError):
        stream.read_nowait("2")
    with pytest.raises(ValueError, match="timeout"):
        stream.read(1, float("nan"))
    stream.close()


def test_a_second_thread_on_the_same_side_is_refused():
    with loopback(ring_frames=1024) as stream:
        started = threading.Event()

        def write():
            started.set()
            stream.write(np.zeros((48_000, 2), "float32"))

        writer = threading.Thread(target=write)
        writer.start()
        started.wait()
        time.sleep(0.05)
        for use in (
            lambda: stream.write(signal(1)),
            lambda: stream.write_nowait(signal(1)),
            lambda: stream.output_ring.write(signal(1)),
            lambda: stream.output_ring.get_write_buffers(1),
            lambda: stream.output_ring.advance_write_index(1),
            lambda: stream.output_ring.flush(),
        ):
            with pytest.raises(RuntimeError, match="another thread is writing to this "):
                use()
        assert len(stream.read(10, LONG)[0]) == 10, "the other side is free"
        writer.join()
        stream.write(signal(1))


# Parameters and names.

DIRECTIONS = ["Output", "Input", ""]
CLASSES = [f"{prefix}{name}Stream" for prefix in ("", "Async") for name in DIRECTIONS]


@pytest.mark.parametrize("name", [name for name in CLASSES if name.startswith("Async")])
def test_a_callback_is_refused_with_what_to_use_instead(name):
    with pytest.raises(TypeError, match=f"^{name} takes no callback.*use {name[5:]}"):
        getattr(testing, name)(callback=print)
    getattr(testing, name)(callback=None).close()


@pytest.mark.parametrize("name", CLASSES)
def test_virtual_streams_take_what_only_concerns_a_sound_card(name):
    stream = getattr(testing, name)(
        device=3,
        latency="low",
        extra_settings=object(),
        clip_off=True,
        dither_off=True,
        never_drop_input=True,
        prime_output_buffers_using_stream_callback=True,
    )
    both = name in ("Stream", "AsyncStream")
    assert stream.device == (("virtual", "virtual") if both else "virtual")
    stream.close()


def test_testing_has_what_streams_return_and_raise():
    assert testing.StreamTimeoutError is StreamTimeoutError
    assert testing.StreamStoppedError is StreamStoppedError
    with testing.OutputStream() as stream:
        assert isinstance(stream.stats, testing.Stats)
        assert isinstance(stream.stats.output, testing.RingStats)


def test_a_long_write_goes_on_while_another_thread_holds_the_gil():
    with testing.OutputStream(ring_frames=8192) as stream:  # 0.17 s
        writer = threading.Thread(target=stream.write, args=(signal(100_000),))
        writer.start()
        time.sleep(0.1)
        before = stream.stats.frames
        hold_gil(1.0)
        stats = stream.stats
        # Otherwise it would have shown nothing.
        assert stats.frames - before > 3 * 8192
        assert stats.losses == 0
        writer.join()


# From start to end.


def test_the_end_of_the_with_statement_waits_for_the_last_frame():
    sent = signal(5000)
    stream = loopback()
    with stream:
        assert stream.active
        stream.write(sent)
    assert stream.closed
    assert not stream.active
    assert stream.output_ring.read_available == 0
    assert stream.stats.frames >= 5000
    # The last block has just been played, and did not come back.
    received = without_silence(stream.read_nowait())
    assert np.array_equal(received, sent[: len(received)])
    assert len(received) > 5000 - 2 * 256


def test_exit_without_arguments_is_the_end_of_a_with_statement():
    stream = testing.OutputStream(channels=1)
    stream.__enter__()
    stream.write(np.zeros((4800, 1), "float32"))
    stream.__exit__()
    assert stream.closed
    assert stream.stats.output.fill == 0


def test_an_error_in_the_with_statement_ends_it_at_once():
    stream = loopback(ring_seconds=10)
    with pytest.raises(ZeroDivisionError), stream:
        stream.write(np.zeros((400_000, 2), "float32"))
        raise ZeroDivisionError
    assert stream.closed
    assert stream.output_ring.read_available > 100_000


def test_a_drained_stream_can_be_started_again():
    stream = loopback()
    stream.start()
    for _ in range(3):
        stream.start()  # Does nothing.
        play_all(stream, signal(3000))
        assert stream.stopped
        assert not stream.active
        stream.drain(LONG)  # There is nothing left.
        assert np.array_equal(without_silence(stream.read_nowait()), signal(3000))
        stream.start()
    assert stream.stats.losses == 0
    stream.close()


def test_draining_has_a_timeout_and_goes_on_after_it():
    with testing.OutputStream(ring_seconds=2) as stream:
        stream.write(np.zeros((24_000, 2), "float32"))
        with pytest.raises(StreamTimeoutError, match="frames are left to play"):
            stream.drain(0.01)
        stream.drain(LONG)
        assert stream.output_ring.read_available == 0


def test_a_stream_that_does_not_run_cannot_be_drained():
    stream = holding_still()
    stream.drain()  # There is nothing to play.
    stream.write(signal(7))
    with pytest.raises(StreamStoppedError, match=r"call start\(\) first \(7 frames are left"):
        stream.drain()
    stream.close()


def test_stop_plays_what_was_written_and_waits_for_it():
    sent = signal(10_000)
    with loopback(ring_seconds=1) as stream:
        stream.write(np.append(sent, np.zeros((512, 2), "float32"), axis=0))
        stream.stop()
        assert stream.stopped
        assert not stream.active
        assert stream.output_ring.read_available == 0
        # It can still be read.
        assert np.array_equal(without_silence(stream.read_nowait()), sent)
        stream.stop()
    assert stream.stats.losses == 0


def test_abort_drops_what_was_written():
    with loopback(ring_seconds=1) as stream:
        stream.write(signal(40_000))
        stream.abort()
        assert stream.output_ring.read_available == 0
        stream.start()
        play_all(stream, signal(100))
        heard = without_silence(stream.read_nowait())
        # A block or two that the device had already played come back through its cable.
        assert heard.any(axis=1).sum() <= 100 + 2 * stream.blocksize
        assert np.array_equal(heard[-100:], signal(100))


def test_a_stream_that_is_started_again_returns_no_sound_of_before():
    with loopback() as stream:
        play_all(stream, signal(1000))
        assert stream.read_available
        stream.start()
        received, overflowed = stream.read(3000, LONG)
        assert not received.any()
        assert not overflowed


@pytest.mark.parametrize("how", ["stop", "abort"])
def test_what_is_written_to_a_stopped_stream_is_played_after_the_start(how):
    with loopback() as stream:
        getattr(stream, how)()
        stream.write(signal(1000))
        getattr(stream, how)()
        stream.start()
        play_all(stream, signal(0))
        assert np.array_equal(without_silence(stream.read_nowait()), signal(1000))


def test_stop_ends_a_write_of_another_thread():
    errors = []

    def write():
        try:
            stream.write(np.ones((10_000_000, 2), "float32"))
        except StreamStoppedError as error:
            errors.append(error)

    with testing.OutputStream(ring_frames=2048, warn=None) as stream:
        writer = threading.Thread(target=write)
        writer.start()
        while stream.stats.output.high_water < 2048:
            time.sleep(0.01)
        stream.stop()
        writer.join(LONG)
        (error,) = errors
        assert "it was stopped" in str(error)
        assert 2048 <= error.frames < 10_000_000
        assert stream.output_ring.read_available == 0


def test_the_finished_callback_is_called_after_stop_and_abort():
    for how in ("stop", "abort", "close"):
        finished = threading.Event()
        stream = testing.OutputStream(finished_callback=finished.set)
        stream.start()
        stream.write(signal(1000))
        assert not finished.is_set()
        getattr(stream, how)()
        assert finished.wait(LONG)
        assert not stream.active
        stream.close()


def test_a_loop_while_a_stream_is_active_ends_when_another_thread_stops_it():
    with testing.OutputStream() as stream:
        stopper = threading.Timer(0.05, stream.stop)
        stopper.start()
        while stream.active:
            stream.write_nowait(signal(100))
            time.sleep(0.001)
        stopper.join()
        assert stream.stopped


# What read() and write() return.


def test_read_says_once_that_the_ring_was_full():
    with testing.InputStream(ring_frames=1024, warn=None) as stream:
        while not stream.stats.input.losses:
            time.sleep(0.01)
        # Neither of these tells.
        stream.read_nowait(1)
        next(stream.blocks(1))
        data, overflowed = stream.read(1, LONG)
        assert data.shape == (1, 2)
        assert overflowed is True
    with testing.Stream(warn=None, ring_seconds=2 * LONG) as stream:
        assert stream.read(100, LONG)[1] is False
        stream.xrun("output_underflow")
        assert stream.read(stream.read_available + 1000, LONG)[1] is False
        stream.xrun("input_overflow")
        assert stream.read(stream.read_available + 1000, LONG)[1] is True
        assert stream.read(stream.read_available + 1000, LONG)[1] is False


def test_write_says_once_that_the_ring_was_empty():
    with testing.OutputStream(warn=None, ring_seconds=1) as stream:
        assert stream.write(signal(1000)) is False
        while not stream.stats.output.losses:
            time.sleep(0.01)
        stream.write_nowait(signal(10_000))
        assert stream.write(signal(24_000)) is True
        assert stream.write(signal(1000)) is False
        stream.xrun("output_underflow")
        while not stream.stats.device["output_underflow"]:
            time.sleep(0.001)
        assert stream.write(signal(1000)) is True
        assert stream.write(signal(1000)) is False


def test_what_was_lost_before_a_start_is_not_told_after_it():
    with testing.Stream(ring_frames=1024, warn=None) as stream:
        stream.write(signal(300))
        while not stream.stats.input.losses or not stream.stats.output.losses:
            time.sleep(0.01)
        stream.stop()
        stream.start()
        assert stream.write(signal(300)) is False
        assert stream.read(10, LONG)[1] is False


def test_a_read_that_times_out_leaves_the_flag_to_the_next_one():
    with testing.InputStream(ring_frames=1024, warn=None) as stream:
        while not stream.stats.input.losses:
            time.sleep(0.01)
        stream.stop()
        with pytest.raises(StreamStoppedError):
            stream.read(1025)
        # Those frames are in the error. So that there are others:
        stream.ring.write(signal(10))
        assert stream.read(10)[1] is True


# Raw streams.


@pytest.mark.parametrize("dtype", ["float32", "int32", "int24", "int16", "int8"])
def test_raw_streams_play_and_record_buffers(dtype):
    size = {"float32": 4, "int32": 4, "int24": 3, "int16": 2, "int8": 1}[dtype]
    frame = 2 * size
    sent = bytes(n % 255 + 1 for n in range(3000 * frame))
    with testing.RawStream(dtype=dtype, loopback=True) as stream:
        assert stream.samplesize == (size, size)
        assert stream.dtype == (dtype, dtype)
        assert stream.write(sent[: 1000 * frame]) is False
        stream.write(bytearray(sent[1000 * frame : 2000 * frame]))
        stream.write(memoryview(sent)[2000 * frame :])
        assert stream.write_nowait(bytes(2048 * frame)) == 2048
        data, overflowed = stream.read(10, LONG)
        assert type(data) is bytearray
        assert (len(data), overflowed) == (10 * frame, False)
        assert type(stream.peek(3)) is bytearray
        block = next(stream.blocks(64))
        stream.stop()
        rest = stream.read_nowait()
    received = bytes(data + block + rest)
    assert received.lstrip(bytes(1)).rstrip(bytes(1)) == sent


def test_raw_streams_take_any_contiguous_buffer_of_whole_frames():
    stream = testing.RawOutputStream(ring_frames=1024, dtype="int16")
    for data in (b"", bytes(4), np.zeros((3, 2), "int16"), np.zeros(8, "float64")):
        stream.write(data)
    assert stream.ring.read_available == 0 + 1 + 3 + 16
    for data, error, message in (
        (bytes(5), ValueError, "whole frames of 2 channels, 2 bytes each.*not 5 bytes"),
        (bytes(6), ValueError, "whole frames"),
        (np.zeros((4, 4), "int16")[:, ::2], (ValueError, BufferError), "contiguous"),
        ([0, 0, 0, 0], TypeError, "data must be a buffer .* not list"),
        ("abcd", TypeError, "not str"),
        (None, TypeError, "not NoneType"),
    ):
        for write in (stream.write, stream.write_nowait):
            with pytest.raises(error, match=message):
                write(data)
    assert stream.ring.read_available == 20
    stream.close()


def test_a_raw_read_that_fails_gives_what_it_has():
    stream = testing.RawInputStream(ring_frames=1024, channels=1, dtype="int24")
    stream.ring.write(bytes(range(30)))
    with pytest.raises(StreamStoppedError) as error:
        stream.read(2000)
    assert (error.value.frames, error.value.data) == (10, bytearray(range(30)))
    stream.ring.write(bytes(range(30)))
    assert stream.read_latest(2) == bytes(range(24, 30))
    with pytest.raises((MemoryError, OverflowError)):
        stream.read(2**62)
    stream.close()


def test_raw_streams_need_no_numpy(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError('no', name='numpy')")
    program = (
        "from pa_ringbuffer import testing\n"
        "with testing.RawStream(dtype='int24', loopback=True) as stream:\n"
        "    stream.write(bytes(6000))\n"
        "    print(len(stream.read(100)[0]))\n"
        "try:\n"
        "    testing.InputStream()\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stdout.splitlines() == [
        "600",
        "InputStream needs numpy: pip install numpy; RawInputStream does not need it",
    ], result.stderr


# What arrays are taken, as by sounddevice.


def test_one_channel_of_an_array_must_be_made_contiguous():
    stream = testing.OutputStream(channels=1, ring_frames=1024)
    block = signal(10)
    with pytest.raises(TypeError, match="C-contiguous"):
        stream.write(block[:, :1])
    with pytest.raises(TypeError, match="C-contiguous"):
        stream.write(block[:, 0])
    stream.write(np.ascontiguousarray(block[:, :1]))
    stream.write(np.float32(1))
    stream.write(np.zeros((4, 1), "float32", order="F"))
    stream.write(np.zeros((0, 1), "float32"))
    with pytest.raises(ValueError, match="shape"):
        stream.write(np.zeros((1, 1, 1), "float32"))
    assert stream.ring.read_available == 15
    stream.close()


# Rings and blocks.


@pytest.mark.parametrize("given", [{"ring_frames": 64}, {"ring_seconds": 64 / 48000}])
def test_a_ring_that_is_smaller_than_a_block_is_refused_with_both_numbers(given):
    (name,) = given
    with pytest.raises(ValueError, match=rf"{name} must be .* 1000 frames.* 64 frames"):
        testing.OutputStream(blocksize=1000, **given)


def test_a_ring_of_the_usual_size_is_enlarged_for_large_blocks():
    stream = testing.OutputStream(blocksize=100_000)
    assert len(stream.ring) == 131_072
    stream.close()


def test_a_ring_that_turns_out_smaller_than_a_block_is_an_error_with_both_numbers():
    with testing.OutputStream(blocksize=0, ring_frames=16, warn=None) as stream:
        with pytest.raises(ValueError, match=r"the device's blocks have up to \d+ frames.* 16"):
            for _ in range(1000):
                stream.write(signal(100), LONG)
        stream.abort()


def test_a_warning_about_losses_in_too_small_a_ring_has_both_numbers():
    texts = []
    with testing.OutputStream(blocksize=0, ring_frames=16, warn=texts.append) as stream:
        # In one call, so that no later one can raise an error.
        stream.write(signal(10_000), LONG)
    assert re.search(
        r"the device's blocks have up to \d+ frames.* only 16.*ring_frames=", texts[-1]
    )


# What a stream says about itself.


def test_repr_says_device_rate_channels_fill_and_state():
    stream = testing.Stream(ring_frames=1024, channels=(1, 2), dtype="int16")
    stream.write(signal(100, 2, "int16"))
    text = (
        "<Stream: device 'virtual', 48000 Hz, channels (1, 2), dtype ('int16', 'int16'), "
        "input ring 0 of 1024 frames, output ring 100 of 1024 frames, not started>"
    )
    assert repr(stream) == text
    stream.start()
    assert repr(stream).endswith("active>")
    stream.stop()
    assert repr(stream).endswith("stopped>")
    stream.close()
    assert repr(stream).endswith("closed>")
    assert repr(object.__new__(testing.Stream)) == "<Stream: not opened>"
    with testing.OutputStream(on_underflow="stop", warn=None) as stream:
        stream.write(signal(300))
        while stream.active:
            time.sleep(0.001)
        assert repr(stream).endswith("finished (underflow)>")


@pytest.mark.parametrize("name", ["InputStream", "RawStream", "AsyncOutputStream"])
def test_an_unknown_argument_is_an_error_of_the_class_that_was_called(name):
    with pytest.raises(
        TypeError, match=rf"^{name}\(\) .*unexpected keyword argument 'ringseconds'"
    ):
        getattr(testing, name)(ringseconds=1)
    with pytest.raises(TypeError, match=rf"^{name}\(\) too many positional"):
        getattr(testing, name)(*[None] * 14)


def test_closed_streams_refuse_work_and_give_what_they_have_recorded():
    stream = loopback()
    with stream:
        stream.write(signal(2000))
        stream.read(500, LONG)
    stream.close()
    stream.close()
    # As in sounddevice.
    stream.stop()
    stream.abort()
    for use in (
        stream.start,
        stream.drain,
        lambda: stream.stop(ignore_errors=False),
        lambda: stream.abort(ignore_errors=False),
    ):
        with pytest.raises(StreamStoppedError, match="the stream is closed"):
            use()
    for use in (lambda: stream.time, lambda: stream.cpu_load):
        with pytest.raises(StreamStoppedError, match="the stream is closed"):
            use()
    assert len(stream.read_nowait()) > 0
    for use in (
        lambda: stream.read(10),
        lambda: stream.write(signal(10)),
        lambda: stream.write_nowait(signal(10)),
    ):
        with pytest.raises(StreamStoppedError, match="it was closed"):
            use()
    assert not stream.active
    assert stream.stopped


def test_properties_are_those_of_sounddevice():
    with testing.Stream(samplerate=8000, blocksize=100, channels=(1, 2), dtype="int16") as stream:
        assert stream.samplerate == 8000
        assert stream.blocksize == 100
        assert stream.channels == (1, 2)
        assert stream.dtype == ("int16", "int16")
        assert stream.samplesize == (2, 2)
        assert stream.latency == (100 / 8000, 0)
        stream.read(100, LONG)
        assert stream.time >= 100 / 8000
        assert stream.cpu_load >= 0
        assert stream.device is not None
    assert len(stream.input_ring) == 8192, "one second, as a power of 2"


def test_a_stream_with_one_direction_has_one_ring():
    stream = testing.OutputStream(ring_frames=100, blocksize=100)
    assert stream.ring is stream.output_ring
    assert len(stream.ring) == 128
    with pytest.raises(AttributeError, match="no input ring"):
        _ = stream.input_ring
    assert not hasattr(stream, "read")
    stream.close()
    stream = testing.InputStream(ring_seconds=0.01)
    assert stream.ring is stream.input_ring
    assert len(stream.ring) == 512
    assert not hasattr(stream, "write")
    stream.close()
    stream = holding_still()
    with pytest.raises(AttributeError, match="use input_ring or output_ring"):
        _ = stream.ring
    stream.close()


def test_rings_can_be_used_without_copies():
    with loopback() as stream:
        count, first, _ = stream.output_ring.get_write_buffers(512)
        np.frombuffer(first, "float32")[:] = signal(512).ravel()
        stream.output_ring.advance_write_index(count)
        play_all(stream, signal(0))
        assert np.array_equal(without_silence(stream.read_nowait()), signal(512))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"ring_seconds": 1, "ring_frames": 1}, TypeError, "either ring_seconds or ring_frames"),
        ({"ring_seconds": 0}, ValueError, "ring_seconds must be .* of seconds, not 0"),
        ({"ring_seconds": -1}, ValueError, "ring_seconds"),
        ({"ring_seconds": float("inf")}, ValueError, "ring_seconds"),
        ({"ring_seconds": float("nan")}, ValueError, "ring_seconds"),
        ({"ring_frames": 0}, ValueError, "ring_frames must be a positive number of frames, not 0"),
        ({"ring_frames": 1.5}, TypeError, "ring_frames must be an integer, not float"),
        ({"ring_seconds": "1"}, TypeError, "ring_seconds must be a number of seconds, not str"),
        ({"ring_frames": 2**70}, (OverflowError, MemoryError), None),
        ({"dtype": "int24"}, ValueError, "int24.*use int32"),
        ({"dtype": "float64"}, ValueError, "float64"),
        ({"on_underflow": "drop"}, ValueError, "on_underflow must be 'silence' or 'stop', not"),
        ({"on_overflow": "silence"}, ValueError, "on_overflow must be 'drop' or 'stop', not"),
        ({"callback": 1}, TypeError, "callback must be a function or None, not 1"),
        ({"warn": 1}, TypeError, "warn must be a function of a text, or None, not 1"),
        ({"finished_callback": 1}, TypeError, "finished_callback must be a function .*, not 1"),
        ({"channels": (1, 2), "loopback": True}, ValueError, "loopback"),
        ({"samplerate": 0}, ValueError, "sample rate|samplerate"),
    ],
)
def test_wrong_parameters_are_refused(parameters, error, message):
    with pytest.raises(error, match=message):
        testing.Stream(**parameters)


class Raising:
    """A number whose value cannot be had."""

    def __init__(self, error):
        self._error = error

    def __index__(self):
        raise self._error

    __float__ = __index__


@pytest.mark.parametrize("error", [KeyboardInterrupt, TypeError("inside"), MemoryError])
def test_what_goes_wrong_in_an_argument_is_not_called_something_else(error):
    stream = holding_still()
    number = Raising(error)
    for use in (
        lambda: stream.read(number),
        lambda: stream.read(1, number),
        lambda: stream.read_nowait(number),
        lambda: stream.read_latest(number),
        lambda: stream.peek(number),
        lambda: stream.blocks(number),
        lambda: stream.blocks(10, number),
        lambda: stream.write(signal(1), number),
        lambda: testing.Stream(ring_frames=number),
        lambda: testing.Stream(ring_seconds=number),
    ):
        with pytest.raises(error if isinstance(error, type) else type(error)) as raised:
            use()
        assert str(raised.value) in ("", "inside")
    stream.close()


# Frames of a read that was broken off.


def left_by_a_read():
    """A stream with 100 frames that an interrupted read has left, and 30 more in the ring."""
    stream = testing.Stream(ring_frames=64, blocksize=64, warn=None)
    sent = signal(130)
    stream._callback.restart()  # As if it ran.
    stream.input_ring.write(sent[:64])

    # What a task that reads does, step by step, until it is cancelled.
    transfer = stream._input.begin(1000)
    for part in (sent[64:100], sent[100:]):
        assert transfer.step()
        stream.input_ring.write(part)
    transfer.give_up()
    return stream, sent


def test_frames_of_a_broken_off_read_are_read_by_the_next_one():
    stream, sent = left_by_a_read()
    assert stream.read_available == 130
    assert np.array_equal(stream.read(40)[0], sent[:40])
    assert stream.read_available == 90
    assert np.array_equal(stream.read(90)[0], sent[40:])
    assert stream.read_available == 0
    stream.close()


@pytest.mark.parametrize("size", [0, 10, 100, 110, 130, 1000, -1])
def test_frames_of_a_broken_off_read_are_read_without_waiting(size):
    stream, sent = left_by_a_read()
    expected = sent if size < 0 else sent[:size]
    assert np.array_equal(stream.peek(size), expected)
    assert np.array_equal(stream.peek(), sent)
    assert np.array_equal(stream.read_nowait(size), expected)
    assert np.array_equal(stream.read_nowait(), sent[len(expected) :])
    stream.close()


@pytest.mark.parametrize("size", [0, 10, 30, 50, 130, 1000])
def test_frames_of_a_broken_off_read_are_among_the_newest(size):
    stream, sent = left_by_a_read()
    assert np.array_equal(stream.read_latest(size), sent[max(130 - size, 0) :])
    assert stream.read_available == 0
    stream.close()


def test_frames_of_a_broken_off_read_are_in_the_first_blocks():
    stream, sent = left_by_a_read()
    blocks = stream.blocks(40, 10)
    assert np.array_equal(next(blocks), sent[:40])
    assert np.array_equal(next(blocks), sent[30:70])
    blocks.close()
    stream.close()
    rest = list(stream.blocks(50))
    assert np.array_equal(np.concatenate(rest), sent[70:])
    assert [len(block) for block in rest] == [50, 10]


def test_frames_in_an_error_are_not_given_again():
    stream, sent = left_by_a_read()
    with pytest.raises(StreamTimeoutError, match="130 of 140 frames") as error:
        stream.read(140, 0)
    assert np.array_equal(error.value.data, sent)
    assert stream.read_available == 0
    stream.close()


def test_a_timeout_of_a_short_read_leaves_frames_of_a_broken_off_one():
    stream, sent = left_by_a_read()
    assert np.array_equal(stream.read(90)[0], sent[:90])
    with pytest.raises(StreamTimeoutError, match="0 of 60 frames") as error:
        stream.read(60, 0)
    assert len(error.value.data) == 0
    assert np.array_equal(stream.read(40)[0], sent[90:])
    stream.close()


def test_an_error_of_warn_loses_no_frames():
    told = []

    def warn(text):
        told.append(text)
        if len(told) > 1:
            raise ZeroDivisionError

    stream = testing.Stream(ring_frames=256, warn=warn)
    stream.input_ring.write(signal(256))
    device = stream._handle.backend.device_itself
    stream._callback.restart()
    stream._callback.mode = "run"
    for _ in range(2):
        device.run(256)
        assert stream.write_available
    assert len(told) == 0
    stream.write_nowait(signal(1))
    assert len(told) == 1
    device.run(256)
    # Too early for the next report, but an error does not wait.
    with pytest.raises(ZeroDivisionError):
        stream.read(1000, 0)
    assert stream.read_available == 256
    assert np.array_equal(stream.read_nowait(), signal(256))
    stream.close()


# Blocks.


def blocks_of(stream, sent, *arguments):
    """All blocks of a stream that plays and records something, up to its end."""
    blocks = []
    reader = threading.Thread(target=lambda: blocks.extend(stream.blocks(*arguments)))
    with stream:
        reader.start()
        play_all(stream, sent)
        reader.join(LONG)
    assert not reader.is_alive()
    return blocks


def test_blocks_are_all_that_was_recorded():
    sent = signal(10_000)
    blocks = blocks_of(loopback(), sent, 300)
    assert {len(block) for block in blocks[:-1]} == {300}
    assert 0 < len(blocks[-1]) <= 300
    assert np.array_equal(without_silence(np.concatenate(blocks)), sent)


def test_blocks_overlap_as_they_should():
    sent = signal(10_000)
    blocks = blocks_of(loopback(), sent, 300, 100)
    assert {len(block) for block in blocks[:-1]} == {300}
    for one, next_one in zip(blocks, blocks[1:]):
        assert np.array_equal(one[200:], next_one[:100])
    whole = np.concatenate([blocks[0], *(block[100:] for block in blocks[1:])])
    assert np.array_equal(without_silence(whole), sent)


def test_blocks_are_new_arrays():
    with loopback() as stream:
        iterator = stream.blocks(64, 32)
        first = next(iterator)
        first[:] = 7
        kept = first.copy()
        second = next(iterator)
        assert np.array_equal(first, kept)
        # What the user does with a block is not seen in the next one.
        assert not second.any()


def test_blocks_need_a_stream_that_runs():
    stream = holding_still()
    with pytest.raises(StreamStoppedError, match=r"call start\(\) first"):
        stream.blocks(10)
    for blocksize, overlap, message in ((0, 0, "blocksize"), (10, 10, "overlap"), (10, -1, "over")):
        with pytest.raises(ValueError, match=message):
            stream.blocks(blocksize, overlap)
    stream.close()


def test_the_newest_frames_are_for_meters():
    stream = holding_still()
    stream.input_ring.write(signal(1000))
    assert np.array_equal(stream.peek(10), signal(10))
    assert np.array_equal(stream.peek(), signal(1000))
    assert np.array_equal(stream.read_latest(10), signal(1000)[-10:])
    assert stream.read_latest(10).shape == (0, 2)
    stream.close()


# Losses.


def test_an_underflow_is_silence_and_counted():
    stream = loopback(warn=None, blocksize=100)
    with stream:
        stream.write(signal(150))
        # Silence before that is no loss.
        while (stats := stream.stats).output.losses < 10:
            stream.read(100, LONG)
    assert stats.output.lost_frames == 100 * stats.output.losses - 50
    assert stats.output.low_water == 0
    assert stats.output.high_water == 150
    assert stats.losses == stats.output.losses


def test_an_overflow_drops_what_does_not_fit_and_is_counted():
    stream = loopback(warn=None, ring_frames=1024, blocksize=100)
    stream.write(signal(1024))
    with stream:
        while stream.stats.input.losses < 2:
            time.sleep(0.01)
        stats = stream.stats
        recorded = stream.read_nowait()
    assert stats.input.fill == stats.input.high_water == stats.input.size == 1024
    assert stats.input.lost_frames == stats.frames - 1024
    assert np.array_equal(without_silence(recorded), signal(1024)[: 1024 - 100])


def test_nothing_written_yet_is_no_underflow():
    with loopback() as stream:
        stream.read(5000, LONG)
        stream.write(signal(5000))
        stream.drain(LONG)
    assert stream.stats.losses == 0


def test_an_underflow_can_stop_the_stream():
    with loopback(on_underflow="stop", warn=None) as stream:
        stream.write(signal(1000))
        with pytest.raises(StreamStoppedError, match="it stopped on an underflow"):
            stream.read(48_000, LONG)
        assert not stream.active
        with pytest.raises(StreamStoppedError, match="it stopped on an underflow"):
            stream.write(np.zeros((48_000, 2), "float32"))


def test_an_overflow_can_stop_the_stream_with_all_blocks_before_it():
    stream = loopback(on_overflow="stop", ring_frames=1024, warn=None)
    stream.write(signal(1024))
    with stream:
        while stream.active:
            time.sleep(0.01)
        blocks = []
        with pytest.raises(StreamStoppedError, match="it stopped on an overflow"):
            for block in stream.blocks(100):
                blocks.append(block)
        recorded = np.concatenate(blocks)
        assert len(recorded) == 1024
        assert np.array_equal(recorded[256:], signal(1024)[:768])


def test_reports_of_the_device_are_counted():
    # In a ring of that length, there is room for all that comes while reading does not time out.
    with loopback(warn=None, ring_seconds=2 * LONG) as stream:
        for kind in ("output_underflow", "input_overflow"):
            stream.xrun(kind)
            # What was recorded before, and the next blocks.
            stream.read(stream.read_available + 1000, LONG)
        stats = stream.stats
    assert stats.device == {
        "input_underflow": 0,
        "input_overflow": 1,
        "output_underflow": 1,
        "output_overflow": 0,
    }
    assert stats.losses == 0
    assert "1 input overflow, 1 output underflow" in repr(stats)


def test_stats_can_be_read_by_people():
    with loopback(ring_frames=1024, blocksize=64) as stream:
        stream.write(signal(1000))
        # Until the callback has seen what was written.
        while not (stats := stream.stats).output.high_water:
            stream.read(64, LONG)
        text = repr(stats)
    assert re.fullmatch(
        r"<Stats: \d+ blocks? of 64 frames, \d+\.\d\d s; "
        r"input: \d+ overflows? \(\d+ frames?\), ring of 1024 frames \d+ % full, "
        r"\d+ % to \d+ % before; "
        r"output: \d+ underflows? \(\d+ frames?\), ring of 1024 frames \d+ % full, "
        r"\d+ % to \d+ % before; "
        r"device: no xruns>",
        text,
    )


def test_losses_are_told_by_the_thread_that_uses_the_stream(caplog):
    told = []
    with loopback(warn=lambda text: told.append((text, threading.get_ident()))) as stream:
        stream.write(signal(300))
        while not told:
            stream.read(500, LONG)
        stream.stop()
    texts, threads = zip(*told)
    assert set(threads) == {threading.get_ident()}
    assert re.match(r"Stream: output underflow in \d+ blocks? \(\d+ frames? of silence\)", texts[0])
    frames = sum(int(re.search(r"(\d+) frames? of silence", text)[1]) for text in texts)
    assert frames == stream.stats.output.lost_frames
    assert not caplog.records


def test_losses_are_logged_unless_somebody_else_is_told(caplog):
    caplog.set_level(logging.WARNING, "pa_ringbuffer")
    with loopback() as stream:
        stream.write(signal(300))
        while "output underflow" not in caplog.text:
            stream.read(500, LONG)
    with (
        pytest.warns(UserWarning, match="output underflow"),
        loopback(warn=warnings.warn) as stream,
    ):
        stream.write(signal(300))
        while not stream.stats.output.losses:
            stream.read(500, LONG)
        stream.read(500, LONG)


def test_a_long_row_of_losses_is_not_told_block_by_block(caplog):
    with loopback() as stream:
        begin = time.monotonic()
        stream.write(signal(300))
        for _ in range(20):
            stream.read(500, LONG)
        # Once at first, and then about once a second.
        assert len(caplog.records) <= 2 + time.monotonic() - begin


# Ends that the program has not requested.


def test_the_finished_callback_is_called_after_every_end():
    finished = threading.Event()
    with loopback(finished_callback=finished.set) as stream:
        for end in (stream.stop, stream.abort, lambda: stream.drain(LONG)):
            stream.write(signal(300))
            assert not finished.is_set()
            end()
            assert finished.wait(LONG)
            finished.clear()
            stream.start()
    assert finished.wait(LONG)


def test_the_finished_callback_is_called_once_for_each_end():
    finished = []
    stream = loopback(finished_callback=lambda: finished.append(threading.get_ident()))

    def wait_for_ends(count):
        deadline = time.monotonic() + LONG
        while len(finished) < count and time.monotonic() < deadline:
            time.sleep(0.001)
        assert len(finished) == count

    stream.start()
    for ends in range(1, 20):
        # At once: before anything can have seen that it has ended.
        stream.stop()
        stream.start()
        wait_for_ends(ends)
    stream.close()
    wait_for_ends(20)
    time.sleep(0.05)
    assert len(finished) == 20
    assert threading.get_ident() not in finished


def test_threads_can_end_and_start_a_stream_at_once():
    stream = loopback(warn=None, blocksize=16)
    barrier = threading.Barrier(4)

    def work():
        for end in ("stop", "abort") * 5:
            barrier.wait()
            getattr(stream, end)()
            barrier.wait()
            stream.start()
            barrier.wait()
            answers.append(stream.active)

    answers = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert answers == [True] * 40
    stream.close()
    assert not stream.active


def test_a_thread_that_dies_before_it_begins_keeps_nothing_waiting(monkeypatch):
    # As Python's threads do if there is no memory for their first frame.
    monkeypatch.setattr("_thread.start_new_thread", lambda function, arguments: 0)
    monkeypatch.setattr("pa_ringbuffer.streams.backend.Handle.BEGIN", 0.01)
    with loopback() as stream:
        assert stream.active
        stream.stop()
        assert not stream.active
        stream.start()
        assert stream.active
    assert stream.closed


def test_a_close_waits_for_one_that_is_going_on():
    stream = loopback()
    stream.start()
    backend, closing = stream._handle.backend, threading.Event()
    original = backend.close

    def close(ignore_errors):
        closing.set()
        time.sleep(0.1)
        original(ignore_errors)

    backend.close = close
    thread = threading.Thread(target=stream.close)
    thread.start()
    assert closing.wait(LONG)
    assert stream.closed
    assert not stream.active
    stream.close()
    assert backend.closed
    thread.join()


def test_a_stream_that_ends_wakes_whoever_waits():
    for end in ("stop", "abort", "close"):
        errors = []
        stream = loopback(ring_frames=1024)
        stream.start()

        def wait(what, errors=errors, stream=stream):
            try:
                what()
            except StreamStoppedError as error:
                errors.append(str(error))

        waits = [
            threading.Thread(target=wait, args=(what,))
            for what in (
                lambda stream=stream: stream.read(10_000_000),
                lambda stream=stream: stream.write(np.zeros((10_000_000, 2), "float32")),
            )
        ]
        for thread in waits:
            thread.start()
        time.sleep(0.05)
        getattr(stream, end)()
        for thread in waits:
            thread.join(LONG)
        assert len(errors) == 2
        stream.close()


class SlowToAnswer:
    """A backend that lets other threads run while it is asked, as PortAudio does."""

    def __init__(self, backend):
        self._backend = backend

    def __getattr__(self, name):
        time.sleep(0.001)
        return getattr(self._backend, name)


def test_threads_that_ask_at_once_get_the_same_answer():
    with loopback() as stream:
        stream._handle.backend = SlowToAnswer(stream._handle.backend)
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.extend(stream.active for _ in range(20)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
    assert len(answers) == 80
    assert all(answers)


def test_a_device_that_stops_by_itself_is_an_error_where_somebody_waits():
    stream = loopback()
    stream.start()
    timer = threading.Timer(0.05, stream._handle.backend.device_itself.stop)
    timer.start()
    with pytest.raises(StreamStoppedError, match="it has stopped by itself"):
        for _ in stream.blocks(100):
            pass
    timer.join()
    stream.close()


def test_a_forgotten_stream_is_closed_and_says_so(collect):
    stream = loopback()
    stream.start()
    ring, device = stream.output_ring, stream._handle.backend.device_itself
    ring.write(signal(1000))
    with pytest.warns(ResourceWarning, match="a running Stream was garbage-collected"):
        del stream
        collect()
    assert not device.active
    assert len(ring) == 16384


def test_a_stream_in_a_cycle_of_references_is_collected(collect):
    stream = loopback()
    stream.start()
    stream.myself = stream
    device = stream._handle.backend.device_itself
    with pytest.warns(ResourceWarning):
        del stream
        collect()
    assert not device.active


def test_views_of_a_ring_outlive_the_stream(collect):
    with loopback() as stream:
        stream.write(signal(3000))
        stream.read(100, LONG)
        _, first, _ = stream.input_ring.get_read_buffers(10)
        _, room, _ = stream.output_ring.get_write_buffers(10)
    del stream
    collect()
    assert len(bytes(first)) == 80
    room[:] = bytes(80)


def test_many_streams_come_and_go():
    for number in range(200):
        with loopback(ring_frames=512) as stream:
            if number % 2:
                stream.write_nowait(signal(300))
    gc.collect()


def test_frames_of_blocks_from_a_device_that_is_gone_are_given_once():
    stream = testing.InputStream(channels=1, dtype="int32", ring_frames=64, blocksize=64)
    stream._callback.restart()  # As if it ran, but the device is not active.
    recorded = np.arange(40, dtype="int32").reshape(-1, 1)
    stream.input_ring.write(recorded)
    with pytest.raises(StreamStoppedError, match="may have been disconnected") as error:
        next(stream.blocks(300))
    assert error.value.frames == 0
    assert len(error.value.data) == 0
    assert np.array_equal(stream.read_nowait(), recorded)
    stream.close()


# Waking.


@pytest.mark.parametrize("wake", [False, True])
def test_a_reader_and_a_writer_go_on_whether_they_are_woken_or_look(wake):
    sent = signal(20_000)
    with loopback(ring_frames=8192, blocksize=64, wake=wake) as stream:
        read = []
        reader = threading.Thread(target=lambda: read.append(stream.read(20_000, LONG)[0]))
        reader.start()
        stream.write(sent, LONG)
        reader.join(LONG)
    heard = read[0][read[0].any(axis=1)]
    # In order, even where a busy machine has lost some.
    assert np.isin(heard, sent).all()
    assert (np.diff(heard[:, 0]) > 0).all()
    assert len(heard) > 1000


@pytest.mark.parametrize("wake", [False, True])
def test_a_stream_that_stops_ends_a_wait_whether_it_wakes_or_not(wake):
    with loopback(ring_frames=1024, wake=wake) as stream:
        threading.Timer(0.05, stream.stop).start()
        with pytest.raises(StreamStoppedError, match="it was stopped"):
            stream.read(10**6, LONG)
