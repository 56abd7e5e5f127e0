#!/usr/bin/env python3
"""Play along with yourself: what you play is heard again, each time around the loop.

What you play while you hear a frame is added to just that frame, however long the latency is. Use
headphones, or the microphone records the loop as well. Ctrl-C ends.

    pip install 'pa-ringbuffer[sounddevice]'
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK = 256  # frames


def overdub(stream: Any, loop: npt.NDArray[np.float32], keep: float) -> None:
    lag, underflowed = None, False
    while True:
        block, overflowed = stream.read(BLOCK)
        first = stream.read_position - len(block)
        if lag is None or overflowed or underflowed:
            # Recorded frame n + lag was played while frame n was heard.
            delay = stream.output_time(first) - stream.input_time(first)
            lag = round(delay * stream.samplerate)
        heard = (first - lag + np.arange(BLOCK)) % len(loop)
        loop[heard] = keep * loop[heard] + block
        following = (stream.write_position + np.arange(BLOCK)) % len(loop)
        underflowed = stream.write(np.repeat(loop[following], stream.channels[1], axis=1))


def int_or_str(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "-d", "--device", type=int_or_str, nargs=2, metavar=("IN", "OUT"), help="number or name"
    )
    parser.add_argument("--virtual", action="store_true", help="use no sound card")
    parser.add_argument("--seconds", type=float, default=4, help="loop length (default: 4)")
    parser.add_argument(
        "--keep", type=float, default=1, help="0.8: earlier rounds fade away (default: 1)"
    )
    parser.add_argument(
        "--ahead", type=float, default=0.05, help="how late Python may be (default: %(default)s)"
    )
    args = parser.parse_args()
    if not 0.01 <= args.ahead <= 0.5 or not 1 <= args.seconds <= 600:
        parser.error("--ahead must be from 0.01 to 0.5 seconds, --seconds from 1 to 600")
    if not 0 <= args.keep <= 1:
        parser.error(f"--keep must be from 0 to 1, not {args.keep}")
    if args.virtual:
        import pa_ringbuffer.testing as sd
    else:
        import pa_ringbuffer.sounddevice as sd  # type: ignore[no-redef]
    try:
        stream = sd.Stream(device=args.device, channels=(1, 2), latency="low")
        loop = np.zeros((round(args.seconds * stream.samplerate), 1), "float32")
        stream.write(np.zeros((round(args.ahead * stream.samplerate), 2), "float32"))
        with stream:
            print(f"a loop of {args.seconds:g} s; Ctrl-C ends", flush=True)
            overdub(stream, loop, args.keep)
    except KeyboardInterrupt:
        print()
    except (sd.PortAudioError, OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
