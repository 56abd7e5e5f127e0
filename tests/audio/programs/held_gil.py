"""Python code that stalls for 200 ms at a time."""

import ctypes
import sys
import threading
import time

# PyDLL, unlike CDLL, keeps the GIL during the call.
if sys.platform == "win32":
    _sleep, _duration = ctypes.PyDLL("kernel32").Sleep, 200
else:
    _sleep, _duration = ctypes.PyDLL(None).usleep, 200_000


class HeldGil:
    """Holds the GIL again and again, and has a second thread look on; a context manager."""

    def __init__(self):
        self._pauses = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=run) for run in (self._hold, self._watch)]

    def _hold(self):
        # Without the break, a thread that waits for the GIL may miss its turn.
        while not self._stop.wait(0.005):
            _sleep(_duration)

    def _watch(self):
        before = time.monotonic()
        while not self._stop.wait(0.001):
            now = time.monotonic()
            self._pauses += now - before >= 0.15
            before = now

    def was_held(self):
        """Whether the second thread could not run for 150 ms or more, again and again.

        One pause alone could be the machine's. Without a GIL there is nothing to hold.
        """
        has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
        return self._pauses >= 5 or not has_gil

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        for thread in self._threads:
            thread.join()
