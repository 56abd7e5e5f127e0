"""The programs of the tutorials and recipes, as readers run them.

A virtual sound card has something to record for them and keeps what they play; some also run on the
JACK server. What they say to wrong arguments is tested, and that Ctrl-C ends them in order.
"""

import functools
import importlib.util
import json
import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest
from jack_crash import JackCrash, MachineTooSlow, jack_has_crashed

ROOT = Path(__file__).parents[2]
RECIPES, TUTORIALS = ROOT / "examples" / "recipes", ROOT / "examples" / "tutorials"
CARD = ROOT / "tests" / "virtual_card.py"
GUI = Path(__file__).parent / "programs" / "gui_recipe.py"
EXAMPLE = Path(__file__).parent / "programs" / "example.py"
PLAY_FILE = ROOT / "examples" / "play_file.py"
RATE = 48000
TIME_LIMIT = 60
# What programs may import.
MODULES = {
    "numpy": "NumPy is not installed",
    "soundfile": "soundfile or libsndfile is not installed",
    "tkinter": "this Python has no Tk (Debian: python3-tk)",
    "PySide6.QtWidgets": "PySide6-Essentials or a library of Qt (Debian: libegl1) is missing",
}


@functools.cache
def can_import(module):
    """Whether a module and its libraries are there, without loading them into this process."""
    return not subprocess.run(
        [sys.executable, "-c", f"import {module}"], stderr=subprocess.DEVNULL
    ).returncode


NEEDS_SIGINT = pytest.mark.impossible(sys.platform == "win32", "there is no SIGINT to send")


class Program:
    """A program of the documentation that runs."""

    def __init__(self, command, folder, environment):
        self.process = subprocess.Popen(
            [sys.executable, "-u", *map(str, command)],
            cwd=folder,
            env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        # communicate() would close it, and with that say that there is nothing more to come.
        self.stdin, self.process.stdin = self.process.stdin, None
        # A program that hangs must not hang the test.
        self._alarm = threading.Timer(TIME_LIMIT, self.process.kill)
        self._alarm.start()

    def wait_for(self, text):
        """Wait for a line with this text, and return it."""
        for line in self.process.stdout:
            if text in line:
                return line
        return pytest.fail(f"ended without {text!r}: {self.finish()}")

    def say(self, text):
        """Type a line."""
        self.stdin.write(f"{text}\n")
        self.stdin.flush()

    def finish(self, interrupt=False):
        """Wait for the end; returns status, output and errors."""
        if interrupt:
            self.process.send_signal(signal.SIGINT)
        try:
            output, errors = self.process.communicate()
        finally:
            self._alarm.cancel()
        if jack_has_crashed(self.process.returncode, errors):
            raise JackCrash(errors)
        return self.process.returncode, output, errors

    def succeed(self, interrupt=False):
        """Wait for an end without errors or losses, and return the output and the log."""
        status, output, errors = self.finish(interrupt)
        assert status == 0, errors
        assert "Traceback" not in errors
        if re.search(r"derflow in|verflow in|[1-9]\d* (under|over)flows \(", output + errors):
            raise MachineTooSlow(output + errors)
        return output + errors

    def kill(self):
        """End the program if it still runs."""
        self.process.kill()
        self._alarm.cancel()
        self.process.wait()
        for pipe in self.stdin, self.process.stdout, self.process.stderr:
            pipe.close()


@pytest.fixture
def start(require, tmp_path):
    """Start a program with the virtual card, or as it is."""
    started = []

    def start(path, *arguments, card=None, by=(), environment=None):
        require(importlib.util.find_spec("pa_ringbuffer._native"), "there is no extension module")
        require(importlib.util.find_spec("cffi"), "CFFI is not installed")
        source = path.read_text("utf-8")
        for module, reason in MODULES.items():
            if re.search(rf"^(import|from) {module}\b", source, re.MULTILINE):
                require(can_import(module), reason)
        command = [*by, path, *arguments]
        if card is not None:
            if "sound" in card:
                np.save(tmp_path / "sound.npy", card["sound"])
                card = {**card, "sound": str(tmp_path / "sound.npy")}
            config = json.dumps({"heard": str(tmp_path / "heard"), **card})
            command = [*(by or [CARD]), config, path, *arguments]
        program = Program(command, tmp_path, environment or {})
        started.append(program)
        return program

    yield start
    for program in started:
        program.kill()


@pytest.fixture
def heard(tmp_path):
    """What the program's stream with this number has played."""
    return lambda number=0: np.load(tmp_path / f"heard{number}.npy")


def noise(frames, channels=1, seed=1):
    """Float32 samples that survive 24 bits, and none of them is zero."""
    numbers = np.random.default_rng(seed).integers(1 << 20, 1 << 22, (frames, channels))
    return (numbers / (1 << 23)).astype("float32")


def frames_of(stats):
    """How many frames the device has had, from what a program prints as `stream.stats`."""
    return 256 * int(re.search(r"<Stats: (\d+) blocks of 256 frames", stats)[1])


def silence(frames, channels=1):
    return np.zeros((frames, channels), "float32")


def find(part, whole):
    """Where an array is within another one."""
    for begin in np.flatnonzero(whole[: len(whole) - len(part) + 1, 0] == part[0, 0]):
        if np.array_equal(whole[begin : begin + len(part)], part):
            return int(begin)
    return pytest.fail(f"{len(part)} frames are not in {len(whole)}")


# Recipes


@NEEDS_SIGINT
def test_voice_recorder_keeps_each_sound_with_the_moment_before_it(start, soundfile, tmp_path):
    block = RATE // 50
    sound = np.concatenate(
        [
            silence(10 * block),
            noise(5 * block),
            silence(5 * block),  # too short to end a take
            noise(5 * block, seed=2),
            silence(20 * block),
            noise(5 * block, seed=3),
            silence(40 * block),
        ]
    )
    card = {"sound": sound, "until": len(sound), "end": "interrupt"}
    arguments = ["--virtual", ".", "--before", 0.1, "--after", 0.2]
    output = start(RECIPES / "voice_recorder.py", *arguments, card=card).succeed()
    assert output.splitlines()[1:3] == ["    0.22 s: take-001.wav", "    0.92 s: take-002.wav"]
    for number, (begin, end) in enumerate([(5, 35), (40, 60)], 1):
        take, _ = soundfile.read(tmp_path / f"take-{number:03}.wav", dtype="float32")
        assert np.array_equal(take, sound[begin * block : end * block, 0])
    assert len(list(tmp_path.glob("*.wav"))) == 2


@NEEDS_SIGINT
def test_voice_recorder_finishes_a_take_at_ctrl_c_and_overwrites_none(start, soundfile, tmp_path):
    (tmp_path / "take-001.wav").write_text("mine")
    card = {"sound": noise(5 * RATE), "until": RATE // 2, "end": "interrupt"}
    start(RECIPES / "voice_recorder.py", "--virtual", ".", card=card).succeed()
    take, _ = soundfile.read(tmp_path / "take-002.wav", dtype="float32", always_2d=True)
    assert len(take) > RATE // 10 and np.array_equal(take, card["sound"][: len(take)])
    assert (tmp_path / "take-001.wav").read_text() == "mine"


@NEEDS_SIGINT
def test_looper_repeats_what_was_played_where_it_was_heard(start, heard):
    loop, begin, click = RATE, 30000, noise(64)
    sound = np.concatenate([silence(begin), click])
    card = {"sound": sound, "until": round(2.9 * RATE), "end": "interrupt"}
    arguments = ["--virtual", "--seconds", 1, "--ahead", 0.5, "--keep", 0.5]
    start(RECIPES / "looper.py", *arguments, card=card).succeed()
    played = heard()
    # The input of the virtual device is a block late: what it records now was heard 256 frames ago.
    first = begin - 256 + loop
    for around in 0, 1:
        part = slice(first + around * loop, first + around * loop + len(click))
        # Each time around, the sound is replaced by what is kept of it, and heard on both channels.
        assert np.array_equal(played[part], np.repeat(click, 2, axis=1) * np.float32(0.5**around))
    assert np.count_nonzero(played[: first + 2 * loop - 1]) == 4 * len(click)


@NEEDS_SIGINT
def test_monitor_channel_plays_one_channel_and_then_another_one(start, heard):
    sound = noise(4 * RATE, 4)
    card = {"sound": sound, "until": 2 * RATE, "end": "interrupt"}
    arguments = [3, "--virtual", "--inputs", 4, "--ahead", 0.6]
    program = start(RECIPES / "monitor_channel.py", *arguments, card=card)
    program.wait_for("channel 3 of 4")
    program.say(5)
    program.wait_for("from 1 to 4")
    program.say(2)
    program.wait_for("channel 2")
    program.succeed()
    played = heard()
    assert np.array_equal(played[:, 0], played[:, 1])
    (loud,) = np.nonzero(played[:, 0])
    played = played[loud[0] : loud[-1] + 1, 0]
    # In the end, it is channel 2. How long ago that was recorded does not change.
    end = find(played[-64:, np.newaxis], sound[:, 1:2]) + 64
    before, after = (played == sound[end - len(played) : end, channel] for channel in (2, 1))
    change = len(played) - after[::-1].argmin() if not after.all() else 0
    assert len(played) > RATE // 2 and before[:change].all() and after[change:].all()


def test_monitor_channel_ends_with_its_input(start):
    program = start(RECIPES / "monitor_channel.py", "--virtual")
    program.wait_for("channel 1 of 2")
    program.stdin.close()
    assert program.succeed() == ""


@NEEDS_SIGINT
def test_listeners_do_not_lose_what_a_slow_one_loses(start, soundfile, tmp_path):
    card = {"sound": noise(4 * RATE), "until": 2 * RATE, "end": "interrupt"}
    program = start(RECIPES / "listeners.py", "--virtual", "all.wav", card=card)
    output = program.succeed()
    file, meter, analysis = map(int, re.search(r"dropped: (\d+) (\d+) (\d+)", output).groups())
    assert (file, meter) == (0, 0) and analysis > 0
    recorded, _ = soundfile.read(tmp_path / "all.wav", dtype="float32", always_2d=True)
    assert len(recorded) > RATE and np.array_equal(recorded, card["sound"][: len(recorded)])
    assert len(re.findall(r"^  -6\.0 dB$", output, re.MULTILINE)) >= 10


@NEEDS_SIGINT
def test_long_recording_goes_on_in_the_next_file_without_a_gap(start, soundfile, tmp_path):
    card = {"sound": noise(4 * RATE, 2), "until": 2 * RATE, "end": "interrupt"}
    arguments = ["--virtual", ".", "--channels", 2, "--minutes", 0.01, "--ring", 5]
    log = start(RECIPES / "long_recording.py", *arguments, card=card).succeed()
    files = re.findall(r"INFO (.*\.flac)", log)
    parts = [soundfile.read(tmp_path / file, dtype="float32", always_2d=True)[0] for file in files]
    assert all(len(part) == round(0.6 * RATE) for part in parts[:-1]) and len(parts) >= 3
    recorded = np.concatenate(parts)
    assert np.array_equal(recorded, card["sound"][: len(recorded)])
    # Not even the frames of the last moment are missing.
    assert len(recorded) == frames_of(log)
    assert f"_{len(recorded) - len(parts[-1])}.flac" in files[-1]


@pytest.fixture
def display(require):
    """An X server without a screen."""
    require(shutil.which("Xvfb"), "Xvfb is not installed (Debian: xvfb)")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", "-screen", "0", "800x600x24"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        yield {"DISPLAY": f":{number}"}
        server.terminate()


@pytest.fixture
def environment(toolkit, request):
    """What a program with a window needs."""
    if toolkit == "tk":
        return request.getfixturevalue("display")
    return {"QT_QPA_PLATFORM": "offscreen"}


@pytest.mark.parametrize("toolkit", ["tk", "qt"])
def test_gui_has_a_slider_without_clicks_and_a_meter(start, heard, toolkit, environment):
    # What is recorded is half as loud as full scale: -6 dB.
    card = {"sound": noise(20 * RATE)}
    program = start(
        RECIPES / f"gui_{toolkit}.py", "--virtual", card=card, by=[GUI], environment=environment
    )
    seen = json.loads(re.search(r"^{.*}$", program.succeed(), re.MULTILINE)[0])
    assert seen["meter"] == pytest.approx(54, abs=0.6)
    played = heard(1)[:, 0]
    # Silence, then a sine of half scale, then one of an eighth, and no jump, not even at the end.
    assert not played[:12000].any()
    assert np.abs(played).max() == pytest.approx(0.5, rel=0.01)
    assert np.abs(played[57000:60000]).max() == pytest.approx(0.125, rel=0.01)
    assert not played[-1]
    steepest = 0.5 * 2 * np.pi * 440 / RATE
    assert np.abs(np.diff(played)).max() < steepest + 0.5 / 128


@NEEDS_SIGINT
@pytest.mark.parametrize("toolkit", ["tk", "qt"])
def test_gui_ends_with_ctrl_c(start, toolkit, environment):
    card = {"sound": silence(1), "until": RATE // 2, "end": "interrupt", "ahead": 0.4}
    program = start(RECIPES / f"gui_{toolkit}.py", "--virtual", card=card, environment=environment)
    program.succeed()


def test_tests_without_a_sound_card_pass_and_fail_without_their_sound(start, tmp_path):
    path = RECIPES / "test_without_sound_card.py"
    # They look at the sound: if a player plays it only once, a test can tell.
    broken = path.read_text("utf-8").replace("    stream.write(sound)\n", "", 1)
    (tmp_path / "test_broken.py").write_text(broken, "utf-8")
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path]
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    program = start(path, "test_broken.py", by=pytest, environment=environment)
    status, output, _ = program.finish()
    assert status == 1 and "1 failed, 9 passed" in output
    assert "FAILED test_broken.py::test_what_is_played_is_exact" in output


def test_choose_ring_shows_what_each_ring_loses(start):
    program = start(RECIPES / "choose_ring.py", "--virtual", "sort", "--seconds", 0.3)
    # There are losses, but none that the program would complain about.
    status, output, errors = program.finish()
    assert (status, errors) == (0, "")
    rows = [line.split() for line in output.splitlines()[1:]]
    assert [int(row[0]) for row in rows] == [1 << n for n in range(10, 16)]
    assert [int(row[1]) for row in rows] == [round((1 << n) / 48) for n in range(10, 16)]
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        # Sorting holds the GIL for longer than the shortest ring of 21 ms lasts.
        assert int(rows[0][2]) > 0 and int(rows[0][3]) > 0 and rows[0][5] == "0"


WRONG = [
    ("voice_recorder", ["missing"], "no folder 'missing'"),
    ("voice_recorder", [".", "--before", "-1"], "from 0 to 60 seconds, not -1"),
    ("voice_recorder", [".", "--after", "nan"], "from 0 to 60 seconds, not nan"),
    ("looper", ["--seconds", "0"], "--seconds from 1 to 600"),
    ("looper", ["--keep", "2"], "from 0 to 1, not 2"),
    ("monitor_channel", ["--virtual", "3"], "from 1 to 2, not 3"),
    ("monitor_channel", ["x"], "invalid int value: 'x'"),
    ("listeners", [], "required: file"),
    ("gui_tk", ["--frequency", "1"], "from 20 to 20000 Hz, not 1"),
    ("gui_qt", ["--frequency", "nan"], "from 20 to 20000 Hz, not nan"),
    ("long_recording", ["missing"], "no folder 'missing'"),
    ("long_recording", [".", "--minutes", "0"], "--minutes must be from 0.001"),
    ("long_recording", [".", "--channels", "9"], "from 1 to 8, as many as FLAC has, not 9"),
    ("choose_ring", ["work"], "invalid choice: 'work'"),
    ("choose_ring", ["none", "--seconds", "0"], "from 0.1 to 3600, not 0"),
]


def is_one_line(errors, name):
    """Whether there is one line that says what is wrong, after the usage and what libraries say."""
    return "Traceback" not in errors and errors.splitlines()[-1].startswith(f"{name}.py: ")


@pytest.mark.parametrize(("name", "arguments", "reason"), WRONG)
def test_recipes_say_which_argument_is_wrong(start, name, arguments, reason):
    status, output, errors = start(RECIPES / f"{name}.py", *arguments).finish()
    assert (status, output) == (2, "")
    assert errors.startswith("usage: ") and is_one_line(errors, name) and reason in errors


@NEEDS_SIGINT
@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("listeners", ["--virtual", "sound.nosuch"], "nosuch"),
        ("listeners", ["--virtual", "there.wav"], "there.wav"),
        ("looper", ["--virtual", "--ahead", "0.5", "--seconds", "1", "-d", "a", "b"], None),
    ],
)
def test_recipes_say_what_cannot_be_done(start, tmp_path, name, arguments, reason):
    (tmp_path / "there.wav").write_text("mine")
    program = start(RECIPES / f"{name}.py", *arguments)
    if reason is None:
        # The virtual device has any name.
        program.wait_for("Ctrl-C ends")
        assert program.succeed(interrupt=True) == "\n"
        return
    status, output, errors = program.finish()
    assert (status, output) == (1, "")
    assert is_one_line(errors, name) and reason in errors
    assert (tmp_path / "there.wav").read_text() == "mine"


# On PortAudio


@pytest.fixture
def start_on_jack(jack_server, start):
    """Start a program that finds the JACK server's device, which records what it plays."""

    def start_on_jack(path, *arguments):
        return start(path, *arguments, by=[EXAMPLE], environment=jack_server.environment)

    return start_on_jack


@NEEDS_SIGINT
@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("voice_recorder", [".", "-d", "system"], "listening"),
        ("looper", ["-d", "system", "system"], "a loop of 4 s"),
        ("monitor_channel", ["2", "-d", "system", "system"], "channel 2 of 2"),
        ("listeners", ["all.wav", "-d", "system"], "-120.0 dB"),
    ],
)
def test_recipes_run_on_portaudio_and_end_with_ctrl_c(start_on_jack, name, arguments, line):
    program = start_on_jack(RECIPES / f"{name}.py", *arguments)
    program.wait_for(line)
    status, _, errors = program.finish(interrupt=True)
    assert status == 0 and "Traceback" not in errors


@NEEDS_SIGINT
def test_long_recording_on_portaudio_has_what_was_played(start_on_jack, soundfile, tmp_path):
    sound = noise(RATE, 2)
    soundfile.write(
        tmp_path / "sound.wav", np.concatenate([silence(RATE, 2), sound]), RATE, "FLOAT"
    )
    recorder = start_on_jack(
        RECIPES / "long_recording.py", ".", "-c", 2, "-d", "system", "--minutes", 0.015
    )
    # The log begins with the first file.
    assert "INFO" in recorder.process.stderr.readline()
    start_on_jack(PLAY_FILE, "-d", "system", "sound.wav").succeed()
    recorder.succeed(interrupt=True)
    files = sorted(tmp_path.glob("*.flac"), key=lambda path: int(path.stem.rpartition("_")[2]))
    assert len(files) >= 3
    find(sound, np.concatenate([soundfile.read(file, dtype="float32")[0] for file in files]))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("voice_recorder", ["."]),
        ("looper", []),
        ("monitor_channel", []),
        ("listeners", ["all.wav"]),
        ("long_recording", ["."]),
        ("choose_ring", ["none"]),
    ],
)
def test_recipes_say_that_there_is_no_device(start, require, name, arguments):
    require(can_import("sounddevice"), "sounddevice or PortAudio is not installed")
    environment = {"JACK_DEFAULT_SERVER": "none", "JACK_NO_START_SERVER": "1"}
    device = ["none", "none"] if name in ("looper", "monitor_channel") else ["none"]
    program = start(RECIPES / f"{name}.py", *arguments, "-d", *device, environment=environment)
    status, output, errors = program.finish()
    assert status == 1 and is_one_line(errors, name) and "'none'" in errors
    assert name == "choose_ring" or not output


# Tutorials: they have no options, and import the module for sound cards.


@pytest.fixture
def follow(start, tmp_path):
    """Run a program of a tutorial where the virtual card is in the place of a sound card."""

    def follow(name, **card):
        card = {"sounddevice": True, "sound": silence(1), "until": RATE, **card}
        return start(TUTORIALS / f"{name}.py", card=card)

    return follow


def sine(frequency, frames, level=0.5):
    t = np.arange(frames)[:, np.newaxis] / RATE
    return (level * np.sin(2 * np.pi * frequency * t)).astype("float32")


def is_like(array, other):
    """Whether two arrays are the same but for rounding to 16 bits."""
    return array.shape == other.shape and np.abs(array - other).max() <= 2**-15


def test_play_tone(follow, heard):
    follow("play_tone").succeed()
    played = heard()
    # The first frame of the sine is 0, as the silence before it is.
    begin = played[:, 0].nonzero()[0][0] - 1
    assert is_like(played[begin:][: 2 * RATE], sine(440, 2 * RATE, 0.2))


def test_play_melody_goes_on_while_the_program_sleeps(follow, heard):
    output = follow("play_melody").succeed()
    assert "output: 0 underflows" in output
    played = np.trim_zeros(heard()[:, 0])
    # The last note is as long as the others, and the first frame of each of them is 0.
    assert 12.9 < len(played) / 12000 < 13
    spectrum = np.abs(np.fft.rfft(played[2 * 12000 : 3 * 12000]))
    assert np.fft.rfftfreq(12000, 1 / RATE)[spectrum.argmax()] == pytest.approx(329.6, abs=4)


def test_record_seconds(follow, soundfile, tmp_path):
    sound = noise(3 * RATE)
    output = follow("record_seconds", sound=sound).succeed()
    assert "missing" not in output
    recorded, samplerate = soundfile.read(tmp_path / "take.wav", always_2d=True)
    # The file has 16 bits.
    assert samplerate == RATE and is_like(recorded, sound)


@NEEDS_SIGINT
def test_record_until_ctrl_c_keeps_the_end(follow, soundfile, tmp_path):
    sound = noise(3 * RATE)
    output = follow("record_until_ctrl_c", sound=sound, end="interrupt").succeed()
    recorded, _ = soundfile.read(tmp_path / "long_take.wav", always_2d=True)
    assert len(recorded) == frames_of(output)
    assert is_like(recorded, sound[: len(recorded)])


@NEEDS_SIGINT
def test_meter_shows_the_level(follow):
    output = follow("meter", sound=noise(3 * RATE), end="interrupt").succeed()
    levels = re.findall(r"(-[\d.]+) dB (#*)", output)
    assert len(levels) > 5 and all(level == ("-6.0", 54 * "#") for level in levels[1:])


@NEEDS_SIGINT
def test_spectrogram_shows_a_line(follow):
    sound = sine(1000, 3 * RATE, 1)
    output = follow("spectrogram", sound=sound, end="interrupt").succeed()
    lines = output.splitlines()
    assert len(lines) > 20 and {len(line) for line in lines} == {64}
    loudest = np.geomspace(50, 8000, 64)[lines[10].index("@")]
    assert 800 < loudest <= 1000


def steepest(played):
    return np.abs(np.diff(np.trim_zeros(played[:, 0]))).max()


# What a robot makes of a constant is a sine, whose steps are nowhere steeper than at its zeros.
CONSTANT = np.full((4 * RATE, 1), 0.5, "float32")
LIMIT = 0.5 * 2 * np.pi * 50 / RATE * 1.001


@NEEDS_SIGINT
def test_robot_voice_has_no_joints_between_blocks(start, heard, tmp_path):
    source = (TUTORIALS / "robot_voice.py").read_text("utf-8")
    # The machine may be busy.
    (tmp_path / "robot_voice.py").write_text(source.replace("AHEAD = 1024", "AHEAD = 40000"))
    card = {"sounddevice": True, "sound": CONSTANT, "until": 2 * RATE, "end": "interrupt"}
    start(tmp_path / "robot_voice.py", card=card).succeed()
    assert np.count_nonzero(heard()) > RATE // 2
    assert steepest(heard()) <= LIMIT


def test_robot_voice_callback_has_no_joints_between_blocks(follow, heard):
    card = {"sound": CONSTANT, "until": 2 * RATE, "end": "line", "ahead": 0.7}
    follow("robot_voice_callback", **card).succeed()
    assert np.count_nonzero(heard()) > RATE // 2
    assert steepest(heard()) <= LIMIT


def test_async_play_and_listen(follow, heard):
    output = follow("async_play_and_listen", sound=noise(5 * RATE)).succeed()
    assert output.count("  -6.0 dB") >= 15
    played = np.trim_zeros(heard(1)[:, 0])
    assert len(played) in range(2 * RATE - 200, 2 * RATE)
    for number, frequency in enumerate((262, 330, 392, 523)):
        spectrum = np.abs(np.fft.rfft(played[RATE // 2 * number :][: RATE // 3]))
        assert spectrum.argmax() * 3 == pytest.approx(frequency, abs=3)


@pytest.fixture
def compile_callback(require, tmp_path):
    """Compile a callback as the tutorials say; returns its folder, with the programs for it."""

    def compile_callback(name, *programs, libraries=""):
        require(shutil.which("cc"), "there is no C compiler (cc)")
        for file in f"{name}.c", *programs:
            shutil.copy(TUTORIALS / file, tmp_path)
        command = f"cc -O2 -shared -fPIC -o {name}.so {name}.c {libraries}-lm"
        shown = "".join(page.read_text("utf-8") for page in (ROOT / "docs/tutorials").glob("*.md"))
        assert f"\n{command}\n" in shown
        python = f'python() {{ {shlex.quote(sys.executable)} "$@"; }}'
        flags = "-Wall -Wextra -Werror"
        command = f"{python}; {command.replace('-O2', f'-O2 {flags}')}"
        subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, timeout=TIME_LIMIT)
        return tmp_path

    return compile_callback


# Runs a program with the virtual device in the place of a sound card.
WITHOUT_CARD = """
import runpy, sys
import pa_ringbuffer.testing
sys.modules["pa_ringbuffer.sounddevice"] = pa_ringbuffer.testing
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def test_compiled_tone_and_test_tone(start, compile_callback):
    folder = compile_callback("tone", "compiled_tone.py", "test_tone.py")
    start(folder / "compiled_tone.py", by=["-c", WITHOUT_CARD]).succeed()
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder]
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    output = start(folder / "test_tone.py", by=pytest, environment=environment).succeed()
    assert "1 passed" in output


def test_play_synth_hears_its_notes(start, compile_callback):
    libraries = "$(python -m pa_ringbuffer --cflags --libs) "
    folder = compile_callback("synth", "play_synth.py", libraries=libraries)
    output = start(folder / "play_synth.py", by=["-c", WITHOUT_CARD]).succeed()
    peaks = [line.split() for line in output.splitlines()]
    # A note in each quarter of a second, each of which fades away. On a busy machine, the program
    # may see only some of them.
    loud = [float(peak[0]) for peak in peaks if len(peak) == 3 and len(peak[2]) > 35]
    quarters = {int(4 * time) for time in loud}
    assert len(quarters) > 2 and quarters <= set(range(7))
    assert any(len(peak) == 3 and len(peak[2]) < 25 for peak in peaks)
    assert all(len(peak) == 2 or len(peak[2]) <= 50 for peak in peaks)


def test_synth_begins_each_note_at_its_frame(compile_callback, monkeypatch):
    libraries = "$(python -m pa_ringbuffer --cflags --libs) "
    folder = compile_callback("synth", "play_synth.py", libraries=libraries)
    testing = importlib.import_module("pa_ringbuffer.testing")
    played = []

    def instead_of_a_stream(kind, callback, userdata, **options):
        device = testing.VirtualDevice(callback, userdata, channels=(0, 1))
        played.append(device.process(frames=40000, blocksizes=[1000, 17, 64]))
        raise InterruptedError

    module = types.SimpleNamespace(CompiledStream=instead_of_a_stream)
    monkeypatch.setitem(sys.modules, "pa_ringbuffer.sounddevice", module)
    monkeypatch.setattr("pa_ringbuffer.sounddevice", module, raising=False)
    with pytest.raises(InterruptedError):
        runpy.run_path(str(folder / "play_synth.py"))
    played = np.asarray(played[0])[:, 0]
    for number, frequency in enumerate((262, 330, 392)):
        note = played[12000 * number : 12000 * (number + 1)]
        expected = 0.5 * np.sin(2 * np.pi * frequency * np.arange(12000) / RATE)
        assert np.abs(note - expected * 0.9998 ** np.arange(12000)).max() < 1e-3


def test_programs_of_the_documentation_are_all_tested_and_shown():
    tests = Path(__file__).read_text("utf-8")
    for folder, pages in (RECIPES, "recipes"), (TUTORIALS, "tutorials"):
        shown = "".join(page.read_text("utf-8") for page in (ROOT / "docs" / pages).glob("*.md"))
        for program in folder.iterdir():
            if program.suffix in (".py", ".c"):
                assert program.stem in tests
                assert f"literalinclude}} ../../examples/{folder.name}/{program.name}" in shown
