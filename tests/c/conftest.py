"""The C library, installed once for all tests, a C compiler to use it with, and the wheel."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

import pytest
from built_for import EXE, FOREIGN, RUNNER, STANDALONE

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
def start():
    """`start(program, argument, ...)` is `run()` for programs that were compiled here, perhaps for
    another system."""
    return lambda program, *arguments, **options: _run(*RUNNER, program, *arguments, **options)


@pytest.fixture(scope="session")
def install(require):
    """`install(PREFIX=..., ...)` installs the C library with these variables in the environment."""
    require(shutil.which("cargo"), "cargo is needed to build the C library")

    def install(**variables):
        environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
        _run(sys.executable, PROJECT / "tools" / "install_c.py", env=environment, timeout=900)

    return install


@pytest.fixture(scope="session")
def installed(install, tmp_path_factory):
    """The prefix into which the C library was installed."""
    prefix = tmp_path_factory.mktemp("installed")
    install(PREFIX=prefix)
    return prefix


@pytest.fixture(scope="session")
def static_library(installed):
    """The static library, under the name that it has on this system."""
    names = ("libpa_ringbuffer.a", "pa_ringbuffer.lib")
    (library,) = (p for name in names if (p := installed / "lib" / name).exists())
    return library


@pytest.fixture(scope="session")
def cc(require):
    """The C compiler, which takes the options of GCC and Clang."""
    if "CC" in os.environ:
        compiler = shutil.which(os.environ["CC"])
    else:
        compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    require(compiler, "a C compiler (GCC or Clang) is needed")
    return compiler


@pytest.fixture(scope="session")
def compile_c(cc, static_library, installed, tmp_path_factory):
    """`compile_c('x.c', option, ...)` returns the program, linked with the static library."""

    def compile_c(source, *options, standard="c11", language="c", headers=installed / "include"):
        program = tmp_path_factory.mktemp("program") / (Path(source).stem + EXE)
        _run(
            *(cc, f"-std={standard}", "-O2", "-g", "-pthread", *WARNINGS),
            *(f"-I{headers}", "-x", language, HERE / source, "-x", "none"),
            *("-o", program),
            *(*options, static_library, *STANDALONE),
        )
        return program

    return compile_c


@pytest.fixture(scope="session")
def portaudio_archive(require, cc):
    """PortAudio as a static library; among its members is PortAudio's own ring buffer."""
    path = Path(_run(cc, "-print-file-name=libportaudio.a").strip())
    if FOREIGN and not path.is_absolute():
        pytest.skip("there is no libportaudio.a for the system that is built for")
    require(path.is_absolute() and path.exists(), "libportaudio.a (portaudio19-dev) is needed")
    return path


@pytest.fixture(scope="session")
def genuine(require, portaudio_archive, tmp_path_factory):
    """PortAudio's own ring buffer, with `genuine_` in front of the names of its functions."""
    objcopy = os.environ.get("OBJCOPY", "objcopy")
    for program in ("ar", "nm", objcopy):
        require(shutil.which(program), f"{program} is needed to rename functions")
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
    _run(objcopy, *pairs, source, renamed)
    return renamed


@pytest.fixture(scope="session")
def python_headers(require):
    """Python's header files, without which no module can be compiled."""
    headers = Path(sysconfig.get_paths()["include"])
    require(
        (headers / "Python.h").exists(), "Python's header files (Debian: python3-dev) are needed"
    )


def _has_limited_api():
    return sys.version_info >= (3, 11) and not sysconfig.get_config_var("Py_GIL_DISABLED")


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """`once(name, make)` has one process of this test run call `make(folder)`; the folder."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def once(name, make):
        import fcntl

        folder = base / name
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                unfinished = Path(tempfile.mkdtemp(dir=base))
                make(unfinished)
                unfinished.rename(folder)
        return folder

    return once


@pytest.fixture(scope="session")
def wheel(require, once):
    """The wheel for this Python, built by pip through the project's build backend."""
    require(shutil.which("cargo"), "cargo is needed to build the wheel")
    for module in "maturin", "pip":
        require(importlib.util.find_spec(module), f"the Python package {module} is needed")

    # maturin cannot do it twice at the same time.
    def build(folder):
        command = (sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps")
        _run(
            *(*command, "--no-build-isolation", "--wheel-dir", folder, PROJECT),
            env={
                **os.environ,
                # Where maturin is.
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
                # What `make` has compiled already.
                "MATURIN_PEP517_ARGS": "--features abi3" if _has_limited_api() else "",
            },
            timeout=900,
        )

    (wheel,) = once("wheel", build).iterdir()
    return wheel


@pytest.fixture(scope="session")
def site(wheel, once):
    """A folder into which the wheel was installed: PYTHONPATH for programs that use it."""

    def install(folder):
        command = (sys.executable, "-m", "pip", "install", "--no-index", "--no-deps")
        _run(*command, "--target", folder, wheel)

    return once("site packages", install)


@pytest.fixture(scope="session")
def python(site):
    """`python('-m', 'module', ...)` runs this Python with the installed wheel; its output."""

    def python(*arguments, path=(), **options):
        folders = os.pathsep.join(map(str, (*path, site)))
        environment = {**os.environ, **options.pop("env", {}), "PYTHONPATH": folders}
        return _run(sys.executable, *arguments, env=environment, **options)

    return python


def _repacked(name, folder):
    """Make a wheel of a package that is installed, as it was before it was installed."""
    distribution = importlib.metadata.distribution(name)
    text = distribution.read_text("WHEEL")
    files = distribution.files
    if text is None or files is None:
        return False
    tag = re.search(r"^Tag: (.+)$", text, re.MULTILINE)[1]
    stem = f"{re.sub('[-_.]+', '_', name)}-{distribution.version}-{tag}"
    with zipfile.ZipFile(folder / f"{stem}.whl", "w") as archive:
        for file in files:
            # Not the scripts, which are made when it is installed.
            if ".." not in file.parts and "__pycache__" not in file.parts:
                archive.write(file.locate(), file.as_posix())
    return True


@pytest.fixture(scope="session")
def links(wheel, require, once):
    """A folder of wheels for pip instead of a package index: ours, and what builds others."""

    def collect(folder):
        for name in "cffi", "pycparser", "setuptools":
            require(importlib.util.find_spec(name), f"the Python package {name} is needed")
            require(_repacked(name, folder), f"{name} was not installed from a wheel")
        shutil.copy(wheel, folder)

    return once("links", collect)


@pytest.fixture(scope="session")
def pip_install(links):
    """`pip_install(project, target)` builds it in isolation, with nothing but these wheels."""

    def pip_install(project, target):
        _run(
            *(sys.executable, "-m", "pip", "install", "--no-index", "--find-links", links),
            *("--target", target, project),
            # What the machine has told pip otherwise.
            env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": ""},
        )

    return pip_install
