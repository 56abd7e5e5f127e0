"""The end of a virtual device, and the objects that its thread may still use then.

All of these would end the process where they fail, and so each is a process of its own.
"""

import importlib.util
import os
import subprocess
import sys

import pytest

LONG = 60  # seconds that nothing takes

has_fork = pytest.mark.impossible(not hasattr(os, "fork"), reason="this system has no fork()")


@pytest.fixture(autouse=True)
def extension(require):
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension module was not built")


def run(*program, code=0):
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", "".join(program)],
        capture_output=True,
        text=True,
        timeout=LONG,
    )
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    return result.stdout


# Callbacks of both kinds that ctypes and CFFI make; `body` is what they do.
COMMON = """
import ctypes, gc, threading, time, weakref
import pa_ringbuffer
from pa_ringbuffer.testing import VirtualDevice

CTYPES = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 2, ctypes.c_ulong,
                          ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p)
FINISHED = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

def collected(references):
    gc.collect()
    return all(reference() is None for reference in references)

def eventually(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)
"""
CALLBACKS = {
    "ctypes": COMMON
    + """
def make(body):
    return CTYPES(lambda *arguments: body() or 0)
""",
    "cffi": COMMON
    + """
import cffi
ffi = cffi.FFI()
def make(body):
    return ffi.callback(
        "int(void *, void *, unsigned long, void *, unsigned long, void *)",
        lambda *arguments: body() or 0)
""",
}


@pytest.fixture(params=CALLBACKS)
def callbacks(request, require):
    if request.param == "cffi":
        require(importlib.util.find_spec("cffi"), "CFFI is not installed")
    return CALLBACKS[request.param]


# A thread and its owner.


@pytest.mark.parametrize("inside", ["stop", "close"])
@pytest.mark.parametrize("outside", ["device.stop()", "device.close()", "del device"])
def test_the_owner_waits_for_a_callback_that_has_stopped_its_own_device(callbacks, inside, outside):
    run(
        callbacks,
        f"""
for _ in range(5):
    entered, told, steps = threading.Event(), [], []
    def body():
        if not entered.is_set():
            reference().{inside}()
            entered.set()
            time.sleep(0.05)
            steps.append("returned")
    callback = make(body)
    device = VirtualDevice(callback, blocksize=64, finished_callback=FINISHED(told.append))
    reference = weakref.ref(device)
    device.start()
    assert entered.wait(30)
    {outside}
    assert steps == ["returned"] and told == [None], (steps, told)
""",
    )


def test_a_callback_may_drop_the_last_reference_to_its_device(callbacks):
    run(
        callbacks,
        """
for _ in range(5):
    holder, told, entered = [], [], threading.Event()
    def body():
        if holder:
            entered.set()
            holder.clear()
            gc.collect()
            # Whatever is allocated now may lie where the callbacks would have been.
            junk = [bytes(n) for n in range(1000)]
            time.sleep(0.01)
    callback, finished = make(body), FINISHED(told.append)
    gone = [weakref.ref(callback), weakref.ref(finished)]
    device = VirtualDevice(callback, blocksize=64, finished_callback=finished)
    gone.append(weakref.ref(device))
    holder.append(device)
    device.start()
    del device, callback, finished, body
    assert entered.wait(30)
    eventually(lambda: told == [None])
    eventually(lambda: collected(gone))
""",
    )


def test_the_finished_callback_is_told_each_end_once(callbacks):
    run(
        callbacks,
        """
told = []
device = VirtualDevice(make(lambda: None), blocksize=64, finished_callback=FINISHED(told.append))
for ends in range(1, 51):
    device.start()
    device.stop()
    assert told == [None] * ends
    if ends % 5 == 0:
        device.start()
        threads = [threading.Thread(target=device.stop) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told.pop()
        assert told == [None] * ends
""",
    )


def test_threads_that_start_and_stop_a_device_at_once_agree(callbacks):
    run(
        callbacks,
        """
told, starts = [], []
device = VirtualDevice(make(lambda: None), blocksize=64, finished_callback=FINISHED(told.append))
def work():
    for _ in range(30):
        try:
            device.start()
        except RuntimeError as error:
            assert "running" in str(error), error
        else:
            starts.append(1)
        device.stop()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(30)
    assert not thread.is_alive()
assert not device.active
assert len(told) == len(starts) > 0
""",
    )


# Garbage.

CYCLE = """
class Player:
    def __init__(self, body=lambda: None):
        self.called = threading.Event()
        def call():
            self.called.set()
            body()
        self.callback = make(call)
        self.finished = FINISHED(lambda userdata: told.append(self.device is not None))
        self.device = VirtualDevice(self.callback, blocksize=64, finished_callback=self.finished)

told = []
"""


def test_a_running_device_in_a_garbage_cycle_ends_and_is_collected(callbacks):
    run(
        callbacks,
        CYCLE,
        """
for _ in range(10):
    player = Player()
    gone = weakref.ref(player), weakref.ref(player.device), weakref.ref(player.callback)
    player.device.start()
    assert player.called.wait(30)
    del player
    gc.collect()
    eventually(lambda: collected(gone))
    assert told == [True]
    told.clear()
""",
    )


def test_a_callback_may_collect_garbage_when_its_own_device_is_forgotten(callbacks):
    run(
        callbacks,
        CYCLE,
        """
for _ in range(10):
    player = Player(lambda: forgotten.is_set() and gc.collect())
    forgotten = threading.Event()
    gone = weakref.ref(player), weakref.ref(player.device), weakref.ref(player.callback)
    gc.disable()
    player.device.start()
    assert player.called.wait(30)
    del player
    forgotten.set()
    time.sleep(0.02)
    gc.enable()
    eventually(lambda: collected(gone))
    told.clear()
""",
    )


def test_a_collector_does_not_wait_for_ever_for_a_callback_that_waits_for_it(callbacks):
    run(
        callbacks,
        CYCLE,
        """
lock = threading.Lock()
def body():
    with lock:
        pass
player = Player(body)
gone = weakref.ref(player), weakref.ref(player.device), weakref.ref(player.callback)
player.device.start()
assert player.called.wait(30)
with lock:
    del player
    gc.collect()
    # The thread has what it needs.
    junk = [bytes(n) for n in range(1000)]
    time.sleep(0.05)
eventually(lambda: told)
eventually(lambda: collected(gone))
""",
    )


def test_a_device_that_comes_back_from_the_garbage_is_closed(callbacks):
    run(
        callbacks,
        CYCLE,
        """
back = []
class Ghost(Player):
    def __del__(self):
        back.append(self)
player = Ghost()
player.device.start()
assert player.called.wait(30)
del player
gc.collect()
[player] = back
assert not player.device.active
try:
    player.device.start()
except RuntimeError as error:
    assert "closed" in str(error), error
else:
    raise AssertionError
gone = weakref.ref(player.callback)
back.clear()
del player
gc.collect()
eventually(lambda: collected([gone]))
""",
    )


def test_a_compiled_callback_in_a_garbage_cycle_with_its_rings_ends():
    run(
        COMMON,
        """
class Ring(pa_ringbuffer.RingBuffer):
    pass
for _ in range(10):
    ring = Ring(8, buffer=(ctypes.c_char * (1 << 22))())
    callback = pa_ringbuffer.StreamCallback(input_ring=ring, output_framesize=8)
    ring.device = VirtualDevice(callback, realtime=False, blocksize=1024)
    gone = weakref.ref(ring), weakref.ref(ring.device)
    ring.device.start()
    eventually(lambda: ring.device.frames)
    del ring, callback
    gc.collect()
    eventually(lambda: collected(gone))
""",
    )


# The end of the interpreter.


def test_a_device_cannot_be_started_when_the_interpreter_has_begun_to_exit(callbacks):
    output = run(
        "import atexit\n@atexit.register\ndef late():\n    late_start()\n",
        callbacks,
        """
device = VirtualDevice(make(lambda: None), blocksize=64)
def late_start():
    try:
        device.start()
    except RuntimeError as error:
        print(error)
    print(device.run(128))
""",
    )
    assert output == "the virtual device cannot be started: the interpreter is exiting\n128\n"


# Forks.

FORK = """
import os, signal, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what is tested

def in_child(work):
    child = os.fork()
    if not child:
        # A child that hangs is killed, and seen.
        signal.alarm(20)
        try:
            work()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7

def use(device):
    assert not device.active
    assert device.wait()
    for call in (device.start, lambda: device.run(64)):
        try:
            call()
        except RuntimeError as error:
            assert "forked" in str(error), error
        else:
            raise AssertionError
    device.stop()
    device.close()
    repr(device)
"""


@has_fork
@pytest.mark.parametrize("use", ["device.start()", "threading.Thread(target=run).start()"])
def test_a_child_forked_in_the_middle_of_a_call_does_not_hang(callbacks, use):
    run(
        callbacks,
        FORK,
        f"""
entered, leave = threading.Event(), threading.Event()
def body():
    entered.set()
    leave.wait(30)
device = VirtualDevice(make(body), blocksize=64)
def run():
    assert device.run(64 * 3) == 64
{use}
assert entered.wait(30)
in_child(lambda: use(device))
def drop():
    global device
    del device
in_child(drop)
# Another thread waits for the end.
threads = [threading.Thread(target=device.stop), threading.Thread(target=device.wait)]
for thread in threads:
    thread.start()
in_child(lambda: use(device))
leave.set()
for thread in threads:
    thread.join(30)
assert device.wait(30)
device.close()
""",
    )


@has_fork
def test_a_child_forked_while_a_device_begins_or_ends_does_not_hang(callbacks):
    run(
        callbacks,
        FORK,
        """
device = VirtualDevice(make(lambda: None), blocksize=64, realtime=False,
                       finished_callback=FINISHED(lambda userdata: None))
going_on = True
def work():
    while going_on:
        device.start()
        device.stop()
thread = threading.Thread(target=work)
thread.start()
def child():
    assert not device.active and device.wait()
    device.stop()
    device.close()
for _ in range(40):
    in_child(child)
going_on = False
thread.join(30)
""",
    )


@has_fork
def test_a_quiet_device_can_be_used_by_a_forked_child(callbacks):
    run(
        callbacks,
        FORK,
        """
device = VirtualDevice(make(lambda: None), blocksize=64)
device.start()
device.stop()
def child():
    device.start()
    assert device.active
    device.close()
    assert not device.active
in_child(child)
assert device.run(128) == 128
""",
    )
