"""`tools/check_sbom.py`: a wheel lists the crates that are compiled into it, for its platform."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLATFORMS = [
    "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "manylinux_2_17_aarch64.manylinux2014_aarch64",
    "manylinux_2_5_i686.manylinux1_i686",
    "manylinux_2_34_x86_64",
    "linux_x86_64",
    "musllinux_1_2_aarch64",
    "macosx_10_12_x86_64.macosx_11_0_arm64.macosx_10_12_universal2",
    "win_amd64",
    "win_arm64",
    "win32",
]


@pytest.fixture
def crates(require):
    """Names and versions of all crates from elsewhere."""
    require(shutil.which("cargo"), "cargo is needed")
    if not (ROOT / "Cargo.lock").exists():
        pytest.skip("Cargo.lock is only in the sources")
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    return set(re.findall(r'^name = "(.+)"\nversion = "(.+)"\nsource = ', lock, re.MULTILINE))


@pytest.fixture
def check(tmp_path):
    """`check(platforms, crates)` runs the tool on wheels that list these."""

    def check(platforms, crates):
        bill = {"components": [{"name": name, "version": version} for name, version in crates]}
        wheels = [tmp_path / f"pa_ringbuffer-0-cp311-abi3-{platform}.whl" for platform in platforms]
        for wheel in wheels:
            with zipfile.ZipFile(wheel, "w") as archive:
                archive.writestr("pa_ringbuffer-0.dist-info/sboms/x.json", json.dumps(bill))
        return subprocess.run(
            [sys.executable, ROOT / "tools" / "check_sbom.py", *wheels],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return check


def test_crates_of_other_platforms_need_not_be_listed(check, crates):
    # It brings 64-bit atomics to those that have none.
    others = {crate for crate in crates if crate[0] == "portable-atomic"}
    assert others
    result = check(PLATFORMS, crates - others)
    assert result.returncode == 0, result.stderr


def test_missing_crate_is_named(check, crates):
    result = check(["win_amd64"], {crate for crate in crates if crate[0] != "pyo3-ffi"})
    assert result.returncode != 0
    assert "pyo3-ffi" in result.stderr


def test_unknown_platform_is_named(check):
    result = check(["plan9_mips"], [])
    assert result.returncode != 0
    assert "plan9_mips" in result.stderr
