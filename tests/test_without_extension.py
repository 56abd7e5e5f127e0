"""The package on an interpreter for which there is no extension."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PRELUDE = "import sys; sys.modules['pa_ringbuffer._native'] = None; import pa_ringbuffer\n"


def run(program):
    result = subprocess.run(
        [sys.executable, "-c", PRELUDE + program],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_the_portable_class_takes_over():
    assert run(
        "import pa_ringbuffer.portable as portable\n"
        "print(issubclass(pa_ringbuffer.RingBuffer, portable._RingBufferBase))\n"
        "print(pa_ringbuffer.init is portable.init)\n"
        "ring = pa_ringbuffer.RingBuffer(2, 4)\n"
        "print(ring.write(b'abcd'), bytes(ring.read()))"
    ).splitlines() == ["True", "True", "2 b'abcd'"]


def test_what_is_compiled_says_why_it_is_missing():
    program = "try:\n    {}\nexcept (AttributeError, ImportError) as error:\n    print(error)\n"
    for statement in (
        "pa_ringbuffer.StreamCallback",
        "pa_ringbuffer.get_include()",
        "pa_ringbuffer.build_arguments()",
        "pa_ringbuffer.function_address('PaUtil_WriteRingBuffer')",
        "import pa_ringbuffer.testing",
        "import pa_ringbuffer.streams",
    ):
        message = run(program.format(statement))
        assert "wheels for CPython 3.9 and newer" in message
        # pip would otherwise keep the wheel that is installed already.
        assert "pip install --force-reinstall --no-deps --no-binary pa-ringbuffer" in message


def test_what_is_said_about_wheels_is_what_the_workflow_builds():
    workflow = Path(__file__).parent.parent / ".github" / "workflows" / "ci.yml"
    if not workflow.exists():
        pytest.skip("the workflow is only in a clone of the repository")
    message = run(
        "try:\n    import pa_ringbuffer.testing\nexcept ImportError as error:\n    print(error)"
    )
    names = {"Linux": "linux", "Linux with musl": "musl", "macOS": "macos", "Windows": "windows"}
    said = {
        f"{names[system]}-{processor}"
        for system, processors in re.findall(r"(\w+(?: with musl)?) \(([\w, ]+)\)", message)
        for processor in processors.split(", ")
    }
    (job,) = re.findall(
        r"^  wheels:\n(.*?)(?=^  \w)", workflow.read_text(encoding="utf-8"), re.M | re.S
    )
    built = set(re.findall(r"^ +- \{ name: ([\w-]+), ", job, re.M))
    assert said == built
    only_newer = set(re.findall(r"\{ name: ([\w-]+), .*older: \"\"", job))
    assert only_newer == {"windows-arm64"}, "the message names the only one"
    assert "(Windows on arm64: 3.11)" in message


@pytest.mark.impossible(
    sys.implementation.name == "pypy", reason="there is no extension, and that is said first"
)
@pytest.mark.parametrize(
    ("missing", "use", "said"),
    [
        (
            "sounddevice",
            "import pa_ringbuffer.sounddevice",
            "sounddevice: pip install 'pa-ringbuffer[sounddevice]'",
        ),
        (
            "numpy",
            "import pa_ringbuffer.testing; pa_ringbuffer.testing.Stream()",
            "Stream needs numpy: pip install numpy; RawStream does not need it",
        ),
    ],
)
def test_streams_say_what_has_to_be_installed(missing, use, said):
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"try:\n    {use}\n"
        "except ImportError as error:\n    print(error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert said in result.stdout


@pytest.mark.impossible(
    sys.implementation.name == "pypy", reason="there is no extension, and that is said first"
)
@pytest.mark.parametrize(
    ("broken", "statement"),
    [
        ("sys.modules['sounddevice'] = None", "import pa_ringbuffer.sounddevice"),
        ("sys.modules['numpy'] = None", "import pa_ringbuffer.testing as t; t.Stream()"),
        (
            "class Finder:\n"
            "    def find_spec(self, name, path, target=None):\n"
            "        if name == 'sounddevice':\n"
            "            raise OSError('PortAudio library not found')\n"
            "sys.meta_path.insert(0, Finder())",
            "import pa_ringbuffer.sounddevice",
        ),
    ],
    ids=["sounddevice", "numpy", "PortAudio"],
)
def test_what_is_missing_is_one_error_and_not_a_chain(broken, statement):
    result = subprocess.run(
        [sys.executable, "-c", f"import sys\n{broken}\n{statement}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode != 0
    assert result.stderr.count("Traceback") == 1, result.stderr
    assert "\nImportError: " in result.stderr


def test_an_extension_that_does_not_load_is_an_error():
    program = (
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'pa_ringbuffer._native':\n"
        "            raise ImportError('wrong machine', name=name)\n"
        "sys.meta_path.insert(0, Broken())\n"
        "import pa_ringbuffer"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert result.returncode != 0
    assert "wrong machine" in result.stderr
