"""End a program, in one of several ways, while a ready-made stream is running."""

import gc
import itertools
import os
import sys
import threading
import time
import warnings

import numpy as np
from ready_made import open_ready_made
from streams import configuration, tell

config = configuration()
how = config["how"]
zeros = np.zeros((4_800_000, 2), "float32")

if how == "orders":
    warnings.simplefilter("ignore", ResourceWarning)
    rounds = 0
    for order in itertools.permutations(["stream", "ring", "view", "callback"]):
        stream = open_ready_made("Stream", ring_seconds=0.1, warn=None)
        stream.start()
        objects = {
            "stream": stream,
            "ring": stream.input_ring,
            "view": stream.output_ring.get_write_buffers(100)[1],
            "callback": stream._callback,
        }
        while stream.stats.frames < 1024:
            time.sleep(0.001)
        del stream
        for name in order:
            del objects[name]
            gc.collect()
            # What was freed too early would be overwritten by this.
            bytearray(b"\xff" * 65536)
        rounds += 1
    tell(rounds=rounds)
    sys.exit()

stream = open_ready_made("Stream", warn=None)
stream.start()
stream.read(1000)
if how == "exit":
    tell(ended=how)
elif how == "cycle":
    stream.myself = stream
    tell(ended=how)
elif how == "waiting":
    threading.Thread(target=stream.read, args=(4_800_000,), daemon=True).start()
    threading.Thread(target=stream.write, args=(zeros,), daemon=True).start()
    time.sleep(0.1)
    tell(ended=how)
elif how == "fork":
    import faulthandler

    # Its lock would be held forever in the child.
    faulthandler.cancel_dump_traceback_later()
    if not (child := os.fork()):
        assert not stream.active
        stream.close()
        del stream
        gc.collect()
        sys.exit(7)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    stream.read(stream.read_available + 5000)
    tell(child=status, active=stream.active)
    stream.close()
