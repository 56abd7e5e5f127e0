"""Play numbered frames with a callback in Python, by sounddevice itself or by our streams.

With `stall`, another thread holds the GIL for that many seconds at a time.
"""

import ctypes
import importlib
import threading

import numpy as np
from frames import LEAD, compare, random_floats
from ready_made import frames
from streams import configuration, find_device, tell

TAIL = 8192  # frames: more than the longest delay

config = configuration()
module = importlib.import_module(config["module"])
played = random_floats(config["seconds"], 2)
sent = np.concatenate(
    [np.zeros((LEAD, 2), "float32"), frames(played), np.zeros((TAIL, 2), "float32")]
)
received, sizes, times = [], set(), []
status_seen = module.CallbackFlags() if hasattr(module, "CallbackFlags") else None
position = 0
over = threading.Event()
stops = importlib.import_module("sounddevice")


def callback(indata, outdata, count, block_time, status):
    global position, status_seen
    if status_seen is None:
        status_seen = type(status)()
    status_seen |= status
    sizes.add(count)
    times.append((block_time.inputBufferAdcTime, block_time.outputBufferDacTime))
    received.append(indata.copy())
    block = sent[position : position + count]
    outdata[: len(block)] = block
    outdata[len(block) :] = 0
    position += count
    if position >= len(sent) + config.get("ahead", 0) * 48000:
        raise stops.CallbackStop


def hold_gil():
    # PyDLL, unlike CDLL, keeps the GIL during the call.
    ctypes.PyDLL(None).usleep(round(config["stall"] * 1e6))


find_device()
options = {"ahead": config["ahead"]} if "ahead" in config else {}
stream = module.Stream(
    device="system",
    samplerate=48000,
    channels=2,
    blocksize=config["blocksize"],
    callback=callback,
    finished_callback=over.set,
    **options,
)
with stream:
    while not over.wait(0.05):
        if config.get("stall"):
            hold_gil()
    still_active = stream.active
result = compare(played, np.concatenate(received).tobytes(), 8, lead=LEAD)
stats = getattr(stream, "stats", None)
adc, dac = np.array(times).T
tell(
    **result,
    frames=len(played) // 8,
    still_active=still_active,
    sizes=sorted(sizes),
    status=str(status_seen),
    losses=stats.losses if stats else None,
    lost_frames=stats.output.lost_frames if stats else None,
    dropped_frames=stats.dropped_frames if stats else None,
    latency=sum(stream.latency),
    # Seconds from the recording of a frame to its sound.
    distance=[float((dac - adc).min()), float((dac - adc).max())],
)
