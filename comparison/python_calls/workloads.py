"""The measured calls of upstream's class and of ours, and the goals for their ratios."""

import clock
import numpy as np
from _rtmixer import ffi, lib

CAPACITY = 65536  # bytes of a ring
SIZE = CAPACITY // 8

#: How many times faster than upstream; None if nothing is asked for.
GOALS = {
    "write, bytes, 8 B": 12,
    "write, bytes, 2 KiB": 9,
    "write, bytes, 32 KiB": None,
    "write, NumPy float32 512x2": 5,
    "write, CData pointer": None,
    "write, CData pointer and size": None,
    "readinto, bytearray, 8 B": 12,
    "readinto, bytearray, 2 KiB": 9,
    "readinto, NumPy float32 512x2": 5,
    "read(1), 8 B": 20,
    "read(256), 2 KiB": 12,
    "get_write_buffers(1) + advance": 7,
    "get_read_buffers(1) + advance": 7,
    "write_available": 5,
    "read_available": 5,
    "construct, 64 elements": 3,
}


def of_class(RingBuffer):
    """Measuring functions by name."""
    ring = RingBuffer(8, SIZE)
    frames = np.zeros((512, 2), np.float32)
    pointer = ffi.new("double *")

    def empty():
        ring.flush()

    def full():
        ring.flush()
        ring.advance_write_index(SIZE)

    def burst(measure, reset, nbytes):
        return lambda: clock.bursts(measure, reset, CAPACITY // nbytes // 2)

    def write(data, nbytes):
        return burst(lambda count: clock.calls(ring.write, data, count), empty, nbytes)

    def read(call, argument, nbytes):
        return burst(lambda count: clock.calls(call, argument, count), full, nbytes)

    def regions(get, advance):
        def call(size):
            get(size)
            advance(size)

        return lambda count: clock.calls(call, 1, count)

    def write_available():
        for _ in clock.repeat():
            ring.write_available  # noqa: B018

    def read_available():
        for _ in clock.repeat():
            ring.read_available  # noqa: B018

    return {
        "write, bytes, 8 B": write(b"x" * 8, 8),
        "write, bytes, 2 KiB": write(b"x" * 2048, 2048),
        "write, bytes, 32 KiB": write(b"x" * 32768, 32768),
        "write, NumPy float32 512x2": write(frames, 4096),
        "write, CData pointer": write(pointer, 8),
        "write, CData pointer and size": burst(
            lambda count: clock.calls_of_two(ring.write, pointer, 1, count), empty, 8
        ),
        "readinto, bytearray, 8 B": read(ring.readinto, bytearray(8), 8),
        "readinto, bytearray, 2 KiB": read(ring.readinto, bytearray(2048), 2048),
        "readinto, NumPy float32 512x2": read(ring.readinto, frames, 4096),
        "read(1), 8 B": read(ring.read, 1, 8),
        "read(256), 2 KiB": read(ring.read, 256, 2048),
        "get_write_buffers(1) + advance": burst(
            regions(ring.get_write_buffers, ring.advance_write_index), empty, 64
        ),
        "get_read_buffers(1) + advance": burst(
            regions(ring.get_read_buffers, ring.advance_read_index), full, 64
        ),
        "write_available": lambda: clock.loop(write_available),
        "read_available": lambda: clock.loop(read_available),
        "construct, 64 elements": lambda: clock.calls_of_two(RingBuffer, 8, 64),
    }


def floor():
    """The interpreter's own time for calling a builtin, or for reading its attribute."""
    nothing, view = [], memoryview(b"")

    def itemsize():
        for _ in clock.repeat():
            view.itemsize  # noqa: B018

    return {
        "floor: [].count(None)": lambda: clock.calls(nothing.count, None),
        "floor: memoryview.itemsize": lambda: clock.loop(itemsize),
    }


def classes(upstream, ours):
    """Upstream's class and ours, for the same CFFI module, which has PortAudio's C."""
    return {"upstream": upstream.init(ffi, lib), "ours": ours.init(ffi, lib)}
