"""Plays a file of NumPy's on the JACK server, or its silence, until stdin ends."""

import sys

import numpy as np
import pa_ringbuffer.sounddevice as sd
from streams import configuration, find_device, tell

config = configuration()
find_device()
noise = np.load(config["file"])
with sd.OutputStream(
    samplerate=48000, device="system", channels=2, dtype="float32", ring_seconds=60, warn=None
) as stream:
    stream.write(noise)
    tell(playing=True)
    sys.stdin.readline()
    stream.abort()
tell(played=True)
