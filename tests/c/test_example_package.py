"""The usage that the documentation describes, followed to the letter: examples/cffi_package."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from built_for import FOREIGN, SYSTEM

pytestmark = pytest.mark.impossible(
    SYSTEM == "windows" or FOREIGN,
    reason="the package is compiled for this Python, with pkg-config",
)
HERE = Path(__file__).parent
EXAMPLE = HERE.parent.parent / "examples" / "cffi_package"


@pytest.fixture
def package(require, tmp_path):
    """A copy of the example, in which building leaves its traces."""
    for module in ("cffi", "setuptools", "pip", "pa_ringbuffer"):
        require(importlib.util.find_spec(module), f"the Python package {module} is needed")
    version = tuple(int(n) for n in importlib.metadata.version("setuptools").split(".")[:2])
    require(version >= (70, 1), "setuptools 70.1 or newer is needed: it builds wheels by itself")
    require(shutil.which("pkg-config"), "pkg-config is needed")
    return shutil.copytree(
        EXAMPLE, tmp_path / "package", ignore=shutil.ignore_patterns("build", "*.egg-info", "*.so")
    )


def test_example_package_builds_and_measures(package, installed, cc, run, python_headers, tmp_path):
    target = tmp_path / "site"
    run(
        *(sys.executable, "-m", "pip", "install", "--no-index", "--no-deps"),
        *("--no-build-isolation", "--target", target, package),
        env={**os.environ, "PKG_CONFIG_PATH": str(installed / "lib" / "pkgconfig")},
    )
    for program in "use_levelmeter.py", "run_levelmeter.py":
        run(
            *(sys.executable, HERE / program),
            env={**os.environ, "PYTHONPATH": str(target)},
            cwd=tmp_path,
        )


def test_example_package_says_how_to_build_it(package):
    result = subprocess.run(
        [sys.executable, "levelmeter.py"],
        cwd=package,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
    assert "_levelmeter" in result.stderr and "pip install ." in result.stderr


def test_example_package_says_what_is_missing(package, tmp_path):
    result = subprocess.run(
        [sys.executable, "build.py"],
        cwd=package,
        env={**os.environ, "PKG_CONFIG_PATH": "", "PKG_CONFIG_LIBDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode != 0
    assert "make install-c" in result.stderr
    assert "PKG_CONFIG_PATH" in result.stderr
