#!/usr/bin/env python3
"""Record whatever is louder than a threshold, each sound to a file of its own.

A file begins a moment before the sound (the pre-roll), and ends some time after it. Ctrl-C ends.

    pip install 'pa-ringbuffer[sounddevice]' soundfile
"""

from __future__ import annotations

import argparse
import itertools
import pathlib
from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf

BLOCK = 0.02  # seconds that are judged at a time


def level(block: npt.NDArray[np.float32]) -> Any:
    """Level in dB; a sine of full scale has -3 dB."""
    return 10 * np.log10(np.mean(np.square(block)) + 1e-12)


def new_file(folder: pathlib.Path, stream: Any) -> sf.SoundFile:
    names = (folder / f"take-{number:03}.wav" for number in itertools.count(1))
    path = next(path for path in names if not path.exists())
    return sf.SoundFile(path, "x", round(stream.samplerate), stream.channels, "FLOAT")


def record(
    stream: Any, folder: pathlib.Path, threshold: float, before: float, after: float
) -> None:
    recent: deque[npt.NDArray[np.float32]] = deque(maxlen=round(before / BLOCK))
    file, quiet_blocks = None, 0
    try:
        for block in stream.blocks(round(BLOCK * stream.samplerate)):
            quiet_blocks = 0 if level(block) > threshold else quiet_blocks + 1
            if file is None and not quiet_blocks:
                file = new_file(folder, stream)
                print(f"{stream.read_position / stream.samplerate:8.2f} s: {file.name}", flush=True)
                for earlier in recent:
                    file.write(earlier)
                recent.clear()
            if file is None:
                recent.append(block)
                continue
            file.write(block)
            if quiet_blocks >= after / BLOCK:
                file.close()
                file = None
    finally:
        if file is not None:
            file.close()


def int_or_str(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def seconds(text: str) -> float:
    if not 0 <= float(text) <= 60:
        raise argparse.ArgumentTypeError(f"must be from 0 to 60 seconds, not {text}")
    return float(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where the files are written")
    parser.add_argument("-d", "--device", type=int_or_str, help="input device: number or name")
    parser.add_argument("--virtual", action="store_true", help="use no sound card")
    parser.add_argument("--threshold", type=float, default=-40, help="dB (default: %(default)s)")
    parser.add_argument("--before", type=seconds, default=0.5, help="pre-roll in seconds")
    parser.add_argument("--after", type=seconds, default=1.0, help="seconds of silence at the end")
    args = parser.parse_args()
    if not args.folder.is_dir():
        parser.error(f"there is no folder {str(args.folder)!r}")
    if args.virtual:
        import pa_ringbuffer.testing as sd
    else:
        import pa_ringbuffer.sounddevice as sd  # type: ignore[no-redef]
    try:
        with sd.InputStream(device=args.device, channels=1, ring_seconds=5) as stream:
            print("listening; Ctrl-C ends", flush=True)
            record(stream, args.folder, args.threshold, args.before, args.after)
    except KeyboardInterrupt:
        print()
    except (sd.PortAudioError, OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
