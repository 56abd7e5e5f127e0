"""``python -m pa_ringbuffer demo``, as users call it."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading

import pytest


@pytest.fixture(autouse=True)
def extension(require):
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension module was not built")


def run(*arguments, prelude=None, interrupt_after=None):
    """Run the demo and return its exit status, output and errors."""
    command = ["-m", "pa_ringbuffer"]
    if prelude:
        # The same program, after changing something in it.
        program = (
            f"{prelude}\nimport sys; from pa_ringbuffer.__main__ import main; sys.exit(main())"
        )
        command = ["-c", program]
    process = subprocess.Popen(
        [sys.executable, *command, "demo", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
    )
    if interrupt_after:
        while interrupt_after not in process.stdout.readline():
            assert process.poll() is None
        threading.Timer(0.5, process.send_signal, [signal.SIGINT]).start()
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def row(output, name):
    """A number from the table."""
    (line,) = (line for line in output.splitlines() if f" {name} " in line)
    return int(line.split("│")[2].split()[0].replace(",", ""))


def test_everything_comes_back_equal():
    status, output, errors = run("--virtual", "--seconds", 2.5)
    assert (status, errors) == (0, "")
    assert row(output, "frames sent") == row(output, "frames compared") == 120_000
    assert row(output, "frames different") == row(output, "output underflows") == 0
    assert row(output, "longest Python stall") >= 200
    assert "Nothing was lost" in output and "the virtual device" in output


@pytest.mark.parametrize(
    ("name", "samplerate", "channels", "subtype"),
    [("a.wav", 44100, 1, "FLOAT"), ("a.flac", 96000, 6, "PCM_24"), ("a.ogg", 22050, 2, "VORBIS")],
)
def test_sound_files_of_any_kind_are_streamed(
    tmp_path, numpy, soundfile, name, samplerate, channels, subtype
):
    sound = numpy.random.default_rng(1).uniform(-0.5, 0.5, (samplerate // 2, channels))
    soundfile.write(tmp_path / name, sound, samplerate, subtype)
    status, output, errors = run(tmp_path / name, "--virtual")
    assert (status, errors) == (0, "")
    assert row(output, "frames compared") == samplerate // 2
    status, output, errors = run(tmp_path / name, "--virtual", "--seconds", 0.25)
    assert (status, errors) == (0, "")
    assert row(output, "frames compared") == round(samplerate / 4)


def test_a_file_name_is_printed_as_it_is(tmp_path, numpy, soundfile):
    file = tmp_path / "song[live][red].wav"
    soundfile.write(file, numpy.zeros((4800, 2)), 48_000)
    status, output, errors = run(file, "--virtual")
    assert (status, errors) == (0, "")
    assert file.name in output


@pytest.mark.parametrize("frames", [1, 255, 257, 65_535, 65_536, 65_537])
def test_every_frame_comes_back_whatever_the_length(frames):
    status, output, errors = run("--virtual", "--seconds", frames / 48_000)
    assert (status, errors) == (0, "")
    assert row(output, "frames sent") == row(output, "frames compared") == frames
    assert row(output, "frames different") == 0


def test_a_stall_longer_than_the_ring_holds_is_reported_as_loss():
    status, output, _ = run(
        "--virtual", "--seconds", 4, prelude="import pa_ringbuffer.demo as demo; demo.STALL = 2.0"
    )
    assert status == 1
    assert row(output, "output underflows") > 0
    assert "Frames were lost" in output


def test_a_sample_that_comes_back_different_is_reported_as_loss():
    status, output, _ = run(
        "--virtual",
        "--seconds",
        0.5,
        prelude=(
            "import pa_ringbuffer.demo as demo\n"
            "sent = demo.Comparison.sent\n"
            "def change(self, block):\n"
            "    block = block.copy(); block[7, 1] += 1e-7; sent(self, block)\n"
            "demo.Comparison.sent = change"
        ),
    )
    assert status == 1
    assert row(output, "frames different") > 0
    assert "came back different" in output


def test_a_device_that_stops_is_reported_as_loss():
    prelude = (
        "import threading, pa_ringbuffer.demo as demo\n"
        "open_stream = demo.open_stream\n"
        "def open_and_stop(*arguments):\n"
        "    stream, device = open_stream(*arguments)\n"
        "    threading.Timer(1, stream.abort).start()\n"
        "    return stream, device\n"
        "demo.open_stream = open_and_stop"
    )
    status, output, errors = run("--virtual", "--seconds", 60, prelude=prelude)
    assert (status, errors) == (1, "")
    assert "Frames were lost" in output and "frames were not played" in output


@pytest.mark.impossible(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_ends_it_with_the_figures_so_far():
    # Once it plays, there is something to interrupt.
    prelude = (
        "import pa_ringbuffer.demo as demo\n"
        "run = demo.Transfer.run\n"
        "def say(self, *arguments):\n"
        "    print('playing now', flush=True)\n"
        "    run(self, *arguments)\n"
        "demo.Transfer.run = say"
    )
    status, output, errors = run(
        "--virtual", "--seconds", 60, prelude=prelude, interrupt_after="playing now"
    )
    assert (status, errors) == (130, "")
    assert row(output, "frames sent") > 0
    assert "Interrupted" in output


def test_a_missing_file_is_named():
    status, _, errors = run("no such file.wav", "--virtual")
    assert status == 2
    assert errors == "error: there is no file 'no such file.wav'\n"


def test_a_file_that_is_no_sound_file_is_named(tmp_path):
    file = tmp_path / "text.wav"
    file.write_text("la la la")
    status, _, errors = run(file, "--virtual")
    assert status == 2
    assert str(file) in errors and "Traceback" not in errors


def test_a_file_that_is_damaged_is_named(tmp_path, numpy, soundfile):
    file = tmp_path / "cut.flac"
    sound = numpy.random.default_rng(1).uniform(-0.5, 0.5, (48_000, 2))
    soundfile.write(file, sound, 48_000)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    status, _, errors = run(file, "--virtual")
    assert status == 2
    assert errors.startswith("error: ") and str(file) in errors and errors.count("\n") == 1


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_impossible_seconds_are_refused(seconds):
    status, _, errors = run(f"--seconds={seconds}")
    assert status == 2
    assert "--seconds" in errors and "Traceback" not in errors


def test_an_unknown_device_is_named(require):
    try:
        import sounddevice  # noqa: F401
    except (ImportError, OSError) as error:
        require(False, f"sounddevice or PortAudio is missing: {error}")
    status, _, errors = run("--device", "no such device")
    assert status == 2
    assert "no such device" in errors and "Traceback" not in errors


def test_without_portaudio_the_virtual_device_is_used_and_the_reason_told():
    prelude = (
        "import sys, types, importlib.abc\n"
        "class Missing(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'sounddevice':\n"
        "            raise OSError('PortAudio library not found')\n"
        "sys.meta_path.insert(0, Missing())"
    )
    status, output, _ = run("--seconds", 0.5, prelude=prelude)
    assert status == 0
    assert "No sound card is used: PortAudio library not found: " in output
    assert "apt install libportaudio2" in output
    status, _, errors = run("--device", "3", prelude=prelude)
    assert status == 2
    assert errors.startswith("error: --device needs sounddevice and PortAudio")
    assert "apt install libportaudio2" in errors and errors.count("\n") == 1


def test_without_sounddevice_the_command_that_installs_it_is_told_in_full():
    status, output, _ = run(
        "--seconds", 0.5, prelude="import sys; sys.modules['sounddevice'] = None"
    )
    assert status == 0
    assert "No sound card is used: " in output
    assert "pip install 'pa-ringbuffer[sounddevice]'" in output


def test_a_missing_package_is_named_with_the_command_that_installs_it():
    status, _, errors = run(prelude="import sys; sys.modules['rich.console'] = None")
    assert status == 2
    assert "rich" in errors and "pip install 'pa-ringbuffer[demo]'" in errors


def test_without_extension_it_says_so():
    status, _, errors = run(prelude="import sys; sys.modules['pa_ringbuffer._native'] = None")
    assert status == 2
    assert "the extension module, which this installation" in errors
