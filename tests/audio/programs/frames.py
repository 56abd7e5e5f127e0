"""Frames that are easy to recognise, and where they are in a recording."""

import array
import random

#: Bytes of a sample.
SAMPLESIZE = {"float32": 4, "int32": 4, "int24": 3, "int16": 2, "int8": 1, "uint8": 1}

#: So many frames at the beginning say where the rest must be.
MARKER = 64

#: Frames of silence ahead of what is played. JACK may connect ports a period after their first
#: block: with both cores busy, 14 of 220 streams that another one recorded lost exactly that
#: period, and 6 of 71 that recorded themselves.
LEAD = 4096


def random_frames(seconds, framesize, seed=0):
    """Any bits whatever: as float32, also NaN and numbers far above 1.0."""
    return random.Random(seed).randbytes(int(seconds * 48000) * framesize)


def random_floats(seconds, channels, seed=0):
    """Numbers that stay what they are when zero is added to them, as bytes of float32."""
    random_ = random.Random(seed)
    samples = (random_.uniform(0.1, 1) for _ in range(int(seconds * 48000) * channels))
    return array.array("f", samples).tobytes()


def compare(played, recorded, framesize, silence=0, lead=0):
    """Say where in *recorded* the bytes of *played* are, and how many of their frames are right.

    What goes before and after must be silence: zeros, then the byte *silence*. The delay is counted
    from *lead* frames after the beginning.
    """
    found = recorded.find(played[: MARKER * framesize])
    if found < 0:
        return {"delay": None, "exact": 0, "instead": _first_found(played, recorded, framesize)}
    rest = recorded[found : found + len(played)]
    frames = len(played) // framesize
    exact = frames
    if rest != played:
        exact = next(
            n
            for n in range(frames)
            if rest[n * framesize : (n + 1) * framesize]
            != played[n * framesize : (n + 1) * framesize]
        )
    return {
        "delay": found / framesize - lead,
        "exact": exact,
        "silent_before": not any(recorded[:found]),
        "silent_after": not recorded[found + len(played) :].strip(bytes([silence])),
    }


def _first_found(played, recorded, framesize):
    for n in range(0, len(played), MARKER * framesize):
        found = recorded.find(played[n : n + MARKER * framesize])
        if found >= 0:
            return f"frame {n / framesize} of what was played is at {found / framesize}"
    return "nothing but silence" if not any(recorded) else "something else"
