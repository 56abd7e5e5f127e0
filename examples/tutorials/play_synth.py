import ctypes
import time
from pathlib import Path

import numpy as np
import pa_ringbuffer.sounddevice as sd
from pa_ringbuffer import RingBuffer

SAMPLERATE = 48000
MELODY = 262, 330, 392, 523, 392, 330, 262  # Hz

Note = np.dtype([("frame", "u8"), ("frequency", "f4"), ("level", "f4")], align=True)
Peak = np.dtype([("frame", "u8"), ("value", "f4")], align=True)
Synth = np.dtype(
    [
        ("notes", np.uintp),
        ("peaks", np.uintp),
        ("samplerate", "f8"),
        ("frame", "u8"),
        ("phase", "f8"),
        ("frequency", "f4"),
        ("level", "f4"),
        ("next", Note),
        ("has_next", "i4"),
    ],
    align=True,
)

notes = RingBuffer(Note.itemsize, 64)
peaks = RingBuffer(Peak.itemsize, 1024)
synth = np.zeros(1, Synth)
synth["notes"], synth["peaks"] = notes.address, peaks.address
synth["samplerate"] = SAMPLERATE

notes.write(np.array([(12000 * n, frequency, 0.5) for n, frequency in enumerate(MELODY)], Note))
library = ctypes.CDLL(str(Path(__file__).with_name("synth.so")))
with sd.CompiledStream(
    "output", library.synth_callback, synth, samplerate=SAMPLERATE, channels=1, dtype="float32"
):
    for _ in range(20):
        time.sleep(0.1)
        for peak in np.frombuffer(peaks.read(), Peak)[::10]:
            print(f"{peak['frame'] / SAMPLERATE:6.2f} s {'#' * round(100 * peak['value'])}")
