"""The projects in examples/callbacks, built as their READMEs say, with nothing but the wheel.

Each has a command, which ends with a check on the virtual device. The same check is made on a JACK
server that records what it plays. `make test-examples` runs these tests.
"""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from built_for import SYSTEM, TARGET
from headless_audio import JackServer
from jack_crash import AGAIN, JackCrash, jack_has_crashed
from only_jack_server import only_jack_server

PROJECT = Path(__file__).parents[3]
EXAMPLES = PROJECT / "examples" / "callbacks"
PROGRAMS = PROJECT / "tests" / "audio" / "programs"
TIME_LIMIT = 600
pytestmark = [
    AGAIN,
    pytest.mark.impossible(bool(TARGET), reason="the wheel is built for this Python"),
    pytest.mark.impossible(SYSTEM == "windows", reason="CC is not the compiler of this Python"),
]


class Example:
    """A project: how it is started, what it says if all is well, and what it needs."""

    def __init__(self, start, right, programs=(), modules=("numpy",), headers=()):
        self.start = start
        self.right = right
        self.programs = programs
        self.modules = modules
        self.headers = headers


FRAMES = r"\d+ frames came back(?: \d+ frames later)?, 0 of them wrong"
SETUPTOOLS = ("numpy", "setuptools")
NEEDS = {
    "c": Example(["./sampler"], FRAMES, ["cc", "pkg-config"], headers=["portaudio.h"]),
    "cffi": Example(
        ["python", "-m", "levelmeter"],
        "levels and sound agree",
        ["cc"],
        ("cffi", "setuptools"),
        ["Python.h"],
    ),
    "cpp": Example(
        ["python", "-m", "cpp_sampler"], FRAMES, ["c++"], (*SETUPTOOLS, "pybind11"), ["Python.h"]
    ),
    "ctypes": Example(["python", "sampler.py"], FRAMES, ["cc"]),
    "cython": Example(
        ["python", "-m", "cython_meter"],
        "levels and sound agree",
        ["cc"],
        (*SETUPTOOLS, "Cython"),
        ["Python.h"],
    ),
    "jack_client": Example(["python", "player.py"], FRAMES, ["cc"], ["numpy", "jack"]),
    "numba": Example(["python", "delay.py"], FRAMES, modules=["numba"]),
    "rust": Example(["python", "-m", "rust_delay"], FRAMES, ["cargo"], ["numpy", "maturin"]),
    "rust_cpal": Example(
        ["cargo", "run", "--release", "--features", "jack", "--"],
        r"8 notes, \d+ samples, all as expected",
        ["cargo"],
        [],
        ["alsa/asoundlib.h"],
    ),
}


def command(name):
    """What the README says."""
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(commands) == 1, "a README has one command"
    return commands[0]


@pytest.fixture(scope="session")
def others(once):
    """A folder with all that is installed here but this package and the examples."""
    paths = sysconfig.get_paths()

    def link(folder):
        for site in {paths["purelib"], paths["platlib"]}:
            for path in Path(site).iterdir():
                if not path.name.startswith(("pa_ringbuffer", "__pycache__")):
                    (folder / path.name).symlink_to(path)

    return once("others", link)


@pytest.fixture(scope="session")
def need(require, run):
    """Skip, or fail, where something is missing that an example needs."""

    def need(name):
        example = NEEDS[name]
        for program in example.programs:
            require(shutil.which(program), f"{program} is needed")
        for module in example.modules:
            require(importlib.util.find_spec(module), f"the Python package {module} is needed")
        include = ["-I", sysconfig.get_paths()["include"]]
        for header in example.headers:
            found = subprocess.run(
                ["cc", *include, "-E", "-x", "c", "-"],
                input=f"#include <{header}>\n",
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            require(found.returncode == 0, f"the header file {header} is needed")
        manifest = EXAMPLES / name / "Cargo.toml"
        if manifest.exists():
            fetched = subprocess.run(
                ["cargo", "fetch", "--offline", "--manifest-path", manifest, *patch()],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            require(fetched.returncode == 0, "crates are needed: `make test-examples` fetches them")

    return need


def patch():
    """Until the crate is published, and afterwards to test this one: where Cargo finds it."""
    crate = PROJECT / "crates" / "pa-ringbuffer"
    return "--config", f'patch.crates-io.pa-ringbuffer.path="{crate}"'


class Built:
    """An example that was built as its README says."""

    def __init__(self, folder, environment, output):
        self.folder = folder
        self.environment = environment
        self.output = output


@pytest.fixture(scope="session")
def build(once, wheel, others, need, run):
    """Build an example in a fresh environment with nothing but the wheel, and run it."""

    def build(name, **more_environment):
        need(name)

        def make(folder):
            shutil.copytree(
                EXAMPLES / name,
                folder / "project",
                ignore=shutil.ignore_patterns("build", "target", "*.egg-info", "*.so", "*.o"),
            )
            venv = folder / "venv"
            run(sys.executable, "-m", "venv", "--without-pip", venv)
            (site,) = venv.glob("lib/python*/site-packages")
            (site / "others.pth").write_text(f"{others}\n")

        folder = once(f"example-{name}", make)
        project = folder / "project"
        environment = {
            **os.environ,
            "PATH": os.pathsep.join(
                [str(folder / "venv" / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheel.parent),
            # What an isolated build would download is in the folder of the others.
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "CARGO_NET_OFFLINE": "true",
            "CARGO_TARGET_DIR": str(PROJECT / "target" / "examples"),
            "CXX": os.environ.get("CXX", "c++"),
            **more_environment,
        }
        # What would point to the sources.
        for variable in "PYTHONPATH", "VIRTUAL_ENV", "PKG_CONFIG_PATH":
            environment.pop(variable, None)
        if (project / "Cargo.toml").exists():
            config = project / ".cargo"
            config.mkdir(exist_ok=True)
            (config / "config.toml").write_text(patch()[1] + "\n")

        def first_run(done):
            options = {"env": environment, "cwd": project, "timeout": TIME_LIMIT}
            if (project / "pyproject.toml").exists():
                # Without isolation, pip does not look for what a build needs.
                run("python", "-m", "pip", "install", "pa-ringbuffer", **options)
            output = run("bash", "-c", command(name), **options)
            (done / "output").write_text(output)

        output = (once(f"output-{name}", first_run) / "output").read_text()
        return Built(project, environment, output)

    return build


# The others need a JACK server, even for the check.
WITH_VIRTUAL_DEVICE = [name for name in NEEDS if name != "jack_client"]


@pytest.mark.parametrize("name", WITH_VIRTUAL_DEVICE)
def test_the_command_in_the_readme_works_from_a_wheel(name, build):
    built = build(name)
    assert re.search(rf"^{NEEDS[name].right}$", built.output, re.MULTILINE), built.output
    venv = built.folder.parent / "venv"
    if "pip" in command(name):
        # What was used is the wheel, and not the sources of this project.
        (package,) = venv.glob("lib/python*/site-packages/pa_ringbuffer")
        assert (package / "include" / "pa_ringbuffer.hpp").exists()


@pytest.fixture
def start_jack(require):
    """Start a JACK server that records what it plays, and return the environment that finds it."""
    missing = JackServer.missing()
    require(not missing, f"{missing} is not installed")
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(only_jack_server()).environment


@pytest.fixture
def run_on_jack(start_jack):
    """Run a program of an example that must succeed, and return its standard output."""

    def run_on_jack(built, *command):
        result = subprocess.run(
            command,
            env={**built.environment, **start_jack(), "PYTHONFAULTHANDLER": "1"},
            cwd=built.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if jack_has_crashed(result.returncode, result.stderr):
            raise JackCrash(result.stderr)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    return run_on_jack


# The level meter plays nothing, and cpal uses no PortAudio.
WITH_PORTAUDIO = [name for name in WITH_VIRTUAL_DEVICE if name not in ("cffi", "rust_cpal")]


@pytest.mark.parametrize("name", WITH_PORTAUDIO)
def test_what_a_sound_card_plays_comes_back(name, build, run_on_jack, require):
    if name != "c":
        require(importlib.util.find_spec("sounddevice"), "sounddevice is not installed")
    output = run_on_jack(build(name), *NEEDS[name].start, "-d", "system", "--check")
    assert re.search(rf"^{NEEDS[name].right}$", output, re.MULTILINE), output


def test_the_level_meter_measures_what_a_sound_card_hears(build, run_on_jack, require):
    require(importlib.util.find_spec("sounddevice"), "sounddevice is not installed")
    output = run_on_jack(build("cffi"), "python", "-c", LISTEN)
    assert json.loads(output.splitlines()[-1]) == [0.625, 0.625]


# It plays a tone until the meter has heard it.
LISTEN = """
import json
import levelmeter
import numpy as np
import pa_ringbuffer.sounddevice as sd

meter = levelmeter.LevelMeter(channels=2)
options = {"device": "system", "channels": 2, "samplerate": 48000}
with (
    sd.CompiledStream("input", meter.callback, meter.userdata, dtype="float32", **options),
    sd.OutputStream(**options) as output,
):
    levels = []
    while not any(level.rms == 0.625 for level in levels):
        output.write(np.full((4800, 2), 0.625, "float32"))
        levels += meter.read()
loudest = max(levels, key=lambda level: level.rms)
print(json.dumps([max(level.peak for level in levels), loudest.rms]))
"""


def test_the_command_for_jack_client_works_from_a_wheel(build, start_jack):
    built = build("jack_client", **start_jack())
    assert re.search(rf"^{FRAMES}$", built.output, re.MULTILINE), built.output
    assert "0 frames of the recording were lost" in built.output


def load(path):
    """A program as module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_cpal_plays_arrives(build, start_jack, require, run, numpy, tmp_path):
    require(importlib.util.find_spec("sounddevice"), "sounddevice is not installed")
    has_jack = shutil.which("pkg-config") and not subprocess.call(
        ["pkg-config", "--exists", "jack"]
    )
    require(has_jack, "libjack (Debian: libjack-jackd2-dev) is needed")
    built = build("rust_cpal")
    run(
        *NEEDS["rust_cpal"].start,
        "--virtual",
        env=built.environment,
        cwd=built.folder,
        timeout=TIME_LIMIT,
    )
    path = tmp_path / "captured"
    jack = start_jack()
    capture = subprocess.Popen(
        [sys.executable, "-u", PROGRAMS / "capture.py", json.dumps({"file": str(path)})],
        env={**os.environ, **jack},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert "recording" in capture.stdout.readline()
        output = run(
            *(*NEEDS["rust_cpal"].start, "--host", "jack"),
            env={**built.environment, **jack},
            cwd=built.folder,
            timeout=60,
        )
        capture.communicate(timeout=60)
    finally:
        capture.kill()
        capture.communicate()
    begun = re.findall(r"^note (\d+) at ([\d.]+) s$", output, re.MULTILINE)
    assert len(begun) == 8
    sampler = load(EXAMPLES / "ctypes" / "sampler.py")
    events = [
        (round(float(time) * 48000), int(note), 0.5 if number % 4 == 0 else 0.25)
        for number, (note, time) in enumerate(begun)
    ]
    expected = sampler.rendered(sampler.pluck(), numpy.array(events, sampler.Event))
    captured = numpy.fromfile(path, "float32").reshape(-1, 2)[:, 0]
    delay, wrong = sampler.compare(expected[: int(2.5 * 48000)], captured)
    assert (delay > 0, wrong) == (True, 0)
