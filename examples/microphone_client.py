#!/usr/bin/env python3
"""Write what microphone_server.py sends to a sound file, until Ctrl-C.

It has the server's sample format.

    pip install numpy soundfile websockets
"""

# soundfile has no types of its own, and JSON can be anything.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import argparse
import json
import os

try:
    import numpy as np
    import soundfile as sf
    from websockets.exceptions import InvalidStatus, WebSocketException
    from websockets.sync.client import connect
except (ImportError, OSError) as error:
    parser = argparse.ArgumentParser()
    # A missing PortAudio is no module, and comes with advice of its own.
    is_library = isinstance(error, ImportError) and error.name is None
    needs = "" if is_library else f" (needs: {(__doc__ or '').splitlines()[-1].strip()})"
    parser.exit(2, f"{parser.prog}: {error}{needs}\n")

SUBTYPES = {"float32": "FLOAT", "int16": "PCM_16"}

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("file", help="sound file to be written, WAV for example")
parser.add_argument(
    "--url",
    default="http://localhost:8765",
    help="the address that the server has printed (default: %(default)s)",
)
args = parser.parse_args()
# Before there is anything to write.
if os.path.splitext(args.file)[1][1:].upper() not in sf.available_formats():
    formats = ", ".join(sorted(sf.available_formats())).lower()
    parser.error(f"{args.file!r} must end with the name of a format: {formats}")
if os.path.lexists(args.file):
    parser.error(f"{args.file!r} exists already")
if not os.path.isdir(os.path.dirname(args.file) or "."):
    parser.error(f"there is no folder {os.path.dirname(args.file)!r}")

try:
    with connect(args.url.replace("http", "ws", 1)) as websocket:
        try:
            header = json.loads(websocket.recv())
            channels, dtype, rate = header["channels"], header["dtype"], round(header["samplerate"])
            subtype = SUBTYPES[dtype]
        except (ArithmeticError, LookupError, TypeError, ValueError):
            raise ValueError(f"{args.url} is no microphone server") from None
        with sf.SoundFile(args.file, "x", rate, channels, subtype) as file:
            print("receiving; Ctrl-C ends")
            for message in websocket:
                if isinstance(message, str):
                    news = json.loads(message)
                    dropped = news.get("dropped") if isinstance(news, dict) else None
                    if dropped is None:
                        print("the server says:", message)
                    else:
                        print("the server has dropped", dropped, "frames")
                else:
                    file.write(np.frombuffer(message, dtype).reshape(-1, channels))
except KeyboardInterrupt:
    parser.exit(0, "\n")
except InvalidStatus as error:
    reason = (error.response.body or b"").decode(errors="replace").strip()
    parser.exit(1, f"{parser.prog}: {reason or error}\n")
except (OSError, RuntimeError, ValueError, WebSocketException) as error:
    parser.exit(1, f"{parser.prog}: {error}\n")
