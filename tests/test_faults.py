"""Failures around rings and streams: memory, devices, and calls that signals interrupt.

Streams that are forgotten, or run when the interpreter exits, are in other files.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import threading

import pytest
import ring_methods

np = pytest.importorskip("numpy")
from pa_ringbuffer import testing  # noqa: E402
from pa_ringbuffer.streams import StreamStoppedError  # noqa: E402

LONG = 60  # seconds that nothing takes

only_linux = pytest.mark.impossible(
    sys.platform != "linux", reason="memory can be limited and counted in other ways only"
)


def run(program, **environment):
    """What a program has printed, which must not die."""
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        capture_output=True,
        text=True,
        timeout=LONG,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


# No memory.

COUNT = """
import gc, os, resource, sys
import numpy as np
import pa_ringbuffer
from pa_ringbuffer import testing

def used():
    gc.collect()
    pages = int(open("/proc/self/statm").read().split()[1])
    return [pages * resource.getpagesize() >> 20, *(
        len(os.listdir(f"/proc/self/{what}")) for what in ("fd", "task"))]

def limit(megabytes):
    now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (megabytes << 20), resource.RLIM_INFINITY))

def refused(function, *arguments, **named):
    try:
        function(*arguments, **named)
    except MemoryError:
        return
    raise AssertionError("there was memory for that")
"""


@only_linux
def test_what_finds_no_memory_leaves_nothing_behind():
    run(
        COUNT
        + """
import pa_ringbuffer.portable
# What is imported for the first ones has to find memory.
pa_ringbuffer.portable.RingBuffer(1, 2)
testing.Stream
limit(64)
def fail():
    refused(pa_ringbuffer.RingBuffer, 1, 2**40)
    refused(pa_ringbuffer.portable.RingBuffer, 1, 2**40)
    refused(testing.VirtualDevice, pa_ringbuffer.StreamCallback(), blocksize=2**40)
    refused(testing.Stream, ring_frames=2**40)
# This one takes all that there is before.
device = testing.VirtualDevice(pa_ringbuffer.StreamCallback())
refused(device.process, frames=2**40)
del device
for _ in range(20):
    fail()
before = used()
for _ in range(300):
    fail()
after = used()
assert after[1:] == before[1:], (before, after)
assert after[0] <= before[0] + 8, (before, after)
"""
    )


@only_linux
@pytest.mark.parametrize("module", ["pa_ringbuffer", "pa_ringbuffer.portable"])
def test_elements_for_which_there_is_no_memory_stay_in_the_ring(module):
    run(
        COUNT
        + f"""
import {module}
ring = {module}.RingBuffer(8, 2**24)
first = np.arange(2**24)
assert ring.write(first) == 2**24
limit(16)
refused(ring.read)
refused(ring.peek)
refused(ring.read_latest, 2**23)
assert ring.read_available == 2**24
few = np.zeros(1000, first.dtype)
assert ring.readinto(few) == 1000
assert np.array_equal(few, first[:1000])
""",
        # Without a GIL, Python's allocator reserves a gigabyte of addresses, and no limit on
        # addresses keeps it from using them. This makes it reserve none.
        MIMALLOC_ARENA_RESERVE="0",
    )


@only_linux
def test_frames_for_which_there_is_no_memory_do_not_end_the_stream():
    run(
        COUNT
        + """
with testing.Stream(loopback=True, warn=None) as stream:
    limit(64)
    refused(stream.read, 2**40)
    assert stream.active
    stream.write(np.ones((1000, 2), "float32"))
    assert len(stream.read(1000)[0]) == 1000
"""
    )


# Each allocation that a call makes fails in turn: it alone, or it and all others after it.
FAIL_IN_TURN = """
import sys, _testcapi
import numpy, cffi
import pa_ringbuffer
RingBuffer = pa_ringbuffer.RingBuffer
ffi = cffi.FFI()
array, few, kept = numpy.zeros(8, "u1"), bytearray(8), bytearray(64)
cdata = ffi.new("char[8]")
def make():
    ring = RingBuffer(8, 16)
    ring.write(bytes(128))
    ring.advance_read_index(5)
    ring.write(bytes(24))
    return ring
def foreign():
    ring = make()
    other = RingBuffer.from_pointer(ring.address)
    other._data = ring
    return other
def call(ring):
    return {call}
def attempt(ring):
    try:
        call(ring)
    except MemoryError:
        return False
    return True
# What is made once for the process is made here.
attempt({make}())
failed = succeeded = 0
for n in range(60):
    ring = {make}()
    if n % 2:
        ring.get_read_buffers(1)
    _testcapi.set_nomemory(n, {stop})
    try:
        done = attempt(ring)
    finally:
        _testcapi.remove_mem_hooks()
    succeeded, failed = succeeded + done, failed + (not done)
    assert repr(ring)
print(succeeded)
"""

CALLS = {
    **{name: method.call(data="few", size="1") for name, method in ring_methods.CALLS.items()},
    "make": "RingBuffer(8, 16)",
    "make over a buffer": "RingBuffer(8, buffer=kept)",
    "write an array": "ring.write(array)",
    "read all": "ring.read()",
    "readinto an array": "ring.readinto(array)",
    "get_read_buffers of all": "ring.get_read_buffers(16)",
    "get_write_buffers of all": "ring.advance_read_index(14), ring.get_write_buffers(16)",
    "available": "ring.read_available, ring.write_available, len(ring), ring.elementsize",
    "address": "ring.address",
}
#: These use CFFI and more of Python.
MORE_CALLS = {
    "write cdata": "ring.write(cdata)",
    "make over cdata": "RingBuffer(1, buffer=cdata)",
    "by name": "ring.write(data=array, size=1)",
    "_ptr": "ring._ptr",
    "_data": "ring._data",
    "repr": "repr(ring)",
    "wait": "ring.wait_for_data(1, 0.0)",
}


@pytest.fixture
def failing(require):
    require(importlib.util.find_spec("_testcapi"), "this Python has no _testcapi")
    require(importlib.util.find_spec("cffi"), "CFFI is not installed")
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension was not built")

    def failing(call, make, stop):
        # Who knows how many allocations a call needs; 60 are too many for each of these.
        assert int(run(FAIL_IN_TURN.format(call=call, make=make, stop=stop))) > 0

    return failing


@pytest.mark.parametrize("make", ["make", "foreign"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("stop", ["n + 1", "0"], ids=["one", "all"])
def test_each_allocation_of_a_frequent_call_may_fail(failing, call, make, stop):
    failing(call, make, stop)


@pytest.mark.parametrize("call", MORE_CALLS.values(), ids=MORE_CALLS)
def test_each_allocation_of_other_calls_may_fail(failing, call):
    failing(call, "make", "n + 1")


# Nothing adds up.


@only_linux
def test_ten_thousand_rings_come_and_go_beside_a_stream_and_leave_nothing():
    run(
        COUNT
        + """
def come_and_go(count):
    for n in range(count):
        ring = pa_ringbuffer.RingBuffer(8, 4096)
        ring.write(bytes(8 * 100))
        _, first, _ = ring.get_read_buffers(50)
        if n % 4 == 1:
            ring._ptr
        elif n % 4 == 2:
            other = pa_ringbuffer.RingBuffer.from_pointer(ring.address)
            other._data = ring
            other.read()
        elif n % 4 == 3:
            # A cycle, which the collector has to find.
            ring._data = [ring, first]
        if n % 500 == 499:
            # By itself, it may let thousands of them pile up, and does so without a GIL; their
            # memory is used again afterwards, but not given back to the system.
            gc.collect()
with testing.Stream(loopback=True, warn=None) as stream:
    come_and_go(2000)
    before = used()
    come_and_go(10000)
    after = used()
    assert stream.active
# A ring in a hundred would be 3 MB.
assert after[1:] == before[1:], (before, after)
assert after[0] <= before[0] + 3, (before, after)
"""
    )


@only_linux
def test_streams_come_and_go_and_leave_nothing():
    run(
        COUNT
        + """
def come_and_go(count):
    for n in range(count):
        stream = testing.Stream(loopback=True, warn=None, ring_frames=4096)
        stream.start()
        stream.write(np.ones((100, 2), "float32"))
        stream.read(100)
        stream.close()
come_and_go(20)
before = used()
come_and_go(100)
after = used()
assert after[1:] == before[1:], (before, after)
assert after[0] <= before[0] + 3, (before, after)
"""
    )


# The device.


def test_whoever_waits_for_a_device_that_does_not_call_is_told_so():
    # The next call is in a quarter of an hour: the thread might as well have been killed.
    stream = testing.Stream(samplerate=1, blocksize=1024, ring_frames=4096, warn=None)
    stream.start()
    told = []

    def wait(use, *arguments):
        try:
            use(*arguments)
        except StreamStoppedError as error:
            told.append(str(error))

    threads = [
        threading.Thread(target=wait, args=arguments)
        for arguments in ((stream.write, np.zeros((20_000, 2), "float32")), (stream.read, 20_000))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert len(told) == 2
    assert all("has stopped calling" in text for text in told)
    stream.close()


@pytest.mark.parametrize("when", ["constructor", "start"])
@pytest.mark.parametrize("direction", ["output", "input"])
def test_frames_that_are_larger_than_the_devices_are_refused(when, direction):
    import pa_ringbuffer

    ring = pa_ringbuffer.RingBuffer(4096, 16)
    callback = pa_ringbuffer.StreamCallback()
    if when == "constructor":
        callback._attach(**{f"{direction}_ring": ring})
        with pytest.raises(ValueError, match=f"{direction} frames have 4096 bytes.*have 8:"):
            testing.VirtualDevice(callback)
        return
    device = testing.VirtualDevice(callback)
    callback._attach(**{f"{direction}_ring": ring})
    for use in device.start, lambda: device.run(10), lambda: device.process(frames=10):
        with pytest.raises(ValueError, match=f"{direction} frames have 4096 bytes.*have 8:"):
            use()
    assert not device.active


def test_nothing_is_recorded_into_a_read_only_buffer():
    import pa_ringbuffer

    ring = pa_ringbuffer.RingBuffer(8, buffer=bytes(64))
    with pytest.raises(TypeError, match="input_ring must not use a read-only buffer"):
        pa_ringbuffer.StreamCallback(input_ring=ring)
    # Playing from it is what it is for.
    ring.advance_write_index(8)
    callback = pa_ringbuffer.StreamCallback(output_ring=ring)
    testing.VirtualDevice(callback).run(8)
    assert ring.read_available == 0


# Signals.

INTERRUPTED = """
import signal, threading, time
import numpy as np
from pa_ringbuffer import testing
calls = 0
def handle(number, frame):
    global calls
    calls += 1
    stream.stats
    {reaction}
signal.signal(signal.SIGALRM, handle)
stream = testing.Stream(loopback=True, warn=None, ring_frames=1024)
stream.start()
"""


@pytest.mark.impossible(not hasattr(signal, "setitimer"), reason="there is no such signal")
def test_signals_lose_nothing():
    run(
        INTERRUPTED.format(reaction="pass")
        + """
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
sent = np.arange(1, 40001, dtype="float32").reshape(-1, 2)
writer = threading.Thread(target=stream.write, args=(np.append(sent, 0 * sent, axis=0),))
writer.start()
received, _ = stream.read(25000)
stats = stream.stats
signal.setitimer(signal.ITIMER_REAL, 0)
writer.join()
stream.close()
sound = received[received.any(axis=1)]
positions = sound[:, 0].astype(int) // 2
assert (np.diff(positions) > 0).all() and np.array_equal(sound, sent[positions])
# Where the machine is slow, there are gaps, and they are counted.
lost = stats.output.lost_frames + stats.input.lost_frames + int(received.any(axis=1).argmax())
assert len(sent) - len(sound) <= lost
# At least when the signals have ended. How often, is up to how often it wakes.
assert calls > 0
"""
    )


@pytest.mark.impossible(not hasattr(signal, "setitimer"), reason="there is no such signal")
def test_what_a_signal_handler_raises_ends_the_call_and_not_the_stream():
    run(
        INTERRUPTED.format(reaction="raise TimeoutError('enough')")
        + """
for use in (lambda: stream.write(np.zeros((480000, 2), "float32")), lambda: stream.read(480000)):
    for _ in range(3):
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        try:
            use()
        except TimeoutError as error:
            assert str(error) == "enough"
        else:
            raise AssertionError("nothing was raised")
assert stream.active
stream.write(np.zeros((10, 2), "float32"))
assert len(stream.read(10)[0]) == 10
stream.close()
"""
    )


@pytest.mark.impossible(
    sys.version_info < (3, 12) or sys.implementation.name != "cpython" or os.name == "nt",
    reason="before, nothing written in Python is asked for a buffer",
)
def test_ctrl_c_while_an_object_is_asked_for_its_buffer_is_not_lost(RingBuffer):
    class Slow:
        asked = 0

        def __buffer__(self, flags):
            self.asked += 1
            if self.asked == 1:
                raise KeyboardInterrupt
            return memoryview(bytearray(8))

    ring = RingBuffer(8, 4)
    for use in ring.write, ring.readinto:
        with pytest.raises(KeyboardInterrupt):
            use(Slow())
    assert ring.read_available == 0
