import time

import numpy as np
import numpy.typing as npt
import pa_ringbuffer.sounddevice as sd

SAMPLERATE = 48000
MELODY = 60, 62, 64, 65, 67, 67, 69, 69, 67, 65, 64, 62, 60  # MIDI note numbers


def note(number: int, seconds: float) -> npt.NDArray[np.float32]:
    t = np.arange(round(seconds * SAMPLERATE)) / SAMPLERATE
    frequency = 440 * 2 ** ((number - 69) / 12)
    return (0.3 * np.exp(-6 * t) * np.sin(2 * np.pi * frequency * t)).astype("float32")


with sd.OutputStream(samplerate=SAMPLERATE, channels=1, ring_seconds=1) as stream:
    for position, number in enumerate(MELODY):
        stream.write(note(number, 0.25))
        if position == 8:
            time.sleep(0.7)  # the program is busy with something else

print(stream.stats)
