"""The cost of waiting for a ring: how late Python notices data, and the processor time.

A thread in C writes the time into a ring every 4 to 8 ms, as a callback would, or every 100 to
200 ms, and wakes no thread. Python waits for it in several ways, in turns. The limit is a pipe,
whose writer wakes the reader by a system call, which no audio callback may make. Then nothing is
written, and the processor time is that of waiting alone.

After that, the compiled callback of a virtual device wakes the reading thread, or does not, in
turns: the effect on both.
"""

import argparse
import asyncio
import ctypes
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import machine  # noqa: E402
import pa_ringbuffer  # noqa: E402
import waking  # noqa: E402


class Job(ctypes.Structure):
    """``struct job``."""

    _fields_ = (
        ("ring", ctypes.c_void_p),
        ("pipe", ctypes.c_int),
        ("count", ctypes.c_long),
        ("shortest", ctypes.c_long),
        ("spread", ctypes.c_long),
        ("thread", ctypes.c_ulong),
    )


def compile_producer(folder):
    library = pathlib.Path(folder) / "producer.so"
    options = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-pthread"]
    compiler = shutil.which(os.environ.get("CC", "cc"))
    subprocess.run([compiler, *options, "-o", str(library), str(HERE / "producer.c")], check=True)
    return ctypes.CDLL(str(library))


def by_thread(ring, timeout=None):
    return ring.wait_for_data(1, timeout)


def by_task(ring, timeout=None):
    return ring.wait_for_data_async(1, timeout)


def by_sleeping(ring, timeout=None):
    """What one would write without it."""
    end = None if timeout is None else time.monotonic() + timeout
    while not ring.read_available:
        if end is not None and time.monotonic() >= end:
            return False
        time.sleep(0.001)
    return True


async def by_sleeping_task(ring, timeout=None):
    end = None if timeout is None else time.monotonic() + timeout
    while not ring.read_available:
        if end is not None and time.monotonic() >= end:
            return False
        await asyncio.sleep(0.001)
    return True


#: What each way is called, the function, and whether it is one for event loops.
WAYS = {
    "wait_for_data()": (by_thread, False),
    "wait_for_data_async()": (by_task, True),
    "time.sleep(0.001) in a loop": (by_sleeping, False),
    "asyncio.sleep(0.001) in a loop": (by_sleeping_task, True),
}
LIMIT = "limit: the writer wakes the reader (pipe)"

#: How often something is written: the shortest pause, how much longer it may be (microseconds), and
#: how many times less than --count.
OFTEN, SELDOM = (4000, 4000, 1), (100_000, 100_000, 25)


def latencies(producer, name, count, pauses):
    """Nanoseconds from each write until Python notices it."""
    *pauses, fraction = pauses
    count //= fraction
    if name == LIMIT:
        reading, writing = os.pipe()
        job = Job(None, writing, count, *pauses)
        producer.start(ctypes.byref(job))
        found = []
        for _ in range(count):
            data = os.read(reading, 8)
            found.append(time.monotonic_ns() - int.from_bytes(data, sys.byteorder))
        producer.join(ctypes.byref(job))
        os.close(reading)
        os.close(writing)
        return found
    wait, asynchronous = WAYS[name]
    ring = pa_ringbuffer.RingBuffer(8, 1024)
    job = Job(ring.address, 0, count, *pauses)
    found = []

    def take():
        now = time.monotonic_ns()
        for time_ in memoryview(ring.read()).cast("Q"):
            found.append(now - time_)

    async def main():
        while len(found) < count:
            await wait(ring)
            take()

    producer.start(ctypes.byref(job))
    if asynchronous:
        asyncio.run(main())
    else:
        while len(found) < count:
            wait(ring)
            take()
    producer.join(ctypes.byref(job))
    return found


def idle(name, seconds):
    """Share of a core used by a wait without result."""
    wait, asynchronous = WAYS[name]
    ring = pa_ringbuffer.RingBuffer(8, 1024)
    before, begin = time.process_time(), time.monotonic()
    if asynchronous:

        async def main():
            await wait(ring, seconds)

        asyncio.run(main())
    else:
        wait(ring, seconds)
    return (time.process_time() - before) / (time.monotonic() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=250, help="writings in each round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, the ways in turns")
    parser.add_argument("--seconds", type=float, default=2, help="of waiting in vain in each round")
    parser.add_argument("--streaming", type=float, default=5, help="seconds of a stream's rounds")
    parser.add_argument("--only", choices=["looking", "waking"], help="one of the two parts")
    options = parser.parse_args()
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler:
        parser.exit(1, "waiting: a C compiler is needed\n")
    print(f"{machine.processor()}; {machine.python()}; {options.rounds} rounds")
    print()
    if options.only != "waking":
        measure_looking(options)
        print()
    if options.only != "looking":
        waking.measure(compiler, options.rounds, options.streaming)


def measure_looking(options):
    delays = {name: [] for name in [*WAYS, LIMIT]}
    seldom = {name: [] for name in delays}
    loads = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        producer = compile_producer(folder)
        for _ in range(options.rounds):
            for name in delays:
                delays[name] += latencies(producer, name, options.count, OFTEN)
                seldom[name] += latencies(producer, name, options.count, SELDOM)
            for name in WAYS:
                loads[name].append(idle(name, options.seconds))
    print("| waiting by | median | 99 % within | longest | median if seldom | CPU while idle |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, found in delays.items():
        percentiles = statistics.quantiles(found, n=100)
        cells = [
            f"{value / 1e6:.2f} ms" for value in (percentiles[49], percentiles[98], max(found))
        ]
        cells.append(f"{statistics.median(seldom[name]) / 1e6:.2f} ms")
        load = loads.get(name)
        cells.append(f"{100 * statistics.median(load):.2f} % of a core" if load else "")
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
