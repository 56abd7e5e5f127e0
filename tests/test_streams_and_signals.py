"""Streams whose user is interrupted, at every possible place.

Signal handlers run on the main thread between two bytecodes of whatever it does, and may raise. To
hit every bytecode, a trace function counts those of the streams' Python code, and raises the signal
at the one whose turn it is. A deadlock shows as a program that does not end.
"""

import os
import signal
import subprocess
import sys

import pytest

LONG = 120  # seconds that no program takes

#: The distance between two bytecodes that are tried; 1 in `make verify`.
STEP = 1 if int(os.environ.get("PA_RINGBUFFER_REPEAT", "1")) > 1 else 5

PROGRAM = f"""
import asyncio, dis, os, signal, sys, threading, time
import numpy as np
import pa_ringbuffer
from pa_ringbuffer import testing
from pa_ringbuffer.streams import StreamStoppedError, StreamTimeoutError

FOLDER = os.path.dirname(pa_ringbuffer.__file__)
LEFT_OUT = ()

def between_bytecodes(action, interrupt, number, only_calls=False):
    '''Do something, and something else before the bytecode with this number; is there one?'''
    left, last, returned = number, {{}}, False
    def trace(frame, event, argument):
        nonlocal left, returned
        code = frame.f_code
        if not code.co_filename.startswith(FOLDER) or code.co_name in LEFT_OUT:
            return None
        frame.f_trace_opcodes = True
        if event == "return":
            returned = True
        if event == "opcode":
            before = last.get(frame, "RESUME")
            last[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            # Where Python looks for signals: behind calls of what is not Python, at the beginning
            # of a function, and where a loop jumps back.
            if not only_calls or (
                before.startswith(("CALL", "JUMP_BACK", "JUMP_ABS", "RESUME", "PRECALL"))
                and not before.startswith(("CALL_INTRINSIC", "JUMP_BACKWARD_NO_INTERRUPT"))
                and not returned
            ):
                left -= 1
                if left < 0:
                    sys.settrace(None)
                    frame.f_trace = None
                    interrupt()
                    return None
            returned = False
        return trace
    # Python 3.12 and 3.13 only look for it when tracing begins.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(None)
    return left < 0

def at_every_bytecode(prepare, action, interrupt, check, only_calls=False):
    number = 0
    while True:
        stream = prepare()
        if not between_bytecodes(
            lambda: action(stream), lambda: interrupt(stream), number, only_calls
        ):
            stream.close()
            break
        check(stream)
        stream.close()
        number += {STEP}
    assert number > 0
    print("ok", number)
"""


def run(text):
    with subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM + text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=LONG)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            raise AssertionError(f"it hangs: {process.communicate()[1]}") from None
        finally:
            process.kill()
    assert (process.returncode, output.split()[:1]) == (0, ["ok"]), errors


pytestmark = pytest.mark.impossible(
    os.name == "nt", reason="Windows has no signals to be raised at a given place"
)

ASKS = ["active", "stopped", "closed", "time", "cpu_load", "stats", "read_available"]


@pytest.mark.parametrize(
    "use",
    [
        "stream.active",
        "stream.stats",
        "stream.start()",
        "stream.stop()",
        "stream.close()",
        "stream.drain(30)",
        "stream.read_nowait()",
        "stream.write(np.zeros((40, 2), 'float32'))",
    ],
)
def test_a_signal_handler_can_end_a_stream_at_any_moment(use):
    run(f"""
starts, closes = {use!r} == "stream.start()", {use!r} == "stream.close()"

def prepare():
    stream = testing.Stream(blocksize=16, samplerate=96000, ring_frames=1024, warn=None)
    if not starts:
        stream.start()
    return stream

def action(stream):
    try:
        {use}
    except StreamStoppedError:
        pass

def check(stream):
    if not starts:
        assert not stream.active
        assert stream.stopped
    assert stream.closed == (end == "close" or closes)
    if not stream.closed:
        stream.start()
        assert stream.active
    stream.close()
    assert not stream._handle.backend.device_itself.active

signal.signal(signal.SIGUSR1, lambda *_: getattr(interrupted[0], end)())

def interrupt(stream):
    interrupted[:] = [stream]
    try:
        signal.raise_signal(signal.SIGUSR1)
    except StreamStoppedError:
        assert stream.closed

interrupted = []
for end in ("stop", "close"):
    at_every_bytecode(prepare, action, interrupt, check)
""")


@pytest.mark.parametrize("use", ["stream.start()", "stream.stop()", "stream.close()"])
def test_a_signal_handler_can_ask_at_any_moment(use):
    run(f"""
def prepare():
    stream = testing.Stream(blocksize=16, samplerate=96000, ring_frames=1024, warn=None)
    if {use!r} != "stream.start()":
        stream.start()
    return stream

def interrupt(stream):
    for name in {ASKS}:
        try:
            getattr(stream, name)
        except StreamStoppedError:
            assert stream.closed

at_every_bytecode(prepare, lambda stream: {use}, interrupt, lambda stream: stream.stats)
""")


def test_no_question_reaches_a_device_that_was_freed():
    run("""
class Freed(Exception):
    pass

class Device:
    '''A device that must not be asked after it was freed, even by what began before.'''
    freed = False
    def __init__(self, backend):
        self._backend = backend
    def __getattr__(self, name):
        backend = self._backend
        answer = getattr(backend, name)
        if self.freed:
            freed.append(name)
        return answer
    def close(self, ignore_errors=True):
        self.freed = True
        self._backend.close(ignore_errors)

freed = []
FOLDER = ""  # Trace everything.
def prepare():
    stream = testing.Stream(blocksize=16, samplerate=96000, ring_frames=1024, warn=None)
    stream.start()
    stream._handle.backend = Device(stream._handle.backend)
    return stream

def check(stream):
    assert not freed, freed

at_every_bytecode(
    prepare, lambda stream: stream.active, lambda stream: stream.close(), check
)
""")


def test_a_start_that_is_interrupted_while_it_waits_leaves_no_device_running():
    # The thread that is to undo it may have its turn before the one that starts the device.
    run(
        """
import random, traceback
class Interrupt(Exception):
    pass
def handler(number, frame):
    raise Interrupt
signal.signal(signal.SIGALRM, handler)
random.seed(3)
interrupted = 0
for _ in range(150):
    stream = testing.InputStream(channels=1)
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-6, 6e-4))
        stream.start()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Interrupt as error:
        inside = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        if "wait" in inside:
            interrupted += 1
            time.sleep(0.005)
            end = time.monotonic() + 20
            while stream.active:
                assert time.monotonic() < end
                time.sleep(0.001)
    signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        stream.close()
    except Interrupt:
        # Another thread has had the signal, and Python hears of it late.
        stream.close()
assert interrupted
print("ok")
"""
    )


def test_an_interrupted_start_leaves_no_device_running():
    run("""
class Interrupted(BaseException):
    pass

def interrupt(stream):
    raise Interrupted

def prepare():
    return testing.Stream(blocksize=16, samplerate=96000, ring_frames=1024, warn=None)

def check(stream):
    device = stream._handle.backend.device_itself
    end = time.monotonic() + 20
    while device.active:
        assert time.monotonic() < end
        time.sleep(0.001)

def start(stream):
    try:
        stream.start()
    except Interrupted:
        check(stream)

at_every_bytecode(prepare, start, interrupt, lambda stream: None, only_calls=True)
""")


READING = """
class Interrupted(BaseException):
    pass

def interrupt(*_):
    raise Interrupted

class Numbered:
    '''A stream that records numbers, as fast as they are read, although its device stands still.'''

    def __init__(self, type):
        self.stream = type(channels=1, dtype="int32", ring_frames=64, blocksize=64)
        self.stream._callback.restart()
        self.ring = self.stream.input_ring
        self.parts, self.position, self.over = [], 0, False
        self.thread = threading.Thread(target=self.record, daemon=True)
        self.thread.start()

    def record(self):
        while not self.over:
            block = np.arange(self.position, self.position + 40, dtype="int32")
            self.position += self.ring.write(block)
            time.sleep(0.0001)

    def close(self):
        self.over = True
        self.thread.join()
        available = self.stream.read_available
        assert len(self.stream.peek()) == available
        self.parts.append(self.stream.read_nowait(10))
        self.parts.append(self.stream.read_nowait())
        assert not self.stream.read_available
        self.stream.close()
        numbers = np.concatenate(self.parts)[:, 0]
        assert np.array_equal(numbers, np.arange(self.position)), (
            numbers[:-1][np.diff(numbers) != 1], len(numbers), self.position
        )

    def take(self, read):
        try:
            self.parts.append(read())
        except Interrupted:
            pass
        except (StreamStoppedError, StreamTimeoutError) as error:
            if error.data is not None:
                self.parts.append(error.data)
"""


@pytest.mark.parametrize(
    "read",
    [
        "stream.read(40)[0]",
        "stream.read(300)[0]",
        "stream.read(300, 0.001)[0]",
        "stream.read_nowait()",
        "stream.read_nowait(7)",
        "next(stream.blocks(30, 10))",
        "next(stream.blocks(300, 10))",
    ],
)
def test_an_interrupted_read_leaves_its_frames_to_the_next_one(read):
    run(
        READING
        + f"""
def action(numbered):
    stream = numbered.stream
    numbered.take(lambda: {read})

at_every_bytecode(
    lambda: Numbered(testing.InputStream), action, interrupt, lambda _: None, only_calls=True
)
"""
    )


@pytest.mark.parametrize(
    "read",
    [
        "(await stream.read(40))[0]",
        "(await stream.read(300))[0]",
        "(await stream.read(300, 0.001))[0]",
        "await stream.blocks(300, 10).__anext__()",
    ],
)
def test_an_interrupted_task_leaves_its_frames_to_the_next_one(read):
    run(
        READING
        + f"""
# Not where the loop calls back, which it would not do once more.
FOLDER = os.path.join(FOLDER, "streams")

async def main(numbered):
    stream = numbered.stream
    try:
        numbered.parts.append({read})
    except Interrupted:
        pass
    except (StreamStoppedError, StreamTimeoutError) as error:
        if error.data is not None:
            numbered.parts.append(error.data)

loop = asyncio.new_event_loop()
at_every_bytecode(
    lambda: Numbered(testing.AsyncInputStream),
    lambda numbered: loop.run_until_complete(main(numbered)),
    interrupt,
    lambda _: None,
    only_calls=True,
)
loop.close()
"""
    )


@pytest.mark.parametrize(
    "read",
    [
        "(await stream.read(20))[0]",
        "(await stream.read(300, 0.001))[0]",
        "await blocks.__anext__()",
    ],
)
def test_an_interrupted_task_whose_exception_is_kept_leaves_its_side_and_frames_to_others(read):
    run(
        READING
        + f"""
# Not where the loop calls back, which it would not do once more.
LEFT_OUT = ("_settle", "_deliver")
kept = []

def prepare():
    stream = testing.AsyncInputStream(channels=1, dtype="int32", ring_frames=64, blocksize=64)
    stream._callback.restart()  # As if it ran.
    stream.input_ring.write(np.arange(40, dtype="int32"))
    return stream, stream.blocks(20)

async def main(stream, blocks):
    try:
        parts.append({read})
    except Interrupted as error:
        kept.extend((blocks, error))
    except StreamTimeoutError as error:
        parts.append(error.data)

loop, parts, number = asyncio.new_event_loop(), [], 0
while True:
    stream, blocks = prepare()
    parts.clear()
    more = between_bytecodes(
        lambda: loop.run_until_complete(main(stream, blocks)), interrupt, number, only_calls=True
    )
    parts.append(stream.read_nowait())
    assert np.array_equal(np.concatenate(parts)[:, 0], np.arange(40)), (number, parts)
    stream.close()
    if not more:
        break
    number += 1
loop.close()
assert number
print("ok")
"""
    )


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "ValueError", "MemoryError"])
def test_an_error_of_a_signal_handler_loses_no_frames_of_a_long_read(error):
    run(
        READING
        + f"""
def handler(*_):
    raise {error}
signal.signal(signal.SIGALRM, handler)
numbered = Numbered(testing.InputStream)
for _ in range(5):
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        numbered.stream.read(10**7)
    except {error}:
        pass
    else:
        raise AssertionError
    numbered.parts.append(numbered.stream.read(100)[0])
numbered.close()
assert sum(map(len, numbered.parts)) > 1000
print("ok")
"""
    )


def test_a_signal_handler_that_reads_what_is_being_read_is_refused():
    run(
        READING
        + """
errors = []
def handler(*_):
    for read in (numbered.stream.read_nowait, lambda: numbered.stream.read(300),
                 numbered.stream.peek, lambda: numbered.stream.read_latest(3)):
        try:
            read()
        except RuntimeError as error:
            errors.append(str(error))
signal.signal(signal.SIGALRM, handler)
numbered = Numbered(testing.InputStream)
signal.setitimer(signal.ITIMER_REAL, 0.02)
numbered.take(lambda: numbered.stream.read(30_000)[0])
numbered.close()
assert len(errors) == 4, errors
assert "already reading from this stream" in errors[0]
print("ok")
"""
    )


def test_losses_are_told_once_although_the_report_is_interrupted():
    run("""
import re
told = []
def prepare():
    told.clear()
    stream = testing.OutputStream(blocksize=16, ring_frames=64, warn=told.append)
    # As if it ran, on a thread that stands still between two steps.
    stream._callback.restart()
    stream._callback.mode = "run"
    device = stream._handle.backend.device_itself
    device.run(160)
    return stream

def check(stream):
    stream.close()
    frames = sum(int(re.search(r"(\\d+) frames? of silence", text)[1]) for text in told)
    assert frames == stream.stats.output.lost_frames == 160, told

at_every_bytecode(
    prepare, lambda stream: stream.stats, lambda stream: stream._report(at_once=True), check
)
""")
