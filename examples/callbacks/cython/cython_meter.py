"""A level meter whose audio callback is written in Cython.

Two rings connect the callback with Python: sound to play, and the levels of what comes in.

Run it with ``python -m cython_meter``.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager
from typing import Any

import _meter
import numpy as np
import numpy.typing as npt
from pa_ringbuffer import RingBuffer

RATE = 48000
WINDOW = RATE // 10

callback = _meter.__pyx_capi__["meter_callback"]

#: A message. With `align`, it has the layout of the struct in C.
Level = np.dtype([("frame", "u8"), ("frames", "u8"), ("peak", "f4"), ("rms", "f4")], align=True)


def plucks() -> npt.NDArray[np.float32]:
    """Two seconds with a plucked string in each quarter of the first one, louder and louder."""
    time = np.arange(RATE // 5) / RATE
    sound = np.zeros(2 * RATE, "float32")
    for number in range(4):
        begin = RATE // 4 * (number + 1)
        sound[begin : begin + len(time)] = (
            0.2 * (number + 1) * np.exp(-20 * time) * np.cos(2 * np.pi * 220 * time)
        )
    return sound


def bar(peak: float) -> str:
    """A peak in decibels, and one ``#`` for each dB above -60 dB."""
    level = 20 * np.log10(max(float(peak), 1e-9))
    return f"{level:6.1f} dB {'#' * round(max(0, 60 + level))}"


def open_stream(
    args: argparse.Namespace, callback: object, userdata: object
) -> AbstractContextManager[Any]:
    """A stream with one channel in each direction."""
    options: dict[str, Any] = {"samplerate": RATE, "channels": 1}
    if args.virtual:
        from pa_ringbuffer import testing

        return testing.CompiledStream("duplex", callback, userdata, loopback=True, **options)
    from pa_ringbuffer import sounddevice

    device = int(args.device) if (args.device or "").isdigit() else args.device
    return sounddevice.CompiledStream(
        "duplex", callback, userdata, device=device, latency="low", **options
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-d", "--device", help="name or number of a device for input and output")
    parser.add_argument("--virtual", action="store_true", help="a virtual device with loopback")
    parser.add_argument(
        "--check", action="store_true", help="check the levels; needs a device with loopback"
    )
    args = parser.parse_args()

    sound = plucks()
    to_play, levels = RingBuffer(4, 1 << 17), RingBuffer(Level.itemsize, 256)
    meter = _meter.Meter(to_play, levels, WINDOW)
    to_play.write(sound)
    stream = open_stream(args, callback, meter.address)
    messages: list[Any] = []
    with stream:
        while len(messages) < len(sound) // WINDOW + 2:
            levels.wait_for_data()
            for level in np.frombuffer(levels.read(), Level):
                print(f"{level['frame'] / RATE:5.2f} s {bar(level['peak'])}")
                messages.append(level)
    if args.virtual or args.check:
        heard = np.array(messages)
        energy = np.sum(heard["rms"].astype(float) ** 2 * heard["frames"])
        expected = np.sum(sound.astype(float) ** 2)
        follow = np.array_equal(heard["frame"][1:], (heard["frame"] + heard["frames"])[:-1])
        right = heard["peak"].max() == sound.max() and abs(energy / expected - 1) < 1e-5 and follow
        print("levels and sound agree" if right else "levels and sound do not agree")
        return int(not right)
    return 0


if __name__ == "__main__":
    sys.exit(main())
