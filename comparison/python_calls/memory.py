"""How much memory a ring takes, besides its elements.

Python gets its objects from the same allocator as the rings here, and that is asked how much it has
given out before and after many rings are made: nothing is left out, its own bookkeeping included.
In a process of its own, because the interpreter is told at its start. Needs glibc 2.33 or newer.
Free-threaded Python always has an allocator of its own.
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
    # What is made once, and what the first few are given on trial.
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
    """`{maker: (bytes, sys.getsizeof())}`, or why that cannot be measured."""
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
