#!/usr/bin/env python3
"""Write what microphone_server.py sends to a sound file, until Ctrl-C.

It has the server's sample format.

    pip install numpy soundfile websockets
"""

import argparse
import json

try:
    import numpy as np
    import soundfile as sf
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect
except (ImportError, OSError) as error:
    parser = argparse.ArgumentParser()
    parser.exit(2, f"{parser.prog}: {error} (needs: {__doc__.splitlines()[-1].strip()})\n")

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
                    print("the server has dropped", json.loads(message)["dropped"], "frames")
                else:
                    file.write(np.frombuffer(message, dtype).reshape(-1, channels))
except KeyboardInterrupt:
    parser.exit(0, "\n")
except (OSError, RuntimeError, ValueError, WebSocketException) as error:
    parser.exit(1, f"{parser.prog}: {error}\n")
