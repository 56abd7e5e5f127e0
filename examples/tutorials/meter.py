import time

import numpy as np
import pa_ringbuffer.sounddevice as sd

with sd.InputStream(channels=1, warn=None) as stream:
    try:
        while True:
            time.sleep(0.05)
            block = stream.read_latest(4800)
            if len(block):
                level = 20 * np.log10(np.abs(block).max() + 1e-6)
                print(f"\r{level:6.1f} dB {'#' * round(max(0, 60 + level)):60}", end="", flush=True)
    except KeyboardInterrupt:
        print()
