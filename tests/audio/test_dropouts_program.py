"""A short run of the benchmark `comparison/dropouts`: it measures, and writes its report."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from headless_audio import JackServer

FOLDER = Path(__file__).parents[2] / "comparison" / "dropouts"
PROGRAM = [sys.executable, FOLDER]
BLOCKSIZE = 256


@pytest.fixture
def run(require, tmp_path):
    """Run the program; returns what it measured and its table, and looks at the files."""
    for package in "cffi", "matplotlib", "numpy":
        require(importlib.util.find_spec(package), f"{package} is not installed")
    require(shutil.which(os.environ.get("CC", "cc")), "there is no C compiler")

    def run(*words, **environment):
        result = subprocess.run(
            [
                *PROGRAM,
                "--seconds=1",
                f"--only={BLOCKSIZE},{','.join(words)}",
                "--output",
                tmp_path,
            ],
            env={**os.environ, **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert (result.returncode, result.stderr) == (0, "")
        table = (tmp_path / "dropouts.md").read_text(encoding="utf-8")
        assert table in result.stdout
        assert "<svg" in (tmp_path / "dropouts.svg").read_text(encoding="utf-8")
        # Drawn only where there are both programs to be compared.
        picture = tmp_path / "same_program.svg"
        assert picture.exists() == {"array", "array-ours"}.issubset(words)
        if picture.exists():
            assert "import pa_ringbuffer.sounddevice" in picture.read_text(encoding="utf-8")
        report = json.loads((tmp_path / "dropouts.json").read_text(encoding="utf-8"))
        assert [cell.get("failed") for cell in report["cells"]] == [None] * len(report["cells"])
        return {(cell["load"], cell["contestant"]): cell for cell in report["cells"]}, table

    return run


def rows(table, heading, device):
    """The cells of the rows of one table."""
    section = table.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = section.split(f"### {device}\n")[1].split("\n###")[0].splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]


@pytest.fixture
def frames(numpy):
    """The module that knows what is played and judges what has arrived."""
    spec = importlib.util.spec_from_file_location("dropouts_frames", FOLDER / "frames.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_kind_of_loss_is_recognised(numpy, frames):
    sound = frames.signal(1000, key=7)

    def judged(*parts, begin=0):
        recording = numpy.concatenate(parts)
        judgement = frames.judge(recording, 7, begin, len(recording))
        names = "wrong", "silent", "repeated", "missing", "lost", "gaps"
        return tuple(judgement[name] for name in names)

    torn = numpy.stack([sound[200:300, 0], sound[100:200, 1]], axis=1)
    silence, noise = numpy.zeros_like(torn), numpy.full_like(torn, numpy.nan)
    someone_else = frames.signal(1000, key=8)[900:]
    begin, end = sound[:200], sound[200:]
    assert judged(sound) == (0, 0, 0, 0, 0, 0)
    assert judged(begin, silence, end) == (100, 100, 0, 0, 100, 1)
    assert judged(begin, silence, end[100:]) == (100, 100, 0, 100, 100, 1)
    assert judged(begin, begin[100:], end) == (100, 0, 100, 0, 100, 1)
    assert judged(begin, torn, end[100:]) == (100, 0, 0, 100, 100, 1)
    assert judged(begin, noise, end) == (100, 0, 0, 0, 100, 1)
    assert judged(someone_else, begin, end) == (100, 0, 0, 0, 100, 1)
    assert judged(begin, end[100:]) == (0, 0, 0, 100, 100, 1)
    assert judged(begin, silence, end, silence) == (200, 200, 0, 0, 200, 2)
    assert judged(silence, begin, silence, end, begin=150) == (100, 100, 0, 0, 100, 1)
    assert frames.judge(sound, 7, 0, 1000)["share"] == 0
    assert frames.nothing_arrived(500)["share"] == 1


def test_on_the_virtual_device_only_what_comes_too_late_is_lost(run):
    cells, table = run("virtual", "ours", "control", "array", "idle", "gil100")
    assert len(cells) == 6
    for (_, contestant), cell in cells.items():
        lost = cell["judgement"]
        assert lost["received"] == -(-48000 // BLOCKSIZE) * BLOCKSIZE
        # The clock is the machine's; how often it is late is not for a test to say.
        assert lost["wrong"] == lost["silent"] == cell["xruns"] * BLOCKSIZE
        if contestant == "ours":
            assert cell["dry"] == 0
    header, *lines = rows(table, "Sound lost", "virtual device")
    assert header[2:] == ["**pa_ringbuffer**", "Python callback", "control: no Python"]
    assert [line[:2] for line in lines[1:]] == [["256", "idle"], ["256", "GIL held 100 ms"]]


def test_one_program_is_compared_with_itself_on_streams_of_ours(run):
    cells, table = run("virtual", "array", "array-ours", "gil100")
    ours = cells["gil100", "array-ours"]
    # What is played is in order: nothing but the silence of blocks that came too late.
    assert ours["dry"] == 0
    assert ours["judgement"]["received"] > 0
    assert ours["judgement"]["wrong"] == ours["judgement"]["silent"]
    header, *_ = rows(table, "Sound lost", "virtual device")
    assert header[2:] == ["**Python callback on pa_ringbuffer**", "Python callback"]


def test_on_portaudio_the_player_is_recorded(run, jack_turn):
    cells, table = run("jack", "ours", "control", "idle")
    assert list(cells) == [("idle", "ours"), ("idle", "control")]
    for cell in cells.values():
        # A server that does not wait for its clients may lose what the machine delays.
        assert cell["judgement"]["received"] == 48000
        assert cell["receiver"]["overflow_frames"] == 0
    assert cells["idle", "ours"]["dry"] == 0
    assert [line[:2] for line in rows(table, "Sound lost", "PortAudio")[2:]] == [["256", "idle"]]


def test_without_portaudio_only_the_virtual_device_is_used_and_the_reason_told(run, tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    cells, table = run("ours", "idle", PYTHONPATH=str(tmp_path))
    assert [cell["device"] for cell in cells.values()] == ["virtual"]
    assert "Without PortAudio: " in table
    if not JackServer.missing():
        assert "Without PortAudio: OSError: PortAudio library not found." in table


def test_unknown_words_are_refused_with_those_there_are(tmp_path):
    result = subprocess.run(
        [*PROGRAM, "--only=ours,theirs"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )
    assert result.returncode == 2
    assert "unknown: theirs" in result.stderr
    assert "rtmixer" in result.stderr
