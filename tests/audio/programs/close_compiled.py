"""Use a CompiledStream in a forked child, from several threads, and in its finished callback."""

import os
import threading

import pa_ringbuffer.sounddevice as sd
from pa_ringbuffer import RingBuffer, StreamCallback
from streams import configuration, find_device, tell

config = configuration()
find_device()
ring = RingBuffer(8, 4096)


def open_stream(**options):
    callback = StreamCallback(ring)
    ring.flush()
    stream = sd.CompiledStream(
        "input", callback, device="system", channels=2, samplerate=48000, **options
    )
    stream.start()
    assert ring.wait_for_data(256, timeout=30)
    return stream


def fork():
    stream = open_stream()
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        was_active = stream.active
        stream.close()
        return {"status": os.waitstatus_to_exitcode(status), "was_active": was_active}
    try:
        stream.start()
    except sd.PortAudioError as error:
        refused = "forked child" in str(error)
    is_active = stream.active
    stream.stop()
    stream.abort()
    stream.close()
    os._exit(not refused or is_active)


def threads():
    stream = open_stream()
    several = [threading.Thread(target=stream.close) for _ in range(4)]
    for thread in several:
        thread.start()
    for thread in several:
        thread.join()
    return {"closed": stream.closed}


def finished():
    refused = []

    def finished_callback():
        for method in (stream.stop, stream.abort, stream.close):
            try:
                method()
            except sd.PortAudioError as error:
                refused.append(str(error).partition("()")[0])

    stream = open_stream(finished_callback=finished_callback)
    stream.stop()
    stream.close()
    return {"refused": refused}


tell(**{"fork": fork, "threads": threads, "finished": finished}[config["how"]]())
