#!/usr/bin/env python3
"""One microphone, three listeners: a file, a level meter, and an analysis that takes its time.

Each listener has a ring of its own. A slow one loses frames, which are counted; the others do not
notice. Ctrl-C ends.

    pip install 'pa-ringbuffer[sounddevice]' soundfile
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf
from pa_ringbuffer import RingBuffer


class Listener:
    """Takes what it has room for, and hands it out in a thread of its own."""

    def __init__(self, stream: Any, seconds: float) -> None:
        frames = round(seconds * stream.samplerate)
        # The size of a ring is a power of 2.
        self.ring = RingBuffer(stream.channels * stream.samplesize, 1 << frames.bit_length())
        self.channels = stream.channels
        self.dropped = 0
        self.closed = False

    def put(self, block: npt.NDArray[np.float32]) -> None:
        self.dropped += len(block) - self.ring.write(block)

    def blocks(self, frames: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield blocks until the listener is closed; the last one may be shorter."""
        while True:
            closed = self.closed
            if self.ring.wait_for_data(frames, timeout=0.1) or closed:
                data = np.frombuffer(self.ring.read(frames), np.float32)
                if not len(data):
                    return
                yield data.reshape(-1, self.channels)


def distribute(stream: Any, listeners: list[Listener]) -> None:
    try:
        for block in stream.blocks(256):
            for listener in listeners:
                listener.put(block)
    except KeyboardInterrupt:
        print()
    finally:
        for listener in listeners:
            listener.closed = True


def save(listener: Listener, file: sf.SoundFile) -> None:
    for block in listener.blocks(1024):
        file.write(block)


def show_level(listener: Listener) -> None:
    for block in listener.blocks(4800):
        print(f"{20 * np.log10(np.abs(block).max() + 1e-6):6.1f} dB", flush=True)


def analyse(listener: Listener) -> None:
    for block in listener.blocks(1024):
        np.fft.rfft(block, axis=0)
        time.sleep(0.2)  # in place of work that takes this long
        if listener.closed:
            break


def int_or_str(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", help="sound file to be written, WAV for example")
    parser.add_argument("-d", "--device", type=int_or_str, help="input device: number or name")
    parser.add_argument("--virtual", action="store_true", help="use no sound card")
    args = parser.parse_args()
    if args.virtual:
        import pa_ringbuffer.testing as sd
    else:
        import pa_ringbuffer.sounddevice as sd  # type: ignore[no-redef]
    try:
        stream = sd.InputStream(device=args.device, channels=1)
        listeners = [Listener(stream, seconds) for seconds in (10, 1, 0.5)]
        file = sf.SoundFile(args.file, "x", round(stream.samplerate), stream.channels, "FLOAT")
        with file, ThreadPoolExecutor() as pool, stream:
            jobs = [
                pool.submit(save, listeners[0], file),
                pool.submit(show_level, listeners[1]),
                pool.submit(analyse, listeners[2]),
            ]
            distribute(stream, listeners)
        for job in jobs:
            job.result()  # raises what went wrong there
        print("frames dropped:", *(listener.dropped for listener in listeners))
    except (sd.PortAudioError, OSError, TypeError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
