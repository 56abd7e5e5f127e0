#!/usr/bin/env python3
"""Serve the microphone to any number of listeners, over websockets.

A listener gets a JSON message with samplerate, channels and dtype, then blocks of samples as binary
messages. One that is too slow misses some, which a JSON message {"dropped": frames} says in their
place; the others do not notice. Open the address in a browser to listen there. Ctrl-C ends.

    pip install 'pa-ringbuffer[sounddevice]' websockets
"""

import argparse
import asyncio
import contextlib
import json
import socket
from collections import deque

import sounddevice as sd
from pa_ringbuffer.sounddevice import AsyncInputStream
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

PAGE = """<!DOCTYPE html>
<title>Microphone</title>
<button onclick="listen(); this.disabled = true">Listen</button> <span id="text"></span>
<script>
function listen() {
  const context = new AudioContext(), socket = new WebSocket(location.href.replace("http", "ws"));
  let header, time = 0;
  socket.binaryType = "arraybuffer";
  socket.onclose = () => text.textContent = "The server has gone.";
  socket.onmessage = ({data}) => {
    if (typeof data === "string") {
      text.textContent = data;
      header = header || JSON.parse(data);
      return;
    }
    const float = header.dtype === "float32", {channels, samplerate} = header;
    const samples = float ? new Float32Array(data) : new Int16Array(data);
    const buffer = context.createBuffer(channels, samples.length / channels, samplerate);
    for (let c = 0; c < channels; c++) {
      const channel = buffer.getChannelData(c);
      for (let n = 0; n < channel.length; n++)
        channel[n] = samples[n * channels + c] / (float ? 1 : 32768);
    }
    // Each block after the last one, a bit ahead of time.
    if (time < context.currentTime) time = context.currentTime + 0.1;
    const source = new AudioBufferSourceNode(context, {buffer});
    source.connect(context.destination);
    source.start(time);
    time += buffer.duration;
  };
}
</script>
"""


class Listener:
    """The blocks that wait for being sent to one listener."""

    def __init__(self, size):
        self.blocks = deque()
        self.size = size
        self.dropped_frames = 0
        self.unreported = 0
        self.news = asyncio.Event()

    def put(self, block):
        if len(self.blocks) == self.size:
            frames = len(self.blocks.popleft())
            self.dropped_frames += frames
            self.unreported += frames
        self.blocks.append(block)
        self.news.set()

    async def send(self, websocket, header):
        with contextlib.suppress(ConnectionClosed):
            await websocket.send(json.dumps(header))
            while True:
                await self.news.wait()
                self.news.clear()
                while self.blocks:
                    # Before anything is sent: meanwhile, more may be dropped.
                    block, dropped = self.blocks.popleft(), self.unreported
                    self.unreported = 0
                    if dropped:
                        await websocket.send(json.dumps({"dropped": dropped}))
                    await websocket.send(block.tobytes())


def page(connection, request):
    """The answer to a browser that does not want a websocket (yet)."""
    if "Upgrade" in request.headers:
        return None
    response = connection.respond(200, PAGE)
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "text/html; charset=utf-8"
    return response


async def run(args):
    stream = AsyncInputStream(
        args.samplerate, device=args.device, channels=args.channels, dtype=args.dtype
    )
    header = {"samplerate": stream.samplerate, "channels": stream.channels, "dtype": stream.dtype}
    size = max(1, round(args.queue * stream.samplerate / args.blocksize))
    listeners = set()

    async def welcome(websocket):
        listener = Listener(size)
        name = "{}:{}".format(*websocket.remote_address[:2])
        print(f"{name} listens")
        listeners.add(listener)
        sending = asyncio.create_task(listener.send(websocket, header))
        await websocket.wait_closed()
        sending.cancel()
        listeners.discard(listener)
        print(f"{name} has gone; {listener.dropped_frames} frames were dropped")

    server = serve(
        welcome, args.host, args.port, process_request=page, compression=None, close_timeout=1
    )
    async with server as server, stream:
        for listening in server.sockets:
            # What a slow listener has not got yet shall wait in its queue, not in the system.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        print(f"http://{args.host}:{server.sockets[0].getsockname()[1]}")
        async for block in stream.blocks(args.blocksize):
            for listener in listeners:
                listener.put(block)


def int_or_str(text):
    return int(text) if text.isdigit() else text


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument(
    "-l",
    "--list-devices",
    action="version",
    version=str(sd.query_devices()),
    help="show all devices and exit",
)
parser.add_argument(
    "-d", "--device", type=int_or_str, help="input device (number or part of its name)"
)
parser.add_argument("-c", "--channels", type=int, default=1, help="default: %(default)s")
parser.add_argument("-r", "--samplerate", type=int, help="default: the device's")
parser.add_argument("--dtype", choices=["float32", "int16"], default="float32")
parser.add_argument(
    "-b", "--blocksize", type=int, default=1024, help="frames per message (default: %(default)s)"
)
parser.add_argument(
    "--queue", type=float, default=2, help="seconds kept for a slow listener (default: %(default)s)"
)
parser.add_argument("--host", default="localhost", help="0.0.0.0: everybody may listen")
parser.add_argument("--port", type=int, default=8765, help="default: %(default)s")
args = parser.parse_args()
if args.blocksize < 1:
    parser.error("--blocksize must be positive")

try:
    asyncio.run(run(args))
except KeyboardInterrupt:
    parser.exit(0, "\n")
except sd.PortAudioError as error:
    parser.exit(1, f"{parser.prog}: {error} (-l lists the devices)\n")
except (OSError, RuntimeError, ValueError) as error:
    parser.exit(1, f"{parser.prog}: {error}\n")
