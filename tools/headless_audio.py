#!/usr/bin/env python3
"""Run a command on a machine without a sound device, with a virtual one that PortAudio finds.

    python tools/headless_audio.py -- python examples/play.py --device system

Starts a JACK server with a dummy device for this command, and stops it when the command has ended.
The exit status is the command's. The device is called "system": two output channels, and two input
channels that record the output.

Needs jackd2, and a PortAudio that has the JACK host API (Debian: jackd2, libportaudio2).

Two such commands can run at once, but programs that look for their devices at the same moment may
find none: JACK takes one for the other, since PortAudio has the same name in both.
"""

import argparse
import contextlib
import ctypes
import ctypes.util
import functools
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile

_numbers = itertools.count()

# jack_lsp would work, but newer distributions have it in a separate package; libjack is always
# installed with PortAudio. It runs in a process of its own, because libjack writes its problems to
# stderr.
_WAIT_UNTIL_UP = """
import ctypes, os, sys, time
jack = ctypes.CDLL(sys.argv[1])
jack.jack_client_open.restype = jack.jack_port_by_name.restype = ctypes.c_void_p
NO_START_SERVER = 1
# No other server's probe has this name: they would take each other's answers.
name = b"probe-%d" % os.getpid()
while not (client := jack.jack_client_open(name, NO_START_SERVER, None)):
    time.sleep(0.01)
client = ctypes.c_void_p(client)
while not jack.jack_port_by_name(client, b"system:playback_1"):
    time.sleep(0.01)
jack.jack_client_close(client)
"""


class JackServer:
    """A JACK server with a dummy device that records what it plays; a context manager.

    A synchronous server waits for late clients, so that a busy machine slows it down but loses no
    data. An asynchronous one drops late data, as a sound card does.

    End every process with an open stream before stopping the server; otherwise the process hangs.
    """

    def __init__(self, samplerate=48000, period=256, synchronous=True):
        name = f"headless-{os.getpid()}-{next(_numbers)}"
        #: The environment variables with which a process finds this server and no other.
        self.environment = {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
        scheduling = ["-r", "-S"] if synchronous else ["-R"]
        device = ["-d", "dummy", "-r", str(samplerate), "-p", str(period)]
        # The only inputs are the monitors of the outputs.
        channels = ["-C", "0", "-P", "2", "-m"]
        ports = ["-p", "128"]
        self._command = ["jackd", "--name", name, *scheduling, "-s", *ports, *device, *channels]
        self._process = None

    @staticmethod
    def missing():
        """The missing package without which such a server cannot run, or None."""
        if not shutil.which("jackd"):
            return "jackd (Debian: jackd2)"
        if not ctypes.util.find_library("jack"):
            return "libjack (Debian: libjack-jackd2-0)"
        return None

    def start(self, timeout=10):
        """Start the server, and return when clients can connect.

        :raises RuntimeError: With the server's output, if this takes longer than *timeout* seconds.
        """
        with tempfile.TemporaryFile("w+") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the command; if the server ends first, its clients hang.
                start_new_session=True,
                # If this process is killed, it cannot stop the server.
                preexec_fn=_end_with_parent(),
            )
            probe = subprocess.Popen(
                [sys.executable, "-c", _WAIT_UNTIL_UP, ctypes.util.find_library("jack")],
                env={**os.environ, **self.environment},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            up = False
            try:
                up = probe.wait(timeout) == 0
            except subprocess.TimeoutExpired:
                pass
            finally:
                probe.kill()
                probe.wait()
                if not up:
                    self._terminate(5)
            if not up:
                log.seek(0)
                raise RuntimeError(f"{' '.join(self._command)} did not come up:\n{log.read()}")

    def stop(self, timeout=5):
        """Stop the server, by force if it takes longer than *timeout* seconds."""
        if not self._terminate(timeout):
            # The machine has room for eight servers, by name. A killed server keeps its place until
            # another one with its name takes it over and ends.
            with contextlib.suppress(RuntimeError):
                self.start()
            self._terminate(timeout)

    def _terminate(self, timeout):
        """End the process; return whether it ended by itself."""
        process, self._process = self._process, None
        if process is None:
            return True
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False
        return True

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self.stop()


def _end_with_parent():
    """A function with which a child process arranges to be terminated when its parent ends."""
    PR_SET_PDEATHSIG = 1
    if sys.platform == "linux":
        return functools.partial(ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG, signal.SIGTERM)
    return None


def _run(command, environment):
    """Run the command to its end, despite Ctrl-C and termination requests; return its status."""
    with subprocess.Popen(command, env={**os.environ, **environment}) as process:
        # The terminal also sends Ctrl-C to the command; the server must be stopped after the
        # command.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        status = process.wait()
    return status if status >= 0 else 128 - status


def main():
    parser = argparse.ArgumentParser(
        description="Run a command with a sound device that records what it plays."
    )
    parser.add_argument("--samplerate", type=int, default=48000, help="frames per second")
    parser.add_argument("--period", type=int, default=256, help="frames per period of the device")
    parser.add_argument(
        "--asynchronous", action="store_true", help="drop what comes too late, as a sound card does"
    )
    parser.add_argument("command", nargs="+", help="the command and its arguments, after --")
    args = parser.parse_args()
    if missing := JackServer.missing():
        parser.exit(1, f"headless_audio: {missing} is not installed\n")
    with JackServer(args.samplerate, args.period, not args.asynchronous) as server:
        try:
            return _run(args.command, server.environment)
        except OSError as error:
            parser.exit(127, f"headless_audio: {args.command[0]}: {error.strerror}\n")


if __name__ == "__main__":
    sys.exit(main())
