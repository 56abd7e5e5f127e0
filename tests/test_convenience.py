"""``play()``, ``rec()`` and ``playrec()`` transfer arrays bit for bit."""

import inspect
import threading

import numpy as np
import pa_ringbuffer.testing as sd
import pytest
from pa_ringbuffer.streams.convenience import Convenience
from virtual_card import Card, source

DTYPES = ("float64", "float32", "int32", "int16", "int8", "uint8")
NAMES = ("play", "rec", "playrec", "wait", "stop", "get_status", "get_stream")


@pytest.fixture
def card():
    card = Card()
    remove = card.install()
    yield card
    sd.stop()
    remove()


@pytest.fixture(autouse=True)
def stopped():
    yield
    sd.stop()
    sd.default.reset()


def noise(frames, channels, dtype="float32", seed=1):
    generator = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return generator.uniform(-1, 1, (frames, channels)).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, (frames, channels), dtype, endpoint=True)


def first_sound(heard, silence=0):
    """The frame at which something begins to be heard."""
    return int((heard != silence).any(axis=1).argmax())


def assert_heard(heard, expected, silence=0):
    begin = first_sound(heard, silence) - first_sound(expected, silence)
    end = begin + len(expected)
    assert begin >= 0 and end <= len(heard)
    assert heard[begin:end].tobytes() == expected.tobytes()
    assert (heard[:begin] == silence).all()
    assert (heard[end:] == silence).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_signatures_are_those_of_sounddevice(name, require):
    try:
        import sounddevice
    except (ImportError, OSError):
        require(False, "sounddevice or PortAudio is not installed")
    theirs = inspect.signature(getattr(sounddevice, name)).parameters.values()
    ours = inspect.signature(getattr(sd, name)).parameters.values()
    assert [(p.name, p.kind, p.default) for p in ours] == [
        (p.name, p.kind, p.default) for p in theirs
    ]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("frames", [1, 256, 5000])
def test_an_array_is_played_bit_for_bit(card, dtype, frames):
    data = noise(frames, 2, dtype)
    silence = 128 if dtype == "uint8" else 0
    data[0] = 7
    sd.play(data, 48000, blocksize=256)
    assert sd.wait() is None
    expected = data.astype("float32") if dtype == "float64" else data
    assert_heard(card.devices[-1].heard, expected, silence)


def test_blocking_returns_when_it_was_heard(card):
    data = noise(10000, 1)
    sd.play(data[:, 0], 48000, blocking=True)
    assert_heard(card.devices[-1].heard, data)
    assert sd.get_stream().closed


@pytest.mark.parametrize("mapping", [[2], [2, 1], [3, 1], 2])
def test_columns_are_played_on_the_channels_of_the_mapping(card, mapping):
    channels = np.atleast_1d(mapping)
    data = noise(1000, len(channels))
    sd.play(data, 48000, mapping=mapping, blocking=True)
    expected = np.zeros((1000, max(channels)), "float32")
    expected[:, channels - 1] = data
    assert_heard(card.devices[-1].heard, expected)


def test_mono_is_played_on_all_channels_of_the_mapping(card):
    data = noise(1000, 1)
    sd.play(data, 48000, mapping=[1, 3], blocking=True)
    assert_heard(card.devices[-1].heard, np.hstack([data, np.zeros_like(data), data]))


def test_the_first_channel_alone_leaves_the_second_one_silent(card):
    data = noise(1000, 1)
    sd.play(data, 48000, mapping=[1], blocking=True)
    assert_heard(card.devices[-1].heard, np.hstack([data, np.zeros_like(data)]))


@pytest.mark.parametrize("frames", [1, 100, 1000])
def test_a_loop_goes_on_without_a_gap_until_it_is_stopped(card, frames):
    data = noise(frames, 1)
    sd.play(data, 48000, loop=True, blocksize=256)
    while card.frames < 10000:
        sd.sleep(10)
    sd.stop()
    heard = card.devices[-1].heard
    heard = heard[first_sound(heard) :]
    assert len(heard) > 2000
    assert heard.tobytes() == np.resize(data, heard.shape).tobytes()


def test_nothing_is_played_at_once(card):
    for loop in False, True:
        sd.play(np.zeros((0, 1), "float32"), 48000, loop=loop)
        assert sd.wait() is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_recording_has_all_frames_from_the_first_one(card, dtype):
    recording = sd.rec(5000, 48000, channels=2, dtype=dtype, blocking=True)
    assert recording.dtype == dtype
    assert recording.tobytes() == source(0, 5000, 2).astype(dtype).tobytes()


def test_a_recording_may_have_a_mapping_and_an_array_of_the_users(card):
    out = np.full((3000, 2), -1, "float32")
    assert sd.rec(out=out, samplerate=48000, mapping=[3, 1]) is out
    assert sd.wait() is None
    assert out.tobytes() == source(0, 3000, 3)[:, [2, 0]].tobytes()


def test_defaults_are_used(card):
    sd.default.samplerate = 8000
    sd.default.channels = 1, None
    sd.default.dtype = "float32"
    recording = sd.rec(100, blocking=True)
    assert recording.shape == (100, 1)
    assert sd.get_stream().samplerate == 8000


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_played_is_recorded_with_the_delay_of_the_device(dtype):
    data = noise(5000, 2, dtype)
    recording = sd.playrec(data, 48000, channels=2, blocksize=256, loopback=True, blocking=True)
    assert recording.dtype == dtype and recording.shape == data.shape
    expected = data.astype("float32").astype(dtype) if dtype == "float64" else data
    # The loopback's own delay, and not what the stream makes ahead.
    assert recording[256:].tobytes() == expected[:-256].tobytes()


def test_mappings_of_both_directions():
    data = noise(2000, 2)
    recording = sd.playrec(
        data,
        48000,
        input_mapping=[2, 1],
        output_mapping=[1, 2],
        blocksize=100,
        loopback=True,
        blocking=True,
    )
    assert recording.shape == (2000, 2)
    assert recording[100:].tobytes() == data[:-100, ::-1].tobytes()


def test_stop_ends_what_is_played_and_a_wait_for_it(card):
    sd.play(noise(480000, 1), 48000)
    stream = sd.get_stream()
    assert stream.active
    threading.Timer(0.2, sd.stop).start()
    sd.wait()
    assert stream.closed
    assert len(card.devices[-1].heard) < 240000


def test_a_new_call_stops_the_former_one(card):
    sd.play(noise(480000, 1), 48000)
    first = sd.get_stream()
    data = noise(1000, 1)
    sd.play(data, 48000)
    assert first.closed
    assert sd.wait() is None
    assert_heard(card.devices[-1].heard, data)


def test_a_refused_call_leaves_the_former_one_alone():
    sd.play(noise(48000, 1), 48000)
    with pytest.raises(ValueError):
        sd.play(noise(10, 2), 48000, mapping=[1])
    assert sd.get_stream().active


def test_losses_are_in_the_status(card):
    sd.play(noise(48000, 1), 48000)
    while not card.frames:
        sd.sleep(1)
    card.devices[-1].xrun("output_underflow")
    status = sd.wait()
    assert status is sd.get_status()
    assert status.output_underflow and not status.input_overflow


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: sd.play(np.zeros((1, 1, 1))), ValueError, r"data .* not \(1, 1, 1\)"),
        (lambda: sd.play(["a"]), TypeError, "the dtype of data .* not str"),
        (lambda: sd.play(noise(9, 2), mapping=[1]), ValueError, r"2 columns of data, not \[1\]"),
        (lambda: sd.play(noise(9, 2), mapping=[1, 1]), ValueError, r"once, not \[1, 1\]"),
        (lambda: sd.play(noise(9, 1), mapping=[0]), ValueError, r"from 1, not \[0\]"),
        (lambda: sd.play(noise(9, 1), mapping=[]), ValueError, r"from 1, not \[\]"),
        (lambda: sd.play(noise(9, 1), channels=1), TypeError, "channels"),
        (lambda: sd.play(noise(9, 1), nonsense=1), TypeError, "nonsense"),
        (lambda: sd.rec(), TypeError, "frames or out must be given"),
        (lambda: sd.rec(10), TypeError, "channels, mapping or out must be given"),
        (lambda: sd.rec(1.5, channels=1), TypeError, "frames must be an integer, not float"),
        (lambda: sd.rec(1, channels="1"), TypeError, "channels must be an integer, not str"),
        (lambda: sd.rec(out=np.zeros(9)), ValueError, r"out .* not \(9,\)"),
        (lambda: sd.rec(out=np.zeros((9, 2)), mapping=[1]), ValueError, r"2 columns .* not \[1\]"),
        (lambda: sd.rec(9, channels=1, dtype="int64"), TypeError, "dtype of out .* not int64"),
        (
            lambda: sd.playrec(noise(9, 1), out=np.zeros((8, 1))),
            ValueError,
            "out must have as many frames as data, 9, not 8",
        ),
    ],
)
def test_a_wrong_argument_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_before_the_first_call():
    convenience = Convenience(sd)
    assert convenience.wait() is convenience.stop() is None
    for call in convenience.get_status, convenience.get_stream:
        with pytest.raises(RuntimeError, match="call play"):
            call()
