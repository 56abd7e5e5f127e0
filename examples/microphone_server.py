#!/usr/bin/env python3
"""Serve the microphone to several listeners, over websockets.

A listener gets a JSON message with samplerate, channels and dtype, then blocks of samples as binary
messages. One that is too slow misses some, which a JSON message {"dropped": frames} says in their
place; the others do not notice. Open the address in a browser to listen there. Ctrl-C ends.

Pages of other sites get nothing. If other machines can connect, the address contains a token, and
listens only if it is right. The sound is not encrypted: in networks that you do not trust, listen
on localhost (the default), and use a tunnel.

    pip install 'pa-ringbuffer[sounddevice]' websockets
"""

# sounddevice has no types of its own.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import secrets
import socket
import urllib.parse
from collections import deque
from typing import TYPE_CHECKING, Any

try:
    from pa_ringbuffer.sounddevice import AsyncInputStream
    from sounddevice import PortAudioError, query_devices
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed
    from websockets.http11 import Request, Response
except (ImportError, OSError) as error:
    parser = argparse.ArgumentParser()
    # A missing PortAudio is no module, and comes with advice of its own.
    is_library = isinstance(error, ImportError) and error.name is None
    needs = "" if is_library else f" (needs: {(__doc__ or '').splitlines()[-1].strip()})"
    parser.exit(2, f"{parser.prog}: {error}{needs}\n")

if TYPE_CHECKING:
    import numpy.typing as npt

PAGE = """<!DOCTYPE html>
<title>Microphone</title>
<button onclick="listen(); this.disabled = true">Listen</button> <span id="text"></span>
<script>
function listen() {
  const context = new AudioContext(), socket = new WebSocket(location.href.replace("http", "ws"));
  let header, time = 0;
  socket.binaryType = "arraybuffer";
  socket.onclose = ({reason}) => text.textContent = reason || "The server has gone.";
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

    def __init__(self, size: int) -> None:
        self.blocks: deque[npt.NDArray[Any]] = deque()
        self.size = size
        self.dropped_frames = 0
        self.unreported = 0
        self.news = asyncio.Event()

    def put(self, block: npt.NDArray[Any]) -> None:
        if len(self.blocks) == self.size:
            frames = len(self.blocks.popleft())
            self.dropped_frames += frames
            self.unreported += frames
        self.blocks.append(block)
        self.news.set()

    async def send(self, websocket: ServerConnection, header: dict[str, Any]) -> None:
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


LOOPBACK = "localhost", "127.0.0.1", "::1"


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can connect to this address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Door:
    """Decides which requests are let in."""

    def __init__(self, host: str, port: int) -> None:
        self.token = None if is_loopback(host) else secrets.token_urlsafe()
        self.port = port
        # Names under which this server is known. Another name that leads here belongs to a site
        # that has pointed it to this machine, so that the browser takes its pages for ours.
        # No site can do so with the names that always mean the machine itself.
        self.names = {host, *LOOPBACK}
        if self.token is not None:
            self.names.add(socket.gethostname())

    def url(self, host: str) -> str:
        if host in ("", "0.0.0.0", "::"):
            host = socket.gethostname()
        query = f"/?token={self.token}" if self.token else ""
        return f"http://{in_url(host)}:{self.port}{query}"

    def complaint(self, connection: ServerConnection, request: Request) -> str | None:
        """What is wrong with a request, or None."""
        # Twice the same header could mean two things to two readers.
        if any(len(request.headers.get_all(name)) > 1 for name in ("Host", "Origin")):
            return "one Host, please, and at most one Origin"
        host, origin = request.headers.get("Host", "").lower(), request.headers.get("Origin")
        # The address that the listener has connected to is a name, too.
        names = {*self.names, connection.local_address[0]}
        hosts = {f"{in_url(name.lower())}:{self.port}" for name in names}
        if self.port == 80:
            hosts |= {in_url(name.lower()) for name in names}
        if host not in hosts:
            return f"this is not {host}"
        # Browsers say which page wants to connect. Other programs do not.
        if origin is not None and origin.lower() != f"http://{host}":
            return "this is not for pages of other sites"
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)
        given = query.get("token", [""])[0].encode(errors="replace")
        # In constant time: an attacker could measure how much of a guess was right.
        if self.token and not secrets.compare_digest(given, self.token.encode()):
            return "the token is missing or wrong: use the address that the server has printed"
        return None

    def process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to what is no websocket, or must not become one."""
        if complaint := self.complaint(connection, request):
            return connection.respond(403, f"{complaint}\n")
        if "Upgrade" in request.headers:
            return None
        response = connection.respond(200, PAGE)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "text/html; charset=utf-8"
        # The address is a secret, if it contains a token.
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def run(args: argparse.Namespace) -> None:
    stream = AsyncInputStream(
        args.samplerate, device=args.device, channels=args.channels, dtype=args.dtype
    )
    header = {"samplerate": stream.samplerate, "channels": stream.channels, "dtype": stream.dtype}
    size = max(1, round(args.queue * stream.samplerate / args.blocksize))
    listeners: set[Listener] = set()

    async def welcome(websocket: ServerConnection) -> None:
        if len(listeners) >= args.listeners:
            await websocket.close(1013, "there are too many listeners")
            return
        listener = Listener(size)
        name = "{}:{}".format(*websocket.remote_address[:2])
        print(f"{name} listens")
        listeners.add(listener)
        sending = asyncio.create_task(listener.send(websocket, header))
        with contextlib.suppress(ConnectionClosed):
            # Waits until it has gone.
            await websocket.recv()
            await websocket.close(1008, "listeners have nothing to say")
        sending.cancel()
        listeners.discard(listener)
        print(f"{name} has gone; {listener.dropped_frames} frames were dropped")

    door = Door(args.host, args.port)
    server = serve(
        welcome,
        args.host,
        args.port,
        process_request=door.process_request,
        compression=None,
        # Of what listeners send, hardly anything is kept. (Headers have limits of their own.)
        max_size=125,
        max_queue=1,
        # Nor do they get more time than they need to come and to go.
        open_timeout=5,
        close_timeout=1,
    )
    async with server as server, stream:
        for listening in server.sockets:
            # What a slow listener has not got yet shall wait in its queue, not in the system.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        # With --port 0, the system has chosen one.
        door.port = server.sockets[0].getsockname()[1]
        print(door.url(args.host))
        async for block in stream.blocks(args.blocksize):
            for listener in listeners:
                listener.put(block)


def int_or_str(text: str) -> int | str:
    return int(text) if text.isdigit() else text


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument(
    "-l",
    "--list-devices",
    action="version",
    version=str(query_devices()),
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
parser.add_argument(
    "--listeners", type=int, default=8, help="maximum number at a time (default: %(default)s)"
)
parser.add_argument(
    "--host", default="localhost", help="0.0.0.0: also from other machines, with a token"
)
parser.add_argument("--port", type=int, default=8765, help="default: %(default)s")
args = parser.parse_args()
if args.blocksize < 1 or args.channels < 1 or args.listeners < 1:
    parser.error("--blocksize, --channels and --listeners must be positive")
# So much memory each listener may cost.
if not 0 < args.queue <= 60:
    parser.error("--queue must be positive, and at most 60 seconds")
if not 0 <= args.port < 65536:
    parser.error("--port must be below 65536")
try:
    socket.getaddrinfo(args.host or None, args.port)
except (OSError, UnicodeError) as error:
    parser.error(f"--host {args.host}: {error}")

try:
    asyncio.run(run(args))
except KeyboardInterrupt:
    parser.exit(0, "\n")
except PortAudioError as error:
    parser.exit(2, f"{parser.prog}: {error} (-l lists the devices)\n")
except ImportError as error:
    parser.exit(2, f"{parser.prog}: {error}\n")
except (OSError, RuntimeError, ValueError) as error:
    parser.exit(1, f"{parser.prog}: {error}\n")
