"""Each side can be on a thread of its own, and driven by other code than ours."""

import contextlib
import random
import sys
import threading
import time

import pytest

ELEMENT = 8


@pytest.fixture
def switching():
    """Makes threads take turns as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def numbers(start, stop):
    return b"".join(n.to_bytes(ELEMENT, "little") for n in range(start, stop))


# The smaller the ring, the more often the threads have to take turns.
COUNTS = {1: 300, 4: 1000, 256: 20000}


def give_way():
    # A thread that polls must not keep the other one from running. A sleep of no length at all
    # ends before the other one has woken up.
    time.sleep(1e-6)


class Producer(threading.Thread):
    """Writes numbers in chunks of changing length, until all are written or somebody objects."""

    def __init__(self, write, count, size):
        super().__init__()
        self._write, self._count, self._size = write, count, size
        self.error = None
        self.abandoned = False

    def run(self):
        rng = random.Random(1)
        position = 0
        try:
            while position < self._count and not self.abandoned:
                stop = min(position + rng.randint(1, 2 * self._size), self._count)
                written = self._write(numbers(position, stop))
                assert 0 <= written <= stop - position
                position += written
                if not written:
                    give_way()
        except BaseException as error:
            self.error = error


def consume(read, producer, count, size):
    rng = random.Random(2)
    position = 0
    producer.start()
    try:
        while position < count:
            # Asked before reading: what was written by then is seen by the read.
            finished = not producer.is_alive()
            elements = read(rng.randint(1, 2 * size))
            got = len(elements) // ELEMENT
            assert elements == numbers(position, position + got)
            position += got
            if not got:
                assert not finished, f"{count - position} elements were lost"
                give_way()
    finally:
        producer.abandoned = True
        producer.join()
    assert producer.error is None


def ways_to_write(ring):
    def in_place(data):
        count, first, second = ring.get_write_buffers(len(data) // ELEMENT)
        first[:] = data[: len(first)]
        second[:] = data[len(first) : len(first) + len(second)]
        ring.advance_write_index(count)
        return count

    return {"write": ring.write, "get_write_buffers": in_place}


def ways_to_read(ring):
    def into(count):
        target = bytearray(ELEMENT * count)
        return target[: ELEMENT * ring.readinto(target)]

    def in_place(count):
        count, first, second = ring.get_read_buffers(count)
        elements = bytes(first) + bytes(second)
        ring.advance_read_index(count)
        return elements

    return {"read": ring.read, "readinto": into, "get_read_buffers": in_place}


@pytest.mark.parametrize("size", [1, 4, 256])
@pytest.mark.parametrize("write", ["write", "get_write_buffers"])
@pytest.mark.parametrize("read", ["read", "readinto", "get_read_buffers"])
def test_producer_and_consumer_in_two_python_threads(RingBuffer, switching, size, write, read):
    ring = RingBuffer(ELEMENT, size)
    producer = Producer(ways_to_write(ring)[write], COUNTS[size], size)
    consume(ways_to_read(ring)[read], producer, COUNTS[size], size)


@pytest.mark.parametrize("size", [1, 4, 256])
@pytest.mark.parametrize("read", ["read", "readinto", "get_read_buffers"])
def test_c_produces_without_the_interpreter_lock(RingBuffer, genuine, switching, size, read):
    """Functions in ``lib`` release the global interpreter lock and run in parallel."""
    ffi, lib = genuine
    ring = RingBuffer(ELEMENT, size)
    pointer = ffi.cast("PaUtilRingBuffer *", ring.address)

    def write(data):
        return lib.PaUtil_WriteRingBuffer(pointer, ffi.from_buffer(data), len(data) // ELEMENT)

    producer = Producer(write, COUNTS[size], size)
    consume(ways_to_read(ring)[read], producer, COUNTS[size], size)


@pytest.mark.parametrize("size", [1, 4, 256])
@pytest.mark.parametrize("write", ["write", "get_write_buffers"])
def test_c_consumes_without_the_interpreter_lock(RingBuffer, genuine, switching, size, write):
    ffi, lib = genuine
    ring = RingBuffer(ELEMENT, size)
    pointer = ffi.cast("PaUtilRingBuffer *", ring.address)

    def read(count):
        target = bytearray(ELEMENT * count)
        with ffi.from_buffer(target) as cdata:
            count = lib.PaUtil_ReadRingBuffer(pointer, cdata, count)
        return target[: ELEMENT * count]

    producer = Producer(ways_to_write(ring)[write], COUNTS[size], size)
    consume(read, producer, COUNTS[size], size)


def test_two_objects_for_the_same_ring(RingBuffer, switching):
    ring = RingBuffer(ELEMENT, 64)
    other = RingBuffer.from_pointer(ring.address)
    consume(other.read, Producer(ring.write, 5000, 64), 5000, 64)


def test_many_rings_of_one_class_at_the_same_time(RingBuffer, switching):
    errors = []

    def play(seed):
        try:
            ring = RingBuffer(ELEMENT, 2 ** (seed % 5))
            consume(ring.read, Producer(ring.write, 500, len(ring)), 500, len(ring))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=play, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_asking_how_full_the_ring_is_from_a_third_thread(RingBuffer, switching):
    ring = RingBuffer(ELEMENT, 16)
    done = threading.Event()
    wrong = []

    def watch():
        while not done.is_set():
            if not (0 <= ring.read_available <= 16 and 0 <= ring.write_available <= 16):
                wrong.append(repr(ring))
            give_way()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        consume(ring.read, Producer(ring.write, 5000, 16), 5000, 16)
    finally:
        done.set()
        watcher.join()
    assert wrong == []


def take_into(ring):
    target = bytearray(ELEMENT)
    ring.readinto(target)
    return target


@pytest.mark.impossible(sys.implementation.name == "pypy", reason="needs reliable profiling")
@pytest.mark.parametrize(
    ("outer", "lost"),
    [
        (lambda ring: ring.write(b"outer..."), 0),
        (lambda ring: ring.read(1), 0),
        (take_into, 0),
        (lambda ring: ring.get_write_buffers(3), 0),
        (lambda ring: ring.get_read_buffers(3), 0),
        (lambda ring: ring.advance_read_index(1), 1),
        (lambda ring: ring.flush(), 3),
    ],
    ids=["write", "read", "readinto", "get_write", "get_read", "advance", "flush"],
)
def test_using_the_ring_in_the_middle_of_a_call_neither_hangs_nor_tears(RingBuffer, outer, lost):
    """As a signal handler or a finalizer can: here, a profile function plays that part."""

    class Interruption:
        def __init__(self, moment):
            self.events_left = moment
            self.happened = False
            self.written = 0
            self.taken = b""

        def __call__(self, frame, event, argument):
            self.events_left -= 1
            if self.events_left < 0 and not self.happened:
                self.happened = True
                # What cannot be done now is refused.
                with contextlib.suppress(RuntimeError):
                    self.written = ring.write(b"inner...")
                with contextlib.suppress(RuntimeError):
                    self.taken = ring.read(1)

    ring = RingBuffer(ELEMENT, 8)
    for moment in range(1000):
        ring.flush()
        ring.write(b"nonsense" * 8)
        ring.flush()
        ring.write(b"before 1before 2")
        interruption = Interruption(moment)
        sys.setprofile(interruption)
        try:
            result = outer(ring)
        finally:
            sys.setprofile(None)
        found = interruption.taken + ring.read()
        expected = {b"before 1", b"before 2"}
        if isinstance(result, bytearray):
            found += result
        if result == 1 and not lost:
            expected.add(b"outer...")
        if interruption.written:
            expected.add(b"inner...")
        assert len(found) % ELEMENT == 0
        elements = [bytes(found[n : n + ELEMENT]) for n in range(0, len(found), ELEMENT)]
        assert len(set(elements)) == len(elements)
        assert set(elements) <= expected
        assert len(elements) >= len(expected) - lost
        if not interruption.happened:
            return
    pytest.fail("the call never came to an end")
