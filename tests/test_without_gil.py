"""Nothing relies on the GIL: many threads use rings, and objects made from them, at once.

These tests are for a free-threaded Python; a debug build of it finds most. With a GIL, those that
can run are shorter, and only show that the programs are right.
"""

import gc
import importlib.util
import os
import pathlib
import subprocess
import sys
import sysconfig

import pytest

only_free_threaded = pytest.mark.impossible(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python always has a GIL"
)


def run(program, *arguments, **environment):
    """Runs a program, which must not die: what is tested here would take the tests with it."""
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", *program, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@only_free_threaded
def test_importing_the_package_leaves_the_gil_off():
    # "0" would keep it off whatever is imported.
    program = "import sys, pa_ringbuffer.testing; print(sys._is_gil_enabled())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert (result.stdout, result.stderr) == ("False\n", "")


# CPython counts the memoryviews that were made of one another in one object that they share, and on
# free-threaded Python two threads can spoil the count (gh-127716).
@only_free_threaded
def test_no_two_regions_share_the_count_of_their_views(RingBuffer):
    full, empty, readonly = RingBuffer(4, 8), RingBuffer(4, 8), RingBuffer(4, buffer=bytes(32))
    full.write(bytes(4 * 5))
    full.advance_read_index(5)
    # It continues at the start of the memory.
    full.write(bytes(4 * 8))
    foreign = RingBuffer.from_pointer(full.address)
    views = []
    for ring in full, empty, foreign, readonly:
        for _ in range(3):
            views += ring.get_read_buffers(8)[1:]
            if ring is not readonly:
                views += ring.get_write_buffers(8)[1:]
    counts = [id(shared) for view in views for shared in gc.get_referents(view)]
    assert len(counts) == len(views)
    assert len(set(counts)) == len(counts)


MANY_THREADS = """
import sys, threading
from {module} import RingBuffer

def make():
    ring = RingBuffer(8, 16)
    # Full or not, it continues at the start of the memory.
    ring.write(bytes(8 * 5))
    ring.advance_read_index(5)
    ring.write(b"elements" * {filled})
    return ring

ring = make()
failed = []
start = threading.Barrier(4)

def use():
    mine = ring if {shared} else make()
    start.wait()
    try:
        for n in range({rounds}):
            for get, expected in (
                (mine.get_read_buffers, {filled}), (mine.get_write_buffers, 16 - {filled}),
            ):
                count, first, second = get(16)
                assert count == expected and len(first) + len(second) == 8 * count
                if get == mine.get_read_buffers:
                    assert bytes(first) + bytes(second) == b"elements" * count
                if n % 2:
                    second.release()
            assert mine.peek(3) == b"elements" * min(3, {filled})
            assert mine.read(0) == b""
    except BaseException as error:
        failed.append(error)

threads = [threading.Thread(target=use) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
# Rings that none of these threads has ever used.
for _ in range(3):
    other = make()
    assert len(other.get_read_buffers(16)) == len(other.get_write_buffers(16)) == 3
assert not failed, failed
"""


@pytest.mark.parametrize("filled", [0, 8, 16], ids=["empty", "half full", "full"])
@pytest.mark.parametrize("shared", [True, False], ids=["one ring", "a ring each"])
def test_many_threads_may_look_at_rings(implementation, shared, filled):
    rounds = 20_000 if implementation.__name__ == "pa_ringbuffer" else 2000
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        rounds = 500
    values = {"module": implementation.__name__, "shared": shared, "filled": filled}
    run(["-c", MANY_THREADS.format(rounds=rounds, **values)])


SAME_VIEW = """
import threading
from {module} import RingBuffer
data = memoryview(b"elements" * 8)
failed = []
start = threading.Barrier(4)

def use():
    ring = RingBuffer(8, 16)
    start.wait()
    try:
        for _ in range({rounds}):
            assert ring.write(data) == 8
            assert ring.read(8) == b"elements" * 8
    except BaseException as error:
        failed.append(error)

threads = [threading.Thread(target=use) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed
data.release()
"""


def test_many_threads_may_write_what_the_same_view_shows(implementation):
    rounds = 20_000 if sysconfig.get_config_var("Py_GIL_DISABLED") else 500
    run(["-c", SAME_VIEW.format(module=implementation.__name__, rounds=rounds)])


# What is taken from memory behind the data, or put there, is more than there was.
SAME_TRANSFER = """
import threading, time
import pa_ringbuffer
from pa_ringbuffer._native import InputSide, OutputSide

FRAMES = 30_000
data = memoryview(bytes(4 * FRAMES)).cast("h", (FRAMES, 2))
failed = []

def empty(shape, dtype):
    return memoryview(bytearray(4 * shape[0])).cast("h", shape)

for number in range({rounds}):
    output_ring, input_ring = (pa_ringbuffer.RingBuffer(4, 1 << 16) for _ in range(2))
    callback = pa_ringbuffer.StreamCallback(input_ring, output_ring)
    writing = OutputSide(callback, None, None, 2, "int16", 48000.0).begin(data)
    reading = InputSide(callback, None, empty, 2, "int16", None).begin(2 * FRAMES + 10_000)
    input_ring.write(bytes(8 * FRAMES))
    begun = threading.Barrier(2)
    transfer = (writing, reading)[number % 2]

    def step():
        begun.wait()
        for _ in range(3):
            try:
                transfer.step()
            except RuntimeError as error:
                if "is being used" not in str(error):
                    failed.append(error)

    threads = [threading.Thread(target=step) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    transfer.step()
    if transfer is writing:
        assert output_ring.read_available == FRAMES, output_ring.read_available
    else:
        assert len(reading.frames) == 2 * FRAMES
    reading.give_up()
    writing.give_up()
assert not failed, failed
"""


@pytest.mark.impossible(
    sys.implementation.name == "pypy", reason="transfers are in the extension module"
)
def test_two_threads_do_one_transfer_once(require):
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension module was not built")
    rounds = 1500 if sysconfig.get_config_var("Py_GIL_DISABLED") else 50
    run(["-c", SAME_TRANSFER.format(rounds=rounds)])


# Whatever changes in a ring object, and whatever holds on to its memory, while both sides use it.
CHANGES = """
import gc, threading
from {module} import RingBuffer

legal = [b"a" * 1000, b"b" * 1000]
failed = []
over = threading.Event()

def make():
    # A ring that is gone as soon as no object refers to it.
    ring = RingBuffer(1000, 4)
    return ring._ptr, ring

ring = RingBuffer.__new__(RingBuffer)
ring._ptr = make()[0]

def guard(function):
    def use():
        try:
            while not over.is_set():
                function()
        except BaseException as error:
            failed.append(error)
            over.set()
    return use

def write():
    for element in legal:
        ring.write(element)

def read():
    found = ring.read(2)
    for n in range(0, len(found), 1000):
        assert found[n : n + 1000] in legal

def look():
    for view in ring.get_read_buffers(4)[1:]:
        assert set(bytes(view)) <= set(b"ab\\0")
    assert len(ring) == 4 and ring.elementsize == 1000 and 0 <= ring.read_available <= 4

def exchange():
    global changes
    pointer, other = make()
    ring._ptr = pointer
    ring._data = [other]
    changes += 1
    if changes == {changes}:
        over.set()

def collect():
    gc.collect()
    over.wait(0.01)

changes = 0
threads = [threading.Thread(target=guard(use)) for use in (write, read, look, exchange, collect)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed
"""


def test_another_struct_may_be_assigned_while_both_sides_use_a_ring(implementation, require):
    require(importlib.util.find_spec("cffi"), "CFFI is not installed")
    changes = 3000 if sysconfig.get_config_var("Py_GIL_DISABLED") else 100
    run(["-c", CHANGES.format(module=implementation.__name__, changes=changes)])


STRESS = pathlib.Path(__file__).parents[1] / "verification" / "soak" / "without_gil.py"


@only_free_threaded
def test_two_threads_lose_and_tear_nothing_in_any_combination(implementation, numpy, require):
    require(STRESS.exists(), "this is no source tree")
    options = ["--portable"] if implementation.__name__ != "pa_ringbuffer" else []
    output = run([STRESS], "--elements", "20000", *options)
    assert len(output.splitlines()) == 1 + 24
