"""Each side can be on a thread of its own, and driven by other code than ours."""

import contextlib
import importlib.util
import os
import random
import subprocess
import sys
import threading
import time

import pytest
from ring_methods import TRANSFERS

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
    """Writes numbers in chunks of changing length, until all are written or an error is raised."""

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


def run(program):
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize(
    # Advancing is the second of two steps.
    "method",
    [method for method in TRANSFERS.values() if not method.name.startswith("advance")],
    ids=lambda method: method.name,
)
def test_many_threads_on_one_side_neither_crash_nor_tear_elements(RingBuffer, switching, method):
    """That is misuse; each call is a whole nevertheless, or refused."""
    ring = RingBuffer(ELEMENT, 16)
    legal = {bytes([n]) * ELEMENT for n in range(1, 5)}
    unexpected = []
    done = threading.Event()

    def use(n):
        arguments = method.arguments(data=bytearray(3 * bytes([n]) * ELEMENT), size=3)
        try:
            for _ in range(300):
                with contextlib.suppress(RuntimeError):
                    result = getattr(ring, method.name)(**arguments)
                    if isinstance(result, tuple):
                        bytes(result[1])
        except BaseException as error:
            unexpected.append(error)

    def other_side():
        while not done.is_set():
            if method.writes:
                found = bytes(ring.read())
                elements = {found[n : n + ELEMENT] for n in range(0, len(found), ELEMENT)}
                if not elements <= legal:
                    unexpected.append(found)
            else:
                ring.write(b"".join(legal))
            give_way()

    other = threading.Thread(target=other_side)
    threads = [threading.Thread(target=use, args=(n,)) for n in range(1, 5)]
    for thread in [other, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    other.join()
    assert unexpected == []
    assert 0 <= ring.read_available <= 16


@pytest.mark.impossible(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_a_copy_of_the_ring(implementation):
    """Its memory is copied, with what is in it, and from then on the two have nothing in common."""
    status, output, errors = run(f"""
import os
from {implementation.__name__} import RingBuffer
ring = RingBuffer(4, 8)
ring.write(b"old.")
_, view, _ = ring.get_write_buffers(1)
pid = os.fork()
if not pid:
    view[:] = b"his."
    ring.advance_write_index(1)
    os._exit(0 if ring.read() == b"old.his." else 1)
assert os.waitpid(pid, 0)[1] == 0
assert ring.read() == b"old."
ring.write(b"mine")
assert ring.read() == b"mine"
print("ok")
""")
    assert (status, output) == (0, "ok\n"), errors


@pytest.mark.impossible(not hasattr(os, "fork"), reason="there is no fork")
def test_a_process_may_fork_while_another_thread_waits_for_a_ring(implementation):
    status, output, errors = run(f"""
import os, threading, warnings
from {implementation.__name__} import RingBuffer
# Python 3.12 and newer warn of what is done here.
warnings.simplefilter("ignore", DeprecationWarning)
ring = RingBuffer(4, 8)
waiting = threading.Thread(target=ring.wait_for_data)
waiting.start()
pid = os.fork()
if not pid:
    assert ring.write(b"his.") == 1 and ring.wait_for_data(1, 30)
    os._exit(0 if ring.read() == b"his." else 1)
assert os.waitpid(pid, 0)[1] == 0
assert waiting.is_alive()
ring.write(b"mine")
waiting.join()
print("ok")
""")
    assert (status, output) == (0, "ok\n"), errors


@pytest.mark.parametrize(
    "use",
    [
        "ring.wait_for_data()",
        "ring.wait_for_room(8)",
        "[ring.write(bytes(16)) or ring.read() for _ in iter(int, 1)]",
        "[ring.get_read_buffers(2) for _ in iter(int, 1)]",
    ],
    ids=["waiting", "waiting for room", "writing", "views"],
)
def test_daemon_threads_do_not_disturb_the_end_of_the_program(implementation, use):
    status, output, errors = run(f"""
import threading, time
from {implementation.__name__} import RingBuffer
ring = RingBuffer(4, 8)
ring.write(bytes(16)) if "room" in {use!r} else None
begun = threading.Event()
def work():
    begun.set()
    {use}
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
begun.wait()
time.sleep(0.02)
""")
    assert (status, output, errors) == (0, "", "")


SUBINTERPRETER = """
import sys
import {module} as interpreters
def load(*kind):
    other = interpreters.create(*kind)
    try:
        found = interpreters.{run}(other, "import pa_ringbuffer")
    except interpreters.RunFailedError as error:
        found = error
    print(getattr(found, "formatted", found))
    interpreters.destroy(other)
import pa_ringbuffer
for kind in {kinds}:
    load(*kind)
    ring = pa_ringbuffer.RingBuffer(4, 8)
    assert ring.write(b"mine") == 1 and ring.read() == b"mine"
"""


@pytest.fixture
def interpreters(require):
    """Python's module for interpreters, its function that runs code, and the kinds."""
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension was not built")
    if importlib.util.find_spec("_interpreters"):
        return {"module": "_interpreters", "run": "exec", "kinds": [("isolated",), ("legacy",)]}
    require(importlib.util.find_spec("_xxsubinterpreters"), "this Python has one interpreter")
    return {"module": "_xxsubinterpreters", "run": "run_string", "kinds": [()]}


@pytest.mark.impossible(sys.implementation.name == "pypy", reason="there is no extension")
def test_another_interpreter_is_told_that_it_cannot_have_the_extension(interpreters):
    names = interpreters
    program = SUBINTERPRETER.format(**names)
    if names["run"] == "exec":
        program = program.replace("interpreters.RunFailedError", "()")
    status, output, errors = run(program)
    assert status == 0, errors
    lines = output.splitlines()
    assert len(lines) >= len(names["kinds"])
    for line in lines:
        assert "subinterpreters" in line
        assert "ImportError" in line


NOT_DESTROYED = '''
import {module} as interpreters
interpreters.{run}(interpreters.create({kind}), """
import pa_ringbuffer
from pa_ringbuffer.testing import VirtualDevice
ring = pa_ringbuffer.RingBuffer(4, 64)
{use}
""")
'''
PLAYING = """
device = VirtualDevice(pa_ringbuffer.StreamCallback(ring), channels=(1, 0))
device.start()
"""


@pytest.mark.impossible(sys.implementation.name == "pypy", reason="there is no extension")
@pytest.mark.parametrize("use", ["", PLAYING], ids=["quiet", "playing"])
def test_an_interpreter_that_is_not_destroyed_does_not_keep_the_process(interpreters, use):
    # An isolated one does not load the extension.
    kind = "isolated=False" if interpreters["kinds"] == [()] else "'legacy'"
    program = NOT_DESTROYED.format(**interpreters, kind=kind, use=use)
    assert run(program) == (0, "", "")
