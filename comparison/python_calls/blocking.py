"""The time of `stream.write()` and `read()` of 64 frames without waiting.

sounddevice's stream copies to and from PortAudio's own ring. The measurement uses a private JACK
server, in a process of its own in order to find that server.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve()
FRAMES, CHANNELS, RATE = 64, 2, 48000
SECONDS = 4


def _main():
    import numpy as np
    import pa_ringbuffer.sounddevice
    import sounddevice

    parameters = {"device": "system", "samplerate": RATE, "channels": CHANNELS}
    frames = np.zeros((FRAMES, CHANNELS), np.float32)
    clock = time.perf_counter_ns

    def measure(transfer, argument, available):
        times = []
        end = time.monotonic() + SECONDS / 2
        while time.monotonic() < end:
            while available() < FRAMES:
                time.sleep(0.001)
            begin = clock()
            transfer(argument)
            times.append(clock() - begin)
        return times

    found = {}
    with sounddevice.OutputStream(dtype="float32", latency=0.2, **parameters) as stream:
        found["sounddevice.OutputStream.write()"] = measure(
            stream.write, frames, lambda: stream.write_available
        )
    with pa_ringbuffer.sounddevice.OutputStream(warn=None, **parameters) as stream:
        ring = stream.output_ring

        def room():
            return ring.write_available

        found["ours: OutputStream.write()"] = measure(stream.write, frames, room)
        found["ours: RingBuffer.write()"] = measure(ring.write, frames, room)
    for name, module, more in (
        ("sounddevice.InputStream.read()", sounddevice, {"dtype": "float32", "latency": 0.2}),
        ("ours: InputStream.read()", pa_ringbuffer.sounddevice, {"warn": None}),
    ):
        with module.InputStream(**more, **parameters) as stream:
            found[name] = measure(stream.read, FRAMES, lambda stream=stream: stream.read_available)
    print(json.dumps(found))


def measure():
    """`{way: nanoseconds of each call}`, or the reason why there is no measurement."""
    from headless_audio import JackServer

    if missing := JackServer.missing():
        return {}, f"sounddevice's streams: {missing} is not installed"
    try:
        with JackServer() as server:
            done = subprocess.run(
                [sys.executable, str(HERE)],
                env={**os.environ, **server.environment},
                capture_output=True,
                text=True,
                timeout=60,
            )
    except RuntimeError as error:
        return {}, f"sounddevice's streams: {str(error).splitlines()[0]}"
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it did not end"])[-1]
        return {}, f"sounddevice's streams: {reason}"
    return json.loads(done.stdout.splitlines()[-1]), None


if __name__ == "__main__":
    _main()
