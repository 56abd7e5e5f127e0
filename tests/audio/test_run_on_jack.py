"""``python -m pa_ringbuffer run`` with PortAudio: rtmixer is left alone, and --compare compares."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jack_crash import MachineTooSlow
from only_jack_server import only_jack_server

PROGRAMS = Path(__file__).parent / "programs"

STALLING = """
import ctypes, sys, time
import numpy as np
import sounddevice as sd

def callback(outdata, frames, time, status):
    outdata[:] = 0

with sd.OutputStream(48000, 256, device="system", channels=1, callback=callback):
    end = time.monotonic() + 2
    while time.monotonic() < end:
        # As a call into C that keeps the GIL.
        ctypes.PyDLL(None).usleep(60000)
        time.sleep(0.2)
sys.exit(5)
"""


@pytest.fixture
def server(portaudio_finds_jack):
    # It does not wait for programs that are late.
    with only_jack_server(synchronous=False) as server:
        yield server


def run(server, *arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "pa_ringbuffer", "run", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **server.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=80,
    )


def rows(table):
    """The table of --compare: for each row, a list of cells."""
    lines = [line for line in table.splitlines() if "  " in line]
    second = lines[0].index("pa_ringbuffer")
    first = lines[0].index("sounddevice")
    return {
        line[:first].strip(): [line[first:second].strip(), line[second:].strip()] for line in lines
    }


def test_both_ways_are_compared(server, tmp_path):
    (tmp_path / "stalling.py").write_text(STALLING)
    result = run(server, "--compare", "--ahead", "0.3", "stalling.py", cwd=tmp_path)
    assert result.returncode == 5, result.stderr
    begin = result.stderr.index("               ")
    table = rows(result.stderr[begin:])
    assert table["exit status"] == ["5", "5"]
    assert table["Python may be late by"] == ["", "300 ms"]
    assert "output underflow" in table["reported by the device"][0]
    assert table["lost"][0].split()[0].isdigit()
    assert int(table["Python was late by"][0].split()[0]) >= 30
    assert table["enough would have been"][0] == ""
    if table["lost"][1] != "nothing":
        raise MachineTooSlow(result.stderr)


def test_rtmixer_gets_what_it_uses_of_sounddevice(server, require):
    require(importlib.util.find_spec("rtmixer"), "rtmixer is not installed")
    config = '{"streams": 1, "channels": 2, "blocksize": 256, "seconds": 1}'
    plain = subprocess.run(
        [sys.executable, PROGRAMS / "rtmixer_ring_class.py", config],
        env={**os.environ, **server.environment},
        capture_output=True,
        text=True,
        timeout=80,
    )
    result = run(server, PROGRAMS / "rtmixer_ring_class.py", config)
    assert (result.returncode, result.stdout) == (plain.returncode, plain.stdout), result.stderr
    assert "has opened no stream of sounddevice" in result.stderr
    result = run(server, PROGRAMS / "rtmixer_buffers.py", config)
    assert result.returncode == 0, result.stderr
