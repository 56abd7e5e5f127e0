"""Record what another program plays."""

import contextlib
import time

from frames import MARKER, compare, random_frames
from held_gil import HeldGil
from pa_ringbuffer import RingBuffer, StreamCallback
from streams import configuration, open_stream, tell

RING = 65536  # frames: 1.4 s
FRAMESIZE = 8
TAIL = 4096  # frames of silence behind
PATIENCE = 20 * 48000  # frames before the other program begins

config = configuration()
played = random_frames(config["seconds"], FRAMESIZE)
recorded = bytearray()
ring = RingBuffer(FRAMESIZE, RING)
callback = StreamCallback(ring)
stream = open_stream("system", callback, kind="input", blocksize=config["blocksize"])
with HeldGil() if config["hold_gil"] else contextlib.nullcontext() as load:
    stream.start()
    tell(recording=True)
    wanted = PATIENCE * FRAMESIZE
    while len(recorded) < wanted:
        time.sleep(0.01)
        begin = max(0, len(recorded) - MARKER * FRAMESIZE)
        recorded += ring.read()
        found = recorded.find(played[: MARKER * FRAMESIZE], begin)
        if found >= 0:
            wanted = found + len(played) + TAIL * FRAMESIZE
    stream.stop()
tell(
    **compare(played, recorded, FRAMESIZE),
    frames=len(played) // FRAMESIZE,
    gil_was_held=load and load.was_held(),
    counters=callback.counters,
)
stream.close()
