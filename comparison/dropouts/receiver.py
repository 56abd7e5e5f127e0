"""The receiving process: records the player's output and analyses it.

Its callback is compiled, and the process does nothing else, so its only losses are the machine's,
which the control shows, too.
"""

import json
import sys
import time

import numpy as np
import portaudio
from frames import CHANNELS, FRAMESIZE, RATE, judge, nothing_arrived, numbers
from pa_ringbuffer import RingBuffer, StreamCallback

RING = 1 << 18  # frames: 5.5 s
PATIENCE = 8 * RATE  # frames without anything before it gives up
SETTLE = RATE // 10  # frames after the first one, before it counts


def tell(**what):
    print(json.dumps(what), flush=True)


def record(ring, key, count):
    """Record *count* frames, starting when the player has settled.

    Returns the recording and where in it those frames begin, or None if nothing has come.
    """
    chunks, received, begin = [], 0, None
    while received < (PATIENCE if begin is None else begin + count):
        time.sleep(0.02)
        chunk = np.frombuffer(ring.read(), np.float32).reshape(-1, CHANNELS)
        if begin is None:
            (valid,) = numbers(chunk, key).nonzero()
            if len(valid):
                begin = received + int(valid[0]) + SETTLE
        chunks.append(chunk)
        received += len(chunk)
    return np.concatenate(chunks), begin


def main():
    config = json.loads(sys.argv[1])
    portaudio.find_device()
    ring = RingBuffer(FRAMESIZE, RING)
    callback = StreamCallback(ring)
    stream = portaudio.compiled_stream("input", callback.function, callback.address, config)
    stream.start()
    tell(recording=True)
    recording, begin = record(ring, config["key"], config["frames"])
    counters = callback.counters
    if begin is None:
        judgement = nothing_arrived(config["frames"])
    else:
        judgement = judge(recording, config["key"], begin, begin + config["frames"])
    tell(
        judgement=judgement,
        overflow_frames=counters["input_overflow_frames"],
        xruns=counters["device_input_overflows"] + counters["device_input_underflows"],
    )
    # Only now, because JACK sometimes crashes a process that closes a stream.
    stream.stop()
    stream.close()


if __name__ == "__main__":
    main()
