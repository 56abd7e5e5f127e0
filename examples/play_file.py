#!/usr/bin/env python3
"""Play a sound file, whatever the rest of the program does meanwhile.

Any format that soundfile can read, and any length: only about a second of it is in memory.

    pip install 'pa-ringbuffer[sounddevice]' soundfile
"""

# sounddevice and soundfile have no types of their own.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
from __future__ import annotations

import argparse
import os

try:
    import soundfile as sf
    from pa_ringbuffer.sounddevice import OutputStream
    from sounddevice import PortAudioError, query_devices
except (ImportError, OSError) as error:
    parser = argparse.ArgumentParser()
    # A missing PortAudio is no module, and comes with advice of its own.
    is_library = isinstance(error, ImportError) and error.name is None
    needs = "" if is_library else f" (needs: {(__doc__ or '').splitlines()[-1].strip()})"
    parser.exit(2, f"{parser.prog}: {error}{needs}\n")


def int_or_str(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def play(filename: str, device: int | str | None) -> None:
    with sf.SoundFile(filename) as file:
        stream = OutputStream(samplerate=file.samplerate, channels=file.channels, device=device)
        # Fill the ring before the first frame is played.
        stream.write(file.read(stream.write_available, dtype="float32", always_2d=True))
        with stream:
            for block in file.blocks(4096, dtype="float32", always_2d=True):
                stream.write(block)
        # Leaving the with statement has played what was still in the ring.


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("file", help="sound file to be played")
parser.add_argument(
    "-l",
    "--list-devices",
    action="version",
    version=str(query_devices()),
    help="show all devices and exit",
)
parser.add_argument(
    "-d", "--device", type=int_or_str, help="output device (number or part of its name)"
)
args = parser.parse_args()
if not os.path.exists(args.file):
    parser.exit(1, f"{parser.prog}: there is no file {args.file!r}\n")

try:
    play(args.file, args.device)
except KeyboardInterrupt:
    parser.exit(130, "\n")
except PortAudioError as error:
    parser.exit(2, f"{parser.prog}: {error} (-l lists the devices)\n")
except (OSError, RuntimeError, ValueError) as error:
    parser.exit(1, f"{parser.prog}: {error}\n")
