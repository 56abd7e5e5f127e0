"""Tests of audio code on a machine without a sound card: run them with pytest.

pip install pa-ringbuffer numpy pytest
pytest test_without_sound_card.py
"""

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pa_ringbuffer.testing
import pytest
from pa_ringbuffer.testing import CallbackStop, InputStream, OutputStream, Stream

Sound = npt.NDArray[np.float32]

# What is tested; in your project, it is imported from there.


def play_twice(stream: Stream, sound: Sound) -> None:
    stream.write(sound)
    stream.write(sound)


def loudest(stream: Stream, frames: int) -> Any:
    data, _ = stream.read(frames)
    return np.abs(data).max()


def beep(seconds: float = 0.1, frequency: float = 1000) -> Any:
    import sounddevice as sd  # a program that knows nothing of pa_ringbuffer

    t = np.arange(round(seconds * 48000)) / 48000
    sd.play(0.5 * np.sin(2 * np.pi * frequency * t).astype("float32"), 48000, blocking=True)
    return sd.get_stream()


@pytest.fixture
def noise() -> Sound:
    return np.random.default_rng(1).uniform(-0.5, 0.5, (4800, 1)).astype("float32")


def test_what_is_played_is_exact(noise: Sound) -> None:
    # With loopback, the stream records what it plays.
    stream = Stream(channels=1, loopback=True)
    play_twice(stream, noise)
    with stream:
        heard, overflowed = stream.read(3 * len(noise))
    begin = np.flatnonzero(heard)[0]
    assert not overflowed
    assert np.array_equal(heard[begin:][: 2 * len(noise)], np.concatenate([noise, noise]))


def test_what_is_recorded_is_measured(noise: Sound) -> None:
    stream = Stream(channels=1, loopback=True)
    stream.write(noise)
    with stream:
        assert loudest(stream, 2 * len(noise)) == np.abs(noise).max()


def test_an_overflow_is_reported() -> None:
    with InputStream(channels=1, warn=None) as stream:
        stream.xrun("input_overflow")
        flags = [stream.read(1024)[1] for _ in range(10)]
    assert flags.count(True) == 1


def test_a_callback_plays_to_the_end() -> None:
    blocks = iter([np.full((480, 1), value, "float32") for value in (0.1, 0.2, 0.3)])

    def callback(outdata: Sound, frames: int, time: Any, status: Any) -> None:
        block = next(blocks, None)
        if block is None:
            raise CallbackStop
        outdata[:] = block

    with OutputStream(channels=1, blocksize=480, callback=callback) as stream:
        stream.stop()
        assert stream.stats.losses == 0


def test_a_program_for_sounddevice_runs_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", pa_ringbuffer.testing)
    assert beep().stats.frames >= 4800
