#!/usr/bin/env python3
"""Ping-pong echo: what goes in comes back again and again, each time from the next speaker.

Use headphones, or the microphone hears the echoes, too. Ctrl-C ends.

    pip install 'pa-ringbuffer[sounddevice]'
"""

# sounddevice has no types of its own.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
from __future__ import annotations

import argparse
import math
from typing import Any

try:
    import numpy as np
    import numpy.typing as npt
    from pa_ringbuffer.sounddevice import Stream
    from sounddevice import PortAudioError, query_devices
except (ImportError, OSError) as error:
    parser = argparse.ArgumentParser()
    # A missing PortAudio is no module, and comes with advice of its own.
    is_library = isinstance(error, ImportError) and error.name is None
    needs = "" if is_library else f" (needs: {(__doc__ or '').splitlines()[-1].strip()})"
    parser.exit(2, f"{parser.prog}: {error}{needs}\n")


def mixing_matrix(inputs: int, outputs: int) -> npt.NDArray[Any]:
    """Each input to one output or several, each output with the mean of its inputs."""
    matrix = np.zeros((inputs, outputs), "float32")
    for channel in range(max(inputs, outputs)):
        matrix[channel % inputs, channel % outputs] = 1
    matrix /= matrix.sum(axis=0)
    return matrix


class PingPong:
    """The effect: arrays of the shape (frames, inputs) to arrays of the shape (frames, outputs)."""

    def __init__(self, inputs: int, outputs: int, delay: int, feedback: float, wet: float) -> None:
        self.mix = mixing_matrix(inputs, outputs)
        self.line = np.zeros((delay, outputs), "float32")  # the oldest frame first
        self.feedback = feedback
        self.wet = wet

    def process(self, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
        echo = self.line[: len(block)]
        # Each channel's echo goes on to the next channel; new sound begins at the first.
        new = self.feedback * np.roll(echo, 1, axis=1)
        new[:, 0] += block.mean(axis=1)
        self.line = np.concatenate([self.line[len(block) :], new])
        output: npt.NDArray[Any] = (1 - self.wet) * (block @ self.mix) + self.wet * echo
        return output


def run(args: argparse.Namespace) -> None:
    stream = Stream(
        args.samplerate,
        device=args.device,
        channels=args.channels,
        latency="low",
        ring_seconds=max(1, 2 * args.latency),
    )
    inputs, outputs = stream.channels
    delay = round(args.delay * stream.samplerate)
    if delay < args.blocksize:
        raise ValueError(f"the delay must not be shorter than a block of {args.blocksize} frames")
    effect = PingPong(inputs, outputs, delay, args.feedback, args.wet)
    # One frame is played for each that is recorded, and so the output ring stays as full as it is
    # when the stream starts. What is written now is played while a block is gathered and processed,
    # or while Python is late: without it, there would be gaps. More of it is more latency, and
    # fewer dropouts. (Silence in a gap is played in addition: it adds to the latency, too.)
    silence = max(round(args.latency * stream.samplerate), args.blocksize)
    stream.write(np.zeros((silence, outputs), "float32"))
    with stream:
        print(f"latency: {1000 * silence / stream.samplerate:.0f} ms and the device's")
        print("Ctrl-C ends")
        try:
            for block in stream.blocks(args.blocksize):
                stream.write(effect.process(block))
        except KeyboardInterrupt:
            print()
    print(stream.stats)


def int_or_str(text: str) -> int | str:
    return int(text) if text.isdigit() else text


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument(
    "-l",
    "--list-devices",
    action="version",
    version=str(query_devices()),
    help="show all devices and exit",
)
parser.add_argument(
    "-d", "--device", type=int_or_str, nargs=2, metavar=("IN", "OUT"), help="input, output device"
)
parser.add_argument(
    "-c",
    "--channels",
    type=int,
    nargs=2,
    default=(1, 2),
    metavar=("IN", "OUT"),
    help="default: 1 2",
)
parser.add_argument("-r", "--samplerate", type=int, help="default: the device's")
parser.add_argument(
    "-b", "--blocksize", type=int, default=128, help="frames at a time (default: %(default)s)"
)
parser.add_argument(
    "--latency", type=float, default=0.02, help="seconds in the ring (default: %(default)s)"
)
parser.add_argument(
    "--delay", type=float, default=0.3, help="seconds between echoes (default: %(default)s)"
)
parser.add_argument(
    "--feedback", type=float, default=0.6, help="level of the next echo (default: %(default)s)"
)
parser.add_argument(
    "--wet", type=float, default=0.4, help="0: the input, 1: the echoes (default: %(default)s)"
)
args = parser.parse_args()
if args.blocksize < 1 or min(args.channels) < 1:
    parser.error("--blocksize and --channels must be positive")
if not 0 <= args.latency < math.inf or not 0 < args.delay < math.inf:
    parser.error("--latency must be 0 or more, --delay positive")
if not 0 <= args.feedback < 1 or not 0 <= args.wet <= 1:
    parser.error("--feedback and --wet must be from 0 to 1, --feedback below 1")

try:
    run(args)
except KeyboardInterrupt:
    pass
except PortAudioError as error:
    parser.exit(2, f"{parser.prog}: {error} (-l lists the devices)\n")
except (OSError, RuntimeError, ValueError) as error:
    parser.exit(1, f"{parser.prog}: {error}\n")
