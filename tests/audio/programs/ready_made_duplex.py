"""Play random frames through a ready-made stream, and read them back from the same stream."""

import asyncio
import threading

import numpy as np
from frames import LEAD, compare, random_frames
from held_gil import HeldGil
from ready_made import frames, open_ready_made
from streams import configuration, tell

TAIL = 4096  # frames: more than the longest delay

config = configuration()
played = random_frames(config["seconds"], 8)
before, after = (np.zeros((count, 2), "float32") for count in (LEAD, TAIL))
sent = np.concatenate([before, frames(played), after])
parameters = {"blocksize": config["blocksize"], "ring_seconds": config["ring_seconds"]}


def blocking():
    stream = open_ready_made("Stream", **parameters)
    received = []
    reader = threading.Thread(target=lambda: received.extend(stream.blocks(1000)))
    with HeldGil() as load, stream:
        reader.start()
        stream.write(sent)
        stream.drain()
        reader.join()
    return stream, received, load


async def asynchronous():
    stream = open_ready_made("AsyncStream", **parameters)
    with HeldGil() as load:
        async with stream:

            async def play():
                await stream.write(sent)
                await stream.drain()

            playing = asyncio.ensure_future(play())
            received = [block async for block in stream.blocks(1000)]
            await playing
    return stream, received, load


stream, received, load = asyncio.run(asynchronous()) if config["asyncio"] else blocking()
recorded = np.concatenate(received).tobytes()
stats = stream.stats
tell(
    **compare(played, recorded, 8, lead=LEAD),
    frames=len(played) // 8,
    gil_was_held=load.was_held(),
    losses=stats.losses,
    low_water=stats.output.low_water,
    blocksizes=[stats.smallest_block, stats.largest_block],
    repr=repr(stats),
)
