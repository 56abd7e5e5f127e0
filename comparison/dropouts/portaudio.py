"""Streams on PortAudio's device: `start()`, `feed()`, `stop()`, `close()`, and figures."""

import time

import cffi
import pa_ringbuffer.sounddevice
import sounddevice
from frames import CHANNELS, FRAMESIZE, RATE

DEVICE = "system"

_ffi = cffi.FFI()


def find_device():
    """Check that PortAudio, which searches only once, has found the JACK server's device."""
    while not any(device["name"] == DEVICE for device in sounddevice.query_devices()):
        sounddevice._terminate()
        time.sleep(0.1)
        sounddevice._initialize()


def parameters(config):
    """The common part of all streams."""
    return {
        "device": DEVICE,
        "samplerate": RATE,
        "channels": CHANNELS,
        "blocksize": config["blocksize"],
    }


def compiled_stream(kind, function, userdata, config):
    """A stream with a compiled callback, given by address."""
    return sounddevice._StreamBase(
        kind,
        dtype="float32",
        callback=function,
        userdata=_ffi.cast("void *", userdata),
        **parameters(config),
    )


class _Stream:
    #: Seconds between two calls of `feed()`.
    pause = 0.01

    def start(self):
        self._stream.start()

    def feed(self):
        pass

    def stop(self):
        # Not stop(), which would wait until the last buffer has been played.
        self._stream.abort()

    def close(self):
        self._stream.close()


class _SourceStream(_Stream):
    def __init__(self, source):
        self._source = source
        self.feed = source.feed

    def figures(self):
        return {"dry": self._source.dry, "lowest": self._source.lowest}


class PythonCallback(_SourceStream):
    """sounddevice's `OutputStream` with a callback in Python."""

    def __init__(self, source, config):
        super().__init__(source)
        self._xruns = 0
        self._stream = sounddevice.OutputStream(
            dtype="float32", callback=self._callback, **parameters(config)
        )

    def _callback(self, outdata, frames, time, status):
        self._xruns += status.output_underflow
        self._source.fill(outdata)

    def figures(self):
        return {**super().figures(), "xruns": self._xruns}


class PythonCallbackOnOurs(_SourceStream):
    """The same callback on this project's `OutputStream`, which calls it ahead of the device."""

    def __init__(self, source, config):
        super().__init__(source)
        self._stream = pa_ringbuffer.sounddevice.OutputStream(
            dtype="float32",
            callback=self._callback,
            ahead_frames=config["ring"],
            warn=None,
            **parameters(config),
        )

    def _callback(self, outdata, frames, time, status):
        self._source.fill(outdata)

    def figures(self):
        stats = self._stream.stats
        return {
            "dry": stats.output.losses + (self._source.dry or 0),
            "lowest": stats.output.low_water,
            "xruns": stats.device["output_underflow"],
        }


class CompiledCallback(_SourceStream):
    """A compiled callback, which sounddevice gets as an address."""

    def __init__(self, source, config):
        super().__init__(source)
        self._stream = compiled_stream("output", source.function, source.userdata, config)

    def figures(self):
        return {**super().figures(), "xruns": self._source.xruns}


class BlockingWrite(_Stream):
    """`OutputStream.write()`, which waits until PortAudio's own buffer has room.

    The latency that is asked for decides how large that buffer is.
    """

    CHUNK = 1024  # frames
    pause = 0  # write() itself waits

    def __init__(self, config, signal, latency):
        self._xruns = 0
        self._signal = signal
        self._position = 0
        self._stream = sounddevice.OutputStream(
            dtype="float32", latency=latency, **parameters(config)
        )

    def feed(self):
        chunk = self._signal[self._position : self._position + self.CHUNK]
        self._xruns += self._stream.write(chunk)
        self._position += len(chunk)

    def figures(self):
        return {"dry": None, "lowest": None, "xruns": self._xruns}


class Ours(_Stream):
    """This project's `OutputStream`, whose `write()` waits until the ring has room."""

    CHUNK = BlockingWrite.CHUNK
    pause = 0  # write() itself waits

    def __init__(self, config, signal):
        self._stream = pa_ringbuffer.sounddevice.OutputStream(
            ring_frames=config["ring"], warn=None, **parameters(config)
        )
        self._signal = signal
        self._position = config["ring"]
        self._stream.write(signal[: self._position])

    def feed(self):
        chunk = self._signal[self._position : self._position + self.CHUNK]
        self._stream.write(chunk)
        self._position += len(chunk)

    def figures(self):
        stats = self._stream.stats
        return {
            "dry": stats.output.losses,
            "lowest": stats.output.low_water,
            "xruns": stats.device["output_underflow"],
        }


class Rtmixer(_Stream):
    """rtmixer's `play_ringbuffer()`, started again whenever it has ended on an empty ring."""

    def __init__(self, config, signal):
        # Imported here because it does not support every Python.
        import rtmixer

        self._stream = rtmixer.Mixer(**parameters(config))
        self._ring = rtmixer.RingBuffer(FRAMESIZE, config["ring"])
        self._signal = signal
        self._position = 0
        self._lowest = config["ring"]
        self._restarts = 0
        self._write()
        self._action = self._stream.play_ringbuffer(self._ring)

    def _write(self):
        end = self._position + self._ring.write_available
        self._position += self._ring.write(self._signal[self._position : end])

    def feed(self):
        self._lowest = min(self._lowest, self._ring.read_available)
        self._write()
        if self._action not in self._stream.actions:
            self._restarts += 1
            self._action = self._stream.play_ringbuffer(self._ring)

    def figures(self):
        return {
            "dry": self._restarts,
            "lowest": self._lowest,
            "xruns": int(self._stream.stats.output_underflows),
        }
