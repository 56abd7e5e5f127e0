#!/usr/bin/env python3
"""Measure how long a ring has to be, while another thread keeps Python busy.

Silence is played with rings of several lengths. The table says what each of them costs (latency),
what was lost, and how much was left in the ring at the worst moment. Put your own work into LOADS.

    pip install 'pa-ringbuffer[sounddevice]'
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

STRINGS = [str(random.random()) for _ in range(200_000)]
TEXT = json.dumps(STRINGS)
LOADS: dict[str, Callable[[], object]] = {
    "none": lambda: time.sleep(0.1),
    "loop": lambda: sum(n * n for n in range(100_000)),
    "json": lambda: json.loads(TEXT),
    "sort": lambda: sorted(STRINGS),
}


@contextlib.contextmanager
def running(load: Callable[[], object]) -> Generator[None, None, None]:
    """Calls a function again and again in another thread."""
    over = threading.Event()

    def repeat() -> None:
        while not over.is_set():
            load()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def measure(stream: Any, seconds: float) -> Any:
    """Keep the ring full for some seconds; returns what the stream has counted."""
    silence = np.zeros((len(stream.ring), stream.channels), "float32")
    stream.write(silence)
    with stream:
        while stream.stats.frames < seconds * stream.samplerate:
            # Waits for a little room, if there is none.
            stream.write(silence[: max(64, stream.write_available)])
        return stream.stats


def int_or_str(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("load", choices=LOADS, help="what the other thread does")
    parser.add_argument("-d", "--device", type=int_or_str, help="output device: number or name")
    parser.add_argument("--virtual", action="store_true", help="use no sound card")
    parser.add_argument("--seconds", type=float, default=5, help="for each ring (default: 5)")
    args = parser.parse_args()
    if not 0.1 <= args.seconds <= 3600:
        parser.error(f"--seconds must be from 0.1 to 3600, not {args.seconds:g}")
    if args.virtual:
        import pa_ringbuffer.testing as sd
    else:
        import pa_ringbuffer.sounddevice as sd  # type: ignore[no-redef]
    print("ring: frames    ms   underflows   silence   left at the worst moment")
    try:
        for frames in 1024, 2048, 4096, 8192, 16384, 32768:
            stream = sd.OutputStream(
                device=args.device, channels=1, latency="low", ring_frames=frames, warn=None
            )
            with running(LOADS[args.load]):
                stats = measure(stream, args.seconds)
            ms = 1000 / stats.samplerate
            print(
                f"{stats.output.size:12} {stats.output.size * ms:5.0f} {stats.output.losses:12} "
                f"{stats.output.lost_frames * ms:6.0f} ms {stats.output.low_water * ms:7.0f} ms",
                flush=True,
            )
    except KeyboardInterrupt:
        print()
    except (sd.PortAudioError, OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
