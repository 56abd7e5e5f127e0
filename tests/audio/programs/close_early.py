"""Close a stream before it has played everything, and check the rest in the rings."""

import time

from frames import random_frames
from pa_ringbuffer import RingBuffer, StreamCallback
from streams import configuration, open_stream, tell

FRAMESIZE = 8
RING = 65536

config = configuration()
played = random_frames(1, FRAMESIZE)
output, input_ = RingBuffer(FRAMESIZE, RING), RingBuffer(FRAMESIZE, RING)
output.write(played)
callback = StreamCallback(input_, output)
stream = open_stream(config["device"], callback)
stream.start()
while callback.counters["frames"] < 8000:
    time.sleep(0.001)
if config["stop"]:
    stream.stop()
stream.close()

counters = callback.counters
rest = bytes(output.read())
recorded = bytes(input_.read())
tell(
    rest_is_intact=rest == played[counters["frames"] * FRAMESIZE :],
    rest=len(rest) // FRAMESIZE,
    recorded=len(recorded) // FRAMESIZE,
    writable=output.write(played) * FRAMESIZE == len(played) and bytes(output.read()) == played,
    calls_after_close=callback.counters["blocks"] - counters["blocks"],
    counters=counters,
)
