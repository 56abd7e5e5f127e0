"""Streams on this project's virtual device.

The device calls late if the previous call took too long, and catches up immediately: it delays
frames but loses none. A sound card continues without late data. Therefore `card()` in callbacks.c
stands between the two, and keeps the part of each block that such a card would have played.
"""

import ctypes

import cffi
import native
import numpy as np
from frames import CHANNELS, FRAMESIZE, RATE
from pa_ringbuffer import _virtual_streams
from pa_ringbuffer.testing import VirtualDevice

_ffi = cffi.FFI()
_CALLBACK = "int(void *, void *, unsigned long, void *, unsigned long, void *)"


class _OnVirtualDevice:
    pause = 0.01

    def __init__(self, source, function, userdata, config):
        self._source = source
        self.feed = source.feed
        self._device = self._open(function, userdata, config)

    def _open(self, function, userdata, config):
        """A device whose card calls a function."""
        blocksize = config["blocksize"]
        capacity = -(-config["frames"] // blocksize) * blocksize
        self._recording = np.zeros((capacity, CHANNELS), np.float32)
        self._card = native.Card(
            callback=function,
            userdata=userdata,
            samplerate=RATE,
            recording=self._recording.ctypes.data,
            capacity=capacity,
        )
        return VirtualDevice(
            config["addresses"]["card"],
            ctypes.addressof(self._card),
            samplerate=RATE,
            channels=(0, CHANNELS),
            blocksize=blocksize,
        )

    def start(self):
        self._device.start()

    def stop(self):
        self._device.stop()

    def close(self):
        self._device.close()

    def finished(self):
        """Whether all requested frames have been recorded."""
        return self._card.recorded == len(self._recording)

    def recording(self):
        """The frames that the sound card would have played."""
        return self._recording[: self._card.recorded]

    def figures(self):
        return {
            "dry": self._source.dry,
            "lowest": self._source.lowest,
            "xruns": self._card.late,
            "worst": self._card.worst / 1e9,
        }


class PythonCallback(_OnVirtualDevice):
    """A callback in Python, called through CFFI with a NumPy array, as sounddevice does it."""

    def __init__(self, source, config):
        self._source = source
        # Must be kept for as long as the device uses it.
        self._function = _ffi.callback(_CALLBACK, self._callback)
        super().__init__(source, int(_ffi.cast("intptr_t", self._function)), 0, config)

    def _callback(self, input_, output, frames, time, status, userdata):
        block = np.frombuffer(_ffi.buffer(output, frames * FRAMESIZE), np.float32)
        self._source.fill(block.reshape(-1, CHANNELS))
        return 0


class CompiledCallback(_OnVirtualDevice):
    """A compiled callback."""

    def __init__(self, source, config):
        super().__init__(source, source.function, source.userdata, config)


class _Backend(_virtual_streams._Stream):
    """The virtual device under a stream, with a card in between."""

    def __init__(self, open_device, kind, callback, **parameters):
        super().__init__(kind, callback, **parameters)
        self.device_itself = open_device(callback.function, callback.address)


class PythonCallbackOnOurs(_OnVirtualDevice):
    """The same callback on this project's `OutputStream`, which calls it ahead of the device."""

    def __init__(self, source, config):
        self._source = source
        self.feed = source.feed

        class Device(_virtual_streams._VirtualDevice):
            def open(_, kind, callback, **parameters):
                return _Backend(
                    lambda function, userdata: self._open(function, userdata, config),
                    kind,
                    callback,
                    **parameters,
                )

        class OutputStream(_virtual_streams.OutputStream):
            _device = Device()

        self._device = OutputStream(
            samplerate=RATE,
            channels=CHANNELS,
            dtype="float32",
            blocksize=config["blocksize"],
            callback=self._callback,
            ahead_frames=config["ring"],
            warn=None,
        )

    def _callback(self, outdata, frames, time, status):
        self._source.fill(outdata)

    def stop(self):
        self._device.abort()

    def figures(self):
        output = self._device.stats.output
        dry = output.losses + (self._source.dry or 0)
        return {**super().figures(), "dry": dry, "lowest": output.low_water}
