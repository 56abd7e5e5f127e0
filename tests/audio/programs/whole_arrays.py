"""Plays and records whole arrays on the JACK server, which records what it plays."""

import importlib

import numpy as np
from streams import configuration, find_device, tell

config = configuration()
find_device()
sd = importlib.import_module(config["module"])
noise = np.random.default_rng(1).uniform(-1, 1, (24000, 2)).astype("float32")
common = {"samplerate": 48000, "device": "system", "blocksize": config["blocksize"]}

recording = sd.playrec(noise, channels=2, blocking=True, **common)
delay = int(np.flatnonzero(recording.any(axis=1))[0])
exact = recording[delay:].tobytes() == noise[: len(noise) - delay].tobytes()

recording = sd.playrec(noise[:, :1], input_mapping=[2], output_mapping=[2], blocking=True, **common)
mapped = recording[delay:].tobytes() == noise[: len(noise) - delay, 0].tobytes()

silence = sd.rec(4800, channels=1, blocking=True, **common)
sd.play(noise, loop=True, **common)
stream = sd.get_stream()
played = stream.active
sd.stop()
tell(
    delay=delay,
    exact=exact,
    mapped=mapped,
    shapes=[list(recording.shape), list(silence.shape)],
    status=str(sd.get_status()),
    ended=played and stream.closed,
)
