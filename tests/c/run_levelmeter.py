"""Runs `python -m levelmeter` without a sound card: a stream for which sleeping is playing."""

import contextlib
import io
import math
import sys
import types

import levelmeter
import pa_ringbuffer
from _levelmeter import ffi


class Stream(contextlib.nullcontext):
    """Calls the callback as PortAudio would."""

    def __init__(self, kind, callback, userdata, **_):
        super().__init__()
        sounddevice.play = lambda *samples: callback(
            ffi.new("float[]", samples), ffi.NULL, len(samples), ffi.NULL, 0, userdata
        )


def printed(*samples):
    """What the program prints while this is all that is heard."""
    sounddevice.sleep = lambda _: sounddevice.play(*samples)
    sys.argv[1:] = ["--seconds", "0.1"]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        levelmeter.main()
    return output.getvalue()


sounddevice = types.ModuleType("pa_ringbuffer.sounddevice")
sounddevice.CompiledStream = Stream
sounddevice.PortAudioError = RuntimeError
sys.modules["pa_ringbuffer.sounddevice"] = pa_ringbuffer.sounddevice = sounddevice

assert printed(1.0, 0.0) == f"   0.0 dB {'#' * 60}\n"
assert printed(0.001) == " -60.0 dB \n"
assert printed(0.0, -0.0) == "  -inf dB \n"
assert printed(math.nan) == "  -inf dB \n"
assert printed(math.inf) == f"   inf dB {'#' * 70}\n"
