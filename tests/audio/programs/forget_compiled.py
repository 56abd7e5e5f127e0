"""Drop running streams, and leave others running when the program ends."""

import gc
import weakref

import numpy
import pa_ringbuffer.sounddevice as sd
from pa_ringbuffer import RingBuffer, StreamCallback
from streams import configuration, find_device, tell

configuration()
find_device()


def open_stream():
    ring = RingBuffer(8, 4096)
    callback = StreamCallback(ring)
    data = numpy.frombuffer(bytearray(64), "u1")
    stream = sd.CompiledStream(
        "input", callback.function, callback.address, device="system", channels=2, samplerate=48000
    )
    # The address keeps nothing; the stream keeps what it was given.
    stream.data = callback, data
    stream.start()
    assert ring.wait_for_data(256, timeout=30)
    return stream, weakref.ref(data), callback


stream, data, callback = open_stream()
del stream
gc.collect()
blocks = callback.counters["blocks"]
sd.sleep(50)
at_exit, *_ = open_stream()
tell(forgotten=data() is None, calls_afterwards=callback.counters["blocks"] - blocks)
