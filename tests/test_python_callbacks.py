"""Streams with a callback in Python, on the virtual device: called for each block, never late."""

import array
import ctypes
import gc
import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest
from gil import hold_gil
from pa_ringbuffer import RingBuffer, StreamCallback, testing
from pa_ringbuffer._native import Pump
from pa_ringbuffer.streams import flags
from virtual_card import CALLBACK

LONG = 30  # seconds that nothing takes
SCALE = 2**23  # numbers below are exact as float32


class Numbers:
    """A callback that plays numbered frames, and keeps what it was given."""

    def __init__(self, stop_after=None, channels=2):
        self.made = 0
        self.given = []
        self.frames = []
        self.times = []
        self.status = flags.CallbackFlags()
        self.all_status = []
        self.enough = threading.Event()
        self.stop_after = stop_after

    def _note(self, frames, block_time, status):
        self.frames.append(frames)
        self.times.append(
            (block_time.inputBufferAdcTime, block_time.currentTime, block_time.outputBufferDacTime)
        )
        self.status |= status
        self.all_status.append(str(status))

    def play(self, outdata, frames, block_time, status):
        self._note(frames, block_time, status)
        outdata[:] = np.arange(self.made + 1, self.made + frames + 1)[:, None] / SCALE
        self.made += frames
        if self.stop_after is not None and self.made >= self.stop_after:
            self.enough.set()
            raise flags.CallbackStop

    def record(self, indata, frames, block_time, status):
        self._note(frames, block_time, status)
        self.given.append(indata)
        if self.stop_after is not None and sum(self.frames) >= self.stop_after:
            self.enough.set()
            raise flags.CallbackStop

    def both(self, indata, outdata, frames, block_time, status):
        self.given.append(indata)
        self.play(outdata, frames, block_time, status)

    def heard(self):
        """The numbers of the frames that came back, 0 for silence."""
        return np.rint(np.concatenate(self.given)[:, 0] * SCALE).astype(int)


def wait_for(condition):
    """Wait until something is so."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


# What is called, and with what.


@pytest.mark.parametrize("blocksize", [64, 256, 1000, 0])
@pytest.mark.parametrize("dtype", ["float32", "int32", "int16"])
def test_what_a_callback_makes_is_heard_once_and_in_order(blocksize, dtype):
    callback = Numbers(24_000)

    def both(indata, outdata, frames, block_time, status):
        floats = np.zeros((frames, 2))
        try:
            callback.both(indata, floats, frames, block_time, status)
        finally:
            outdata[:] = floats if dtype == "float32" else np.rint(floats * SCALE)

    with testing.Stream(
        callback=both, blocksize=blocksize, dtype=dtype, loopback=True, ahead=0.25
    ) as stream:
        assert callback.enough.wait(LONG)
    received = np.concatenate(callback.given)
    assert received.dtype == dtype
    heard = np.rint(received[:, 0] * (SCALE if dtype == "float32" else 1)).astype(int)
    begin = np.argmax(heard != 0)
    assert np.array_equal(heard[begin:], np.arange(1, len(heard) - begin + 1))
    assert stream.stats.losses == 0
    assert not callback.status
    if blocksize:
        assert set(callback.frames) == {blocksize}


def test_raw_streams_give_buffers_of_whole_blocks():
    played, recorded = bytearray(), bytearray()

    def callback(indata, outdata, frames, block_time, status):
        assert len(indata) == len(outdata) == frames * 6
        recorded.extend(indata)
        outdata[:] = bytes(1 + (len(played) + n) % 255 for n in range(len(outdata)))
        played.extend(outdata)
        if len(played) > 6 * 40_000:
            raise flags.CallbackStop

    with testing.RawStream(callback=callback, dtype="int24", loopback=True, ahead=0.5) as stream:
        wait_for(lambda: not stream.active)
    assert stream.stats.losses == 0
    heard = recorded.lstrip(b"\0")
    assert len(heard) > 6 * 10_000
    assert played.startswith(heard)


def test_a_raw_callback_is_given_what_sounddevice_gives(require):
    require(importlib.util.find_spec("cffi"), "cffi is not installed")
    recorded, played = [], []

    def record(indata, frames, block_time, status):
        # A copy, which another process could get.
        recorded.append(pickle.loads(pickle.dumps((indata[:], indata[0], type(indata[:2])))))
        raise flags.CallbackStop

    def play(outdata, frames, block_time, status):
        for samples in (
            np.arange(frames, dtype="int16"),
            np.arange(frames, dtype="int16")[:, None],
            array.array("h", range(frames)),
        ):
            outdata[:] = samples
            played.append(bytes(outdata))
        outdata[0] = b"!"
        played.append(outdata[:2])
        with pytest.raises(ValueError, match="length"):
            outdata[:] = bytes(len(outdata) - 2)
        raise flags.CallbackStop

    for name, callback in ("RawInputStream", record), ("RawOutputStream", play):
        stream_class = getattr(testing, name)
        with stream_class(channels=1, dtype="int16", blocksize=256, callback=callback) as stream:
            wait_for(lambda stream=stream: not stream.active)
    assert recorded == [(bytes(512), b"\0", bytes)]
    assert played == 3 * [np.arange(256, dtype="int16").tobytes()] + [b"!\0"]


def test_raw_callbacks_need_no_cffi_on_the_virtual_device(monkeypatch):
    monkeypatch.setitem(sys.modules, "_cffi_backend", None)
    played = []

    def callback(outdata, frames, block_time, status):
        outdata[:] = bytes(len(outdata))
        played.append(len(outdata))
        raise flags.CallbackStop

    with testing.RawOutputStream(
        channels=1, dtype="int16", blocksize=256, callback=callback
    ) as stream:
        wait_for(lambda: not stream.active)
    assert played == [512]


def test_a_duplex_stream_is_late_by_what_its_latency_says():
    callback = Numbers(10_000)
    with testing.Stream(callback=callback.both, loopback=True, ahead_frames=5000) as stream:
        assert callback.enough.wait(LONG)
    heard = callback.heard()
    # The virtual cable holds one block.
    assert np.argmax(heard != 0) == 5000 + 256
    assert sum(stream.latency) == pytest.approx((5000 + 256) / 48000)


@pytest.mark.parametrize("stream_class", [testing.InputStream, testing.Stream])
@pytest.mark.parametrize("blocksize", [256, 0])
def test_the_function_gets_the_first_recorded_frame_also_after_a_new_start(stream_class, blocksize):
    captured, enough = [], threading.Event()

    def callback(*arguments):
        captured.append(arguments[-2].inputBufferAdcTime)
        enough.set()

    with stream_class(callback=callback, blocksize=blocksize) as stream:
        begin = 0.0
        for _ in range(3):
            assert enough.wait(LONG)
            stream.stop()
            # What the device's first call has as its input was captured before that call.
            assert captured[0] < begin
            del captured[:]
            enough.clear()
            # The device's clock stands still until its next call.
            begin = stream.time
            stream.start()


@pytest.mark.parametrize("stream_class", [testing.InputStream, testing.Stream])
def test_the_function_gets_what_was_recorded_before_stop(stream_class):
    frames = []

    def callback(*arguments):
        frames.append(arguments[-3])

    # Blocks are collected for up to an eighth of what is made ahead.
    keywords = {"ahead": 4} if stream_class is testing.Stream else {"ring_seconds": 8}
    with stream_class(callback=callback, blocksize=64, **keywords) as stream:
        wait_for(lambda: stream.time > 0.1)
        recorded = round(stream.time * 48000)
        stream.stop()
    assert sum(frames) >= recorded


def test_blocks_longer_than_what_is_made_ahead_lengthen_the_latency():
    callback = Numbers(30_000)
    with testing.Stream(
        callback=callback.both, loopback=True, ahead_frames=100, blocksize=0, ring_frames=16384
    ) as stream:
        assert callback.enough.wait(LONG)
    assert stream.latency[1] * 48000 >= 2 * stream.stats.smallest_block
    heard = callback.heard()
    begin = np.argmax(heard != 0)
    assert heard[begin] == 1


def test_blocks_of_different_sizes_are_given_as_they_come():
    callback = Numbers(20_000)
    with testing.InputStream(callback=callback.record, blocksize=0, ring_seconds=2) as stream:
        assert callback.enough.wait(LONG)
    assert len(set(callback.frames)) > 3
    assert max(callback.frames) <= stream.stats.largest_block


def test_a_block_belongs_to_the_program():
    callback = Numbers(5000)
    with testing.Stream(callback=callback.both, loopback=True, ahead=0.05):
        assert callback.enough.wait(LONG)
    heard = callback.heard()
    begin = np.argmax(heard != 0)
    assert np.array_equal(heard[begin:], np.arange(1, len(heard) - begin + 1))


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_what_a_callback_does_not_fill_is_silence(dtype):
    seen = []

    def callback(outdata, frames, block_time, status):
        seen.append(outdata.copy())
        outdata[:] = 1
        if len(seen) == 20:
            raise flags.CallbackStop

    with testing.OutputStream(callback=callback, dtype=dtype) as stream:
        wait_for(lambda: not stream.active)
    assert set(np.concatenate(seen).ravel()) == {128 if dtype == "uint8" else 0}


def test_times_are_those_of_the_block():
    callback = Numbers(30_000)
    with testing.Stream(
        callback=callback.both, loopback=True, ahead_frames=5000, ring_seconds=2
    ) as stream:
        assert callback.enough.wait(LONG)
    adc, now, dac = np.array(callback.times).T
    # On the virtual device, a frame is captured when it is heard: what a block had in its output
    # comes back as its input when the times are the same.
    block = 256 / 48000
    assert np.allclose(np.diff(adc), block, atol=1e-6)
    assert np.allclose(np.diff(dac), block, atol=1e-6)
    heard = callback.heard()
    begin = np.argmax(heard != 0)
    assert heard[begin] == 1
    assert adc[0] + begin / 48000 == pytest.approx(dac[0], abs=1e-6)
    assert np.diff(now).min() >= 0
    assert np.allclose(dac - adc, sum(stream.latency), atol=1e-6)


def test_output_times_follow_each_other_once_the_sound_has_begun():
    callback = Numbers(30_000)
    with testing.OutputStream(callback=callback.play, ahead=0.1) as stream:
        assert callback.enough.wait(LONG)
        known = stream.output_time(stream.write_position)
    adc, now, dac = np.array(callback.times).T
    assert not adc.any()
    begun = np.array(callback.frames).cumsum() > 0.15 * 48000
    assert np.allclose(np.diff(dac[begun]), 256 / 48000, atol=1e-6)
    assert known == pytest.approx(dac[-1] + 256 / 48000, abs=1e-6)
    # Before, they follow from when it would begin.
    assert np.diff(dac).min() >= 0
    assert (dac - now).max() < stream.latency + 1


# How a stream ends.


class MyStop(flags.CallbackStop):
    """An exception of the user's own."""


@pytest.mark.parametrize("error", [flags.CallbackStop, MyStop])
def test_what_was_made_before_callback_stop_is_played(error):
    made, finished = [], []
    over = threading.Event()

    def callback(outdata, frames, block_time, status):
        made.append(frames)
        if len(made) == 30:
            raise error

    def finish():
        finished.append(stream.stats.output.fill)
        over.set()

    stream = testing.OutputStream(callback=callback, finished_callback=finish)
    with stream:
        assert over.wait(LONG)
        assert not stream.active
        # It has ended by itself.
        assert not stream.stopped
    assert len(made) == 30
    assert finished == [0]
    assert stream.stats.frames >= sum(made)
    assert stream.stats.losses == 0


@pytest.mark.parametrize("error", [flags.CallbackAbort, ZeroDivisionError, KeyboardInterrupt])
def test_only_the_block_is_dropped_in_which_a_callback_aborts(error, capsys):
    """What came before would have been played by then if the device had called the function."""
    made, over = [], threading.Event()

    def callback(outdata, frames, block_time, status):
        made.append(frames)
        if len(made) == 20:
            raise error("of the user")

    with testing.OutputStream(callback=callback, finished_callback=over.set) as stream:
        assert over.wait(LONG)
        assert not stream.active
        stats = stream.stats
    assert len(made) == 20
    assert stats.output.fill == stats.losses == 0
    assert stats.frames >= 19 * 256
    told = capsys.readouterr().err
    if error is flags.CallbackAbort:
        assert told == ""
    else:
        assert "From the callback <function" in told
        assert f"{error.__name__}: of the user" in told


def test_a_callback_that_records_ends_its_stream():
    callback, over = Numbers(3000), threading.Event()
    with testing.InputStream(callback=callback.record, finished_callback=over.set) as stream:
        assert over.wait(LONG)
        assert not stream.active
    assert sum(callback.frames) == 3072


def test_stop_plays_what_was_made_and_calls_no_more():
    callback, over = Numbers(), threading.Event()
    stream = testing.OutputStream(callback=callback.play, finished_callback=over.set, ahead=0.3)
    stream.start()
    wait_for(lambda: callback.made > 20_000)
    stream.stop()
    made = callback.made
    assert stream.stopped
    assert not stream.active
    assert stream.stats.frames >= made
    assert stream.stats.output.fill == 0
    assert over.wait(LONG)
    time.sleep(0.05)
    assert callback.made == made
    stream.close()


def test_leaving_with_plays_what_was_made():
    callback = Numbers()
    with testing.OutputStream(callback=callback.play, ahead=0.3) as stream:
        wait_for(lambda: callback.made > 20_000)
    assert stream.closed
    assert stream.stats.frames >= callback.made
    assert stream.stats.output.fill == 0


def test_what_was_recorded_before_stop_is_given_to_the_callback():
    callback = Numbers()

    def slow(*arguments):
        time.sleep(0.02)
        callback.record(*arguments)

    stream = testing.InputStream(callback=slow, blocksize=256)
    stream.start()
    wait_for(lambda: stream.stats.frames > 10_000)
    stream.stop()
    assert sum(callback.frames) == stream.stats.frames
    stream.close()


def test_abort_drops_what_was_made():
    callback = Numbers()
    stream = testing.OutputStream(callback=callback.play, ahead=LONG, ring_seconds=LONG)
    stream.start()
    wait_for(lambda: callback.made > 100_000)
    stream.abort()
    made = callback.made
    assert stream.stats.frames < made
    time.sleep(0.05)
    assert callback.made == made
    stream.close()


@pytest.mark.parametrize("how", ["stop", "abort", "close"])
@pytest.mark.parametrize("kind", ["OutputStream", "InputStream", "Stream"])
def test_a_callback_can_end_its_stream_itself(kind, how):
    calls, over = [], threading.Event()

    def callback(*arguments):
        calls.append(len(calls))
        if len(calls) == 10:
            getattr(stream, how)()
            calls.append("returned")

    stream = getattr(testing, kind)(callback=callback, finished_callback=over.set)
    stream.start()
    assert over.wait(LONG)
    assert not stream.active
    wait_for(lambda: "returned" in calls)
    stream.close()
    assert calls[-1] == "returned"


def test_a_stream_can_be_started_again_and_plays_nothing_of_before():
    callback, ends = Numbers(), []
    stream = testing.Stream(
        callback=callback.both,
        loopback=True,
        ahead=0.1,
        finished_callback=lambda: ends.append(1),
    )
    for run in (1, 2, 3):
        callback.given, callback.made = [], 100_000 * run
        stream.start()
        stream.start()  # Does nothing.
        wait_for(lambda: len(callback.given) > 60)
        stream.abort()
        heard = callback.heard()
        first = heard[np.argmax(heard >= 100_000 * run)]
        assert first == 100_000 * run + 1
        wait_for(lambda run=run: len(ends) == run)
    stream.close()
    assert stream.stats.losses == 0


def test_a_stream_ended_by_its_callback_can_be_started_again():
    calls, ends = [], []

    def callback(outdata, frames, block_time, status):
        calls.append(frames)
        raise flags.CallbackStop

    with testing.OutputStream(
        callback=callback, finished_callback=lambda: ends.append(1)
    ) as stream:
        wait_for(lambda: not stream.active and len(ends) == 1)
        stream.start()
        wait_for(lambda: not stream.active and len(ends) == 2)
    assert len(calls) == 2


def test_while_active_ends():
    calls = []

    def callback(outdata, frames, block_time, status):
        calls.append(frames)
        if len(calls) == 50:
            raise flags.CallbackStop

    stream = testing.OutputStream(callback=callback)
    stream.start()
    end = time.monotonic() + LONG
    while stream.active and time.monotonic() < end:
        time.sleep(0.01)
    assert not stream.active
    stream.close()


def test_a_forgotten_stream_is_closed_and_its_thread_ends(collect):
    function = Numbers().play
    with pytest.warns(ResourceWarning):
        stream = testing.OutputStream(callback=function)
        stream.start()
        thread = weakref.ref(stream._caller._thread)
        del stream
        collect()
    end = time.monotonic() + LONG
    while thread() is not None and thread().is_alive() and time.monotonic() < end:
        time.sleep(0.01)
        gc.collect()
    assert thread() is None or not thread().is_alive()


# What is not allowed.


def test_a_stream_with_a_callback_is_not_read_or_written():
    stream = testing.Stream(callback=lambda *arguments: None)
    reading = [
        lambda: stream.read(10),
        lambda: stream.read_nowait(),
        lambda: stream.read_latest(10),
        lambda: stream.peek(),
        lambda: stream.read_available,
    ]
    writing = [
        lambda: stream.write(np.zeros((10, 2), "float32")),
        lambda: stream.write_nowait(np.zeros((10, 2), "float32")),
        lambda: stream.write_available,
    ]
    for call in reading:
        with pytest.raises(flags.PortAudioError, match="Can't read from a callback stream"):
            call()
    for call in writing:
        with pytest.raises(flags.PortAudioError, match="Can't write to a callback stream"):
            call()
    stream.close()


@pytest.mark.parametrize(
    ("kind", "arguments", "error", "message"),
    [
        ("OutputStream", {"callback": 5}, TypeError, "callback must be a function or None, not 5"),
        ("OutputStream", {"ahead": 0.1}, TypeError, "ahead is for streams with a callback"),
        ("OutputStream", {"callback": print, "ahead": 0}, ValueError, "ahead.*positive.*not 0"),
        ("OutputStream", {"callback": print, "ahead": "x"}, TypeError, "ahead.*not str"),
        ("OutputStream", {"callback": print, "ahead_frames": -5}, ValueError, "not -5"),
        (
            "OutputStream",
            {"callback": print, "ahead": 1, "ahead_frames": 5},
            TypeError,
            "either ahead or ahead_frames",
        ),
        ("InputStream", {"callback": print, "ahead": 1}, TypeError, "ring_seconds"),
        ("AsyncOutputStream", {"callback": print}, TypeError, "use OutputStream for"),
    ],
)
def test_what_cannot_be_honoured_is_refused(kind, arguments, error, message):
    with pytest.raises(error, match=message):
        getattr(testing, kind)(**arguments)


# How far ahead.


@pytest.mark.parametrize(
    ("arguments", "frames"),
    [
        ({}, 9600),
        ({"latency": "low"}, 2400),
        ({"latency": "high"}, 24_000),
        ({"latency": 0.2}, 9600),
        ({"latency": ["high", "low"]}, 2400),
        ({"latency": np.array([0.1, 0.1])}, 9600),
        ({"ahead": 0.25}, 12_000),
        ({"ahead": 0.25, "latency": "low"}, 12_000),
        ({"ahead_frames": 777}, 777),
        ({"ahead_frames": 1}, 512),
        ({"ahead_frames": 777, "blocksize": 1000}, 2000),
        ({"ahead": 5}, 240_000),
    ],
)
def test_ahead_is_what_was_asked_for_and_at_least_two_blocks(arguments, frames):
    callback = Numbers()
    stream = testing.OutputStream(callback=callback.play, **arguments)
    blocksize = arguments.get("blocksize", 256)
    # The virtual device has no output latency of its own.
    assert stream.latency == pytest.approx(frames / 48000)
    with stream:
        wait_for(lambda: stream.stats.output.high_water > frames - 2 * blocksize)
        assert stream.stats.output.high_water <= frames
        assert callback.made - stream.stats.frames <= frames
        stream.abort()


@pytest.mark.parametrize(
    ("default", "latency", "frames"),
    [
        ("low", None, 2400),
        (("high", "low"), None, 2400),
        ("low", "high", 24_000),
        ("low", 0.1, 9600),
        ("high", None, 9600),
    ],
)
def test_a_default_latency_chooses_ahead_unless_it_is_the_initial_one(default, latency, frames):
    testing.default.latency = default
    try:
        stream = testing.OutputStream(callback=Numbers().play, latency=latency)
    finally:
        testing.default.reset()
    assert stream.latency == pytest.approx(frames / 48000)
    stream.close()


def test_a_stall_shorter_than_ahead_loses_nothing():
    callback = Numbers(40_000)
    with testing.Stream(callback=callback.both, loopback=True, ahead=0.8, ring_seconds=2) as stream:
        for _ in range(3):
            hold_gil(0.2)
            time.sleep(0.05)
        assert callback.enough.wait(LONG)
    heard = callback.heard()
    begin = np.argmax(heard != 0)
    assert np.array_equal(heard[begin:], np.arange(1, len(heard) - begin + 1))
    assert stream.stats.losses == 0
    assert stream.stats.margin > 0
    assert not callback.status


@pytest.mark.impossible(
    not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="there is no GIL to be held"
)
def test_a_longer_stall_is_counted_and_the_latency_stays():
    callback = Numbers(40_000)
    with testing.Stream(
        callback=callback.both, loopback=True, ahead=0.1, ring_seconds=2, warn=None
    ) as stream:
        wait_for(lambda: callback.made > 10_000)
        hold_gil(0.4)
        assert callback.enough.wait(LONG)
    stats = stream.stats
    heard = callback.heard()
    begin = np.argmax(heard != 0)
    # Each frame that is heard is where it would be without the stall.
    positions = np.arange(len(heard))[heard != 0]
    assert set(heard[heard != 0] - positions) == {1 - begin}
    lost = np.count_nonzero(heard[begin:] == 0)
    assert lost == stats.output.lost_frames == stats.dropped_frames > 0
    assert callback.status.output_underflow
    assert "output underflow" in str(callback.status)
    assert f"{lost} frames dropped" in repr(stats)


def test_frames_that_were_not_recorded_are_silence_in_the_output():
    callback, stalled = Numbers(60_000), []

    def slow(*arguments):
        if callback.made > 10_000 and not stalled:
            stalled.append(True)
            time.sleep(0.5)
        callback.both(*arguments)

    with testing.Stream(
        callback=slow, loopback=True, ahead=0.05, ring_frames=8192, warn=None
    ) as stream:
        assert callback.enough.wait(LONG)
    stats = stream.stats
    assert stats.input.lost_frames > 0
    assert stats.inserted_frames > 0
    assert callback.status.input_overflow
    # What is heard at the end is as late as at the beginning: a frame that was recorded and its
    # answer are *ahead* and the cable's block apart.
    heard = callback.heard()
    begin = np.argmax(heard != 0)
    assert begin == 2400 + 256
    end = np.flatnonzero(heard)[-1]
    frames_lost_before = stats.input.lost_frames
    assert heard[end] == end + 1 - begin + 0 * frames_lost_before


def test_what_the_device_reports_is_in_the_status_once():
    callback = Numbers()
    with testing.Stream(callback=callback.both, ahead=0.2, warn=None) as stream:
        wait_for(lambda: callback.made > 5000)
        assert not callback.status
        stream.xrun("output_underflow")
        stream.xrun("input_overflow")
        wait_for(lambda: callback.status)
        made = callback.made
        wait_for(lambda: callback.made > made + 5000)
    assert sum(map(bool, callback.all_status)) <= 2
    assert callback.status.output_underflow
    assert callback.status.input_overflow
    assert not callback.status.input_underflow


def test_the_thread_sees_no_underflow_before_its_first_block():
    calls = []

    def callback(outdata, frames, block_time, status):
        calls.append(bool(status))
        if len(calls) == 1:
            time.sleep(0.05)
        if len(calls) == 100:
            raise flags.CallbackStop

    with testing.OutputStream(callback=callback, ahead=0.2) as stream:
        wait_for(lambda: not stream.active)
    assert not any(calls)
    assert stream.stats.losses == 0


# Processes.


def run(program, **kwargs):
    """Run a program, and return its result."""
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        **kwargs,
    )


BEGIN = """
import os, signal, sys, threading, time
from pa_ringbuffer import testing
calls = []
def callback(outdata, frames, block_time, status):
    calls.append(frames)
stream = testing.OutputStream(callback=callback)
stream.start()
while len(calls) < 30:
    time.sleep(0.01)
"""


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "sys.exit(0)",
        "stream = None",
        "stream.close()",
        "callback.stream = stream",
    ],
)
def test_the_interpreter_exits_while_a_stream_runs(rest):
    result = run(BEGIN + rest)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_interpreter_exits_although_a_callback_does_not_return():
    program = (
        BEGIN.replace("=callback)", "=callback, warn=None)") + "def stuck(*a): time.sleep(1000)\n"
    )
    program += (
        "other = testing.OutputStream(callback=stuck, warn=None)\nother.start()\ntime.sleep(0.2)\n"
    )
    result = run(program)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.impossible(sys.platform == "win32", reason="there are no such signals")
def test_ctrl_c_reaches_the_main_thread():
    program = BEGIN + (
        "threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "try:\n    with stream:\n        time.sleep(50)\n"
        "except KeyboardInterrupt:\n    print('interrupted', stream.closed)\n"
    )
    result = run(program)
    assert (result.stdout, result.stderr) == ("interrupted True\n", "")


@pytest.mark.impossible(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_no_callback_and_its_parent_goes_on():
    program = BEGIN + (
        # Newer Pythons warn of forks in programs with threads, as this one is on purpose.
        "import warnings; warnings.simplefilter('ignore')\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    before = len(calls)\n"
        "    time.sleep(0.1)\n"
        "    assert not stream.active\n"
        "    stream.close()\n"
        "    os._exit(len(calls) - before)\n"
        "_, status = os.waitpid(child, 0)\n"
        "before = len(calls)\n"
        "while len(calls) < before + 10:\n    time.sleep(0.01)\n"
        "print(status, stream.active)\n"
    )
    result = run(program)
    assert (result.stdout, result.stderr) == ("0 True\n", "")


@pytest.mark.impossible(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("how", ["stop", "abort", "close"])
def test_a_signal_handler_can_end_a_stream(how):
    callback = Numbers()
    stream = testing.OutputStream(callback=callback.play)
    stream.start()
    wait_for(lambda: callback.made > 5000)
    before = signal.signal(signal.SIGUSR1, lambda *_: getattr(stream, how)())
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not stream.active
    stream.close()


# How many recorded blocks are given at a time.


def calls_and_times(**parameters):
    """How often the function was called, and how many of these calls had a time of their own."""
    times, enough = [], threading.Event()

    def callback(indata, frames, block_time, status):
        # The device's clock advances with each of its blocks.
        times.append(round(block_time.currentTime * 48000 / 64))
        if len(times) == 400:
            enough.set()

    with testing.InputStream(48000, 64, callback=callback, **parameters):
        assert enough.wait(LONG)
    return len(times), len(set(times))


@pytest.mark.parametrize("latency", [None, "high", ("high", "low"), [0.1, 0]])
def test_short_recorded_blocks_are_given_together(latency):
    calls, times = calls_and_times(latency=latency)
    assert times < calls / 2


@pytest.mark.parametrize("alone", [{"latency": "low"}, {"latency": 0.0}, {"wake": True}])
def test_short_recorded_blocks_are_given_one_by_one_if_latency_matters(alone):
    calls, times = 1, 0
    begin = time.monotonic()
    # Later, if the machine is busy.
    while times <= calls / 2 and time.monotonic() < begin + LONG:
        calls, times = calls_and_times(**alone)
    assert times > calls / 2


def test_a_recorded_block_is_given_even_if_no_other_one_follows():
    ring = RingBuffer(8, 4096)
    compiled = StreamCallback(input_ring=ring)
    pump = Pump(compiled, 64, 0, 48000, 0, 480)
    run = pump.begin()
    record = CALLBACK(compiled.function)
    sound = (ctypes.c_char * (8 * 64))()
    for count in 1, 3, 20:
        for _ in range(count):
            record(sound, None, 64, None, 0, compiled.address)
        assert pump.wait(run)[:2] == (count, 64)
        assert pump.take(bytearray(8 * 64 * count)) == 64 * count
    pump.end()


def test_the_time_of_a_block_is_known_after_the_stream_is_closed():
    kept = []

    def callback(indata, frames, block_time, status):
        kept.append((block_time, stream.time))
        if len(kept) == 20:
            raise flags.CallbackStop

    stream = testing.InputStream(48000, 256, callback=callback)
    with stream:
        wait_for(lambda: not stream.active)
    for block_time, now in kept:
        assert block_time.currentTime == pytest.approx(now, abs=0.1)
        assert block_time.currentTime == block_time.currentTime
        assert "currentTime=" in repr(block_time)
    times = [block_time.currentTime for block_time, _ in kept]
    assert times == sorted(times)
