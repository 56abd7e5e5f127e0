"""A virtual device that is still running when its owner is dropped or the interpreter exits."""

import importlib.util
import os
import subprocess
import sys

import pytest


@pytest.fixture(autouse=True)
def extension(require):
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension module was not built")


COMPILED = """
import pa_ringbuffer, pa_ringbuffer.testing
callback = pa_ringbuffer.StreamCallback(output_ring=pa_ringbuffer.RingBuffer(8, 1024))
"""

# Called on the device's thread, it has to wait for the GIL.
IN_PYTHON = """
import cffi, pa_ringbuffer.testing
ffi = cffi.FFI()
@ffi.callback("int(void *, void *, unsigned long, void *, unsigned long, void *)")
def callback(input, output, frames, time, flags, userdata):
    ffi.buffer(output, 8 * frames)[:] = bytes(8 * frames)
    return 0
"""

RUN = """
import time
device = pa_ringbuffer.testing.VirtualDevice(callback, blocksize=64, realtime={realtime})
device.start()
while device.frames < 640:
    time.sleep(0.001)
"""


@pytest.mark.parametrize("callback", [COMPILED, IN_PYTHON], ids=["compiled", "in Python"])
@pytest.mark.parametrize("realtime", [True, False])
@pytest.mark.parametrize("last", ["pass", "del device", "del device, callback", "del callback"])
def test_the_process_ends_in_peace(callback, realtime, last):
    program = callback + RUN.format(realtime=realtime) + last
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_the_callback_may_ask_and_stop_the_device_that_calls_it():
    program = IN_PYTHON.replace(
        "return 0", "seen.append((device.frames, device.active)); device.stop(); return 0"
    )
    program += (
        "seen = []\n"
        "device = pa_ringbuffer.testing.VirtualDevice(callback, blocksize=64)\n"
        "assert device.run(6400) == 64\n"
        "device.start()\n"
        "assert device.wait(30)\n"
        "device.close()\n"
        "assert seen == [(0, False), (64, True)], seen\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_the_callback_may_close_the_device_that_calls_it():
    program = IN_PYTHON.replace("return 0", "calls.append(1); device.close(); return 0")
    program += (
        "calls = []\n"
        "device = pa_ringbuffer.testing.VirtualDevice(callback, blocksize=64)\n"
        "assert device.run(6400) == 64\n"
        "for use in (device.start, lambda: device.run(64)):\n"
        "    try:\n"
        "        use()\n"
        "    except RuntimeError as error:\n"
        "        assert 'closed' in str(error)\n"
        "    else:\n"
        "        raise AssertionError\n"
        "device.close()\n"
        "device = pa_ringbuffer.testing.VirtualDevice(callback, blocksize=64)\n"
        "device.start()\n"
        "device.stop()\n"
        "assert device.wait(30)\n"
        "device.close()\n"
        "assert len(calls) <= 2, calls\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.impossible(not hasattr(os, "fork"), reason="this system has no fork()")
def test_a_forked_child_ends_without_the_device():
    program = (
        COMPILED
        + RUN.format(realtime=True)
        + """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what is tested
child = os.fork()
if not child:
    assert not device.active and device.wait()
    device.stop()
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert device.active
"""
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")
