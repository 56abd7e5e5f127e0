"""The C library, installed once for all tests, and a C compiler to use it with."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def _run(*command, timeout=300, **options):
    """Run a program to its end, and fail with what it said if that was no success."""
    command = [str(part) for part in command]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **options,
    )
    if result.returncode != 0:
        pytest.fail(
            f"{' '.join(command)}\nended with {result.returncode}\n{result.stdout}{result.stderr}"
        )
    return result.stdout


@pytest.fixture(scope="session")
def run():
    """`run(program, argument, ...)` returns the standard output of a program that must succeed."""
    return _run


@pytest.fixture(scope="session")
def installed(require, tmp_path_factory):
    """The prefix into which the C library was installed."""
    for program in ("cargo", "ar", "nm"):
        require(shutil.which(program), f"{program} is needed to build the C library")
    prefix = tmp_path_factory.mktemp("installed")
    _run(PROJECT / "tools" / "install_c.sh", env={**os.environ, "PREFIX": str(prefix)}, timeout=900)
    return prefix


@pytest.fixture(scope="session")
def cc(require):
    """The C compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    require(compiler, "a C compiler is needed")
    return compiler


@pytest.fixture(scope="session")
def compile_c(cc, installed, tmp_path_factory):
    """`compile_c('x.c', option, ...)` returns the program, linked with the static library."""

    def compile_c(source, *options, standard="c11", language="c"):
        program = tmp_path_factory.mktemp("program") / Path(source).stem
        _run(
            *(cc, f"-std={standard}", "-O2", "-g", "-pthread", *WARNINGS),
            *(f"-I{installed}/include", "-x", language, HERE / source, "-x", "none"),
            *("-o", program),
            *(*options, installed / "lib" / "libpa_ringbuffer.a"),
        )
        return program

    return compile_c


@pytest.fixture(scope="session")
def portaudio_archive(require, cc):
    """PortAudio as a static library; among its members is PortAudio's own ring buffer."""
    path = Path(_run(cc, "-print-file-name=libportaudio.a").strip())
    require(path.is_absolute() and path.exists(), "libportaudio.a (portaudio19-dev) is needed")
    return path


@pytest.fixture(scope="session")
def genuine(require, portaudio_archive, tmp_path_factory):
    """PortAudio's own ring buffer, with `genuine_` in front of the names of its functions."""
    require(shutil.which("objcopy"), "objcopy is needed to rename functions")
    directory = tmp_path_factory.mktemp("genuine")
    _run("ar", "x", portaudio_archive, "pa_ringbuffer.o", cwd=directory)
    source, renamed = directory / "pa_ringbuffer.o", directory / "genuine.o"
    names = [
        line.split()[-1]
        for line in _run("nm", "--defined-only", "-g", source).splitlines()
        if "PaUtil_" in line
    ]
    assert len(names) == 10
    pairs = [f"--redefine-sym={name}=genuine_{name}" for name in names]
    _run("objcopy", *pairs, source, renamed)
    return renamed
