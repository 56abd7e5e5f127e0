"""`tools/pure_wheel.py`: the wheel without extension, and the other tools' `--help`."""

import email
import importlib.util
import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent.parent / "tools"


def run(tool, *arguments, **options):
    return subprocess.run(
        [sys.executable, TOOLS / f"{tool}.py", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


@pytest.fixture
def wheel(require, tmp_path):
    """The wheel, built without looking for its build system in the network."""
    if not (TOOLS.parent / "Cargo.toml").exists():
        pytest.skip("Cargo.toml is only in the sources")
    if sys.implementation.name == "pypy":
        pytest.skip("the wheel is built with CPython")
    for module in "flit_core", "pip":
        require(importlib.util.find_spec(module), f"the Python package {module} is needed")
    # pip takes this variable for the value of the option's opposite: there is no isolation.
    environment = {**os.environ, "PIP_NO_BUILD_ISOLATION": "0"}
    result = run("pure_wheel", tmp_path / "new" / "folder", env=environment)
    assert result.returncode == 0, result.stderr
    (wheel,) = (tmp_path / "new" / "folder").iterdir()
    return wheel


def test_the_pure_wheel_brings_cffi_along(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    needed = [line for line in metadata.get_all("Requires-Dist") if "extra" not in line]
    assert needed == ["cffi"]


def test_the_pure_wheel_has_nothing_to_link_with(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "pa_ringbuffer/portable.py" in names
    assert not [name for name in names if re.search(r"/(include|lib)/|\.(h|a|so|pxd)\b", name)]


def test_the_wheel_with_extension_needs_nothing():
    pyproject = TOOLS.parent / "pyproject.toml"
    project = re.search(r"^\[project\]$.*?^\[", pyproject.read_text("utf-8"), re.M | re.S)[0]
    assert not re.search("^dependencies", project, re.M)


@pytest.mark.impossible(sys.platform == "win32", reason="files have no modes of this kind")
def test_the_pure_wheel_can_be_read_by_everyone_whom_the_umask_allows(wheel):
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(wheel.stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize(
    "tool",
    [
        *(
            "bare_machine",
            "check_contents",
            "check_sbom",
            "headless_audio",
            "install_c",
            "pure_wheel",
        ),
        "wheel_contents",
    ],
)
def test_tools_explain_themselves(tool, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "PREFIX"}
    result = run(tool, "--help", cwd=tmp_path, env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("usage: ")
    assert not list(tmp_path.iterdir())
