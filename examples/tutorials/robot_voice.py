import numpy as np
import pa_ringbuffer.sounddevice as sd

BLOCK = 256
AHEAD = 1024  # frames: how late Python may be, and the latency that this adds

stream = sd.Stream(channels=1, latency="low")
stream.write(np.zeros((AHEAD, 1), "float32"))
with stream:
    print("speak; Ctrl-C ends")
    try:
        for block in stream.blocks(BLOCK):
            first = stream.read_position - len(block)
            t = (first + np.arange(len(block))) / stream.samplerate
            carrier = np.sin(2 * np.pi * 50 * t).astype("float32")
            stream.write(block * carrier[:, np.newaxis])
    except KeyboardInterrupt:
        print(stream.stats)
