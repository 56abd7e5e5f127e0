"""A virtual sound card for whole programs: it stores the output, and provides input.

Streams on the virtual device have a device each, which only their owner can ask. `install()` puts a
callback in Python between these devices and the streams' own callbacks: slow, but the device waits.

As a program, it is run by ``python -m pa_ringbuffer run --virtual`` and runs another one, whose
stdin gets a line, or whose main thread gets Ctrl-C, when its last stream has had enough frames::

    virtual_card.py '{"until": 48000, "end": "line", "heard": "heard"}' PROGRAM ARGS…
"""

import atexit
import ctypes
import importlib
import json
import os
import runpy
import signal
import sys
import threading
import time

import numpy as np
from callback_type import CALLBACK


def source(frame, frames, channels):
    """What every stream records: float32 noise, the same for the same frames."""
    number = np.arange(frame * channels, (frame + frames) * channels, dtype=np.uint64)
    number = (number * np.uint64(2654435761) + np.uint64(12345)) & np.uint64(0xFFFFFF)
    noise = (number ^ (number >> np.uint64(7))).astype(np.float32) / np.float32(2**25)
    return noise.reshape(-1, channels)


class Card:
    """The devices of all streams so far; what they record is silence after the end of *sound*."""

    def __init__(self, sound=None):
        self.devices = []
        self._sound = sound

    def install(self):
        """Have all further streams use it."""
        from pa_ringbuffer import _virtual_streams

        original = _virtual_streams.VirtualDevice

        def open_device(callback, userdata=None, *, finished_callback=None, **options):
            if userdata is not None or finished_callback is not None:
                # A compiled callback of a program's own.
                options["finished_callback"] = finished_callback
                return original(callback, userdata, **options)
            return self._open(original, callback, options)

        _virtual_streams.VirtualDevice = open_device
        return lambda: setattr(_virtual_streams, "VirtualDevice", original)

    def _open(self, original, callback, options):
        device = _Device(self.source, original, callback, **options)
        self.devices.append(device)
        return device

    def source(self, frame, frames, channels):
        """What every stream records."""
        if self._sound is None:
            return source(frame, frames, channels)
        recorded = np.zeros((frames, channels), "float32")
        part = self._sound[frame : frame + frames]
        recorded[: len(part)] = part
        return recorded

    @property
    def frames(self):
        """How many frames the latest stream has had."""
        return self.devices[-1].frames if self.devices else 0


class _Device:
    def __init__(self, source, VirtualDevice, callback, *, channels, dtype, **options):
        self.channels, self.dtype = channels, "int32" if dtype == "int24" else dtype
        self._samplesize = 3 if dtype == "int24" else np.dtype(dtype).itemsize
        self._callback = callback
        self._source = source
        self._original = CALLBACK(callback.function)
        self._function = CALLBACK(self._call)
        self._frame = 0
        self._heard = []
        self._loopback = options.get("loopback")
        import cffi

        userdata = int(cffi.FFI().cast("intptr_t", callback.userdata))
        self._device = VirtualDevice(
            ctypes.cast(self._function, ctypes.c_void_p).value,
            userdata,
            channels=channels,
            dtype=dtype,
            finished_callback=callback.finished_function,
            **options,
        )

    def __getattr__(self, name):
        return getattr(self._device, name)

    def _call(self, input_, output, frames, times, flags, userdata):
        if input_ and not self._loopback and self.dtype == "float32":
            sound = self._source(self._frame, frames, self.channels[0])
            ctypes.memmove(input_, sound.ctypes.data, sound.nbytes)
        result = self._original(input_, output, frames, times, flags, userdata)
        if output:
            size = frames * self.channels[1] * self._samplesize
            self._heard.append(ctypes.string_at(output, size))
        self._frame += frames
        return result

    @property
    def heard(self):
        """All that was played, of the shape (frames, channels)."""
        return np.frombuffer(b"".join(self._heard), self.dtype).reshape(-1, self.channels[1])


class _Stdin:
    """Gives a line when it is time."""

    def __init__(self, wait):
        self._wait = wait

    def readline(self, *_):
        self._wait()
        return "\n"

    def fileno(self):
        raise OSError("this is no file")


def _use_recording_window(card, frames):
    """Press the buttons of sounddevice's example rec_gui.py when it is time."""
    import tkinter

    original = tkinter.Misc.mainloop

    def mainloop(window, n=0):
        def press_stop():
            if card.frames < frames:
                window.after(20, press_stop)
            else:
                window.on_stop()
                window.after(20, close)

        def close():
            if window.thread.is_alive():
                window.after(20, close)
            else:
                window.close_window()

        window.on_rec()
        window.after(20, press_stop)
        original(window, n)

    tkinter.Misc.mainloop = mainloop


def main():
    config = json.loads(sys.argv[1])
    card = Card(np.load(config["sound"]) if "sound" in config else None)
    card.install()
    if config.get("sounddevice"):
        # For a program that imports the module for sound cards.
        sys.modules["pa_ringbuffer.sounddevice"] = importlib.import_module("pa_ringbuffer.testing")
    if "ahead" in config:
        # As python -m pa_ringbuffer run has it.
        callbacks = importlib.import_module("pa_ringbuffer.streams.callbacks")
        callbacks.AHEAD = dict.fromkeys(callbacks.AHEAD, config["ahead"])

    def wait():
        while card.frames < config["until"]:
            time.sleep(0.01)

    def interrupt():
        wait()
        os.kill(os.getpid(), signal.SIGINT)

    @atexit.register
    def save():
        for number, device in enumerate(card.devices):
            if device.channels[1]:
                np.save(f"{config['heard']}{number}.npy", device.heard)

    end = config.get("end")
    if end == "line":
        sys.stdin = _Stdin(wait)
    elif end == "interrupt":
        threading.Thread(target=interrupt, daemon=True).start()
    elif end == "window":
        _use_recording_window(card, config["until"])
    del sys.argv[:2]
    sys.path[0] = os.path.dirname(sys.argv[0])
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
