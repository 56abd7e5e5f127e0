"""The demo, as users run it, on PortAudio's device."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def run(jack_server):
    """Run Python with arguments; returns status, output and errors."""

    def run(*arguments):
        result = subprocess.run(
            [sys.executable, *map(str, arguments)],
            env={**os.environ, **jack_server.environment, "COLUMNS": "200"},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        return result.returncode, result.stdout, result.stderr

    return run


@pytest.fixture
def sound_file(tmp_path, numpy, soundfile):
    """Makes a file with two seconds of noise."""

    def sound_file(samplerate=48000, channels=2):
        path = tmp_path / "noise.wav"
        sound = numpy.random.default_rng(3).uniform(-0.5, 0.5, (2 * samplerate, channels))
        soundfile.write(path, sound, samplerate)
        return path

    return sound_file


def assert_played(result, frames):
    """Nothing was missing in the ring; whether the device was in time, is up to the machine."""
    status, output, errors = result
    rows = dict(line.split("│")[1:3] for line in output.splitlines() if line.startswith("│"))
    rows = {name.strip(): value.strip() for name, value in rows.items()}
    assert errors == ""
    assert rows["frames sent"] == f"{frames:,}"
    assert rows["output underflows"] == "0 (0 frames of silence)"
    xruns = int(rows["xruns of the device"])
    if xruns == 0:
        assert status == 0
        assert f"Nothing was lost: the callback played all {frames:,} frames" in output
    else:
        assert status == 1
        reported = f"the device reported {xruns} xrun{'' if xruns == 1 else 's'}"
        assert f"Frames were lost: {reported}.\n" in output


def test_the_demo_plays_on_a_device_while_python_stalls(run):
    arguments = ["demo", "--device", "system", "--seconds", 3]
    assert_played(run("-m", "pa_ringbuffer", *arguments), 144_000)


def test_the_demo_plays_a_file_on_a_device(run, sound_file):
    arguments = ["demo", sound_file(), "--device", "system"]
    assert_played(run("-m", "pa_ringbuffer", *arguments), 96_000)


@pytest.mark.parametrize(("samplerate", "channels"), [(44100, 2), (48000, 6)])
def test_the_demo_says_what_a_device_cannot_play(run, sound_file, samplerate, channels):
    file = sound_file(samplerate, channels)
    status, _, errors = run("-m", "pa_ringbuffer", "demo", file, "--device", "system")
    assert status == 2
    assert f"the device cannot play {channels} channels at {samplerate} Hz" in errors


def test_the_demo_lists_devices_that_can_play_where_one_is_unknown(run):
    status, _, errors = run("-m", "pa_ringbuffer", "demo", "--device", "no such device")
    assert status == 2
    assert "no such device" in errors and "system" in errors
