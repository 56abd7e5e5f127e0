"""rtmixer's source package, which lacks PortAudio's sources, built on this package.

One line of it is changed: it links our library instead of compiling PortAudio's `pa_ringbuffer.c`.
docs/packagers.md describes that.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import source_package

pytestmark = pytest.mark.impossible(sys.platform == "win32", reason="the compiler is cc")
BEFORE = "    sources=['portaudio/src/common/pa_ringbuffer.c'],\n"
AFTER = "    extra_objects=[pa_ringbuffer.get_library()],\n"
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def site(require, tmp_path_factory):
    """A folder into which rtmixer, built from the changed sources, was installed."""
    for module in ("cffi", "pip", "setuptools", "sounddevice", "pa_ringbuffer._native"):
        require(importlib.util.find_spec(module), f"the Python package {module} is needed")
    version = tuple(int(n) for n in importlib.metadata.version("setuptools").split(".")[:2])
    require(version >= (70, 1), "setuptools 70.1 or newer is needed: it builds wheels by itself")
    compiler = shutil.which(os.environ.get("CC", "cc"))
    require(compiler, "a C compiler is needed")
    headers = Path(sysconfig.get_paths()["include"])
    require((headers / "Python.h").exists(), "Python's headers (Debian: python3-dev) are needed")
    look = subprocess.run(
        [compiler, "-E", "-x", "c", "-"],
        input="#include <portaudio.h>",
        capture_output=True,
        text=True,
        timeout=60,
    )
    require(look.returncode == 0, "portaudio.h (Debian: portaudio19-dev) is needed")
    sources = source_package.unpacked("rtmixer", "0.1.7")
    require(sources, "the sources of rtmixer 0.1.7 cannot be downloaded from PyPI")
    folder = tmp_path_factory.mktemp("rtmixer")
    copy = shutil.copytree(sources, folder / "sources")
    assert not list(copy.rglob("pa_ringbuffer.*"))
    recipe = copy / "rtmixer_build.py"
    text = recipe.read_text(encoding="utf-8")
    assert text.count(BEFORE) == 1
    recipe.write_text(text.replace(BEFORE, AFTER), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps"]
    result = subprocess.run(
        [*command, "--no-build-isolation", "--target", str(folder / "site"), str(copy)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "site"


def test_the_module_has_our_functions_and_exports_none(site, require):
    program = (
        "import _rtmixer, pa_ringbuffer, rtmixer\n"
        "from _rtmixer import ffi, lib\n"
        "ring = pa_ringbuffer.init(ffi, lib)(1, 4)\n"
        # PortAudio's C does not check that.
        "assert lib.PaUtil_WriteRingBuffer(ring._ptr, b'abc', -1) == 0\n"
        "assert lib.PaUtil_WriteRingBuffer(ring._ptr, b'abcde', 5) == 4\n"
        "assert bytes(ring.read()) == b'abcd'\n"
        "print(_rtmixer.__file__)\n"
        "print(rtmixer.__file__)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    require("PortAudio library not found" not in result.stderr, "libportaudio2 is needed")
    assert result.returncode == 0, result.stderr
    files = [Path(line) for line in result.stdout.splitlines()]
    assert [file.parent for file in files] == [site, site]
    require(shutil.which("nm"), "nm is needed to see what is in a library")
    options = ["-gU"] if sys.platform == "darwin" else ["-D", "--defined-only"]
    names = subprocess.run(
        ["nm", *options, files[0]], capture_output=True, text=True, check=True, timeout=60
    )
    assert "PaUtil" not in names.stdout


@pytest.mark.parametrize("name", ["rtmixer_buffers", "rtmixer_ringbuffers", "rtmixer_actions"])
def test_it_plays_and_records_exactly(site, jack_programs, name, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(site))
    config = {
        "rtmixer_buffers": {"streams": 1, "channels": 2, "blocksize": 256, "seconds": 1},
        "rtmixer_ringbuffers": {"blocksize": 256, "seconds": 2},
    }.get(name, {})
    result = jack_programs.run(name, **config)
    assert result["exact"] is True or result["exact"] == result["frames"]
    assert result["silent_after"]
    assert result["actions"] == 0
