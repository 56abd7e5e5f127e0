"""The example programs of sounddevice, unchanged, with ``python -m pa_ringbuffer run``.

Their source package is downloaded from PyPI. What they play and record is compared with what they
were given, bit for bit: on the virtual device here, and on the JACK server also with what
sounddevice itself plays.
"""

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import source_package
from jack_crash import JackCrash, MachineTooSlow, jack_has_crashed
from only_jack_server import only_jack_server
from virtual_card import source as frames_of_source

HERE = Path(__file__).parent
TIME_LIMIT = 90
#: Frames in a block of the JACK server.
PERIOD = 2048
SAMPLERATE = 48000
# More than the default, because the tests share the machine.
AHEAD = 0.3
CARD = HERE.parent / "virtual_card.py"

EXAMPLES = {
    "asyncio_coroutines.py",
    "asyncio_generators.py",
    "play_file.py",
    "play_long_file.py",
    "play_long_file_raw.py",
    "play_sine.py",
    "play_stream.py",
    "plot_input.py",
    "priming_output.py",
    "rec_gui.py",
    "rec_unlimited.py",
    "spectrogram.py",
    "wire.py",
}


@pytest.fixture(scope="session")
def examples(require):
    """The folder with the examples of the version of sounddevice that is installed."""
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension module was not built")
    try:
        version = importlib.metadata.version("sounddevice")
    except importlib.metadata.PackageNotFoundError:
        require(False, "sounddevice is not installed")
    folder = source_package.unpacked("sounddevice", version)
    require(folder, f"the sources of sounddevice {version} cannot be downloaded from PyPI")
    return folder / "examples"


@pytest.fixture
def sound(soundfile, tmp_path):
    """A file, and what is in it."""
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (60000, 2)).astype("float32")
    # The first and the last frame can be found.
    noise[[0, -1]] = 0.75
    soundfile.write(tmp_path / "sound.wav", noise, SAMPLERATE, "FLOAT")
    return "sound.wav", noise


def source(frames, channels):
    """What the virtual card has to record."""
    return frames_of_source(0, frames, channels)


class Virtual:
    """Runs examples on the virtual device."""

    def __init__(self, examples, folder, environment):
        self._examples, self._folder = examples, folder
        self._environment = environment

    def run(self, example, *arguments, end=None, until=48000):
        config = {"until": until, "end": end, "heard": str(self._folder / "heard")}
        command = [sys.executable, "-m", "pa_ringbuffer", "run", "--virtual"]
        command += ["--ahead", str(AHEAD)]
        command += [str(CARD), json.dumps(config), str(self._examples / example), *arguments]
        self.result = subprocess.run(
            command,
            cwd=self._folder,
            env={**os.environ, **self._environment, "COLUMNS": "80"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
        )
        if "Output underflow" in self.result.stderr:
            raise MachineTooSlow(self.result.stderr)
        return self.result

    def heard(self, stream=0):
        return np.load(self._folder / f"heard{stream}.npy")


@pytest.fixture
def virtual(examples, tmp_path, require):
    require(importlib.util.find_spec("cffi"), "CFFI is not installed")
    imitations = str(HERE / "imitations")
    return Virtual(examples, tmp_path, {"PYTHONPATH": imitations})


def sounding(heard):
    """Where the sound begins, and the sound without the silence before and after it."""
    frames = np.flatnonzero(heard.any(axis=1))
    return int(frames[0]), heard[frames[0] : frames[-1] + 1]


def find(part, whole):
    """Where an array is a part of another one; None if it is not."""
    for begin in np.flatnonzero((whole[: len(whole) - len(part) + 1] == part[0]).all(axis=1)):
        if whole[begin : begin + len(part)].tobytes() == part.tobytes():
            return int(begin)
    return None


def assert_nothing_was_lost(result):
    """To be asked first: what was lost need not be looked for in the sound."""
    report = result.stderr.partition("pa_ringbuffer: ")[2]
    lost = [line.split()[1:] for line in report.splitlines() if line.strip().startswith("lost")]
    assert lost, result.stderr
    if not all(what == ["nothing"] for what in lost):
        # The program has stood still for longer than its sound was made ahead.
        raise MachineTooSlow(result.stderr)


def test_every_example_is_tested(examples):
    assert {path.name for path in examples.glob("*.py")} == EXAMPLES


@pytest.mark.parametrize("example", ["play_file.py", "play_long_file.py", "play_long_file_raw.py"])
def test_files_are_played(virtual, sound, example):
    name, expected = sound
    result = virtual.run(example, name)
    assert result.returncode == 0, result.stderr
    assert_nothing_was_lost(result)
    _, heard = sounding(virtual.heard())
    assert heard.tobytes() == expected.tobytes()


def test_a_web_stream_is_played_up_to_its_last_whole_block(virtual, sound):
    name, expected = sound
    result = virtual.run("play_stream.py", name)
    # At the end, the assertion in its callback fails.
    assert result.returncode == 1, result.stderr
    assert "AssertionError" in result.stderr
    _, heard = sounding(virtual.heard())
    whole = len(expected) // 1024 * 1024
    count = len(heard)
    assert heard.tobytes() == expected[:count].tobytes()
    # What was made ahead of the error is not heard, as what is in the device with sounddevice.
    assert count > whole - (AHEAD + 0.1) * SAMPLERATE


def test_a_sine_is_played(virtual):
    result = virtual.run("play_sine.py", "440", end="line")
    assert result.returncode == 0, result.stderr
    assert_nothing_was_lost(result)
    _, heard = sounding(virtual.heard())
    # The first frame of a sine is silent.
    frames = 1 + np.arange(len(heard)).reshape(-1, 1)
    expected = (0.2 * np.sin(2 * np.pi * 440 * (frames / 48000))).astype("float32")
    assert np.abs(heard - expected).max() < 1e-6
    assert len(heard) > 40000


def test_the_wire_plays_what_is_recorded(virtual):
    result = virtual.run("wire.py", end="line")
    assert result.returncode == 0, result.stderr
    assert_nothing_was_lost(result)
    heard = virtual.heard()
    begin, sound = sounding(heard)
    assert len(sound) > 40000
    # It is heard later by what is made ahead; the device's first block may come too early.
    assert find(sound, source(len(heard), 2)) == begin - round(AHEAD * SAMPLERATE)


def test_priming_is_not_supported_here(virtual):
    result = virtual.run("priming_output.py")
    assert (result.stdout, result.returncode) == ("Not priming, I quit!\n", 0), result.stderr


def test_recordings_are_complete(virtual, tmp_path, soundfile):
    result = virtual.run("rec_unlimited.py", "-c", "2", "-t", "FLOAT", "r.wav", end="interrupt")
    assert result.returncode == 0, result.stderr
    assert_nothing_was_lost(result)
    assert "Recording finished: 'r.wav'" in result.stdout
    recording, rate = soundfile.read(tmp_path / "r.wav", dtype="float32", always_2d=True)
    assert rate == SAMPLERATE
    assert len(recording) > 40000
    assert recording.tobytes() == source(len(recording), 2).tobytes()


def test_a_coroutine_records_and_plays(virtual):
    result = virtual.run("asyncio_coroutines.py")
    assert (result.stdout.splitlines()[-1], result.returncode) == ("done", 0), result.stderr
    assert_nothing_was_lost(result)
    heard = virtual.heard(1)
    expected = source(150000, 1)
    assert find(expected, heard) is not None


def test_a_generator_is_a_wire(virtual):
    result = virtual.run("asyncio_generators.py")
    assert (result.stdout.splitlines()[-1], result.returncode) == ("wire was cancelled", 0)
    assert_nothing_was_lost(result)
    _, heard = sounding(virtual.heard(1))
    assert len(heard) > 8 * SAMPLERATE
    assert find(heard, source(len(heard) + SAMPLERATE, 1)) is not None


def test_a_spectrogram_is_printed(virtual):
    result = virtual.run("spectrogram.py", "-c", "40", end="line")
    assert result.returncode == 0, result.stderr
    assert_nothing_was_lost(result)
    lines = result.stdout.splitlines()
    # A line for each 50 ms.
    assert len(lines) >= 18
    assert all(line.endswith("\x1b[0m") for line in lines)


def test_the_input_is_plotted(virtual, tmp_path, require):
    require(importlib.util.find_spec("matplotlib"), "Matplotlib is not installed")
    virtual._environment["MPLBACKEND"] = "module://matplotlib_without_window"
    virtual._environment["SHOWN"] = str(tmp_path / "shown.npy")
    result = virtual.run("plot_input.py", "1", "2")
    assert result.returncode == 0, result.stderr
    assert_nothing_was_lost(result)
    shown = np.load(tmp_path / "shown.npy").T.astype("float32")
    assert shown.any()
    # Every tenth frame of each block.
    blocks = source(5 * SAMPLERATE, 2)[: 900 * 256].reshape(900, 256, 2)
    assert find(shown, blocks[:, ::10].reshape(-1, 2)) is not None


@pytest.fixture
def display(require, tmp_path):
    """An X server without a screen."""
    try:
        import tkinter
    except ImportError:
        tkinter = None
    require(tkinter, "tkinter is not installed")
    require(shutil.which("Xvfb"), "Xvfb is not installed (Debian: xvfb)")
    read, write = os.pipe()
    with subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    ) as server:
        os.close(write)
        with os.fdopen(read) as numbers:
            yield f":{numbers.readline().strip()}"
        server.terminate()


def test_a_window_records(virtual, tmp_path, display, soundfile):
    virtual._environment["DISPLAY"] = display
    result = virtual.run("rec_gui.py", end="window")
    assert result.returncode == 0, result.stderr
    assert_nothing_was_lost(result)
    (file,) = tmp_path.glob("delme_rec_gui_*.wav")
    recording, _ = soundfile.read(file, dtype="int16", always_2d=True)
    soundfile.write(tmp_path / "all.wav", source(5 * SAMPLERATE, 1), SAMPLERATE)
    everything, _ = soundfile.read(tmp_path / "all.wav", dtype="int16", always_2d=True)
    assert len(recording) > 20000
    assert find(recording, everything) is not None


class Jack:
    """Runs examples on a JACK server, with sounddevice's own streams or with ours."""

    def __init__(self, examples, folder, environment):
        self._examples, self._folder = examples, folder
        self._environment = {
            **os.environ,
            **environment,
            "PYTHONPATH": str(HERE / "imitations"),
            "PYTHONUNBUFFERED": "1",
            # Tells where JACK has crashed.
            "PYTHONFAULTHANDLER": "1",
        }

    @contextlib.contextmanager
    def _started(self, *command):
        with subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            limit = threading.Timer(TIME_LIMIT, process.kill)
            limit.start()
            try:
                yield process
            finally:
                limit.cancel()
                process.kill()

    @contextlib.contextmanager
    def program(self, name, file):
        """A program from the folder programs/, which ends when it gets a line."""
        command = HERE / "programs" / f"{name}.py", json.dumps({"file": str(self._folder / file)})
        with self._started(*command) as process:
            first = process.stdout.readline()
            if not first:
                pytest.fail(process.communicate()[1])
            yield
            output, errors = process.communicate("\n")
            if jack_has_crashed(process.returncode, errors):
                raise JackCrash(errors)
            assert process.returncode == 0, errors
            if json.loads(output).get("lost"):
                raise MachineTooSlow("the recorder has lost frames")

    def run(self, how, example, *arguments, prompt="", then=None, end=None, beside=None):
        """Run an example and return what was heard; *then* is done when it has said *prompt*, and
        a file is played *beside* it from before it begins.
        """
        command = ["-m", "pa_ringbuffer", "run", "--ahead", AHEAD] if how == "ours" else []
        if ON_JACK[0] not in arguments and "-i" not in arguments:
            command += [HERE / "programs" / "system_device.py"]
        command += [self._examples / example, *arguments]
        playing = self.program("play_noise", beside) if beside else contextlib.nullcontext()
        with (
            self.program("record_everything", "heard.npy"),
            playing,
            self._started(*command) as process,
        ):
            line = None
            while prompt and line != "" and prompt not in (line or ""):
                line = process.stdout.readline()
            if then:
                with then():
                    time.sleep(2)
            if end == "interrupt":
                process.send_signal(signal.SIGINT)
            output, errors = process.communicate("\n" if end == "line" else "")
        self.status, self.output, self.errors = process.returncode, output, errors
        if jack_has_crashed(self.status, errors):
            raise JackCrash(errors)
        if "Output underflow" in errors:
            raise MachineTooSlow(errors)
        if how == "ours" and self.status != -signal.SIGKILL:
            assert_nothing_was_lost(self)
        return np.load(self._folder / "heard.npy")

    @property
    def stderr(self):
        return self.errors


@pytest.fixture
def jack(examples, tmp_path, portaudio_finds_jack):
    # Some of the examples give up when the device reports an xrun, which a JACK server does when a
    # busy machine makes it late: not with long periods.
    with only_jack_server(period=PERIOD) as server:
        yield Jack(examples, tmp_path, server.environment)


both_ways = pytest.mark.parametrize("how", ["plain", "ours"])
ON_JACK = ("-d", "system")


@both_ways
@pytest.mark.parametrize("example", ["play_file.py", "play_long_file.py", "play_long_file_raw.py"])
def test_files_are_played_as_by_sounddevice(jack, sound, how, example):
    name, expected = sound
    _, heard = sounding(jack.run(how, example, *ON_JACK, name))
    assert jack.status == 0, jack.errors
    assert heard.tobytes() == expected.tobytes()


@both_ways
def test_a_web_stream_is_played_as_by_sounddevice(jack, sound, how):
    name, expected = sound
    _, heard = sounding(jack.run(how, "play_stream.py", *ON_JACK, name))
    assert jack.status == 1 and "AssertionError" in jack.errors, jack.errors
    assert heard.tobytes() == expected[: len(heard)].tobytes()
    assert len(heard) > len(expected) - SAMPLERATE // 2


def test_a_sine_is_the_one_of_sounddevice(jack):
    sines = []
    for how in "plain", "ours":
        heard = jack.run(
            how, "play_sine.py", *ON_JACK, prompt="press", then=contextlib.nullcontext, end="line"
        )
        assert jack.status == 0, jack.errors
        sines.append(sounding(heard)[1])
    plain, ours = sines
    # JACK may connect the port some blocks after the first one, in either run: a sine of 500 Hz is
    # the same again after 96 frames. It depends on where in its block a frame is, by a bit or so.
    for shift in range(96):
        shorter = min(len(plain) - shift, len(ours))
        if np.abs(plain[shift:][:shorter] - ours[:shorter]).max() < 1e-6:
            break
    else:
        pytest.fail("the sines differ")
    assert shorter > 20000


@both_ways
def test_the_wire_is_one_as_with_sounddevice(jack, tmp_path, how):
    np.save(tmp_path / "noise.npy", click())
    heard = jack.run(
        how,
        "wire.py",
        *("-i", "system", "-o", "system", "--samplerate", "48000"),
        prompt="press",
        then=lambda: jack.program("play_noise", "noise.npy"),
        end="line",
    )
    assert jack.status == 0, jack.errors
    assert_echoes(heard, 0.1 if how == "plain" else AHEAD + 0.1)


def click():
    """Silence, and some noise at its end."""
    noise = np.zeros((20000, 2), "float32")
    noise[-100:] = np.random.default_rng(1).uniform(-1, 1, (100, 2))
    return noise


def assert_echoes(heard, longest):
    """What a wire plays of a click is recorded again: an echo, each time after the same delay."""
    _, echoes = sounding(heard)
    noise = click()[-100:, : heard.shape[1]]
    assert echoes[:100].tobytes() == noise.tobytes()
    delay = 100 + int(np.flatnonzero(echoes[100:].any(axis=1))[0])
    assert delay < longest * SAMPLERATE
    count = 0
    while (count + 1) * delay + 100 < len(echoes):
        count += 1
        echo = echoes[count * delay : (count + 1) * delay]
        assert echo[:100].tobytes() == noise.tobytes()
        assert not echo[100:].any()
    assert count >= 2


@both_ways
def test_recordings_are_complete_as_with_sounddevice(jack, tmp_path, soundfile, how):
    noise = np.random.default_rng(1).uniform(-1, 1, (24000, 2)).astype("float32")
    np.save(tmp_path / "noise.npy", noise)
    jack.run(
        how,
        "rec_unlimited.py",
        *(*ON_JACK, "-c", "2", "-r", "48000", "-t", "FLOAT", "recording.wav"),
        prompt="press",
        then=lambda: jack.program("play_noise", "noise.npy"),
        end="interrupt",
    )
    assert jack.status == 0, jack.errors
    recording, _ = soundfile.read(tmp_path / "recording.wav", dtype="float32", always_2d=True)
    assert find(noise, recording) is not None


def save_noise(folder, seconds):
    """A file of noise, and what is in it."""
    noise = np.random.default_rng(2).uniform(-0.5, 0.5, (seconds * SAMPLERATE, 2))
    noise = noise.astype("float32")
    np.save(folder / "noise.npy", noise)
    return noise


@both_ways
def test_priming_is_not_supported_by_jack(jack, how):
    # Our stream says that it has lost nothing, which is not looked for in the report of this one.
    jack.run(how, "priming_output.py")
    assert (jack.output, jack.status) == ("Not priming, I quit!\n", 0), jack.errors


@both_ways
def test_a_coroutine_records_and_plays_as_with_sounddevice(jack, tmp_path, how):
    noise = save_noise(tmp_path, 1)[:24000]
    np.save(tmp_path / "noise.npy", noise)
    heard = jack.run(
        how,
        "asyncio_coroutines.py",
        prompt="recording",
        then=lambda: jack.program("play_noise", "noise.npy"),
    )
    assert (jack.output.splitlines()[-1], jack.status) == ("done", 0), jack.errors
    # Once from the program that played it, and once from the example.
    noise, heard = noise[:, :1], heard[:, :1]
    first = find(noise, heard)
    assert first is not None
    assert find(noise, heard[first + len(noise) :]) is not None


@both_ways
def test_a_generator_is_a_wire_as_with_sounddevice(jack, tmp_path, how):
    np.save(tmp_path / "noise.npy", click())
    heard = jack.run(
        how,
        "asyncio_generators.py",
        prompt="activating wire",
        then=lambda: jack.program("play_noise", "noise.npy"),
    )
    assert (jack.output.splitlines()[-1], jack.status) == ("wire was cancelled", 0), jack.errors
    # It has ten blocks of 1024 frames in its queue.
    longest = 10 * 1024 / SAMPLERATE + 0.1
    assert_echoes(heard[:, :1], longest if how == "plain" else AHEAD + longest)


@both_ways
def test_a_spectrogram_is_printed_as_by_sounddevice(jack, tmp_path, how):
    save_noise(tmp_path, 20)
    jack.run(
        how,
        "spectrogram.py",
        *(*ON_JACK, "-c", "40"),
        prompt="\x1b[0m",
        then=contextlib.nullcontext,
        end="line",
        beside="noise.npy",
    )
    assert jack.status == 0, jack.errors
    lines = jack.output.splitlines()
    assert len(lines) >= 30
    assert all(line.endswith("\x1b[0m") for line in lines)
    # The noise is in all of them, and each time another one.
    assert len(set(lines)) > len(lines) // 2


@both_ways
def test_the_input_is_plotted_as_by_sounddevice(jack, tmp_path, require, how):
    require(importlib.util.find_spec("matplotlib"), "Matplotlib is not installed")
    noise = save_noise(tmp_path, 20)
    jack._environment["MPLBACKEND"] = "module://matplotlib_without_window"
    jack._environment["SHOWN"] = str(tmp_path / "shown.npy")
    jack.run(how, "plot_input.py", *ON_JACK, "1", "2", beside="noise.npy")
    assert jack.status == 0, jack.errors
    shown = np.load(tmp_path / "shown.npy").T.astype("float32")
    # Every tenth frame of each block.
    frames = {frame.tobytes(): number for number, frame in enumerate(noise)}
    numbers = np.array([frames[frame.tobytes()] for frame in shown])
    steps = np.diff(numbers)
    assert 0 < steps.min() <= steps.max() == 10


@both_ways
def test_a_window_records_as_with_sounddevice(jack, tmp_path, display, soundfile, how):
    noise = save_noise(tmp_path, 20)
    jack._environment["DISPLAY"] = display
    jack.run(
        how,
        "rec_gui.py",
        prompt="recording",
        then=contextlib.nullcontext,
        end="line",
        beside="noise.npy",
    )
    assert jack.status == 0, jack.errors
    (file,) = tmp_path.glob("delme_rec_gui_*.wav")
    recording, _ = soundfile.read(file, dtype="int16", always_2d=True)
    soundfile.write(tmp_path / "all.wav", noise[:, :1], SAMPLERATE)
    everything, _ = soundfile.read(tmp_path / "all.wav", dtype="int16", always_2d=True)
    assert len(recording) > 48000
    assert find(recording, everything) is not None
