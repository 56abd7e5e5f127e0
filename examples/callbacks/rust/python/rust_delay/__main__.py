"""An echo whose audio callback is written in Rust. Python changes its parameters while it plays.

Four rings connect the callback with Python: the sound that is to be played; what the input hears;
new parameters; and parameters that have taken effect, with the frame at which they did.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt
from pa_ringbuffer import RingBuffer

from . import Delay, callback

RATE = 48000
LINE = 1 << 16  # frames in the delay line

#: One message, as an element of a ring.
Parameters = np.dtype(
    [("frame", "u8"), ("delay", "u4"), ("feedback", "f4"), ("mix", "f4")], align=True
)


def plucks() -> npt.NDArray[np.float32]:
    """Two seconds with a plucked string in each quarter of the first one."""
    time = np.arange(RATE // 5) / RATE
    sound = np.zeros(2 * RATE, "float32")
    for number in range(4):
        frequency = 220 * 1.25**number
        begin = RATE // 4 * (number + 1)
        sound[begin : begin + len(time)] = (
            0.4 * np.exp(-20 * time) * np.cos(2 * np.pi * frequency * time)
        )
    return sound


def echoes(sound: npt.NDArray[np.float32], applied: Iterable[Any]) -> npt.NDArray[np.float64]:
    """What the callback has to play, computed in the simplest way."""
    line, played = np.zeros(len(sound) + LINE), np.zeros(len(sound))
    changes = {int(change["frame"]): change for change in applied}
    now = np.zeros((), Parameters)
    for frame, sample in enumerate(sound.tolist()):
        now = changes.get(frame, now)
        echo = line[LINE + frame - int(now["delay"])]
        line[LINE + frame] = sample + now["feedback"] * echo
        played[frame] = sample + now["mix"] * echo
    return played


def compare(
    expected: npt.NDArray[np.float64], recorded: npt.NDArray[np.float32]
) -> tuple[int, int]:
    """Find the sound in a recording: returns its delay, and how many frames are wrong."""
    delay = int(np.argmax(recorded != 0)) - int(np.argmax(expected != 0))
    heard = recorded[max(delay, 0) :][: len(expected)]
    wrong = np.abs(heard - expected[: len(heard)]) > 1e-5
    return delay, int(wrong.sum()) + len(expected) - len(heard)


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
        "--check", action="store_true", help="compare the recording; needs a device with loopback"
    )
    args = parser.parse_args()

    sound = plucks()
    to_play, recorded = RingBuffer(4, 1 << 17), RingBuffer(4, 1 << 17)
    parameters, applied = (RingBuffer(Parameters.itemsize, 64) for _ in range(2))
    delay_line = Delay(to_play, parameters, applied, recorded)
    to_play.write(sound)
    parameters.write(np.array([(0, RATE // 6, 0.5, 0.5)], Parameters))

    stream = open_stream(args, callback, delay_line.address)
    heard, messages = bytearray(), bytearray()
    with stream:
        begin = time.monotonic()
        for step in range(1, 10):
            time.sleep(max(0, begin + step / 10 - time.monotonic()))
            # As soon as possible, a longer delay: the echo bends.
            parameters.write(np.array([(0, RATE // 6 + 100 * step, 0.5, 0.6)], Parameters))
        while len(heard) < (len(sound) + 8192) * 4:
            recorded.wait_for_data(4096)
            heard += recorded.read()
            messages += applied.read()
    changes = np.frombuffer(messages, Parameters)
    for change in changes:
        print(f"delay {change['delay'] / RATE:.3f} s from {change['frame'] / RATE:.3f} s on")
    if args.virtual or args.check:
        delay, wrong = compare(echoes(sound, changes), np.frombuffer(heard, "float32"))
        print(f"{len(sound)} frames came back {delay} frames later, {wrong} of them wrong")
        return 1 if wrong or delay_line.lost or len(changes) != 10 else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
