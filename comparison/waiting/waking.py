"""What it costs that the compiled callback wakes a thread that reads, and what looking costs.

A virtual device calls the callback at the pace of its clock, and a thread reads each block. Latency
is the time from the call of the callback until Python has the block.
"""

import ctypes
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

import pa_ringbuffer
from pa_ringbuffer import _native
from pa_ringbuffer.testing import VirtualDevice

HERE = pathlib.Path(__file__).parent
RATE = 48_000
BLOCKS = (64, 1024)
FRAME = 8


class Timed(ctypes.Structure):
    """``struct timed``."""

    _fields_ = (
        ("callback", ctypes.c_void_p),
        ("user_data", ctypes.c_void_p),
        ("calls", ctypes.c_long),
        ("room", ctypes.c_long),
        ("is_real_time", ctypes.c_long),
        ("begin", ctypes.c_void_p),
        ("duration", ctypes.c_void_p),
        ("input", ctypes.c_void_p),
    )


@dataclass
class Found:
    """Nanoseconds, and shares of a core."""

    latencies: list[int] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    running: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)


def compile_callback(compiler, folder):
    library = pathlib.Path(folder) / "timed.so"
    options = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run([compiler, *options, "-o", str(library), str(HERE / "timed.c")], check=True)
    return ctypes.CDLL(str(library)).timed_callback


class Handle:
    """What a stream's side asks about its device, and raises if there is not enough in time."""

    active = True

    def error(self, outcome, so_far, frames, data):
        return TimeoutError(so_far)


def reader(callback):
    """A function that waits for a block as streams do, and returns it, or None."""
    side = _native.InputSide(
        callback, Handle(), lambda shape, _: bytearray(shape[0] * FRAME), 2, "int32", None
    )

    def read(frames, timeout):
        try:
            return side.read(frames, timeout).frames
        except TimeoutError:
            return None

    return read


def run(timed_callback, size, wake, seconds, found):
    # No block is lost if another program has the processor for a moment.
    ring = pa_ringbuffer.RingBuffer(FRAME, 16384)
    callback = pa_ringbuffer.StreamCallback(ring, output_framesize=FRAME, wake=wake)
    count = int(seconds * RATE / size)
    # More than are read: the device goes on until it is stopped.
    room = 2 * count + 1000
    begin, duration = ((ctypes.c_uint64 * room)() for _ in range(2))
    recorded = (ctypes.c_int64 * size)()
    timed = Timed(
        *(callback.function, callback.address, 0, room, 0),
        *(ctypes.addressof(array) for array in (begin, duration, recorded)),
    )
    device = VirtualDevice(
        ctypes.cast(timed_callback, ctypes.c_void_p).value,
        ctypes.addressof(timed),
        samplerate=RATE,
        blocksize=size,
    )
    read = reader(callback)
    with device:
        before, start = time.process_time(), time.monotonic()
        for _ in range(count):
            while (block := read(size, 1)) is None:
                pass
            n = int.from_bytes(block[:8], sys.byteorder)
            found.latencies.append(time.monotonic_ns() - begin[n])
        found.running.append((time.process_time() - before) / (time.monotonic() - start))
    # The first calls touch memory for the first time.
    found.durations += duration[10 : timed.calls]
    return bool(timed.is_real_time)


def idle(wake, seconds, found):
    """Without a device, nothing comes."""
    ring = pa_ringbuffer.RingBuffer(FRAME, 1024)
    callback = pa_ringbuffer.StreamCallback(ring, output_framesize=FRAME, wake=wake)
    read = reader(callback)
    before, start = time.process_time(), time.monotonic()
    while time.monotonic() < start + seconds:
        read(64, start + seconds - time.monotonic())
    found.idle.append((time.process_time() - before) / (time.monotonic() - start))


def quantile(values, share):
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def measure(compiler, rounds, seconds):
    """Print what was found, in two tables."""
    found = {(size, wake): Found() for size in BLOCKS for wake in (False, True)}
    with tempfile.TemporaryDirectory() as folder:
        timed_callback = compile_callback(compiler, folder)
        for _ in range(rounds):
            for (size, wake), these in found.items():
                is_real_time = run(timed_callback, size, wake, seconds, these)
                idle(wake, min(seconds, 2), these)
    kind = "of the real-time class" if is_real_time else "an ordinary one: it may be kept waiting"
    print(f"The callback's thread is {kind}. Load of the machine: {os.getloadavg()[0]:.1f}")
    print()
    print("| frames per block | the reader | median | 95 % within | CPU, running | CPU, idle |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (size, wake), these in found.items():
        cells = [
            f"{value / 1e6:.3f} ms"
            for value in (statistics.median(these.latencies), quantile(these.latencies, 0.95))
        ]
        cells += [
            f"{100 * statistics.median(loads):.2f} % of a core"
            for loads in (these.running, these.idle)
        ]
        print(f"| {size} | {'is woken' if wake else 'looks'} | {' | '.join(cells)} |")
    print()
    print("| frames per block | the callback | calls | median | 99 % | 99.9 % | longest |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for (size, wake), these in found.items():
        cells = [
            f"{value / 1e3:.2f} us"
            for value in (
                *(quantile(these.durations, share) for share in (0.5, 0.99, 0.999)),
                max(these.durations),
            )
        ]
        what = "wakes" if wake else "does not"
        print(f"| {size} | {what} | {len(these.durations)} | {' | '.join(cells)} |")
