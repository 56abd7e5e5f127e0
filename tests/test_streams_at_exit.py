"""Streams that run when the interpreter exits, when it is interrupted, and when it forks."""

import os
import signal
import subprocess
import sys
import time

import pytest

LONG = 30  # seconds that no program takes

PROGRAM = """
import asyncio, os, sys, threading, time
import numpy as np
from pa_ringbuffer import testing
from pa_ringbuffer.streams import StreamStoppedError
zeros = np.zeros((4_800_000, 2), "float32")
"""


def start(text, before=""):
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", before + PROGRAM + text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(text, before=""):
    with start(text, before) as process:
        try:
            output, errors = process.communicate(timeout=LONG)
        finally:
            process.kill()
    return process.returncode, output, errors


@pytest.mark.parametrize(
    "text",
    [
        "stream = testing.Stream(); stream.start()",
        "stream = testing.Stream(warn=None); stream.start(); stream.write(zeros[:1000]); "
        "time.sleep(0.1)",
        "stream = testing.OutputStream(); stream.start(); stream.myself = stream; "
        "ring = stream.ring",
        "stream = testing.OutputStream(); stream.start()\n"
        "threading.Thread(target=stream.write, args=(zeros,), daemon=True).start()\n"
        "time.sleep(0.1)",
        "stream = testing.InputStream(); stream.start()\n"
        "threading.Thread(target=stream.read, args=(4_800_000,), daemon=True).start()\n"
        "time.sleep(0.1)",
        "async def main():\n"
        "    stream = testing.AsyncStream(); stream.start()\n"
        "    task = asyncio.ensure_future(stream.read(4_800_000))\n"
        "    await asyncio.sleep(0.05)\n"
        "asyncio.run(main())",
    ],
    ids=["running", "played", "cycle", "writing", "reading", "task"],
)
def test_the_interpreter_exits_while_a_stream_runs(text):
    status, output, errors = run(text)
    # In a task, the coroutine is cancelled and the stream collected.
    errors = "\n".join(line for line in errors.splitlines() if "ResourceWarning" not in line)
    assert (status, output) == (0, "")
    assert "Traceback" not in errors
    assert "rror" not in errors


# Functions that are registered before the package is imported are called after its own.
JOINING = f"""
import atexit, threading
threads = []
def join():
    for thread in threads:
        thread.join({LONG})
        print("alive" if thread.is_alive() else "ended")
atexit.register(join)
"""


@pytest.mark.parametrize(
    "use",
    [
        "begun.set(); stream.write(zeros)",
        "begun.set(); stream.read(4_800_000)",
        "begun.set(); stream.write(zeros[:96_000]); stream.drain()",
        "begun.set(); [None for block in stream.blocks(4_800_000)]",
        # Sets it when its own stream has been started.
        "asyncio.run(use_async())",
    ],
    ids=["write", "read", "drain", "blocks", "async"],
)
def test_a_daemon_thread_that_waits_ends_at_exit_without_a_word(use):
    status, output, errors = run(
        "async def use_async():\n"
        "    async with testing.AsyncOutputStream(warn=None) as stream:\n"
        "        stream.myself = stream; streams.append(stream); begun.set()\n"
        "        await stream.write(zeros)\n"
        "begun = threading.Event()\n"
        "stream = testing.Stream(warn=None, ring_seconds=2); stream.start()\n"
        "streams = [stream]\n"
        "def work():\n"
        "    try:\n"
        f"        {use}\n"
        "    finally:\n"
        "        print('cleared up')\n"
        "threads.append(threading.Thread(target=work, daemon=True)); threads[0].start()\n"
        "begun.wait(); time.sleep(0.05)\n",
        JOINING,
    )
    errors = "\n".join(line for line in errors.splitlines() if "ResourceWarning" not in line)
    assert (status, output, errors) == (0, "cleared up\nended\n", "")


def test_other_threads_are_told_that_the_stream_has_stopped_although_the_main_thread_has_ended():
    status, output, _ = run("""
stream = testing.Stream(warn=None); stream.start()
def abort():
    # From Python 3.12 on, no thread can be started any more by then.
    threading.main_thread().join()
    time.sleep(0.1)
    stream.abort()
def work():
    threading.main_thread().join()
    try:
        stream.write(zeros)
    except StreamStoppedError:
        print("told")
threading.Thread(target=abort).start()
threading.Thread(target=work).start()
""")
    assert (status, output) == (0, "told\n")


def test_the_finished_callback_is_called_at_exit():
    text = "stream = testing.Stream(finished_callback=lambda: print('finished')); stream.start()"
    status, output, _ = run(text + "\nstream.close()")
    assert (status, output) == (0, "finished\n")


@pytest.mark.impossible(os.name == "nt", reason="Windows sends no such signal to one process")
@pytest.mark.parametrize(
    "text",
    [
        "with testing.OutputStream() as stream: print('ready', flush=True); stream.write(zeros)",
        "with testing.InputStream() as stream:\n"
        "    print('ready', flush=True)\n"
        "    stream.read(4_800_000)",
        "with testing.InputStream() as stream:\n"
        "    print('ready', flush=True)\n"
        "    for block in stream.blocks(4800): pass",
        "with testing.OutputStream(ring_seconds=100) as stream:\n"
        "    stream.write(zeros)\n"
        "    print('ready', flush=True)\n"
        "    stream.drain()",
        "async def main():\n"
        "    async with testing.AsyncOutputStream() as stream:\n"
        "        print('ready', flush=True)\n"
        "        await stream.write(zeros)\n"
        "asyncio.run(main())",
    ],
    ids=["write", "read", "blocks", "drain", "asyncio"],
)
def test_ctrl_c_ends_it_at_once(text):
    with start(text) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=LONG)
        finally:
            process.kill()
    assert process.returncode in (-signal.SIGINT, 1)
    assert errors.count("KeyboardInterrupt") >= 1
    assert "StreamStoppedError" not in errors


@pytest.mark.impossible(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_no_stream_and_does_not_disturb_its_parents():
    status, output, errors = run("""
with testing.Stream(loopback=True) as stream:
    stream.write(zeros[:1000])
    pid = os.fork()
    if not pid:
        assert not stream.active
        for use in (lambda: stream.write(zeros), lambda: stream.read(10), stream.read_nowait,
                    stream.start, stream.stop, lambda: stream.drain()):
            try:
                use()
            except StreamStoppedError as error:
                assert "belongs to the process that has opened it" in str(error)
            else:
                raise AssertionError(use)
        stream.close()
        with testing.Stream(loopback=True) as own:
            own.read(1000)
        del stream
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    stream.write(zeros[:1000])
    stream.read(1500)
    assert stream.active
print("ok")
""")
    assert (status, output) == (0, "ok\n"), errors


@pytest.mark.impossible(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_can_await_streams_of_its_own():
    status, output, errors = run("""
async def use():
    async with testing.AsyncStream(loopback=True) as stream:
        await stream.read(1000)
asyncio.run(use())
pid = os.fork()
asyncio.run(use())
if pid:
    assert os.waitpid(pid, 0)[1] == 0
    print("ok")
""")
    assert (status, output) == (0, "ok\n"), errors
