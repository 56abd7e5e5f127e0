"""Streams with the user's own compiled callback, and all forms of a callback and its data."""

import array
import ctypes
import gc
import importlib.util
import sys
import weakref

import pytest
from callback_type import CALLBACK
from pa_ringbuffer import RingBuffer, StreamCallback, portable, testing
from pa_ringbuffer.testing import CompiledStream, VirtualDevice

CONTINUE, COMPLETE = 0, 1


@pytest.fixture
def sounddevice(require):
    """The module for sound cards."""
    require(importlib.util.find_spec("sounddevice"), "sounddevice is not installed")
    try:
        import pa_ringbuffer.sounddevice
    except ImportError as error:
        require(False, str(error))
    return pa_ringbuffer.sounddevice


def told(userdata):
    """The address that a callback gets for *userdata*."""
    addresses = []

    @CALLBACK
    def callback(input_, output, frames, time, flags, userdata):
        addresses.append(userdata)
        return COMPLETE

    VirtualDevice(callback, userdata).process(frames=1)
    return addresses.pop()


class Parameters(ctypes.Structure):
    _fields_ = [("gain", ctypes.c_float), ("frame", ctypes.c_uint64)]


# What userdata may be.


def test_a_buffer_stands_for_its_first_byte(numpy):
    records = numpy.zeros(3, dtype=[("note", "i4"), ("velocity", "f4")])
    assert told(records) == records.ctypes.data
    assert told(records[1:]) == records.ctypes.data + 8
    floats = array.array("f", [1, 2])
    assert told(floats) == floats.buffer_info()[0]


def test_a_structure_of_ctypes_stands_for_itself_and_a_pointer_for_what_it_points_to():
    parameters = Parameters()
    assert told(parameters) == ctypes.addressof(parameters)
    assert told((ctypes.c_int * 4).from_buffer(parameters)) == ctypes.addressof(parameters)
    assert told(ctypes.pointer(parameters)) == ctypes.addressof(parameters)


@pytest.mark.parametrize("module", ["native", "portable"])
def test_a_ring_stands_for_its_struct(module):
    ring = {"native": RingBuffer, "portable": portable.RingBuffer}[module](4, 8)
    assert told(ring) == ring.address


def test_integers_of_numpy_are_addresses(numpy):
    data = ctypes.c_int()
    assert told(numpy.uint64(ctypes.addressof(data))) == ctypes.addressof(data)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (b"read-only", TypeError),
        (memoryview(bytearray(8))[::2], TypeError),
        ("text", TypeError),
        (1.5, TypeError),
        ([1, 2], TypeError),
        (0, ValueError),
        (-1, ValueError),
        (RingBuffer.__new__(RingBuffer), RuntimeError),
    ],
)
def test_other_userdata_is_refused(wrong, error):
    with pytest.raises(error):
        VirtualDevice(1, wrong)


@pytest.mark.parametrize("wrong", [b"read-only", memoryview(bytearray(8))[::2]])
def test_a_buffer_that_cannot_be_userdata_is_refused_with_the_reason(wrong):
    message = rf"userdata must be a writable contiguous buffer, not {type(wrong).__name__}: \w+"
    with pytest.raises(TypeError, match=message) as refused:
        VirtualDevice(1, wrong)
    assert isinstance(refused.value.__cause__, BufferError)


def test_what_userdata_can_be_is_in_the_message():
    with pytest.raises(
        TypeError, match=r"userdata must be an address.*RingBuffer.*buffer.*, not list"
    ):
        VirtualDevice(1, [])


def test_userdata_that_is_a_buffer_can_neither_go_away_nor_be_resized(collect):
    data = bytearray(8)
    device = VirtualDevice(CALLBACK(lambda *_: COMPLETE), data)
    with pytest.raises(BufferError):
        data.append(1)
    del device
    collect()
    data.append(1)


def test_userdata_that_is_a_ring_is_kept(collect):
    class Ring(RingBuffer):
        pass

    ring = Ring(1, 16)
    address, reference = ring.address, weakref.ref(ring)

    @CALLBACK
    def callback(input_, output, frames, time, flags, userdata):
        RingBuffer.from_pointer(userdata).write(b"alive")
        return COMPLETE

    device = VirtualDevice(callback, ring)
    del ring
    collect()
    device.process(frames=1)
    assert RingBuffer.from_pointer(address).read() == b"alive"
    del device, callback
    collect()
    assert reference() is None


# What a callback may be.


def capsule(pointer, name):
    """A PyCapsule. It does not keep its name."""
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
    return new(pointer, name, None)


SIGNATURE = b"int (void const *, void *, unsigned long, void const *, unsigned long, void *)"


def test_a_capsule_with_a_function_can_be_the_callback():
    calls = []
    function = CALLBACK(lambda *arguments: calls.append(arguments[2]) or COMPLETE)
    address = ctypes.cast(function, ctypes.c_void_p).value
    VirtualDevice(capsule(address, SIGNATURE)).process(frames=7)
    assert calls == [7]


@pytest.mark.parametrize("name", [None, b"float", b"PaUtilRingBuffer *"])
def test_a_capsule_with_anything_else_is_refused(name):
    with pytest.raises(TypeError, match="capsule with a function"):
        VirtualDevice(capsule(ctypes.addressof(Parameters()), name))


# Streams.


@pytest.fixture
def doubling():
    """A callback that plays what it hears, twice as loud."""

    @CALLBACK
    def callback(input_, output, frames, time, flags, userdata):
        source = (ctypes.c_float * frames).from_address(input_)
        target = (ctypes.c_float * frames).from_address(output)
        for i in range(frames):
            target[i] = 2 * source[i]
        return CONTINUE

    return callback


def test_a_stream_calls_the_function_with_its_data():
    ring = RingBuffer(8, 64)

    @CALLBACK
    def callback(input_, output, frames, time, flags, userdata):
        RingBuffer.from_pointer(userdata).write(frames.to_bytes(8, sys.byteorder))
        return CONTINUE

    with CompiledStream("output", callback, ring, channels=1, blocksize=32) as stream:
        assert stream.active
        assert ring.wait_for_data(3, timeout=30)
    assert (stream.active, stream.closed, stream.stopped) == (False, True, True)
    assert set(ring.read()[::8]) == {32}


def test_a_stream_has_the_properties_of_sounddevice_s(doubling):
    stream = CompiledStream("duplex", doubling, channels=1, blocksize=64, samplerate=44100)
    assert (stream.samplerate, stream.blocksize) == (44100, 64)
    assert (stream.channels, stream.dtype) == ((1, 1), ("float32", "float32"))
    assert stream.samplesize == (4, 4)
    assert (stream.active, stream.stopped, stream.closed) == (False, True, False)
    stream.close()


def test_a_stream_with_loopback_hears_what_it_plays():
    heard = RingBuffer(4, 1 << 14)
    played = RingBuffer(4, 1 << 14)
    played.write(array.array("f", range(1, 1001)))
    callback = StreamCallback(heard, played)
    with CompiledStream("duplex", callback, channels=1, blocksize=64, loopback=True):
        assert heard.wait_for_data(1064, timeout=30)
    sound = array.array("f", bytes(heard.read(1064))).tolist()
    assert sound == [0] * 64 + list(range(1, 1001))
    assert callback.finished == "stopped"


def test_frames_of_a_stream_callback_must_be_those_of_the_stream():
    callback = StreamCallback(output_ring=RingBuffer(4, 64))
    with pytest.raises(ValueError, match="frames have 4 bytes"):
        CompiledStream("output", callback, channels=2)


@pytest.mark.parametrize("module", ["testing", "sounddevice"])
def test_wrong_arguments_are_named(module, request):
    stream = testing if module == "testing" else request.getfixturevalue("sounddevice")
    with pytest.raises(ValueError, match="kind must be 'input', 'output' or 'duplex', not 'both'"):
        stream.CompiledStream("both", 1)
    with pytest.raises(TypeError, match="callback must be a C function"):
        stream.CompiledStream("output", lambda *arguments: 0)
    with pytest.raises(TypeError, match="userdata must not be given with a StreamCallback"):
        stream.CompiledStream("output", StreamCallback(), 1)
    with pytest.raises(TypeError, match="finished_callback must be a C function"):
        stream.CompiledStream("output", 1, finished_callback="text")


def test_both_modules_take_the_same_arguments(sounddevice):
    import inspect

    ours = list(inspect.signature(sounddevice.CompiledStream).parameters.values())
    virtual = list(inspect.signature(testing.CompiledStream).parameters.values())
    assert virtual[: len(ours)] == ours
    assert [parameter.name for parameter in virtual[len(ours) :]] == ["loopback", "jitter"]


@pytest.mark.parametrize("form", ["python", "C"])
def test_the_finished_callback_is_told_once(form, doubling):
    calls = []
    finished = {
        "python": lambda: calls.append(None),
        "C": ctypes.CFUNCTYPE(None, ctypes.c_void_p)(calls.append),
    }[form]
    data = bytearray(1)
    with CompiledStream("duplex", doubling, data, channels=1, finished_callback=finished):
        pass
    expected = None if form == "python" else ctypes.addressof(ctypes.c_char.from_buffer(data))
    assert calls == [expected]


def test_a_forgotten_stream_is_closed_before_its_data_goes(collect):
    class Data(bytearray):
        pass

    data = Data(8)
    reference = weakref.ref(data)
    alive = []
    calls = RingBuffer(1, 1 << 12)

    @CALLBACK
    def callback(input_, output, frames, time, flags, userdata):
        alive.append(reference() is not None)
        calls.write(b".")
        return CONTINUE

    stream = CompiledStream("output", callback, data, channels=1, blocksize=16)
    stream.start()
    del data
    gc.collect()
    assert calls.wait_for_data(5, timeout=30)
    del stream
    collect()
    assert reference() is None
    assert all(alive)


def test_a_closed_stream_lets_go_of_its_data(doubling):
    data = bytearray(8)
    stream = CompiledStream("duplex", doubling, data, channels=1, blocksize=64)
    stream.start()
    with pytest.raises(BufferError):
        data.append(1)
    stream.close()
    data.append(1)
    assert (stream.closed, stream.stopped, stream.active) == (True, True, False)
    assert stream.time >= 0
    stream.stop()
    stream.close()
    with pytest.raises(RuntimeError, match="closed"):
        stream.start()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("samplerate", "fast"), ("samplerate", []), ("channels", (1, 1, 1)), ("dtype", ["int16"])],
)
def test_wrong_settings_are_named(name, wrong, doubling):
    with pytest.raises((TypeError, ValueError), match=f"^{name} must be "):
        CompiledStream("duplex", doubling, **{"channels": 1, name: wrong})
