"""Use a ready-made stream while its device goes away."""

import asyncio
import threading

import numpy as np
from pa_ringbuffer.sounddevice import StreamStoppedError
from ready_made import open_ready_made
from streams import configuration, tell

config = configuration()
zeros = np.zeros((4_800_000, 2), "float32")
warnings = []


def note(use):
    try:
        use()
    except StreamStoppedError as error:
        return str(error)
    return None


def blocking(stream):
    if config["how"] == "write":
        return note(lambda: stream.write(zeros))
    if config["how"] == "blocks":
        return note(lambda: list(stream.blocks(1000)))
    stream.write(zeros[:60_000])
    if config["how"] == "stop":
        return note(stream.stop)
    return note(stream.drain)


async def asynchronous(stream):
    try:
        await stream.write(zeros)
    except StreamStoppedError as error:
        return str(error)


name = "AsyncStream" if config["how"] == "asyncio" else "Stream"
stream = open_ready_made(name, ring_seconds=1.3, warn=warnings.append)
stream.start()
threading.Timer(0.3, lambda: tell(running=True)).start()
error = asyncio.run(asynchronous(stream)) if config["how"] == "asyncio" else blocking(stream)
active = stream.active
if config["close"]:
    stream.close()
    stream.close()
tell(
    error=error,
    active=active,
    closed=stream.closed,
    warnings=[text for text in warnings if "no longer responds" in text],
)
