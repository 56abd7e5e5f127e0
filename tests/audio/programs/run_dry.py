"""Play a ring until it is empty, with each possible reaction."""

import time

from frames import random_frames
from pa_ringbuffer import RingBuffer, StreamCallback
from streams import configuration, open_stream, tell

FRAMESIZE = 8


def wait_for_blocks(number):
    end = callback.counters["blocks"] + number
    while callback.counters["blocks"] < end:
        time.sleep(0.001)


config = configuration()
ring = RingBuffer(FRAMESIZE, 8192)
ring.write(random_frames(0.1, FRAMESIZE))
callback = StreamCallback(output_ring=ring, input_framesize=FRAMESIZE)
stream = open_stream(config["device"], callback)
stream.start()
while not callback.counters["output_underflows"]:
    time.sleep(0.001)

callback.mode = "drain"
# The call that was under way may have seen the old mode.
wait_for_blocks(2)
drain_begins = callback.counters
wait_for_blocks(10)
drain_ends = callback.counters
active = stream.active

callback.mode = "complete"
while stream.active:
    time.sleep(0.001)
completed = callback.counters
time.sleep(0.05)
after = callback.counters
stream.stop()
tell(
    left=ring.read_available,
    counted_in_run=drain_begins["output_underflow_frames"],
    counted_in_drain=drain_ends["output_underflow_frames"]
    - drain_begins["output_underflow_frames"],
    active_in_drain=active,
    counted_in_complete=after["output_underflow_frames"] - drain_ends["output_underflow_frames"],
    calls_after_end=after["blocks"] - completed["blocks"],
)
stream.close()
