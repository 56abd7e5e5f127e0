#!/usr/bin/env python3
"""Record for hours or days, to one file after the other, without a gap between them.

The files are FLAC with 24 bits, and are complete as soon as the next one begins. Ctrl-C, or SIGTERM
from a service manager, ends the recording after the last frame.

    pip install 'pa-ringbuffer[sounddevice]' soundfile
"""

from __future__ import annotations

import argparse
import logging
import pathlib
import signal
import threading
import time
from typing import Any

import soundfile as sf

log = logging.getLogger("long_recording")


def record(stream: Any, folder: pathlib.Path, frames_per_file: int, stop: threading.Event) -> None:
    began = time.time()
    while not stop.is_set():
        # Named after the time of its first frame; the clock is looked at only once.
        when = time.localtime(began + stream.read_position / stream.samplerate)
        name = time.strftime("%Y-%m-%d_%H-%M-%S", when)
        path = folder / f"{name}_{stream.read_position}.flac"
        with sf.SoundFile(path, "x", round(stream.samplerate), stream.channels, "PCM_24") as file:
            log.info("%s", path)
            missing = frames_per_file
            while missing and not stop.is_set():
                data, overflowed = stream.read(min(4800, missing))
                file.write(data)
                missing -= len(data)
                if overflowed:
                    log.warning("frames are missing before frame %d", stream.read_position)
            if stop.is_set():
                stream.stop()
                file.write(stream.read_nowait())


def int_or_str(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where the files are written")
    parser.add_argument("-d", "--device", type=int_or_str, help="input device: number or name")
    parser.add_argument("--virtual", action="store_true", help="use no sound card")
    parser.add_argument("-c", "--channels", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--minutes", type=float, default=60, help="length of a file (default: %(default)s)"
    )
    parser.add_argument(
        "--ring", type=float, default=30, help="seconds that the disk may stall (default: 30)"
    )
    args = parser.parse_args()
    if not args.folder.is_dir():
        parser.error(f"there is no folder {str(args.folder)!r}")
    if not 1 <= args.channels <= 8:
        parser.error(f"--channels must be from 1 to 8, as many as FLAC has, not {args.channels}")
    if not 0.001 <= args.minutes <= 1440 or not 0.1 <= args.ring <= 600:
        parser.error("--minutes must be from 0.001 to 1440, --ring from 0.1 to 600 seconds")
    if args.virtual:
        import pa_ringbuffer.testing as sd
    else:
        import pa_ringbuffer.sounddevice as sd  # type: ignore[no-redef]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        with sd.InputStream(
            device=args.device, channels=args.channels, ring_seconds=args.ring
        ) as stream:
            record(stream, args.folder, round(60 * args.minutes * stream.samplerate), stop)
            log.info("%s", stream.stats)
    except (sd.PortAudioError, OSError, RuntimeError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
