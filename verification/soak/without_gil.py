"""Python threads on both sides of a ring, at the same time.

    without_gil.py [--elements 10000000] [--portable]

Every way to write meets every way to read, with elements and rings of several sizes. Each element
is its own number, so that one that is lost, repeated or torn is found. The program also runs with a
GIL, but only a free-threaded Python runs both sides at once: set PYTHON_GIL=0.
"""

import argparse
import itertools
import random
import sys
import threading
import time

import numpy as np

# Bytes per element, and elements: words that can be torn, and rings that are always full or empty.
SHAPES = [(4, 128), (8, 1024), (24, 65536)]
# More at once would hide what happens at the ends of a ring.
LONGEST = 300


class Wrong(Exception):
    """An element that should be another one."""


def numbered(start, stop, element_size):
    """Elements that are numbers, in each of their words."""
    dtype = "uint32" if element_size == 4 else "uint64"
    numbers = np.arange(start, stop, dtype="uint64").astype(dtype)
    return np.repeat(numbers, element_size // numbers.itemsize)


def write_in_place(ring, data):
    count, first, second = ring.get_write_buffers(len(data) // ring.elementsize)
    first[:] = data[: len(first)]
    second[:] = data[len(first) : len(first) + len(second)]
    ring.advance_write_index(count)
    return count


def read_into(ring, count):
    target = np.empty(count * ring.elementsize, "uint8")
    return target[: ring.readinto(target) * ring.elementsize]


def peek_and_advance(ring, count):
    found = ring.peek(count)
    # Meanwhile the producer may have added elements, but nothing takes one away.
    if ring.peek(len(found) // ring.elementsize) != found:
        raise Wrong("two looks at the same elements differ")
    ring.advance_read_index(len(found) // ring.elementsize)
    return found


def read_in_place(ring, count):
    count, first, second = ring.get_read_buffers(count)
    found = bytes(first) + bytes(second)
    ring.advance_read_index(count)
    return found


WRITING = {
    "write": lambda ring, data: ring.write(data),
    "get_write_buffers": write_in_place,
}
READING = {
    "read": lambda ring, count: ring.read(count),
    "readinto": read_into,
    "peek": peek_and_advance,
    "get_read_buffers": read_in_place,
}


class Heat:
    """One ring, and a thread on each side."""

    def __init__(self, ring, write, read, total):
        self.ring, self.write, self.read, self.total = ring, write, read, total
        self.errors = []

    def run(self):
        sides = [
            threading.Thread(target=self.guard, args=(side,)) for side in (self.fill, self.empty)
        ]
        for side in sides:
            side.start()
        for side in sides:
            side.join()
        if self.errors:
            raise self.errors[0]
        if self.ring.read_available:
            raise Wrong(f"{self.ring.read_available} elements too many")

    def guard(self, side):
        try:
            side()
        except BaseException as error:
            self.errors.append(error)

    def fill(self):
        rng, position, size = random.Random(1), 0, self.ring.elementsize
        while position < self.total and not self.errors:
            stop = min(position + rng.randint(1, LONGEST), self.total)
            data = memoryview(numbered(position, stop, size)).cast("B")
            while data and not self.errors:
                written = self.write(self.ring, data)
                position += written
                data = data[written * size :]
                if not written:
                    time.sleep(0)

    def empty(self):
        rng, position, size = random.Random(2), 0, self.ring.elementsize
        while position < self.total and not self.errors:
            found = self.read(self.ring, rng.randint(1, LONGEST))
            count = len(found) // size
            expected = numbered(position, position + count, size)
            if not np.array_equal(np.frombuffer(found, expected.dtype), expected):
                raise Wrong(f"not the elements from {position} to {position + count}")
            position += count
            if not count:
                time.sleep(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--elements", type=int, default=10_000_000, help="in each combination")
    parser.add_argument("--portable", action="store_true", help="the class without Rust")
    options = parser.parse_args()
    if options.portable:
        from pa_ringbuffer.portable import RingBuffer
    else:
        from pa_ringbuffer import RingBuffer
    had_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(f"Python {sys.version.split()[0]}, {'with a' if had_gil else 'without a'} GIL")
    for (element_size, size), write, read in itertools.product(SHAPES, WRITING, READING):
        begin = time.monotonic()
        ring = RingBuffer(element_size, size)
        name = f"{write:18} {read:17} {size:6} elements of {element_size:2} bytes"
        try:
            Heat(ring, WRITING[write], READING[read], options.elements).run()
        except Exception as error:
            sys.exit(f"{name}: {error!r}")
        print(f"{name}: {options.elements} in {time.monotonic() - begin:.1f} s", flush=True)
    if getattr(sys, "_is_gil_enabled", lambda: True)() != had_gil:
        sys.exit("the GIL was enabled meanwhile")


if __name__ == "__main__":
    main()
