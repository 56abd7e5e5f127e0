"""The processor time of one stream with a callback in Python, in a process of its own.

python streaming.py '{"contestant": "ours", "kind": "input", "blocksize": 256, …}'
"""

import importlib
import json
import sys
import time

DEVICE = "system"
RATE, CHANNELS, PERIOD = 48000, 2, 256
BLOCKSIZES = (64, 256, 1024)
KINDS = ("input", "output", "duplex")
CONTESTANTS = {"sounddevice": "sounddevice", "ours": "pa_ringbuffer.sounddevice"}

#: Seconds until a stream has found its pace.
WARM_UP = 0.5


def find_device(sounddevice):
    """Make sure that PortAudio has found the JACK server, for which it looks only once."""
    end = time.monotonic() + 10
    while (
        not any(device["name"] == DEVICE for device in sounddevice.query_devices())
        and time.monotonic() < end
    ):
        sounddevice._terminate()
        time.sleep(0.1)
        sounddevice._initialize()


def main():
    import numpy as np
    import sounddevice

    config = json.loads(sys.argv[1])
    sd = importlib.import_module(CONTESTANTS[config["contestant"]])
    find_device(sounddevice)
    kept = np.zeros((config["blocksize"], CHANNELS), "float32")
    count = 0

    def record(indata, frames, time, status):
        nonlocal count
        kept[:] = indata
        count += frames

    def play(outdata, frames, time, status):
        nonlocal count
        outdata[:] = kept
        count += frames

    def both(indata, outdata, frames, time, status):
        nonlocal count
        outdata[:] = indata
        count += frames

    Stream, callback = {
        "input": (sd.InputStream, record),
        "output": (sd.OutputStream, play),
        "duplex": (sd.Stream, both),
    }[config["kind"]]
    with Stream(
        device=DEVICE,
        samplerate=RATE,
        channels=CHANNELS,
        blocksize=config["blocksize"],
        dtype="float32",
        latency=config.get("latency"),
        callback=callback,
    ):
        time.sleep(WARM_UP)
        frames, busy = count, time.process_time()
        time.sleep(config["seconds"])
        busy, frames = time.process_time() - busy, count - frames
    print(json.dumps({"milliseconds": 1e3 * busy / (frames / RATE)}), flush=True)


if __name__ == "__main__":
    main()
