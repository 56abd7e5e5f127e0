"""Waiting for a ring's other side, whatever drives it."""

import asyncio
import contextlib
import inspect
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

# Long enough for any machine, and never waited for if all goes well.
LONG = 30


class Later:
    """Something that happens while this thread waits."""

    def __init__(self, function):
        self._function = function
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        # That the other thread is waiting by then cannot be known, only made probable.
        time.sleep(0.02)
        self._function()

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *exception):
        self._thread.join()


def test_data_that_is_there_need_not_be_waited_for(RingBuffer):
    ring = RingBuffer(2, 8)
    ring.write(bytes(6))
    assert ring.wait_for_data(3, 0) is True
    assert ring.wait_for_room(5, 0) is True
    assert ring.wait_for_data() is True
    assert ring.wait_for_data(0, 0) is True


def test_what_does_not_come_in_time_is_said_to_be_missing(RingBuffer):
    ring = RingBuffer(2, 8)
    ring.write(bytes(6))
    for timeout in (0, -1, 0.01):
        assert ring.wait_for_data(4, timeout) is False
        assert ring.wait_for_room(6, timeout) is False
    assert ring.read_available == 3


def test_waiting_ends_when_another_thread_writes_or_reads(RingBuffer):
    ring = RingBuffer(2, 8)
    with Later(lambda: ring.write(bytes(8))):
        assert ring.wait_for_data(4, LONG)
    ring.write(bytes(8))
    with Later(lambda: ring.read(2)):
        assert ring.wait_for_room(2, LONG)


def test_waiting_ends_when_c_that_knows_nothing_of_it_writes(RingBuffer, genuine):
    ffi, lib = genuine
    ring = RingBuffer(2, 8)
    pointer = ffi.cast("PaUtilRingBuffer *", ring.address)
    data = ffi.new("char[8]")
    with Later(lambda: lib.PaUtil_WriteRingBuffer(pointer, data, 4)):
        assert ring.wait_for_data(4, LONG)


def test_other_threads_run_meanwhile(RingBuffer):
    ring = RingBuffer(2, 8)
    steps = []

    def work():
        for step in range(1000):
            steps.append(step)
        ring.write(bytes(2))

    with Later(work):
        assert ring.wait_for_data(1, LONG)
    assert len(steps) == 1000


@pytest.mark.parametrize("name", ["wait_for_data", "wait_for_room"])
def test_what_can_never_come_is_refused(RingBuffer, name):
    ring = RingBuffer(2, 8)
    wait = getattr(ring, name)
    with pytest.raises(ValueError, match=r"size must be at most 8.*not 9"):
        wait(9, 0)
    with pytest.raises(ValueError, match="size must be 0 or more, not -1"):
        wait(-1, 0)
    with pytest.raises(ValueError, match="timeout must be a number of seconds, not nan"):
        wait(1, float("nan"))
    for size in (1.5, "1", None):
        with pytest.raises(TypeError):
            wait(size, 0)
    with pytest.raises(TypeError):
        wait(1, "soon")


def test_rings_that_are_not_initialised_cannot_be_waited_for(RingBuffer):
    with pytest.raises(RuntimeError):
        RingBuffer.__new__(RingBuffer).wait_for_data()


# In an event loop.


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, LONG))


def test_an_event_loop_goes_on_while_a_ring_is_awaited(RingBuffer):
    ring = RingBuffer(2, 8)
    turns = []

    async def produce():
        for turn in range(10):
            turns.append(turn)
            await asyncio.sleep(0)
        ring.write(bytes(4))

    async def main():
        task = asyncio.ensure_future(produce())
        found = await ring.wait_for_data_async(2)
        await task
        return found

    assert run(main()) is True
    assert len(turns) == 10


def test_an_awaited_ring_can_be_served_by_another_thread(RingBuffer):
    ring = RingBuffer(2, 8)
    ring.write(bytes(16))

    async def main():
        return await ring.wait_for_room_async(5)

    with Later(lambda: ring.read(5)):
        assert run(main()) is True


def test_awaiting_has_a_timeout(RingBuffer):
    ring = RingBuffer(2, 8)

    async def main():
        found = [await ring.wait_for_data_async(1, timeout) for timeout in (0, -1, 0.01)]
        return found, await ring.wait_for_room_async(8, 0)

    assert run(main()) == ([False] * 3, True)


def test_many_tasks_can_wait_at_once(RingBuffer):
    rings = [RingBuffer(2, 8) for _ in range(50)]

    async def main():
        waits = [asyncio.ensure_future(ring.wait_for_data_async()) for ring in rings]
        await asyncio.sleep(0)
        for ring in rings:
            ring.write(bytes(2))
        return await asyncio.gather(*waits)

    assert run(main()) == [True] * 50


def test_a_wait_can_be_cancelled(RingBuffer, collect):
    ring = RingBuffer(2, 8)

    async def main():
        task = asyncio.ensure_future(ring.wait_for_data_async())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        ring.write(bytes(2))
        return await ring.wait_for_data_async()

    assert run(main()) is True


def test_a_loop_that_ends_before_the_wait_does_no_harm(RingBuffer):
    ring = RingBuffer(2, 8)

    async def give_up():
        task = asyncio.ensure_future(ring.wait_for_data_async())
        await asyncio.sleep(0.005)
        assert not task.done()

    run(give_up())
    ring.write(bytes(2))
    time.sleep(0.02)

    async def main():
        return await ring.wait_for_data_async()

    assert run(main()) is True


def test_awaiting_what_can_never_come_is_refused(RingBuffer):
    ring = RingBuffer(2, 8)

    async def main():
        with pytest.raises(ValueError, match="size must be at most 8"):
            await ring.wait_for_data_async(9)
        with pytest.raises(ValueError, match="nan"):
            await ring.wait_for_room_async(9 - 8, float("nan"))
        with pytest.raises(TypeError):
            await ring.wait_for_data_async("1")

    run(main())


def test_the_asynchronous_methods_return_coroutines(RingBuffer):
    coroutine = RingBuffer(2, 8).wait_for_data_async()
    assert inspect.iscoroutine(coroutine)
    coroutine.close()


# Whole programs.

PROGRAM = """
import asyncio, os, sys, threading, time
import {module} as module
ring = module.RingBuffer(2, 8)
print("waiting", flush=True)
"""


@contextlib.contextmanager
def program(implementation, text):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(module=implementation.__name__) + text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.impossible(os.name == "nt", reason="Windows sends no such signal to one process")
@pytest.mark.parametrize(
    "text",
    [
        "ring.wait_for_data()",
        "async def main(): await ring.wait_for_data_async()\nasyncio.run(main())",
    ],
    ids=["blocking", "asyncio"],
)
def test_ctrl_c_ends_waiting(implementation, text):
    with program(implementation, text) as process:
        assert process.stdout.readline() == "waiting\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LONG)
    assert "KeyboardInterrupt" in errors
    assert process.returncode in (-signal.SIGINT, 1, 130)


@pytest.mark.parametrize(
    "text",
    [
        "threading.Thread(target=ring.wait_for_data, daemon=True).start(); time.sleep(0.05)",
        "async def main():\n"
        "    asyncio.ensure_future(ring.wait_for_data_async())\n"
        "    await asyncio.sleep(0.01)\n"
        "asyncio.run(main())",
        "async def main():\n"
        "    await ring.wait_for_data_async()\n"
        "def run():\n"
        "    asyncio.run(main())\n"
        "threading.Thread(target=run, daemon=True).start(); time.sleep(0.05)",
    ],
    ids=["thread", "task", "loop in a thread"],
)
def test_the_interpreter_exits_while_somebody_waits(implementation, text):
    with program(implementation, text) as process:
        _, errors = process.communicate(timeout=LONG)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.impossible(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_can_wait_as_well(implementation):
    text = """
async def wait():
    task = asyncio.ensure_future(ring.wait_for_data_async(1, 10))
    await asyncio.sleep(0.01)
    ring.write(bytes(2))
    return await task
assert asyncio.run(wait())
ring.read()
pid = os.fork()
assert asyncio.run(wait())
if pid:
    assert os.waitpid(pid, 0)[1] == 0
"""
    with program(implementation, text) as process:
        _, errors = process.communicate(timeout=LONG)
    # Newer interpreters warn about fork in a process with threads.
    assert process.returncode == 0, errors


# Looking at what is there.


def test_peeking_leaves_elements_where_they_are(RingBuffer):
    ring = RingBuffer(2, 4)
    ring.write(b"aabbcc")
    ring.read(2)
    ring.write(b"ddee")
    for _ in range(2):
        assert ring.peek() == b"ccddee"
        assert ring.peek(2) == b"ccdd"
        assert ring.peek(100) == b"ccddee"
    assert ring.peek(0) == b""
    assert isinstance(ring.peek(), bytearray)
    assert ring.read() == b"ccddee"
    assert ring.peek() == b""


def test_the_newest_elements_are_read_and_all_others_dropped(RingBuffer):
    ring = RingBuffer(2, 4)
    ring.write(b"aabbcc")
    ring.read(2)
    ring.write(b"ddee")
    assert ring.read_latest(2) == b"ddee"
    assert ring.read_available == 0
    ring.write(b"ffgg")
    assert ring.read_latest(100) == b"ffgg"
    ring.write(b"hh")
    assert ring.read_latest(0) == b""
    assert ring.read_available == 0
    assert isinstance(ring.read_latest(1), bytearray)


def test_sizes_for_looking_are_checked(RingBuffer):
    ring = RingBuffer(2, 4)
    ring.write(b"aabb")
    with pytest.raises(ValueError, match="size must be 0 or more"):
        ring.read_latest(-1)
    for method in (ring.peek, ring.read_latest):
        with pytest.raises(TypeError):
            method(1.5)
        with pytest.raises(TypeError):
            method(None)
    assert ring.read() == b"aabb"


def test_looking_at_a_ring_that_c_fills(RingBuffer, genuine):
    ffi, lib = genuine
    ring = RingBuffer(2, 4)
    pointer = ffi.cast("PaUtilRingBuffer *", ring.address)
    lib.PaUtil_WriteRingBuffer(pointer, b"aabbcc", 3)
    assert ring.peek(2) == b"aabb"
    assert ring.read_latest(1) == b"cc"
    assert lib.PaUtil_GetRingBufferReadAvailable(pointer) == 0
