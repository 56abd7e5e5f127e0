import ctypes
import time
from pathlib import Path

import numpy as np
import pa_ringbuffer.sounddevice as sd

SAMPLERATE = 48000

library = ctypes.CDLL(str(Path(__file__).with_name("tone.so")))
# The same as the struct in C: align=True inserts the padding that a C compiler inserts.
Tone = np.dtype(
    [("frequency", "f8"), ("samplerate", "f8"), ("phase", "f8"), ("volume", "f4")], align=True
)
tone = np.array([(440, SAMPLERATE, 0, 0.2)], Tone)

with sd.CompiledStream(
    "output", library.tone_callback, tone, samplerate=SAMPLERATE, channels=1, dtype="float32"
):
    for frequency in 262, 330, 392, 523:
        tone["frequency"] = frequency
        time.sleep(0.4)
