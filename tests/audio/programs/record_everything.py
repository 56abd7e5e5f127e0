"""Records what the JACK server plays until stdin ends, and saves it in a file."""

import sys

import numpy as np
import pa_ringbuffer.sounddevice as sd
from streams import configuration, find_device, tell

config = configuration()
find_device()
with sd.InputStream(
    samplerate=48000, device="system", channels=2, dtype="float32", ring_seconds=60, warn=None
) as stream:
    while not stream.read_available:
        sd.sleep(1)
    tell(recording=True)
    sys.stdin.readline()
    recording = stream.read_nowait()
    lost = stream.stats.input.lost_frames
np.save(config["file"], recording)
tell(lost=lost)
