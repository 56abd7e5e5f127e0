"""Packages whose build needs ours, installed by pip in isolation, from wheels only.

One is examples/callbacks/cffi, followed to the letter.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from built_for import SYSTEM, TARGET

pytestmark = pytest.mark.impossible(
    SYSTEM == "windows" or bool(TARGET), reason="the package is compiled for this Python, with cc"
)
HERE = Path(__file__).parent
EXAMPLE = HERE.parent.parent / "examples" / "callbacks" / "cffi"


@pytest.fixture
def package(tmp_path):
    """A copy of the example, in which building leaves its traces."""
    return shutil.copytree(
        EXAMPLE, tmp_path / "package", ignore=shutil.ignore_patterns("build", "*.egg-info", "*.so")
    )


@pytest.fixture
def isolated(run, tmp_path):
    """`isolated(target, argument, ...)` runs Python with what is in the target and nothing else."""

    def isolated(target, *arguments):
        # `-S`: without what this Python has installed.
        environment = {**os.environ, "PYTHONPATH": str(target)}
        return run(sys.executable, "-S", *arguments, env=environment, cwd=tmp_path)

    return isolated


def test_example_package_builds_and_measures(
    package, pip_install, isolated, python_headers, cc, tmp_path
):
    target = tmp_path / "site"
    pip_install(package, target)
    for program in "use_levelmeter.py", "run_levelmeter.py":
        isolated(target, HERE / program)
    # The library is in the module.
    for part in "include", "lib":
        shutil.rmtree(target / "pa_ringbuffer" / part)
    isolated(target, HERE / "use_levelmeter.py")


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


def test_example_package_says_what_is_missing(package):
    program = (
        "import sys; sys.modules['pa_ringbuffer._native'] = None\n"
        "import runpy; runpy.run_path('build.py')"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=package,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode != 0
    assert "pa_ringbuffer.build_arguments is in the extension module" in result.stderr
    assert "--no-binary pa-ringbuffer" in result.stderr


PYPROJECT = """
[build-system]
requires = ["cffi", "setuptools", "pa-ringbuffer"]
build-backend = "setuptools.build_meta"

[project]
name = "recipe"
version = "1"
dependencies = ["cffi", "pa-ringbuffer"]

[tool.setuptools]
py-modules = []
"""
SETUP = "from setuptools import setup\n\nsetup(cffi_modules=['build_recipe.py:ffibuilder'])\n"
#: As in rtmixer, the declarations are C source, too. PortAudio's object file stands for its source.
RECIPE = """
import pa_ringbuffer
from cffi import FFI

ffibuilder = FFI()
ffibuilder.cdef(pa_ringbuffer.cdef())
ffibuilder.cdef("long put(PaUtilRingBuffer *ring, const void *data);")
ffibuilder.set_source(
    "_recipe",
    pa_ringbuffer.cdef()
    + "long put(PaUtilRingBuffer *r, const void *d) {{ return PaUtil_WriteRingBuffer(r, d, 3); }}",
    extra_objects=[{object!r}],
)
"""
USE = """
import pa_ringbuffer
from _recipe import ffi, lib
ring = pa_ringbuffer.init(ffi, lib)(1, 8)
assert lib.put(ring._ptr, b"abc") == 3
assert ring.write(b"de") == 2
assert lib.PaUtil_GetRingBufferReadAvailable(ring._ptr) == 5
assert bytes(ring.read()) == b"abcde"
"""


def test_a_recipe_with_portaudios_own_c_builds_next_to_ours(
    portaudio_archive, pip_install, isolated, python_headers, run, require, tmp_path
):
    require(shutil.which("ar"), "ar is needed to take PortAudio's library apart")
    run("ar", "x", portaudio_archive, "pa_ringbuffer.o", cwd=tmp_path)
    package = tmp_path / "package"
    package.mkdir()
    (package / "pyproject.toml").write_text(PYPROJECT)
    (package / "setup.py").write_text(SETUP)
    recipe = RECIPE.format(object=str(tmp_path / "pa_ringbuffer.o"))
    (package / "build_recipe.py").write_text(recipe)
    target = tmp_path / "site"
    pip_install(package, target)
    isolated(target, "-c", USE)
