#!/usr/bin/env python3
"""Hear one input channel of many, and switch to another one while it plays.

Type the number of a channel and press Enter. Ctrl-C ends.

    pip install 'pa-ringbuffer[sounddevice]'
"""

from __future__ import annotations

import argparse
import sys
from typing import Any


class Monitor:
    """Plays one input channel on all output channels."""

    def __init__(self, channel: int) -> None:
        self.channel = channel

    def callback(self, indata: Any, outdata: Any, frames: int, time: Any, status: Any) -> None:
        if status:
            print(status, file=sys.stderr)
        outdata[:] = indata[:, [self.channel - 1]]


def int_or_str(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("channel", type=int, nargs="?", default=1, help="default: %(default)s")
    parser.add_argument(
        "-d", "--device", type=int_or_str, nargs=2, metavar=("IN", "OUT"), help="number or name"
    )
    parser.add_argument("--virtual", action="store_true", help="use no sound card")
    parser.add_argument("--inputs", type=int, help="input channels (default: all of the device)")
    parser.add_argument("--ahead", type=float, help="how late Python may be (default: 0.05 s)")
    args = parser.parse_args()
    if args.virtual:
        import pa_ringbuffer.testing as sd
    else:
        import pa_ringbuffer.sounddevice as sd  # type: ignore[no-redef]
    monitor = Monitor(args.channel)
    try:
        stream = sd.Stream(
            device=args.device,
            channels=(args.inputs, 2),
            latency="low",
            ahead=args.ahead,
            callback=monitor.callback,
        )
        channels = stream.channels[0]
        if not 1 <= args.channel <= channels:
            parser.error(f"channel must be from 1 to {channels}, not {args.channel}")
        with stream:
            print(f"channel {monitor.channel} of {channels}", flush=True)
            for line in sys.stdin:
                if line.strip().isdecimal() and 1 <= int(line) <= channels:
                    monitor.channel = int(line)
                    print(f"channel {monitor.channel}", flush=True)
                else:
                    print(f"type a number from 1 to {channels}", flush=True)
    except KeyboardInterrupt:
        print()
    except (sd.PortAudioError, OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
