"""What Python can call, private or not, cannot be made to reach memory that it was not given."""

import ctypes
import importlib.util
from types import SimpleNamespace
from unittest.mock import MagicMock

import pa_ringbuffer
import pytest
from pa_ringbuffer import portable


@pytest.fixture(autouse=True)
def extension(require):
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension module was not built")


RINGS = {
    "namespace": lambda: SimpleNamespace(address=8, elementsize=4),
    "mock": MagicMock,
    "mock of a ring": lambda: MagicMock(spec=pa_ringbuffer.RingBuffer(4, 4), address=8),
    "mock of a portable ring": lambda: MagicMock(spec=portable.RingBuffer, address=8),
    "class": lambda: pa_ringbuffer.RingBuffer,
    "number": lambda: 8,
}


@pytest.mark.parametrize("argument", ["output_ring", "input_ring"])
@pytest.mark.parametrize("make", RINGS.values(), ids=RINGS)
def test_a_callback_takes_nothing_but_rings(make, argument):
    with pytest.raises(TypeError, match=f"{argument} must be a RingBuffer, not "):
        pa_ringbuffer.StreamCallback(**{argument: make()})


@pytest.mark.parametrize("base", [pa_ringbuffer.RingBuffer, portable.RingBuffer])
def test_what_a_subclass_says_of_its_ring_is_not_asked_for(base):
    from pa_ringbuffer.testing import VirtualDevice

    class Liar(base):
        elementsize = 2**20
        address = 8
        _pin = None
        geometry = None

    ring = Liar(4, 64)
    ring.write(bytes(range(64)))
    callback = pa_ringbuffer.StreamCallback(output_ring=ring)
    assert callback.output_ring is ring
    device = VirtualDevice(callback, channels=(0, 1))
    assert bytes(device.process(frames=16)) == bytes(range(64))


def test_a_ring_that_is_not_initialised_is_refused():
    for base in (pa_ringbuffer.RingBuffer, portable.RingBuffer):
        with pytest.raises(RuntimeError, match="__init__"):
            pa_ringbuffer.StreamCallback(output_ring=base.__new__(base))


def test_an_input_ring_of_the_portable_class_must_not_be_read_only_either():
    for base in (pa_ringbuffer.RingBuffer, portable.RingBuffer):
        with pytest.raises(TypeError, match="input_ring must not use a read-only buffer"):
            pa_ringbuffer.StreamCallback(input_ring=base(4, buffer=bytes(64)))


def test_no_private_method_writes_into_read_only_memory():
    from pa_ringbuffer._native import Progress

    memory = bytes(64)
    ring = pa_ringbuffer.RingBuffer(4, buffer=memory)
    callback = pa_ringbuffer.StreamCallback(output_ring=ring)
    with pytest.raises(TypeError, match="read-only"):
        callback._write(b"\xff" * 64, Progress(0), 0.0, 0.001)
    assert memory == bytes(64)
    assert ring.read_available == 0


@pytest.mark.parametrize("done", [17, 2**63 - 1, -1])
def test_no_private_method_goes_on_behind_the_end_of_its_data(done):
    from pa_ringbuffer._native import Progress

    callback = pa_ringbuffer.StreamCallback(
        pa_ringbuffer.RingBuffer(4, 16), pa_ringbuffer.RingBuffer(4, 16)
    )
    for transfer in (
        lambda: callback._write(bytes(64), Progress(done), 0.0, 0.001),
        lambda: callback._readinto(bytearray(64), Progress(done), False, 0.0),
    ):
        with pytest.raises((ValueError, OverflowError)):
            transfer()


@pytest.mark.parametrize("use", ["start", "run", "process"])
def test_a_callback_in_use_gets_no_other_rings(use):
    from pa_ringbuffer.testing import VirtualDevice

    callback = pa_ringbuffer.StreamCallback()
    with VirtualDevice(callback, channels=1, dtype="int8", blocksize=16) as device:
        if use != "start":
            device.stop()
            getattr(device, use)(frames=16)
        for size in (1, 2**20):
            with pytest.raises(RuntimeError, match="the callback is in use"):
                callback._attach(pa_ringbuffer.RingBuffer(size, 4), output_framesize=size)
        assert callback.output_ring is None


def test_a_callback_that_another_host_calls_gets_no_other_rings():
    callback = pa_ringbuffer.StreamCallback()
    function = ctypes.CFUNCTYPE(
        ctypes.c_int, *[ctypes.c_void_p] * 2, ctypes.c_ulong, *[ctypes.c_void_p] * 3
    )(callback.function)
    assert function(None, None, 16, None, None, callback.address) == 0
    with pytest.raises(RuntimeError, match="the callback is in use"):
        callback._attach(pa_ringbuffer.RingBuffer(1, 4))
