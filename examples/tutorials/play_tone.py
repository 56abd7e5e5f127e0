import numpy as np
import pa_ringbuffer.sounddevice as sd

SAMPLERATE = 48000

t = np.arange(2 * SAMPLERATE) / SAMPLERATE
tone = 0.2 * np.sin(2 * np.pi * 440 * t).astype("float32")

with sd.OutputStream(samplerate=SAMPLERATE, channels=1) as stream:
    stream.write(tone)
