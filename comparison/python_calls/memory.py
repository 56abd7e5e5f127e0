"""The memory of a ring, in addition to its elements.

Python gets its objects from the same allocator as the rings here. The allocator reports how much it
has allocated before and after many rings are made, which includes its own bookkeeping. The
measurement needs a process of its own, because the interpreter selects its allocator at the start.
It needs glibc 2.33 or newer. Free-threaded Python always has its own allocator.
"""

import ctypes
import json
import os
import pathlib
import subprocess
import sys
import sysconfig

RINGS = 10_000
ELEMENTS, ELEMENT = 64, 8
GOAL = 512

#: How the rings are made.
MAKERS = ("ours, of init()", "ours, ready class", "upstream 0.1.4")


class _Info(ctypes.Structure):
    """``struct mallinfo2``."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def _used():
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = _Info
    info = mallinfo2()
    return info.uordblks + info.hblkhd


def _grown(make):
    # Excludes objects that are made once, and the memory of the first few rings.
    _first = [make() for _ in range(1000)]
    rings = [None] * RINGS
    before = _used()
    for number in range(RINGS):
        rings[number] = make()
    return (_used() - before) / RINGS - ELEMENTS * ELEMENT


def _main():
    import pa_ringbuffer
    import peers
    from workloads import classes

    both = classes(peers.upstream(), pa_ringbuffer)
    made = (both["ours"], pa_ringbuffer.RingBuffer, both["upstream"])
    found = {
        name: (_grown(lambda cls=cls: cls(ELEMENT, ELEMENTS)), sys.getsizeof(cls(ELEMENT, 1)))
        for name, cls in zip(MAKERS, made)
    }
    print(json.dumps(found))


def measure():
    """`{maker: (bytes, sys.getsizeof())}`, or the reason why there is no measurement."""
    if not hasattr(ctypes.CDLL(None) if os.name == "posix" else None, "mallinfo2"):
        return {}, "memory: the C library has no mallinfo2()"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return {}, "memory: free-threaded Python does not use the C library's allocator"
    done = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "PYTHONMALLOC": "malloc"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout), None


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    _main()
