"""Tests that play: each stream in a process of its own, with a time limit.

PortAudio looks for its devices only once in the life of a process, and a stream that hangs cannot
be given up from within.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from headless_audio import JackServer
from jack_crash import AGAIN, JackCrash, jack_has_crashed
from only_jack_server import only_jack_server, turn

HERE = Path(__file__).parent
# There is no compiled callback for any other Python.
collect_ignore_glob = [] if sys.implementation.name == "cpython" else ["test_*.py"]

# Longer than the programs give themselves: only for one that cannot even do that.
TIME_LIMIT = 90


def pytest_collection_modifyitems(items):
    """Run a test again that JACK or a busy machine has spoilt."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(AGAIN)


class Program:
    """A running program from the folder programs/, which sends lines of JSON."""

    def __init__(self, name, environment, config):
        self.process = subprocess.Popen(
            [sys.executable, HERE / "programs" / f"{name}.py", json.dumps(config)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_line(self):
        """Wait until the program says something, and return it."""
        line = self.process.stdout.readline()
        if not line:
            self.result()
        return json.loads(line)

    def result(self):
        """Wait for the end of the program, and return the last thing it said."""
        try:
            output, errors = self.process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, errors = self.process.communicate()
        status = self.process.returncode
        crashed = jack_has_crashed(status, errors)
        if crashed and not output:
            raise JackCrash(errors)
        if not output or (status and not crashed):
            pytest.fail(f"status {status}, output {output!r}, errors:\n{errors}")
        return json.loads(output.splitlines()[-1])

    def kill(self):
        """End the program if it still runs."""
        self.process.kill()
        # Also closes the pipes.
        self.process.communicate()


class Programs:
    """Starts programs, and sees to it that none is left."""

    def __init__(self, environment):
        self._environment = environment
        self._programs = []

    def start(self, name, **config):
        """Start a program."""
        program = Program(name, self._environment, config)
        self._programs.append(program)
        return program

    def run(self, name, **config):
        """Run a program, and return its result."""
        return self.start(name, **config).result()

    def end(self):
        """End all programs."""
        for program in self._programs:
            program.kill()


@pytest.fixture
def programs():
    """Programs that need no sound device."""
    programs = Programs({})
    yield programs
    programs.end()


@pytest.fixture(scope="session")
def portaudio_finds_jack(require):
    """Whether PortAudio is there, and finds the device "system" of a JACK server."""
    missing = JackServer.missing()
    require(not missing, f"{missing} is not installed")
    require(importlib.util.find_spec("sounddevice"), "sounddevice is not installed")
    look = "import sounddevice; sounddevice.check_input_settings('system')"
    with only_jack_server() as server:
        result = subprocess.run(
            [sys.executable, "-c", look],
            env={**os.environ, **server.environment},
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
        )
    require(
        result.returncode == 0,
        f"there is no PortAudio with JACK (Debian: libportaudio2): {result.stderr.strip()[-200:]}",
    )


@pytest.fixture
def jack_turn(portaudio_finds_jack):
    """For programs that start a JACK server themselves."""
    with turn():
        yield


@pytest.fixture
def jack_server(portaudio_finds_jack):
    """A JACK server that records what it plays, for one test."""
    with only_jack_server() as server:
        yield server


@pytest.fixture
def jack_programs(jack_server):
    """Programs that find the JACK server's device; they end before the server does."""
    programs = Programs(jack_server.environment)
    yield programs
    programs.end()
