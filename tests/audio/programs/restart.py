"""Stop a stream in the middle of what it plays, and start it again."""

import time

from frames import LEAD, MARKER, random_frames
from pa_ringbuffer import RingBuffer, StreamCallback
from streams import configuration, open_stream, tell

FRAMESIZE = 8
RING = 65536
TAIL = 4096  # frames: more than the longest delay

config = configuration()
sound = random_frames(1, FRAMESIZE)
played = bytes(LEAD * FRAMESIZE) + sound
output, input_ = RingBuffer(FRAMESIZE, RING), RingBuffer(FRAMESIZE, RING)
output.write(played)
callback = StreamCallback(input_, output)
callback.mode = "drain"
stream = open_stream(config["device"], callback)

stream.start()
while callback.counters["frames"] < 8000:
    time.sleep(0.001)
stream.stop()
stopped_at = callback.counters["frames"]
first = bytes(input_.read())

stream.start()
rest = played[stopped_at * FRAMESIZE :]
while input_.read_available < len(rest) // FRAMESIZE + TAIL:
    time.sleep(0.01)
stream.stop()
second = bytes(input_.read())

begin = first.find(sound[: MARKER * FRAMESIZE])
delay = begin - LEAD * FRAMESIZE
tell(
    delay=delay / FRAMESIZE,
    recorded_until_stop=len(first) == stopped_at * FRAMESIZE,
    exact_until_stop=first[begin:] == sound[: len(first) - begin],
    exact_after_restart=second[delay : delay + len(rest)] == rest,
    counters=callback.counters,
)
stream.close()
