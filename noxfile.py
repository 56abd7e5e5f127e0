"""Runs the tests with the installed package, from the wheel and the sdist, on every Python found.

`make test-all` runs this. It finds `python3.9` and newer on the PATH and in pyenv, and
free-threaded ones from 3.14 on, because PyO3 supports no older ones. PyPy tests the pure wheel: the
sdist contains the extension, which PyO3 cannot build for a PyPy below 3.11.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.envdir = "build/nox/sessions"

# The minor version, and whether it is free-threaded.
THIS = sys.version_info[1], bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
BUILT = Path("build", "installed").absolute()
WITHOUT_HARDWARE = ["tests", "--ignore=tests/audio", "--ignore=tests/c"]
# Things that an installation can break: which class is used, the extension's memory layout and
# operations, headers and library, the virtual device and the demo.
SHORT = [
    "tests/test_demo.py",
    "tests/test_layout.py",
    "tests/test_linking.py",
    "tests/test_operations.py",
    "tests/test_virtual_device.py",
    "tests/test_without_extension.py",
]
ASK = (
    "import sys, sysconfig; print(sys.implementation.name, sys.version_info[1],"
    " 't' if sysconfig.get_config_var('Py_GIL_DISABLED') else '')"
)


def folders():
    """Folders with Pythons: pyenv first, because its shims on the PATH may not work."""
    root = os.environ.get("PYENV_ROOT")
    if not root and shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], stdout=subprocess.PIPE, text=True).stdout.strip()
    if root:
        yield from sorted(Path(root, "versions").glob("*/bin"))
    yield from map(Path, os.environ["PATH"].split(os.pathsep))


def interpreters():
    """Names like 3.14t and pypy3.9, and the first interpreter found for each."""
    found = {}
    for folder in folders():
        for file in sorted(folder.glob("p*3*")):
            if not re.fullmatch(r"(python3\.\d+t?|pypy3)(\.exe)?", file.name):
                continue
            answer = subprocess.run([file, "-c", ASK], capture_output=True, text=True)
            answer = answer.stdout.split()
            if answer and int(answer[1]) >= (14 if "t" in answer else 9):
                name = ("pypy" if answer[0] == "pypy" else "") + "3." + "".join(answer[1:])
                found.setdefault(name, str(file))
    return dict(sorted(found.items(), key=lambda item: int(re.search(r"\.(\d+)", item[0])[1])))


def maturin(*arguments):
    subprocess.run([sys.executable, "-m", "maturin", *arguments], check=True)


wheels = {}


def wheel_for(python, minor, threaded):
    """The wheel with the limited API is built once for all interpreters that take it."""
    limited = minor >= 11 and not threaded
    folder = BUILT / ("abi3" if limited else f"3.{minor}{'t' if threaded else ''}")
    if folder not in wheels:
        shutil.rmtree(folder, ignore_errors=True)
        options = ["--features", "abi3"] if limited else []
        options += ["--out", folder, "--interpreter", python]
        subprocess.run([sys.executable, "tools/wheel_contents.py"], check=True)
        maturin("build", "--release", "--locked", *options)
        (wheels[folder],) = folder.iterdir()
    return wheels[folder]


@functools.cache
def sdist():
    folder = BUILT / "sdist"
    shutil.rmtree(folder, ignore_errors=True)
    maturin("sdist", "--out", folder)
    (archive,) = folder.iterdir()
    return archive


def install(session, archive, threaded):
    session.install("pip>=25.1")
    # Before everything else: rtmixer depends on the package, and would install upstream's.
    session.install(
        "--force-reinstall", "--no-deps", archive, env={"CARGO_TARGET_DIR": str(BUILT / "target")}
    )
    if threaded:
        # The others have no wheels for it; tests that need them are skipped with a reason.
        session.install("pa-ringbuffer[demo]", "cffi", "hypothesis", "pytest", "setuptools>=70.1")
        session.env["CI"] = ""
        # tests/conftest.py checks that it stays off.
        session.env["PYTHON_GIL"] = "0"
    else:
        session.install("pa-ringbuffer[demo]", "--group", "test")


def test(session, tests):
    session.run("python", "tools/test_installed.py", "-q", *tests, *session.posargs)


def add_sessions(name, python):
    threaded = name.endswith("t")
    minor = int(name.partition(".")[2].rstrip("t"))
    is_default = (minor, threaded) == THIS

    @nox.session(name=f"wheel-{name}", python=python)
    def from_wheel(session):
        install(session, wheel_for(python, minor, threaded), threaded)
        test(session, WITHOUT_HARDWARE)

    @nox.session(name=f"sdist-{name}", python=python)
    def from_sdist(session):
        install(session, sdist(), threaded)
        # The same sources give the same library, so only this interpreter runs the other tests.
        test(session, WITHOUT_HARDWARE if is_default else SHORT)


@nox.session(default=False)
def short(session):
    """Wheel and sdist of this interpreter, and the tests of what an installation can break."""
    for archive in wheel_for(sys.executable, *THIS), sdist():
        install(session, archive, THIS[1])
        test(session, SHORT)


def add_pypy(name, python):
    @nox.session(name=f"wheel-{name}", python=False)
    def from_pure_wheel(session):
        session.run("make", "test-pypy", f"PYPY={python}", external=True)


for name, python in interpreters().items():
    (add_pypy if name.startswith("pypy") else add_sessions)(name, python)
