"""Drop a stream, its callback and its rings in some orders: the rings before the stream is closed,
or everything after."""

import gc
import itertools
import time

from pa_ringbuffer import RingBuffer, StreamCallback
from streams import configuration, open_stream, tell

FRAMESIZE = 8
RING = 4096


def drop(names, objects):
    for name in names:
        objects.pop(name, None)
        gc.collect()
        # What was freed too early would be overwritten by this.
        bytearray(b"\xff" * RING * FRAMESIZE)


config = configuration()
rounds = 0
orders = itertools.permutations(["stream", "callback", "output", "input"])
for order in itertools.islice(orders, 0, None, config["every"]):
    for rings_before_close in False, True:
        objects = {"output": RingBuffer(FRAMESIZE, RING), "input": RingBuffer(FRAMESIZE, RING)}
        callback = StreamCallback(objects["input"], objects["output"])
        stream = open_stream(config["device"], callback)
        objects.update(stream=stream, callback=callback)
        stream.start()
        if rings_before_close:
            # The callback keeps the rings that it uses.
            drop([name for name in order if name in ("output", "input")], objects)
        seen = callback.counters["frames"]
        while callback.counters["frames"] < seen + 1024:
            time.sleep(0.001)
        stream.stop()
        stream.close()
        del stream, callback
        drop(order, objects)
        rounds += 1
tell(rounds=rounds)
