"""One cell of the tables: a player and, with PortAudio, a receiver, each with a time limit."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).parent

#: Seconds that a process gets on top of what it plays.
TIME_LIMIT = 30


class Failed(Exception):
    """A process has ended without sending its result."""


class Program:
    """A running program of this folder, which sends lines of JSON; a context manager."""

    def __init__(self, name, config, environment):
        # An unread pipe could fill up and block the process.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / f"{name}.py"), json.dumps(config)],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._hung = False
        self._name = name
        limit = config["frames"] / 48000 + TIME_LIMIT
        self._timer = threading.Timer(limit, self._give_up)
        self._timer.start()

    def _give_up(self):
        self._hung = True
        self._process.kill()

    def wait_for_line(self):
        """The next message of the program."""
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        status = self._process.wait()
        if self._hung:
            raise Failed(f"{self._name} hung")
        if status < 0:
            raise Failed(f"{self._name} crashed ({signal.Signals(-status).name})")
        self._errors.seek(0)
        *_, last = ["no message", *self._errors.read().split("\n")[:-1]]
        raise Failed(f"{self._name} failed: {last}")

    def tell(self):
        """Tell the program to continue."""
        # If it has ended, its next message will be missing.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("\n")
            self._process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, exception_type, *exception):
        if exception_type is None:
            # A stream must be closed before the JACK server may be stopped. How that ends, even
            # with a crash, does not affect the measurement.
            self._process.wait()
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._errors.close()


def run(config, environment):
    """Measure one cell; return its figures, or the reason of a failure under ``failed``."""
    try:
        if config["device"] == "virtual":
            return _run_on_virtual_device(config, environment)
        return _run_on_portaudio(config, environment)
    except Failed as failure:
        return {"failed": str(failure)}


def _run_on_virtual_device(config, environment):
    with Program("player", config, environment) as player:
        player.wait_for_line()
        player.tell()
        return player.wait_for_line()


def _run_on_portaudio(config, environment):
    with (
        Program("receiver", config, environment) as receiver,
        Program("player", config, environment) as player,
    ):
        player.wait_for_line()
        receiver.wait_for_line()
        player.tell()
        received = receiver.wait_for_line()
        player.tell()
        result = player.wait_for_line()
    result["judgement"] = received.pop("judgement")
    result["receiver"] = received
    if received["overflow_frames"]:
        raise Failed("receiver lost frames itself")
    return result
