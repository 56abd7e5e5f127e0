"""No callable, private or not, can be made to access memory that it was not given."""

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


class Handle:
    """What the sides of a stream ask about its device."""

    active = False

    def check_here(self):
        raise AssertionError

    def report(self):
        pass

    def error(self, outcome, so_far, frames=0, data=None):
        return TimeoutError(outcome, so_far)


def sides(output_ring, input_ring):
    """Both sides of a stream with 2 channels of int16."""
    from pa_ringbuffer._native import InputSide, OutputSide

    callback = pa_ringbuffer.StreamCallback(output_ring=output_ring, input_ring=input_ring)

    def empty(shape, dtype):
        return memoryview(bytearray(4 * shape[0])).cast("h", shape) if shape[0] else b""

    return (
        OutputSide(callback, Handle(), lambda data: data, 2, "int16", 48000.0),
        InputSide(callback, Handle(), empty, 2, "int16", None),
    )


def test_no_private_method_writes_into_read_only_memory():
    memory = bytes(64)
    ring = pa_ringbuffer.RingBuffer(4, buffer=memory)
    output, _ = sides(ring, pa_ringbuffer.RingBuffer(4, 16))
    frames = memoryview(b"\xff" * 64).cast("h", (16, 2))
    for write in (output.write, output.write_nowait, lambda data: output.begin(data).step()):
        with pytest.raises(TypeError, match="read-only"):
            write(frames)
    assert memory == bytes(64)
    assert ring.read_available == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(64),
        memoryview(bytes(60)).cast("h"),
        memoryview(bytes(60)).cast("h", (10, 3)),
        memoryview(bytes(64)).cast("i", (8, 2)),
        memoryview(bytes(64)).cast("H", (16, 2)),
        memoryview(bytes(64)).cast("h", (4, 2, 4)),
        memoryview(bytes(64)).cast("h", (16, 2))[::2],
        memoryview(bytes(2)).cast("h", []),
        None,
        [[0, 0]],
    ],
)
def test_no_private_method_writes_what_are_no_frames(data):
    ring = pa_ringbuffer.RingBuffer(4, 16)
    output, _ = sides(ring, pa_ringbuffer.RingBuffer(4, 16))
    for write in (output.write, output.write_nowait, output.begin):
        with pytest.raises((TypeError, ValueError, BufferError)):
            write(data)
    assert ring.read_available == 0


@pytest.mark.parametrize("size", [0, 63, 65, 128])
def test_no_private_method_reads_into_an_array_of_another_size(size):
    from pa_ringbuffer._native import InputSide

    ring = pa_ringbuffer.RingBuffer(4, 16)
    ring.write(bytes(range(64)))
    callback = pa_ringbuffer.StreamCallback(input_ring=ring)
    side = InputSide(callback, Handle(), lambda shape, dtype: bytearray(size), 2, "int16", None)
    for read in (side.read, side.read_nowait, side.read_latest, side.begin):
        with pytest.raises(ValueError, match="array"):
            read(16)
    assert ring.read_available == 16
    assert side.available == 16


def test_an_array_that_is_resized_while_it_is_read_into_is_an_error():
    from pa_ringbuffer._native import InputSide

    ring = pa_ringbuffer.RingBuffer(4, 16)
    arrays = []

    def empty(shape, dtype):
        arrays.append(bytearray(4 * shape[0]))
        return arrays[-1]

    callback = pa_ringbuffer.StreamCallback(input_ring=ring)
    side = InputSide(callback, Handle(), empty, 2, "int16", None)
    transfer = side.begin(100)
    ring.write(bytes(16))
    assert transfer.step()
    del arrays[-1][100:]
    with pytest.raises(ValueError, match="resized"):
        transfer.step()
    transfer.give_up()
    # Its frames are gone with the end of the array, and nothing else.
    ring.write(b"\x01" * 16)
    assert bytes(side.read_nowait(100).frames)[-16:] == b"\x01" * 16


def test_a_side_needs_a_ring_with_frames_of_its_own():
    from pa_ringbuffer._native import InputSide, OutputSide

    callback = pa_ringbuffer.StreamCallback(output_ring=pa_ringbuffer.RingBuffer(4, 16))
    for channels in (0, 1, 3, 2**62, 2**63 - 2):
        with pytest.raises(ValueError, match="channels must be 2"):
            OutputSide(callback, Handle(), None, channels, "int16", 48000.0)
    with pytest.raises(TypeError, match="no ring"):
        InputSide(callback, Handle(), None, 2, "int16", None)


@pytest.mark.parametrize("samplerate", [0.0, -1.0, float("nan"), float("inf"), 1e-300])
def test_a_side_takes_any_sample_rate(samplerate):
    from pa_ringbuffer._native import OutputSide

    callback = pa_ringbuffer.StreamCallback(output_ring=pa_ringbuffer.RingBuffer(4, 16))
    output = OutputSide(callback, Handle(), None, 2, "int16", samplerate)
    output.write(memoryview(bytes(64)).cast("h", (16, 2)))
    with pytest.raises(TimeoutError):
        output.write(memoryview(bytes(64)).cast("h", (16, 2)), 0.01)


def test_a_transfer_that_is_over_takes_nothing_from_others():
    output, _ = sides(pa_ringbuffer.RingBuffer(4, 16), pa_ringbuffer.RingBuffer(4, 16))
    first = output.begin(memoryview(bytes(128)).cast("h", (32, 2)))
    with pytest.raises(RuntimeError, match="another task is writing to this stream"):
        output.begin(memoryview(bytes(128)).cast("h", (32, 2)))
    first.give_up()
    second = output.begin(memoryview(bytes(128)).cast("h", (32, 2)))
    first.give_up()
    del first
    with pytest.raises(RuntimeError, match="another task is writing to this stream"):
        output.begin(memoryview(bytes(128)).cast("h", (32, 2)))
    for ask in (lambda: second.frames, lambda: second.judge("over")):
        with pytest.raises((TypeError, ValueError)):
            ask()


def test_a_transfer_that_was_given_up_gives_and_takes_nothing_more():
    ring = pa_ringbuffer.RingBuffer(4, 16)
    _, side = sides(pa_ringbuffer.RingBuffer(4, 16), ring)
    ring.write(bytes(range(32)))
    transfer = side.begin(100)
    transfer.step()
    transfer.give_up()
    assert transfer.is_over
    ring.write(bytes(range(32, 64)))
    for use in (
        transfer.step,
        lambda: transfer.judge("finished"),
        lambda: transfer.watch(print),
        lambda: transfer.frames,
    ):
        with pytest.raises(RuntimeError, match="this transfer is over"):
            use()
    assert bytes(side.read_nowait(100).frames) == bytes(range(64))
    assert side.available == 0


def test_a_transfer_that_is_being_used_takes_no_other_use():
    from pa_ringbuffer._native import InputSide

    refused = []

    class Meddling(Handle):
        """Uses the transfer that it makes the error of."""

        def error(self, outcome, so_far, frames=0, data=None):
            for use in (
                transfer.step,
                lambda: transfer.judge("timeout"),
                lambda: transfer.watch(print),
                lambda: transfer.frames,
            ):
                with pytest.raises(RuntimeError, match="is being used") as error:
                    use()
                refused.append(error)
            transfer.give_up()
            # Not before the use is over.
            with pytest.raises(RuntimeError, match="already reading from this stream"):
                side.read_nowait(100)
            return TimeoutError(so_far)

    ring = pa_ringbuffer.RingBuffer(4, 16)
    callback = pa_ringbuffer.StreamCallback(input_ring=ring)

    def empty(shape, dtype):
        return memoryview(bytearray(4 * shape[0])).cast("h", shape)

    side = InputSide(callback, Meddling(), empty, 2, "int16", None)
    ring.write(bytes(range(32)))
    transfer = side.begin(100, None, None, True)
    with pytest.raises(TimeoutError):
        transfer.judge("timeout")
    assert len(refused) == 4
    assert bytes(side.read_nowait(8).frames) == bytes(range(32))


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
                callback._attach(
                    output_ring=pa_ringbuffer.RingBuffer(size, 4), output_framesize=size
                )
        assert callback.output_ring is None


def test_a_callback_that_another_host_calls_gets_no_other_rings():
    callback = pa_ringbuffer.StreamCallback()
    function = ctypes.CFUNCTYPE(
        ctypes.c_int, *[ctypes.c_void_p] * 2, ctypes.c_ulong, *[ctypes.c_void_p] * 3
    )(callback.function)
    assert function(None, None, 16, None, None, callback.address) == 0
    with pytest.raises(RuntimeError, match="the callback is in use"):
        callback._attach(output_ring=pa_ringbuffer.RingBuffer(1, 4))
