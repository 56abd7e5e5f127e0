"""Play random frames through a CompiledStream, and record them at the same time in the same one."""

import ctypes
import importlib
import time

from frames import LEAD, compare, random_frames
from held_gil import HeldGil
from pa_ringbuffer import RingBuffer, StreamCallback
from streams import configuration, find_device, tell

FRAMESIZE, RING = 8, 1 << 17

config = configuration()
options = {}
if config["device"] == "virtual":
    options["loopback"] = True
    module = importlib.import_module("pa_ringbuffer.testing")
else:
    options["device"] = config["device"]
    find_device()
    module = importlib.import_module("pa_ringbuffer.sounddevice")

sound = random_frames(1, FRAMESIZE)
output, input_ = RingBuffer(FRAMESIZE, RING), RingBuffer(FRAMESIZE, RING)
output.write(bytes(LEAD * FRAMESIZE) + sound)
callback = StreamCallback(input_, output)
callback.mode = "drain"
ended = []
prototype = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 2, ctypes.c_ulong)
arguments = {
    "StreamCallback": (callback,),
    "address": (callback.function, callback.address),
    "ctypes": (prototype(callback.function), ctypes.c_void_p(callback.address)),
    "CFFI": (callback.function, callback.userdata),
}[config["form"]]
stream = module.CompiledStream(
    "duplex",
    *arguments,
    samplerate=48000,
    channels=2,
    blocksize=256,
    finished_callback=lambda: ended.append(stream.active),
    **options,
)
with HeldGil() as load, stream:
    while input_.read_available < LEAD + 48000 + 4096:
        time.sleep(0.01)
tell(
    **compare(sound, input_.read(), FRAMESIZE, lead=LEAD),
    frames=48000,
    gil_was_held=load.was_held(),
    counters=callback.counters,
    channels=stream.channels,
    closed=stream.closed,
    ended=len(ended),
)
