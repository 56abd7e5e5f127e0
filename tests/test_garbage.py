"""Rings in garbage cycles: the collector clears objects in any order, while code may run.

All of these would end the process where they fail, and so each is a process of its own.
"""

import importlib.util
import subprocess
import sys

import pytest

LONG = 60  # seconds that nothing takes

# Memory from the operating system, which is given back when it is freed: a use after that is seen.
BYTES = 1 << 23

PROGRAM = """
import ctypes, gc, itertools, mmap, pickle, sys, weakref
import {module} as module
from {module} import RingBuffer

class Owner:
    def __init__(self, ring):
        self.ring = ring
        # As with any callback of an object's own.
        self.method = self.work
        self.late = Late(ring)
    def work(self):
        pass

# The collector does not know objects like this, and so frees them while it clears others.
class Late:
    __slots__ = ()
    def __new__(cls, ring):
        self = super().__new__(cls)
        addresses[id(self)] = ring.address
        return self
    def __del__(self):
        ring = RingBuffer.from_pointer(addresses.pop(id(self)))
        assert ring.read_available == 1024
        ring.readinto(bytearray(1024 * 4))
        ring.write(bytes(1024 * 4))
addresses = {{}}

def check(make):
    # The collector looks at objects in an order that depends on when it looked the last time.
    for threshold, order in itertools.product((0, 7, 50, 200, 700), range(3)):
        gc.set_threshold(threshold)
        ring = make()
        ring.write(bytes(1024 * 4))
        if order == 1:
            ring.region = ring.get_read_buffers(1024)[1]
        owner = Owner(ring)
        if order == 2:
            # Found by the collector in the opposite order.
            owner.late, late = None, Late(ring)
            owner.late = late
            del late
        del ring
        gone = weakref.ref(owner)
        del owner
        gc.collect()
        assert gone() is None
    assert not addresses
"""

EXPORTERS = {
    "memoryview": "memoryview(bytearray({bytes} + 8))[:{bytes}]",
    "cast memoryview": "memoryview(bytearray({bytes})).cast('f')",
    "ctypes": "(ctypes.c_char * {bytes})()",
    "ctypes from_buffer": "(ctypes.c_char * {bytes}).from_buffer(bytearray({bytes}))",
    "mmap": "mmap.mmap(-1, {bytes})",
    "PickleBuffer": "pickle.PickleBuffer(bytearray({bytes}))",
    "cffi array": "ffi.new('char[]', {bytes})",
    "cffi from_buffer": "ffi.from_buffer(bytearray({bytes}))",
    "cffi buffer": "ffi.buffer(ffi.new('char[]', {bytes}))",
    "numpy": "numpy.frombuffer(memoryview(bytearray({bytes})), 'f4')",
    "bytearray": "bytearray({bytes})",
}


@pytest.fixture(params=["pa_ringbuffer", "pa_ringbuffer.portable"])
def module(request, require):
    if request.param == "pa_ringbuffer":
        require(
            importlib.util.find_spec("pa_ringbuffer._native"), "the extension module was not built"
        )
    return request.param


def run(program):
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        capture_output=True,
        text=True,
        timeout=LONG,
    )
    assert (result.returncode, result.stderr) == (0, ""), result.stderr


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_given_memory_stays_as_long_as_its_ring_is_in_use(module, exporter, require):
    setup = ""
    if "cffi" in exporter:
        require(importlib.util.find_spec("cffi"), "CFFI is not installed")
        setup = "import cffi\nffi = cffi.FFI()\n"
    if exporter == "numpy":
        require(importlib.util.find_spec("numpy"), "NumPy is not installed")
        setup = "import numpy\n"
    check(module, setup, EXPORTERS[exporter])


def test_given_memory_with_attributes_stays_too(require):
    # It may lead back to the ring, and then the portable class cannot protect it.
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension module was not built")
    check("pa_ringbuffer", "", "type('Memory', (bytearray,), {{}})({bytes})")


def check(module, setup, make):
    make = make.format(bytes=BYTES)
    run(
        PROGRAM.format(module=module)
        + setup
        + f"class Ring(RingBuffer):\n    pass\ncheck(lambda: Ring(4, buffer={make}))\n"
    )


FOREIGN = """
import cffi
import pa_ringbuffer
ffi = cffi.FFI()
ffi.cdef(pa_ringbuffer.cdef())
class Ring(module._RingBufferBase):
    _ffi = ffi
    _lib = None
    def __init__(self):
        pass
freed = []
def make():
    ring = Ring()
    struct = ffi.new("PaUtilRingBuffer *")
    memory = {memory}
    struct.bufferSize, struct.smallMask, struct.bigMask = {size}, {size} - 1, 2 * {size} - 1
    struct.elementSizeBytes, struct.buffer = 4, memory
    ring._ptr = ffi.gc(struct, freed.append)
    ring._data = {data}
    return ring
check(make)
assert len(freed) == 15
"""


@pytest.mark.parametrize("data", ["memory", "[memory]", "type('Data', (), {'memory': memory})()"])
@pytest.mark.parametrize("memory", ["new", "from_buffer"])
def test_an_assigned_struct_and_its_memory_stay_as_long_as_the_ring_is_in_use(
    module, memory, data, require
):
    require(importlib.util.find_spec("cffi"), "CFFI is not installed")
    memory = {
        "new": f"ffi.new('char[]', {BYTES})",
        "from_buffer": f"ffi.from_buffer('char[]', bytearray({BYTES}))",
    }[memory]
    run(PROGRAM.format(module=module) + FOREIGN.format(memory=memory, data=data, size=BYTES // 4))


def test_a_ring_that_a_stream_uses_may_be_made_to_stand_for_another(module, require):
    require(importlib.util.find_spec("cffi"), "CFFI is not installed")
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension module was not built")
    run(
        PROGRAM.format(module=module)
        + FOREIGN.format(memory=f"ffi.new('char[]', {BYTES})", data="memory", size=BYTES // 4)
        .replace("check(make)", "")
        .replace("assert len(freed) == 15", "")
        + """
from pa_ringbuffer.testing import VirtualDevice
ring = make()
ring.write(bytes(4 * 1024))
callback = pa_ringbuffer.StreamCallback(output_ring=ring)
ring._ptr, ring._data = make()._ptr, None
gc.collect()
device = VirtualDevice(callback, channels=1)
assert bytes(device.process(frames=1024)) == bytes(4 * 1024)
assert callback.counters["output_underflows"] == 0
del callback, device
gc.collect()
"""
    )
