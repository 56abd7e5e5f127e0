"""The virtual device: without its clock, where every frame is predictable, and at its end."""

import importlib.util
import random
import signal
import sys
import time

import pa_ringbuffer
import pytest
from pa_ringbuffer.testing import VirtualDevice

SAMPLESIZE = {"float32": 4, "int32": 4, "int24": 3, "int16": 2, "int8": 1, "uint8": 1}

dtypes = pytest.mark.parametrize("dtype", SAMPLESIZE)
blocksizes = pytest.mark.parametrize("blocksize", [64, 256, 0])


def frames(count, framesize):
    return random.Random(count).randbytes(count * framesize)


@dtypes
@blocksizes
def test_loopback_is_exact(dtype, blocksize):
    framesize = 2 * SAMPLESIZE[dtype]
    delay = blocksize or 1024
    output = pa_ringbuffer.RingBuffer(framesize, 65536)
    input_ = pa_ringbuffer.RingBuffer(framesize, 65536)
    played = frames(65536 - delay, framesize)
    assert output.write(played) == 65536 - delay
    callback = pa_ringbuffer.StreamCallback(input_, output)
    device = VirtualDevice(callback, dtype=dtype, blocksize=blocksize, loopback=True)
    assert device.run(65536) == 65536
    device.close()
    recorded = bytes(input_.read())
    assert recorded[: delay * framesize] == bytes(delay * framesize)
    assert recorded[delay * framesize :] == played
    assert callback.counters["frames"] == 65536
    assert callback.counters["output_underflow_frames"] == delay
    assert callback.counters["input_overflow_frames"] == 0


@pytest.mark.parametrize("silence", [0, 0x80])
def test_missing_frames_are_replaced_by_silence(silence):
    output = pa_ringbuffer.RingBuffer(1, 1024)
    input_ = pa_ringbuffer.RingBuffer(1, 1024)
    played = frames(100, 1)
    output.write(played)
    callback = pa_ringbuffer.StreamCallback(input_, output, silence=silence)
    device = VirtualDevice(callback, channels=1, dtype="uint8", blocksize=64, loopback=True)
    device.run(256)
    device.close()
    assert bytes(input_.read()) == bytes(64) + played + bytes([silence] * 92)
    assert callback.counters["output_underflows"] == 3
    assert callback.counters["output_underflow_frames"] == 156


def test_too_small_input_ring_keeps_the_oldest_frames():
    output = pa_ringbuffer.RingBuffer(6, 1024)
    input_ = pa_ringbuffer.RingBuffer(6, 128)
    played = frames(1024, 6)
    output.write(played)
    callback = pa_ringbuffer.StreamCallback(input_, output)
    device = VirtualDevice(callback, dtype="int24", blocksize=64, loopback=True)
    device.run(1024)
    device.close()
    assert bytes(input_.read()) == bytes(64 * 6) + played[: 64 * 6]
    assert callback.counters["input_overflow_frames"] == 1024 - 128


@blocksizes
def test_complete_ends_when_everything_has_been_played(blocksize):
    output = pa_ringbuffer.RingBuffer(8, 65536)
    input_ = pa_ringbuffer.RingBuffer(8, 65536)
    # The end is within a block.
    played = frames(30_001, 8)
    output.write(played)
    callback = pa_ringbuffer.StreamCallback(input_, output)
    callback.mode = "complete"
    assert callback.mode == "complete"
    device = VirtualDevice(callback, blocksize=blocksize, loopback=True)
    assert 30_001 <= device.run(60_000) <= 30_001 + 1024
    assert output.read_available == 0
    assert callback.counters["output_underflows"] == 0
    # What is still on its way comes with the next call, which ends the stream again.
    device.run(1)
    device.close()
    recorded = bytes(input_.read())
    delay = (blocksize or 1024) * 8
    assert recorded[delay:] + bytes(len(played)) != bytes(len(played))
    assert recorded[delay : delay + len(played)] == played[: len(recorded) - delay]


def test_complete_ends_a_device_that_runs():
    output = pa_ringbuffer.RingBuffer(8, 8192)
    callback = pa_ringbuffer.StreamCallback(output_ring=output)
    output.write(frames(4800, 8))
    callback.mode = "complete"
    with VirtualDevice(callback, channels=(0, 2)) as device:
        assert device.wait(30)
        assert not device.active
        ended_at = device.frames
        assert 4800 < ended_at <= 4800 + 256
    assert output.read_available == 0
    assert callback.counters["frames"] == ended_at
    assert callback.counters["output_underflows"] == 0


def test_wait_gives_up_after_its_timeout():
    callback = pa_ringbuffer.StreamCallback(output_ring=pa_ringbuffer.RingBuffer(8, 64))
    with VirtualDevice(callback) as device:
        assert not device.wait(0.05)
        assert device.active
        device.stop()
        assert not device.active
        assert device.wait(0.05)


@pytest.mark.impossible(sys.platform == "win32", reason="there is no SIGINT to send")
def test_ctrl_c_interrupts_wait(programs):
    program = programs.start("interrupt")
    assert program.wait_for_line() == {"waiting": True}
    # Until the program really waits; sent too early, the signal would end it all the same.
    time.sleep(0.2)
    program.process.send_signal(signal.SIGINT)
    assert program.result() == {"interrupted": True, "active": True, "active_after_stop": False}


@pytest.mark.parametrize("given", ["object", "address", "pointer"])
def test_callback_may_be_given_as_object_address_or_pointer(given, require):
    require(importlib.util.find_spec("cffi"), "CFFI is not installed")
    import cffi

    ffi = cffi.FFI()
    ring = pa_ringbuffer.RingBuffer(8, 1024)
    ring.write(bytes(8 * 1000))
    callback = pa_ringbuffer.StreamCallback(output_ring=ring)
    arguments = {
        "object": (callback,),
        "address": (callback.function, callback.userdata),
        "pointer": (ffi.cast("int (*)(void)", callback.function), callback.userdata),
    }[given]
    device = VirtualDevice(*arguments)
    device.run(1000)
    device.close()
    assert ring.read_available == 0
