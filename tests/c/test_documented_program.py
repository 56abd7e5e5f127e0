"""The complete C program in docs/c.md is compiled as it is there, and plays its tone."""

import re
import shutil
from pathlib import Path

import pytest
from built_for import FOREIGN, SYSTEM

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "c.md"


@pytest.fixture
def program(cc, require, run, installed, static_library, tmp_path):
    require(shutil.which("pkg-config"), "pkg-config is needed")
    header = shutil.which("pkg-config") and run("pkg-config", "--list-all")
    require("portaudio-2.0" in header, "portaudio.h (portaudio19-dev) is needed")
    blocks = re.findall(r"^```c\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    (source,) = [block for block in blocks if "int main(void)" in block]
    (tmp_path / "play_tone.c").write_text(source, encoding="utf-8")
    flags = run("pkg-config", "--cflags", "portaudio-2.0").split()
    compiled = tmp_path / "play_tone.o"
    options = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{installed / 'include'}", *flags]
    run(cc, "-std=c99", "-c", tmp_path / "play_tone.c", "-o", compiled, *options)
    result = tmp_path / "play_tone"
    run(
        *(cc, "-std=c11", HERE / "sound_card.c", compiled, "-o", result, *options),
        *(static_library, "-lm", "-pthread"),
    )
    return result


@pytest.mark.impossible(FOREIGN or SYSTEM == "windows", reason="needs PortAudio's headers")
def test_the_complete_program_plays_all_of_its_tone(program, start):
    output = start(program, timeout=60)
    blocks = re.search(r"^(\d+) blocks, \d+ underflows$", output, re.M)
    assert int(blocks[1]) >= 2 * 48000 / 256
    # Two seconds of a sine of amplitude 0.2, whatever silence is in between.
    energy = float(re.search(r"^energy ([\d.]+)$", output, re.M)[1])
    assert energy == pytest.approx(2 * 48000 * 0.2**2 / 2, abs=0.1)
