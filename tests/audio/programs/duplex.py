"""Play random frames, and record them at the same time in the same stream."""

import contextlib
import time

from frames import LEAD, SAMPLESIZE, compare, random_frames
from held_gil import HeldGil
from pa_ringbuffer import RingBuffer, StreamCallback
from streams import configuration, open_stream, tell

RING = 65536  # frames: 1.4 s
TAIL = 4096  # frames: more than the longest delay

config = configuration()
dtype = config["dtype"]
framesize = 2 * SAMPLESIZE[dtype]
silence = 0x80 if dtype == "uint8" else 0
sound = random_frames(config["seconds"], framesize)
played = bytes(LEAD * framesize) + sound
recorded = bytearray()

output, input_ = RingBuffer(framesize, RING), RingBuffer(framesize, RING)
callback = StreamCallback(input_, output, silence=silence)
written = output.write(played[: RING * framesize])
stream = open_stream(config["device"], callback, dtype=dtype, blocksize=config["blocksize"])
with HeldGil() if config["hold_gil"] else contextlib.nullcontext() as load:
    stream.start()
    while len(recorded) < len(played) + TAIL * framesize:
        room = output.write_available
        written += output.write(played[written * framesize : (written + room) * framesize])
        if written * framesize == len(played):
            callback.mode = "drain"
        recorded += input_.read()
        time.sleep(0.01)
    stream.stop()
tell(
    **compare(sound, recorded, framesize, silence, LEAD),
    frames=len(sound) // framesize,
    gil_was_held=load and load.was_held(),
    counters=callback.counters,
)
stream.close()
