"""Ways to move bytes within a process: put them in, and take them out.

One thread does both, so no thread waits.
"""

import multiprocessing
import queue

import clock
import pa_ringbuffer
import peers
from workloads import CAPACITY

SIZES = {"8 B": 8, "2 KiB": 2048}


def _ours(nbytes):
    ring = pa_ringbuffer.RingBuffer(8, CAPACITY // 8)
    return ring.write, ring.readinto, bytearray(nbytes)


def _ours_read(nbytes):
    ring = pa_ringbuffer.RingBuffer(8, CAPACITY // 8)
    return ring.write, ring.read, nbytes // 8


def _upstream(nbytes):
    from _rtmixer import ffi, lib

    ring = peers.upstream().init(ffi, lib)(8, CAPACITY // 8)
    return ring.write, ring.readinto, bytearray(nbytes)


def _upstream_read(nbytes):
    from _rtmixer import ffi, lib

    ring = peers.upstream().init(ffi, lib)(8, CAPACITY // 8)
    return ring.write, ring.read, nbytes // 8


def _jack(nbytes):
    ring = peers.load("JACK-Client", "jack").RingBuffer(CAPACITY)
    return ring.write, ring.read, nbytes


def _ringbuf(nbytes):
    ring = peers.load("ringbuf", "ringbuf").RingBuffer(format="B", capacity=CAPACITY)
    return ring.push, ring.pop, nbytes


def _queue(nbytes):
    elements = queue.Queue()
    return elements.put, elements.get


def _simple_queue(nbytes):
    elements = queue.SimpleQueue()
    return elements.put, elements.get


def _pipe(nbytes):
    reading, writing = multiprocessing.Pipe(duplex=False)
    return writing.send_bytes, reading.recv_bytes


#: What each is called, and what makes it.
CONTESTANTS = {
    "ours: write + readinto": _ours,
    "ours: write + read": _ours_read,
    "upstream 0.1.4: write + readinto": _upstream,
    "upstream 0.1.4: write + read": _upstream_read,
    "jack.RingBuffer: write + read": _jack,
    "ringbuf: push + pop": _ringbuf,
    "queue.Queue: put + get (a reference)": _queue,
    "queue.SimpleQueue: put + get (a reference)": _simple_queue,
    "multiprocessing.Pipe: send_bytes + recv_bytes": _pipe,
}


def measure(rounds):
    """`{contestant: {size: results}}`, and the reasons for missing ones."""
    results, missing = {}, []
    contestants = dict(CONTESTANTS)
    for size, nbytes in SIZES.items():
        measurements = {}
        for name, make in list(contestants.items()):
            try:
                put, get, *argument = make(nbytes)
            except peers.Missing as reason:
                missing.append(str(reason))
                del contestants[name]
                continue
            data = b"x" * nbytes
            measurements[name] = lambda a=(put, data, get, *argument): clock.pairs(*a)
        for name, times in clock.in_turns(measurements, rounds).items():
            results.setdefault(name, {})[size] = times
    return results, missing
