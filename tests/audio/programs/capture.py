"""Record all output into a file of float32 samples, until stdin is closed."""

import sys
import threading
import time
from pathlib import Path

from pa_ringbuffer import RingBuffer, StreamCallback
from streams import configuration, open_stream, tell

RING = 65536  # frames: 1.4 s
FRAMESIZE = 8
TAIL = 4096  # frames that may still be on their way

config = configuration()
recorded = bytearray()
ring = RingBuffer(FRAMESIZE, RING)
callback = StreamCallback(ring)
stream = open_stream("system", callback, kind="input", blocksize=256)
stopping = threading.Thread(target=sys.stdin.read, daemon=True)
stopping.start()
stream.start()
tell(recording=True)
heard = False
while stopping.is_alive():
    time.sleep(0.01)
    frames = ring.read()
    recorded += frames
    if not heard and any(frames):
        heard = True
        tell(heard=True)
end = len(recorded) + TAIL * FRAMESIZE
while len(recorded) < end:
    time.sleep(0.01)
    recorded += ring.read()
stream.stop()
Path(config["file"]).write_bytes(recorded)
tell(counters=callback.counters)
stream.close()
