"""The sound of a callback, and its supply by Python: the same program for all contestants.

Some have `fill()`, for a callback in Python; the others have `function` and `userdata`, the
addresses of a compiled callback and of its data. The main thread calls `feed()` every few
milliseconds, like a program that reads a file.
"""

import ctypes
import queue

import native
import pa_ringbuffer
from frames import FRAMESIZE


class Source:
    """A source that needs no feeding and never runs out."""

    #: Blocks for which there was not enough to play; None if unknown.
    dry = None
    #: Xruns that the callback was told of, where the callback counts them itself.
    xruns = 0
    #: The least there was to play when Python came to refill it, in frames; None without a buffer.
    lowest = None

    def feed(self):
        pass


class Array(Source):
    """The whole signal is there; the callback, in Python, copies from it."""

    def __init__(self, config, signal):
        self._signal = signal
        self._position = 0

    def fill(self, output):
        output[:] = self._signal[self._position : self._position + len(output)]
        self._position += len(output)


class Queue(Source):
    """A queue of blocks; the callback, in Python, takes one out at a time."""

    def __init__(self, config, signal):
        self.dry = 0
        self._blocksize = config["blocksize"]
        self._queue = queue.Queue(config["ring"] // self._blocksize)
        self._blocks = iter(signal.reshape(-1, self._blocksize, signal.shape[1]))
        self.lowest = config["ring"]
        self._put()

    def _put(self):
        while not self._queue.full():
            self._queue.put_nowait(next(self._blocks))

    def feed(self):
        self.lowest = min(self.lowest, self._queue.qsize() * self._blocksize)
        self._put()

    def fill(self, output):
        try:
            output[:] = self._queue.get_nowait()
        except queue.Empty:
            self.dry += 1
            output.fill(0)


class Ring(Source):
    """This project: a ring buffer and the compiled callback."""

    def __init__(self, config, signal):
        self._ring = pa_ringbuffer.RingBuffer(FRAMESIZE, config["ring"])
        self._callback = pa_ringbuffer.StreamCallback(output_ring=self._ring)
        self.function, self.userdata = self._callback.function, self._callback.address
        self._signal = signal
        self._position = 0
        self.lowest = config["ring"]
        self._write()

    def _write(self):
        end = self._position + self._ring.write_available
        self._position += self._ring.write(self._signal[self._position : end])

    def feed(self):
        self.lowest = min(self.lowest, self._ring.read_available)
        self._write()

    @property
    def dry(self):
        return self._callback.counters["output_underflows"]

    @property
    def xruns(self):
        return self._callback.counters["device_output_underflows"]


class Control(Source):
    """A compiled callback that generates the signal itself: its losses are the machine's."""

    def __init__(self, config, signal):
        self._state = native.Control(key=config["key"])
        self.function = config["addresses"]["control"]
        self.userdata = ctypes.addressof(self._state)

    @property
    def xruns(self):
        return self._state.xruns
