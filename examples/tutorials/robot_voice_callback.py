from typing import Any

import numpy as np
import pa_ringbuffer.sounddevice as sd


class Robot:
    frame = 0  # what one block must tell the next one

    def callback(self, indata: Any, outdata: Any, frames: int, time: Any, status: Any) -> None:
        if status:
            print(status)
        t = (self.frame + np.arange(frames)) / stream.samplerate
        outdata[:] = indata * np.sin(2 * np.pi * 50 * t)[:, np.newaxis]
        self.frame += frames


stream = sd.Stream(channels=1, latency="low", callback=Robot().callback)
with stream:
    input("speak; Enter ends")
