"""Properties of a ready-made stream, and the arguments that it refuses."""

import sounddevice
from pa_ringbuffer.sounddevice import StreamStoppedError
from ready_made import open_ready_made
from streams import configuration, tell

configuration()
result = {}
with open_ready_made(
    "Stream", channels=(1, 2), dtype=("int16", "float32"), latency="low"
) as stream:
    block, overflowed = stream.read(1000)
    result["overflowed"] = overflowed
    result["repr"] = repr(stream)
    result["block"] = [list(block.shape), block.dtype.name]
    result["values"] = [
        stream.samplerate,
        stream.channels,
        stream.dtype,
        stream.samplesize,
        len(stream.latency),
        stream.active,
        stream.stopped,
        stream.closed,
        stream.blocksize,
    ]
    result["positive"] = stream.time > 0
    result["cpu_load"] = 0 <= stream.cpu_load < 1
with open_ready_made("InputStream", channels=None) as stream:
    result["all channels"] = stream.channels
    stream.read(10)
result["after"] = [stream.active, stream.stopped, stream.closed]


def refuse(name, call):
    try:
        call()
    except Exception as error:
        result[name] = [type(error).__name__, str(error)]


with open_ready_made("RawInputStream", channels=1, dtype="int24") as stream:
    data, overflowed = stream.read(100)
    result["raw"] = [type(data).__name__, len(data), overflowed]

refuse("no such device", lambda: open_ready_made("OutputStream", device="no such device"))
refuse("too many channels", lambda: open_ready_made("OutputStream", channels=1000))
refuse("int24", lambda: open_ready_made("OutputStream", dtype="int24"))
refuse("wrong rate", lambda: open_ready_made("OutputStream", samplerate=12345))
refuse("callback", lambda: open_ready_made("OutputStream", callback=1))
refuse(
    "default int24",
    lambda: setattr(sounddevice.default, "dtype", "int24") or open_ready_made("OutputStream"),
)
sounddevice.default.dtype = "float32"
refuse("closed", stream.start)
assert issubclass(StreamStoppedError, RuntimeError)
tell(**result)
