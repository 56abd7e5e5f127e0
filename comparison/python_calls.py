"""What a call from Python costs, next to upstream's pa-ringbuffer 0.1.4 over PortAudio's C.

Both classes run in this process, in turns, and work on rings of the same size. Upstream's file is
installed from PyPI into a folder of its own; PortAudio's C comes with rtmixer's wheel.
"""

import argparse
import importlib.util
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import machine
import numpy as np
import pa_ringbuffer
from _rtmixer import ffi, lib

FOLDER = pathlib.Path(__file__).parent.parent / "build" / "upstream"
CALLS = 2000  # per measurement
CAPACITY = 65536  # bytes of a ring


def upstream():
    """The module ``pa_ringbuffer`` as of 0.1.4, under another name."""
    file = FOLDER / "pa_ringbuffer.py"
    if not file.exists():
        command = ["pip", "install", "--quiet", "--no-deps", "--target", str(FOLDER)]
        subprocess.run([sys.executable, "-m", *command, "pa-ringbuffer==0.1.4"], check=True)
    spec = importlib.util.spec_from_file_location("upstream_pa_ringbuffer", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timed(call, *arguments):
    """Nanoseconds per call."""
    clock = time.perf_counter_ns
    repeat = range(CALLS)
    begin = clock()
    for _ in repeat:
        call(*arguments)
    return (clock() - begin) / CALLS


def alternating(call, argument, reset, per_reset):
    """Nanoseconds per call, where the ring must be reset after every *per_reset* calls."""
    clock = time.perf_counter_ns
    total = 0
    rounds = max(1, CALLS // per_reset)
    repeat = range(per_reset)
    for _ in range(rounds):
        reset()
        begin = clock()
        for _ in repeat:
            call(argument)
        total += clock() - begin
    return total / (rounds * per_reset)


def workloads(RingBuffer):
    """Name and measuring function of each workload, for one class."""
    small = RingBuffer(8, CAPACITY // 8)
    frames = np.zeros((512, 2), np.float32)
    pointer = ffi.new("double *")

    def empty():
        small.flush()

    def full():
        small.flush()
        small.advance_write_index(len(small))

    def regions(get, advance):
        def call(size):
            get(size)
            advance(size)

        return call

    def writes(data, nbytes):
        return lambda: alternating(small.write, data, empty, CAPACITY // nbytes // 2)

    def reads(call, argument, nbytes):
        return lambda: alternating(call, argument, full, CAPACITY // nbytes // 2)

    yield "write, bytes, 8 B", writes(b"x" * 8, 8)
    yield "write, bytes, 2 KiB", writes(b"x" * 2048, 2048)
    yield "write, bytes, 32 KiB", writes(b"x" * 32768, 32768)
    yield "write, NumPy float32 512x2", writes(frames, 4096)
    yield "write, CData pointer, 8 B", writes(pointer, 8)
    yield "readinto, bytearray, 8 B", reads(small.readinto, bytearray(8), 8)
    yield "readinto, NumPy float32 512x2", reads(small.readinto, frames, 4096)
    yield "read(1), 8 B", reads(small.read, 1, 8)
    yield "read(256), 2 KiB", reads(small.read, 256, 2048)
    yield (
        "get_write_buffers(1) + advance",
        (
            lambda: alternating(
                regions(small.get_write_buffers, small.advance_write_index), 1, empty, 1000
            )
        ),
    )
    yield (
        "get_read_buffers(1) + advance",
        (
            lambda: alternating(
                regions(small.get_read_buffers, small.advance_read_index), 1, full, 1000
            )
        ),
    )
    yield "write_available", lambda: timed(getattr, small, "write_available")
    yield "construct, 64 elements", lambda: timed(RingBuffer, 8, 64)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31, help="measurements of each contestant")
    rounds = parser.parse_args().rounds

    contestants = [
        dict(workloads(upstream().init(ffi, lib))),
        dict(workloads(pa_ringbuffer.init(ffi, lib))),
    ]
    print(
        f"{machine.python()}, {machine.processor()}, "
        f"{platform.system()}; medians of {rounds} alternating rounds in ns per call, quartiles in "
        "brackets"
    )
    print(f"{'':34}{'upstream 0.1.4':>22}{'this project':>22}{'ratio':>8}")
    for name in contestants[0]:
        results = [[], []]
        for _ in range(rounds):
            for measured, contestant in zip(results, contestants):
                measured.append(contestant[name]())
        cells = []
        for measured in results:
            low, middle, high = statistics.quantiles(measured, n=4)
            cells.append(f"{middle:.0f} [{low:.0f} - {high:.0f}]")
        ratio = statistics.median(results[0]) / statistics.median(results[1])
        print(f"{name:34}{cells[0]:>22}{cells[1]:>22}{ratio:7.1f}x")


if __name__ == "__main__":
    main()
