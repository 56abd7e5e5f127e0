"""Streams of a process that forks at any moment: the child has them, but not their threads.

To hit every moment, a trace function forks at the bytecode of the streams' Python code whose turn
it is. Whatever the parent was doing there, the child finishes it and must end.
"""

import os
import subprocess
import sys

import pytest

LONG = 120  # seconds that no program takes

#: The distance between two bytecodes that are tried; 1 in `make verify`.
STEP = 1 if int(os.environ.get("PA_RINGBUFFER_REPEAT", "1")) > 1 else 7

pytestmark = [
    pytest.mark.impossible(not hasattr(os, "fork"), reason="there is no fork"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

PROGRAM = f"""
import asyncio, faulthandler, os, signal, sys, threading, time, warnings
import numpy as np
import pa_ringbuffer
from pa_ringbuffer import testing
from pa_ringbuffer.streams import StreamStoppedError, StreamTimeoutError

FOLDER = os.path.dirname(pa_ringbuffer.__file__)
PATIENCE = 20  # seconds until a child is taken to hang
warnings.simplefilter("ignore")

def use(stream):
    '''What a child may do with a stream.'''
    assert not stream.active
    assert stream.stopped
    stream.stats
    stream.read_available
    for method in (stream.stop, stream.start, stream.read_nowait, lambda: stream.read(1)):
        try:
            method()
        except StreamStoppedError:
            pass
        else:
            raise AssertionError(method)
    stream.close()

def fork(then):
    '''Fork, and have the child do something; it is killed if that takes too long.'''
    pid = os.fork()
    if not pid:
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        then()
    return pid

def end_child(action, stream):
    try:
        action()
        use(stream)
        with testing.Stream(blocksize=16, ring_frames=1024, warn=None) as own:
            own.read(10)
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

def wait_for(pid):
    assert os.waitpid(pid, 0)[1] == 0

class Child(BaseException):
    pass

def fork_at(action, number):
    '''Do something; at the bytecode with this number, a child does the rest as well.'''
    left, pid = number, None
    def trace(frame, event, argument):
        nonlocal left, pid
        if not frame.f_code.co_filename.startswith(FOLDER):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0:
                sys.settrace(None)
                frame.f_trace = None
                pid = fork(lambda: None)
                return None
        return trace
    # Python 3.12 and 3.13 only look for it when tracing begins.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        action()
    except StreamStoppedError:
        if pid != 0:
            raise
    finally:
        sys.settrace(None)
    return pid

def fork_at_every_bytecode(prepare, action):
    number = 0
    while True:
        stream = prepare()
        pid = fork_at(lambda: action(stream), number)
        if pid == 0:
            end_child(lambda: None, stream)
        stream.close()
        if pid is None:
            break
        wait_for(pid)
        number += {STEP}
    assert number
    print("ok")

def running(**parameters):
    stream = testing.Stream(
        blocksize=16, samplerate=96000, ring_frames=1024, warn=None, **parameters
    )
    stream.start()
    return stream
"""


def run(text):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM + text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=LONG)
        finally:
            process.kill()
    assert (process.returncode, output) == (0, "ok\n"), errors


@pytest.mark.parametrize(
    "use",
    ["start()", "stop()", "close()", "active", "stats", "read_nowait()", "drain(30)"],
)
def test_a_child_that_is_forked_in_the_middle_of_something_goes_on(use):
    run(f"""
def prepare():
    return running() if {use!r} != "start()" else testing.Stream(
        blocksize=16, samplerate=96000, ring_frames=1024, warn=None
    )
fork_at_every_bytecode(prepare, lambda stream: stream.{use})
""")


def test_a_child_does_not_wait_for_a_thread_that_ends_the_stream():
    run("""
import contextlib
for number in range(30):
    stream = running()
    def end():
        with contextlib.suppress(StreamStoppedError):
            (stream.stop, stream.abort, stream.close)[number % 3]()
    threads = [threading.Thread(target=end) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(number * 1e-4)
    pids = [fork(lambda: end_child(lambda: None, stream)) for _ in range(2)]
    for thread in threads:
        thread.join()
    stream.close()
    for pid in pids:
        wait_for(pid)
print("ok")
""")


def test_a_child_does_not_wait_for_a_device_that_another_thread_is_in():
    run("""
class Slow:
    '''A device that needs a moment for everything.'''
    def __init__(self, backend):
        self._backend = backend
    def __getattr__(self, name):
        time.sleep(0.02)
        return getattr(self._backend, name)

for task in ("stop()", "close()", "active", "read(10_000_000)", "drain(30)"):
    stream = running()
    stream._handle.backend = Slow(stream._handle.backend)
    def work():
        try:
            eval("stream." + task)
        except StreamStoppedError:
            pass
    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.01)
    pid = fork(lambda: end_child(lambda: None, stream))
    wait_for(pid)
    stream.close()
    thread.join()
print("ok")
""")


def test_a_child_can_await_rings_while_its_parents_watcher_is_at_work():
    run("""
async def await_all(rings):
    waits = [asyncio.ensure_future(ring.wait_for_data_async()) for ring in rings]
    await asyncio.sleep(0)
    for ring in rings:
        ring.write(bytes(1))
    assert all(await asyncio.gather(*waits))
    for ring in rings:
        ring.read()

def work(rings):
    asyncio.run(asyncio.wait_for(await_all(rings), 60))

def keep_busy():
    rings = [pa_ringbuffer.RingBuffer(1, 8) for _ in range(50)]
    while not over:
        work(rings)

over = []
thread = threading.Thread(target=keep_busy)
thread.start()
rings = [pa_ringbuffer.RingBuffer(1, 8) for _ in range(5)]
def child():
    try:
        work(rings)
    except BaseException:
        os._exit(1)
    os._exit(0)
for _ in range(20):
    wait_for(fork(child))
over.append(True)
thread.join()
print("ok")
""")


@pytest.mark.parametrize("wake", [False, True])
@pytest.mark.parametrize(
    "use", ["read(96000)", "write(np.zeros((96000, 2), 'float32'))", "drain()"]
)
def test_a_child_that_a_signal_handler_forks_does_not_go_on_waiting(use, wake):
    run(f"""
pids = []
signal.signal(signal.SIGALRM, lambda *_: pids.append(fork(lambda: None)))
stream = testing.Stream(ring_seconds=0.5, wake={wake}, warn=None)
stream.start()
stream.write_nowait(np.zeros((24_000, 2), "float32"))
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    stream.{use}
except StreamStoppedError as error:
    assert "a forked child must open its own" in str(error), error
    assert pids == [0]
    end_child(lambda: None, stream)
assert pids and pids[0]
stream.close()
wait_for(pids[0])
print("ok")
""")


@pytest.mark.parametrize("use", ["active", "stop()"])
def test_a_child_that_asks_does_not_wait_for_a_thread_that_has_asked(use):
    run(f"""
class Slow:
    '''A device that needs a moment to tell another thread anything.'''
    def __init__(self, backend):
        self._backend = backend
    def __getattr__(self, name):
        if threading.current_thread() is not threading.main_thread():
            asked.set()
            time.sleep(0.01)
        return getattr(self._backend, name)

asked, threads = threading.Event(), []
def prepare():
    if threads:
        threads.pop().join()
    stream = running()
    stream._handle.backend = Slow(stream._handle.backend)
    asked.clear()
    threads.append(threading.Thread(target=lambda: stream.active))
    threads[0].start()
    asked.wait()
    return stream

fork_at_every_bytecode(prepare, lambda stream: stream.{use})
""")
