"""Play random frames for another program to record."""

import contextlib
import time

from frames import LEAD, random_frames
from held_gil import HeldGil
from pa_ringbuffer import RingBuffer, StreamCallback
from streams import configuration, open_stream, tell

RING = 65536  # frames: 1.4 s
FRAMESIZE = 8

config = configuration()
played = random_frames(config["seconds"], FRAMESIZE)
ring = RingBuffer(FRAMESIZE, RING)
callback = StreamCallback(output_ring=ring)
stream = open_stream("system", callback, kind="output", blocksize=config["blocksize"])
ring.write(bytes(LEAD * FRAMESIZE))
written = ring.write(played[: (RING - LEAD) * FRAMESIZE])
with HeldGil() if config["hold_gil"] else contextlib.nullcontext() as load:
    stream.start()
    while written * FRAMESIZE < len(played):
        time.sleep(0.01)
        room = ring.write_available
        written += ring.write(played[written * FRAMESIZE : (written + room) * FRAMESIZE])
    # Ends the stream when all has been played.
    callback.mode = "complete"
    while stream.active:
        time.sleep(0.01)
stream.stop()
tell(left=ring.read_available, gil_was_held=load and load.was_held(), counters=callback.counters)
stream.close()
