"""Python on one side of a ring, PortAudio's C on the other, on a thread each.

    with_python.py --operations 20000
    with_python.py --seconds 600 [--seed N]

Elements are those of the Rust program beside, which also says what a wrong one is. The C side is
called through ctypes, which releases the interpreter lock for as long as it takes.
"""

import argparse
import ctypes
import pathlib
import random
import signal
import sys
import threading
import time

from pa_ringbuffer import RingBuffer

LIBRARY = pathlib.Path(__file__).parents[1] / "target" / "release"
SUFFIX = {"win32": "soak.dll", "darwin": "libsoak.dylib"}.get(sys.platform, "libsoak.so")
ELEMENT_SIZES = [1, 3, 4, 8, 24, 100]
RING_SIZES = [1, 4, 64, 1024, 65536]
#: Operations of one heat: short, so that all ways get their turn.
HEAT = 2000


class Outcome(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("elements", "operations", "waits", "sum", "failed")
    )


def load():
    library = ctypes.CDLL(str(LIBRARY / SUFFIX))
    word, size, pointer = ctypes.c_uint64, ctypes.c_size_t, ctypes.c_void_p
    for name, result, *arguments in (
        ("soak_fill", None, word, size, size, pointer),
        ("soak_expect", ctypes.c_int, word, size, size, pointer, ctypes.POINTER(word)),
        ("soak_write", None, pointer, size, word, word, pointer, ctypes.POINTER(Outcome)),
        ("soak_read", None, pointer, size, word, pointer, ctypes.POINTER(Outcome)),
        ("soak_shared", pointer),
        ("soak_free", None, pointer),
        ("soak_written", None, pointer, word),
        ("soak_total", ctypes.c_int64, pointer),
        ("soak_abandoned", ctypes.c_int, pointer, ctypes.c_int),
    ):
        getattr(library, name).restype = result
        getattr(library, name).argtypes = arguments
    return library


class Wrong(Exception):
    """An element that should be another one."""


class Heat:
    """One ring, and what Python does on its side."""

    def __init__(self, library, way, element_size, size, seed):
        self.library, self.way, self.element_size, self.size = library, way, element_size, size
        self.ring = RingBuffer(element_size, size)
        self.random = random.Random(seed)
        self.longest = min(size, 256)
        self.shared = library.soak_shared()
        self.outcome = Outcome()
        self.sum = ctypes.c_uint64()
        self.buffer = bytearray(self.longest * element_size)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.buffer))
        self.elements = self.operations = self.waits = 0

    def run(self, stopped):
        seed, longest, ring = self.random.getrandbits(32), self.longest, self.ring.address
        if self.way in WRITING:
            call, arguments = self.library.soak_read, (ring, longest, seed)
        else:
            call, arguments = self.library.soak_write, (ring, longest, HEAT, seed)
        other = threading.Thread(target=call, args=(*arguments, self.shared, self.outcome))
        other.start()
        try:
            if self.way in WRITING:
                self.write(WRITING[self.way], stopped)
            else:
                self.read(READING[self.way], stopped)
        finally:
            # It waits for this side no longer.
            self.library.soak_abandoned(self.shared, 1)
            if self.way in WRITING:
                self.library.soak_written(self.shared, self.elements)
            other.join()
        arrived = self.outcome.elements
        if self.outcome.failed or arrived != self.elements:
            raise Wrong(f"{self.elements} elements on Python's side, {arrived} on C's")
        self.library.soak_free(self.shared)

    def write(self, write, stopped):
        while self.operations < HEAT and not stopped():
            count = self.random.randint(1, self.longest)
            self.library.soak_fill(self.elements, self.element_size, count, self.address)
            written = write(self.ring, memoryview(self.buffer)[: count * self.element_size])
            if written:
                self.elements += written
                self.operations += 1
            elif self.library.soak_abandoned(self.shared, 0):
                return
            else:
                self.wait()

    def read(self, read, stopped):
        while True:
            # Asked before reading: all that was written by then can be read then.
            total = self.library.soak_total(self.shared)
            count = self.random.randint(1, self.longest)
            found = read(self.ring, memoryview(self.buffer)[: count * self.element_size])
            if found:
                if self.library.soak_expect(
                    *(self.elements, self.element_size, found, self.address),
                    ctypes.byref(self.sum),
                ):
                    raise Wrong("said above")
                self.elements += found
                self.operations += 1
            elif total == self.elements:
                return
            elif total >= 0 and not self.ring.read_available:
                raise Wrong(f"{total} elements were written, {self.elements} arrived")
            else:
                self.wait()
            if stopped():
                self.library.soak_abandoned(self.shared, 1)

    def wait(self):
        self.waits += 1
        # Without a pause, the other thread would hardly ever run on a machine that is busy.
        time.sleep(1e-6)


def write_in_place(ring, data):
    count, first, second = ring.get_write_buffers(len(data) // ring.elementsize)
    first[:] = data[: len(first)]
    second[:] = data[len(first) : len(first) + len(second)]
    ring.advance_write_index(count)
    return count


def read_bytes(ring, target):
    found = ring.read(len(target) // ring.elementsize)
    target[: len(found)] = found
    return len(found) // ring.elementsize


def read_in_place(ring, target):
    count, first, second = ring.get_read_buffers(len(target) // ring.elementsize)
    target[: len(first)] = first
    target[len(first) : len(first) + len(second)] = second
    ring.advance_read_index(count)
    return count


WRITING = {"write": RingBuffer.write, "get_write_buffers": write_in_place}
READING = {
    "readinto": RingBuffer.readinto,
    "read": read_bytes,
    "get_read_buffers": read_in_place,
}


def show(rows, started):
    print(f"{'Python':18}{'heats':>8}{'elements':>14}{'operations':>13}{'waits':>12}{'bytes':>16}")
    for way, counts in rows.items():
        print(f"{way:18}{counts[0]:8}{counts[1]:14}{counts[2]:13}{counts[3]:12}{counts[4]:16}")
    print(f"{time.monotonic() - started:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    interrupted = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    library = load()
    started = time.monotonic()
    rng = random.Random(options.seed)
    rows = {way: [0] * 5 for way in (*WRITING, *READING)}

    def over():
        if options.operations is not None:
            return sum(counts[2] for counts in rows.values()) >= options.operations
        return time.monotonic() - started >= options.seconds

    error = None
    while not error and not over() and not interrupted.is_set():
        for way, counts in rows.items():
            element_size, size = rng.choice(ELEMENT_SIZES), rng.choice(RING_SIZES)
            heat = Heat(library, way, element_size, size, rng.getrandbits(32))
            try:
                heat.run(interrupted.is_set)
            except Wrong as wrong:
                error = f"{way}, {size} x {element_size} bytes, seed {options.seed}: {wrong}"
                break
            done = (
                *(1, heat.elements, heat.operations + heat.outcome.operations),
                *(heat.waits + heat.outcome.waits, heat.elements * element_size),
            )
            counts[:] = [a + b for a, b in zip(counts, done)]
            if over() or interrupted.is_set():
                break
    show(rows, started)
    sys.exit(error)


if __name__ == "__main__":
    main()
