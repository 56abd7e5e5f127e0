#!/usr/bin/env python3
"""A metronome: clicks at exact frames, and a text when each of them is heard.

Ctrl-C ends.

    pip install 'pa-ringbuffer[sounddevice]'
"""

# sounddevice has no types of its own.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
from __future__ import annotations

import argparse
import itertools
import math
import time

try:
    import numpy as np
    import numpy.typing as npt
    from pa_ringbuffer.sounddevice import OutputStream
    from sounddevice import PortAudioError, query_devices
except (ImportError, OSError) as error:
    parser = argparse.ArgumentParser()
    # A missing PortAudio is no module, and comes with advice of its own.
    is_library = isinstance(error, ImportError) and error.name is None
    needs = "" if is_library else f" (needs: {(__doc__ or '').splitlines()[-1].strip()})"
    parser.exit(2, f"{parser.prog}: {error}{needs}\n")


def click(frequency: float, samplerate: float) -> npt.NDArray[np.float32]:
    """A sine of 20 ms that fades away."""
    t = np.arange(round(0.02 * samplerate)) / samplerate
    return (0.5 * np.exp(-200 * t) * np.sin(2 * np.pi * frequency * t)).astype("float32")


def run(args: argparse.Namespace) -> None:
    seconds: float = 60 / args.tempo
    # Room for two beats. What is written one beat ahead survives a pause of Python that long.
    with OutputStream(
        args.samplerate, device=args.device, channels=1, ring_seconds=2 * seconds + 0.1
    ) as stream:

        def write(beat: int) -> int:
            # From the number of the beat each time, so that roundings do not add up.
            begin, end = (round(n * seconds * stream.samplerate) for n in (beat, beat + 1))
            sound = click(1000 if beat % args.bar else 1500, stream.samplerate)
            frames = np.zeros((end - begin, 1), "float32")
            frames[: len(sound), 0] = sound[: len(frames)]
            stream.write(frames)
            return begin

        following = write(0)
        # Times are known from the first block on.
        while stream.active and not stream.stats.blocks:
            time.sleep(0.001)
        for beat in range(args.beats) if args.beats else itertools.count():
            now = following
            if beat + 1 != args.beats:
                following = write(beat + 1)
            heard = stream.output_time(now)
            time.sleep(max(0, heard - stream.time))
            print(f"{beat % args.bar + 1}  frame {now}, {heard:.3f} s", flush=True)


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
parser.add_argument("-d", "--device", type=int_or_str, help="output device: number or name")
parser.add_argument("-r", "--samplerate", type=int, help="default: the device's")
parser.add_argument(
    "--tempo", type=float, default=120, help="beats per minute (default: %(default)s)"
)
parser.add_argument("--bar", type=int, default=4, help="beats per bar (default: %(default)s)")
parser.add_argument("--beats", type=int, help="how many (default: until Ctrl-C)")
args = parser.parse_args()
if not 1 <= args.tempo <= 1000 or math.isnan(args.tempo):
    parser.error("--tempo must be from 1 to 1000")
if args.bar < 1 or (args.beats is not None and args.beats < 1):
    parser.error("--bar and --beats must be positive")

try:
    run(args)
except KeyboardInterrupt:
    print()
except PortAudioError as error:
    parser.exit(2, f"{parser.prog}: {error} (-l lists the devices)\n")
except (OSError, RuntimeError, ValueError) as error:
    parser.exit(1, f"{parser.prog}: {error}\n")
