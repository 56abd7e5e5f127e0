"""What else goes on while sound is played: context managers.

`cpu_time` is what the load's own thread has used of the process's CPU time, in seconds.
"""

import contextlib
import ctypes
import gc
import os
import subprocess
import sys
import threading
import time

#: Objects that hold others, all of which the garbage collector has to visit.
HEAP = 1_500_000

# It ends with its parent process, however that ends.
_BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(100_000))"


class Load:
    """Nothing."""

    cpu_time = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass


class ThreadLoad(Load):
    """Repeats an action in a Python thread, with pauses of the same length."""

    def __init__(self, work):
        self._work = work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._stop.is_set():
            begin = time.monotonic()
            self._work()
            self._stop.wait(time.monotonic() - begin)
        self.cpu_time = time.thread_time()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        self._thread.join()


def held_gil(seconds):
    """Holds the GIL, as a long call into a C extension does."""
    # PyDLL, unlike CDLL, keeps the GIL during the call.
    usleep = ctypes.PyDLL(None).usleep
    return ThreadLoad(lambda: usleep(round(seconds * 1e6)))


def collection():
    """Collects garbage on a large heap, which holds the GIL."""
    gc.disable()
    heap = [([],) for _ in range(HEAP)]

    def collect():
        assert heap
        gc.collect()

    gc.enable()
    return ThreadLoad(collect)


class BusyCores(Load):
    """Keeps each core busy with a process of its own."""

    def __init__(self):
        self._processes = contextlib.ExitStack()

    def __enter__(self):
        for _ in range(os.cpu_count()):
            process = subprocess.Popen([sys.executable, "-c", _BUSY])
            self._processes.callback(process.wait)
            self._processes.callback(process.kill)
        # Until they are running.
        time.sleep(0.1)
        return self

    def __exit__(self, *exception):
        self._processes.close()


#: What each load is called, and how it is made.
LOADS = {
    "idle": ("idle", Load),
    "gil20": ("GIL held 20 ms", lambda: held_gil(0.02)),
    "gil100": ("GIL held 100 ms", lambda: held_gil(0.1)),
    "gil300": ("GIL held 300 ms", lambda: held_gil(0.3)),
    "gc": ("garbage collection", collection),
    "cores": ("all cores busy", BusyCores),
}
