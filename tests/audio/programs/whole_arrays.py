"""Plays and records whole arrays on the JACK server, which records what it plays."""

import numpy as np
import pa_ringbuffer.sounddevice as sd
from streams import configuration, find_device, tell

config = configuration()
find_device()
noise = np.random.default_rng(1).uniform(-1, 1, (24000, 2)).astype("float32")
common = {"samplerate": 48000, "device": "system", "blocksize": config["blocksize"]}


def lost():
    """Whether the machine was too busy for the latest stream."""
    return bool(sd.get_stream().stats.losses or sd.get_status())


recording = sd.playrec(noise, channels=2, blocking=True, **common)
delay = int(np.flatnonzero(recording.any(axis=1))[0])
losses = [lost()]
exact = recording[delay:].tobytes() == noise[: len(noise) - delay].tobytes()

recording = sd.playrec(noise[:, :1], input_mapping=[2], output_mapping=[2], blocking=True, **common)
losses.append(lost())
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
    lost=any(losses),
    ended=played and stream.closed,
)
