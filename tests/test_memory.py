"""A ring takes little memory besides its elements."""

import ctypes
import os
import platform
import subprocess
import sys
import sysconfig

import pytest

pytestmark = [
    pytest.mark.impossible(
        platform.python_implementation() != "CPython" or sys.platform != "linux",
        reason="other interpreters have other allocators, and only glibc's tells",
    ),
    pytest.mark.impossible(
        bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        reason="free-threaded Python always has an allocator of its own",
    ),
]

# Everything is malloc'ed, Python's objects too, and nothing else happens between the two looks. The
# first rings are not counted: the interpreter tries out how many attributes they get.
PROGRAM = """
import ctypes, sys
import pa_ringbuffer

class Info(ctypes.Structure):
    _fields_ = [(str(n), ctypes.c_size_t) for n in range(10)]

mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Info

def used():
    info = mallinfo2()
    hblkhd, uordblks = getattr(info, "4"), getattr(info, "7")
    return hblkhd + uordblks

def rings(cls, size):
    first = [cls(8, size) for _ in range(100)]
    kept = [None] * 1000
    before = used()
    for n in range(1000):
        kept[n] = cls(8, size)
    return (used() - before) / 1000 - 8 * size

for cls in pa_ringbuffer.RingBuffer, pa_ringbuffer.init(None, None):
    if cls is not pa_ringbuffer.RingBuffer:
        # What the check of the declaration would find.
        cls._ffi = ...
    print(*(rings(cls, size) for size in (1, 64, 4096)))
"""


def test_a_ring_takes_at_most_512_bytes_besides_its_elements(require):
    require(hasattr(ctypes.CDLL(None), "mallinfo2"), "the C library has no mallinfo2()")
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = [float(number) for number in result.stdout.split()]
    assert len(found) == 6
    assert max(found) <= 512, found
