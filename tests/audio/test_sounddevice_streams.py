"""The ready-made streams under real PortAudio."""

import os
import subprocess
import sys

import pytest
from jack_crash import MachineTooSlow

blocksizes = pytest.mark.parametrize("blocksize", [64, 256, 0])


@blocksizes
@pytest.mark.parametrize("asyncio", [False, True], ids=["blocking", "asyncio"])
def test_nothing_is_lost_while_the_gil_is_held(jack_programs, blocksize, asyncio):
    result = jack_programs.run(
        "ready_made_duplex", blocksize=blocksize, seconds=3, ring_seconds=1, asyncio=asyncio
    )
    assert result["gil_was_held"]
    assert result["exact"] == result["frames"]
    assert result["silent_before"]
    assert result["silent_after"]
    assert result["losses"] == 0
    assert result["low_water"] > 0
    if blocksize:
        assert result["blocksizes"] == [blocksize, blocksize]
    assert "0 underflows" in result["repr"]


def test_everything_written_is_played_before_the_stream_is_left(jack_programs):
    recorder = jack_programs.start("record", blocksize=256, seconds=3, hold_gil=False)
    assert recorder.wait_for_line() == {"recording": True}
    player = jack_programs.run("ready_made_playback", seconds=3)
    recording = recorder.result()
    assert player == {"gil_was_held": True, "losses": 0, "left": 0}
    assert recording["exact"] == recording["frames"]
    assert recording["silent_before"]
    assert recording["silent_after"]


@pytest.mark.parametrize("stream", ["OutputStream", "RawOutputStream"])
def test_stop_plays_everything_that_was_written(jack_programs, stream):
    recorder = jack_programs.start("record", blocksize=256, seconds=1, hold_gil=False)
    assert recorder.wait_for_line() == {"recording": True}
    player = jack_programs.run("ready_made_stop", stream=stream, seconds=1)
    recording = recorder.result()
    # JACK may report an xrun while it connects the ports.
    assert player.pop("underflowed") in (False, True)
    assert player == {"left": 0, "stopped": True, "dropped": 0}
    assert recording["exact"] == recording["frames"]


def test_stop_ends_when_the_device_has_vanished(jack_server, jack_programs):
    program = jack_programs.start("ready_made_vanish", how="stop", close=True)
    assert program.wait_for_line() == {"running": True}
    jack_server.stop()
    result = program.result()
    assert result["error"] is None
    assert not result["active"]


def test_streams_have_the_properties_of_their_namesakes(jack_programs):
    result = jack_programs.run("ready_made_properties")
    assert result["block"] == [[1000, 1], "int16"]
    # JACK may report an xrun while it connects the ports.
    assert result["overflowed"] in (False, True)
    assert result["raw"][:2] == ["bytearray", 300]
    assert "device" in result["repr"] and "48000 Hz" in result["repr"]
    assert result["values"] == [
        48000,
        [1, 2],
        ["int16", "float32"],
        [2, 4],
        2,
        True,
        False,
        False,
        0,
    ]
    assert result["positive"]
    assert result["cpu_load"]
    assert result["all channels"] == 2
    assert result["after"] == [False, True, True]
    assert result["no such device"][0] == "ValueError"
    assert "no such device" in result["no such device"][1]
    assert result["too many channels"][0] == "PortAudioError"
    assert result["wrong rate"][0] == "PortAudioError"
    assert "Error opening OutputStream: Invalid sample rate" in result["wrong rate"][1]
    for name in ("int24", "default int24"):
        assert result[name][0] == "ValueError"
        assert "use int32, which is lossless" in result[name][1]
    assert result["callback"][0] == "TypeError"
    assert result["closed"] == ["StreamStoppedError", "the stream is closed"]


@pytest.mark.parametrize("close", [True, False], ids=["closed", "left open"])
@pytest.mark.parametrize("how", ["write", "blocks", "drain", "asyncio"])
def test_a_device_that_vanishes_is_an_error_and_not_a_hang(jack_server, jack_programs, how, close):
    program = jack_programs.start("ready_made_vanish", how=how, close=close)
    assert program.wait_for_line() == {"running": True}
    jack_server.stop()
    result = program.result()
    assert "the stream is not running: " in result["error"]
    assert "may have been disconnected" in result["error"]
    assert not result["active"]
    assert result["closed"] == close
    # PortAudio 19.6 waits forever for a JACK server that has gone. Where it does not, all the
    # better.
    assert len(result["warnings"]) <= 1


@pytest.mark.parametrize("how", ["exit", "cycle", "waiting"])
def test_the_interpreter_exits_while_a_stream_runs(jack_programs, how):
    assert jack_programs.run("ready_made_ends", how=how) == {"ended": how}


@pytest.mark.impossible(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_exits_and_its_parent_plays_on(jack_programs):
    result = jack_programs.run("ready_made_ends", how="fork")
    assert result == {"child": 7, "active": True}


def test_what_the_callback_uses_is_there_in_every_order_of_destruction(jack_programs):
    assert jack_programs.run("ready_made_ends", how="orders") == {"rounds": 24}


PIP = "pip install 'pa-ringbuffer[sounddevice]'"


@pytest.mark.parametrize(
    ("program", "module", "error", "remedies"),
    [
        ("testing.Stream()", "numpy", "ModuleNotFoundError", ["pip install numpy"]),
        ("sounddevice.AsyncStream()", "numpy", "ModuleNotFoundError", ["pip install numpy"]),
        ("sounddevice", "sounddevice", "ModuleNotFoundError", [PIP]),
        (
            "sounddevice",
            "sounddevice",
            "OSError",
            ["apt install libportaudio2", "dnf install", "pacman -S", "brew install"],
        ),
    ],
)
def test_the_error_for_something_missing_says_how_to_install_it(
    tmp_path, program, module, error, remedies
):
    if module != "sounddevice":
        (tmp_path / "sounddevice.py").write_text("class PortAudioError(Exception): pass")
    (tmp_path / f"{module}.py").write_text(
        f"error = {error}('it is missing')\nerror.name = {module!r}\nraise error"
    )
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import pa_ringbuffer.{program.split('.')[0]}; pa_ringbuffer.{program}",
        ],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("ImportError: ")
    for remedy in remedies:
        assert remedy in last


@pytest.mark.parametrize("blocksize", [64, 0])
def test_what_is_heard_is_recorded_at_that_time(jack_programs, blocksize):
    result = jack_programs.run("ready_made_times", blocksize=blocksize)
    begin, end, recorded, heard = result["clock"]
    # The server records what it plays, and PortAudio knows how late both are.
    if result["losses"] and abs(recorded - heard) > 1e-6:
        raise MachineTooSlow(result)
    assert recorded == pytest.approx(heard, abs=1e-6)
    assert begin < recorded < end
    for steps in ("input steps", "output steps"):
        assert result[steps] == pytest.approx([1 / 48000, 100 / 48000, 1])
    # If PortAudio makes several blocks of a period, only the first one is due at once.
    input_frame, adc, output_frame, dac, _ = result["block"]
    assert input_frame > 0 and output_frame > 0
    assert adc < dac
