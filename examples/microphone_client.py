#!/usr/bin/env python3
"""Write what microphone_server.py sends to a sound file, until Ctrl-C.

It has the server's sample format.

    pip install numpy soundfile websockets
"""

import argparse
import json

import numpy as np
import soundfile as sf
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

SUBTYPES = {"float32": "FLOAT", "int16": "PCM_16"}

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("file", help="sound file to be written, WAV for example")
parser.add_argument("--url", default="ws://localhost:8765", help="default: %(default)s")
args = parser.parse_args()

try:
    with connect(args.url) as websocket:
        header = json.loads(websocket.recv())
        channels, dtype, rate = header["channels"], header["dtype"], round(header["samplerate"])
        with sf.SoundFile(args.file, "x", rate, channels, SUBTYPES[dtype]) as file:
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
