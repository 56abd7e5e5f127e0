"""Ctrl-C and other exceptions raised during a call reach the caller unchanged."""

import asyncio
import contextlib
import importlib.util
import itertools
import os
import signal
import subprocess
import sys
import threading

import pa_ringbuffer
import pytest
from ring_methods import METHODS

LONG = 60  # seconds that nothing takes

only_linux = pytest.mark.impossible(
    sys.platform != "linux", reason="memory can be limited in other ways only"
)
not_windows = pytest.mark.impossible(
    sys.platform == "win32", reason="Ctrl-C can be sent in other ways only"
)


@pytest.fixture(autouse=True)
def extension(require):
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension module was not built")


@pytest.fixture
def device():
    from pa_ringbuffer.testing import VirtualDevice

    return VirtualDevice(pa_ringbuffer.StreamCallback(), channels=1, dtype="int8", blocksize=64)


# Endless calls.

ENDLESS = {
    "run": "device.run(2**62)",
    "process": "device.process(frames=2**62, blocksizes=[1024])",
    "block sizes of Python": "device.process(frames=2**62, blocksizes=iter(lambda: 1, 0))",
    "block sizes of C": "device.process(frames=2**62, blocksizes=itertools.repeat(1))",
    "xruns": "device.process(frames=64, xruns=Pairs())",
    "kinds": "device.process(frames=64, xruns={0: itertools.repeat('input_overflow')})",
    "wait": "device.start(), device.wait()",
    "stop": "device.start(), entered.wait(), device.stop()",
    "close": "device.start(), entered.wait(), device.close()",
}

PROGRAM = """
import _thread, ctypes, itertools, sys, threading, time
from pa_ringbuffer.testing import VirtualDevice
import pa_ringbuffer

class Pairs:
    def items(self):
        return zip(itertools.count(), itertools.repeat("input_overflow"))

entered = threading.Event()
leave = threading.Event()
def body(*arguments):
    if {slow}:
        entered.set()
        leave.wait()
    return 0
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 2, ctypes.c_ulong,
                            ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p)
callback = CALLBACK(body) if {slow} else pa_ringbuffer.StreamCallback()
device = VirtualDevice(callback, channels=1, dtype="int8", blocksize=64)
"""


@not_windows
@pytest.mark.parametrize("call", ENDLESS.values(), ids=ENDLESS)
def test_ctrl_c_ends_a_call_that_would_go_on_for_ever(call):
    program = PROGRAM.format(slow="entered.wait" in call)
    program += f"""
import os, signal
def interrupt():
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
thread = threading.Thread(target=interrupt)
thread.start()
try:
    {call}
except KeyboardInterrupt:
    print("interrupted")
thread.join()
leave.set()
device.close()
callback = pa_ringbuffer.StreamCallback()
assert VirtualDevice(callback, blocksize=64).run(128) == 128
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=LONG
    )
    assert (result.returncode, result.stdout) == (0, "interrupted\n"), result.stderr


@only_linux
@pytest.mark.parametrize(
    "call",
    [
        "device.process(bytearray(2**26))",
        "device.process(frames=2**26, blocksizes=itertools.repeat(1))",
        "device.process(frames=64, xruns=Pairs())",
        "device.process(frames=2**26)",
        "device.process(frames=2**62, blocksizes=[2**62])",
    ],
)
def test_input_that_does_not_fit_into_memory_is_a_memory_error(call):
    program = PROGRAM.format(slow=False)
    program += f"""
import resource
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (100 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
try:
    {call}
except MemoryError:
    print("no memory")
assert device.run(128) == 128
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=LONG
    )
    assert (result.returncode, result.stdout) == (0, "no memory\n"), result.stderr


# What objects raise when they are asked for something.


def raising(name, error):
    def ask(self, *arguments):
        raise error

    attribute = ask if name.startswith("__") else property(ask)
    return type("Asked", (), {name: attribute})()


def calls(what, device):
    from pa_ringbuffer import RingBuffer, StreamCallback, portable
    from pa_ringbuffer.testing import VirtualDevice

    ring = RingBuffer(4, 16)

    def of(method):
        def call(n):
            result = getattr(ring, method.name)(**method.arguments(data=bytes(64), size=n))
            if method.is_coroutine:
                asyncio.run(result)

        return call

    if what == "__index__":
        yield from (
            RingBuffer,
            lambda n: RingBuffer(4, n),
            *(of(method) for method in METHODS.values() if "size" in method.parameters),
            lambda n: StreamCallback(output_framesize=n),
            lambda n: VirtualDevice(StreamCallback(), channels=n),
            lambda n: VirtualDevice(StreamCallback(), channels=(1, n)),
            lambda n: VirtualDevice(StreamCallback(), blocksize=n),
            device.run,
            lambda n: device.process(frames=n),
            lambda n: device.process(frames=8, blocksizes=[4, n]),
            lambda n: device.process(frames=8, xruns={n: "input_overflow"}),
            portable.RingBuffer,
        )
        if hasattr(signal, "SIGINT") and importlib.util.find_spec("cffi"):
            yield lambda n: portable.RingBuffer(4, n)
            yield lambda n: RingBuffer.from_pointer(n)
            yield lambda n: VirtualDevice(n)
    elif what == "address":
        yield lambda a: VirtualDevice(a)
        yield lambda a: VirtualDevice(StreamCallback(), finished_callback=a)
    elif what == "__iter__":
        yield lambda i: device.process(frames=8, blocksizes=i)
        yield lambda i: device.process(frames=8, xruns={0: i})
    elif what == "items":
        yield lambda i: device.process(frames=8, xruns=i)
    elif what == "__float__":
        yield lambda f: ring.wait_for_data(1, f)
        yield device.wait


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError, TypeError])
@pytest.mark.parametrize("what", ["__index__", "address", "__iter__", "items", "__float__"])
def test_what_an_object_raises_is_not_turned_into_something_else(what, error, device):
    for function in calls(what, device):
        with pytest.raises(error) as caught:
            function(raising(what, error("raised by the object")))
        found = caught.value
        while found is not None and "raised by the object" not in str(found):
            found = found.__cause__
        assert found is not None, caught.value


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_an_array_raises_while_it_is_looked_at_arrives(error, numpy):
    class Array(numpy.ndarray):
        @property
        def dtype(self):
            raise error

    # Dates have no format, and so the array is asked for its dtype.
    array = numpy.zeros(4, "M8[s]").view(Array)
    for cls in (pa_ringbuffer.RingBuffer,):
        with pytest.raises(error):
            cls(8, 4).write(array)
        with pytest.raises(error):
            cls(8, buffer=array)


# Signals in the middle of other calls.


@not_windows
def test_a_signal_handler_may_stop_the_device_that_it_interrupts():
    from pa_ringbuffer.testing import VirtualDevice

    device = VirtualDevice(pa_ringbuffer.StreamCallback(), blocksize=64)
    calls = itertools.count()

    def handler(number, frame):
        next(calls)
        device.stop()
        assert not device.active

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        for _ in range(50):
            with contextlib.suppress(RuntimeError):
                device.start()
            thread = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGUSR1))
            thread.start()
            while thread.is_alive() or device.active:
                device.wait(0)
            thread.join()
        device.start()
        device.close()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert next(calls) >= 1
