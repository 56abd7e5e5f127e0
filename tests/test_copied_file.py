"""One file is enough: ``portable.py`` can be copied into a project as ``pa_ringbuffer.py``."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys

import pytest


@pytest.fixture
def run(tmp_path):
    """Runs a program next to the copied file and nothing else."""
    original = importlib.util.find_spec("pa_ringbuffer.portable").origin
    shutil.copy(original, tmp_path / "pa_ringbuffer.py")

    def run(program):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            cwd=tmp_path,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_it_needs_nothing_but_the_standard_library_and_cffi():
    source = importlib.util.find_spec("pa_ringbuffer.portable").loader.get_source(
        "pa_ringbuffer.portable"
    )
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module)
    assert imported == {
        "asyncio",
        "cffi",
        "ctypes",
        "math",
        "operator",
        "pickle",
        "platform",
        "re",
        "struct",
        "sys",
        "sysconfig",
        "threading",
        "time",
        "weakref",
    }


def test_it_works_as_a_module_of_its_own(run, new_ffi):
    program = """
import pa_ringbuffer
from cffi import FFI
ffi = FFI()
ffi.cdef(pa_ringbuffer.cdef())
for cls in pa_ringbuffer.RingBuffer, pa_ringbuffer.init(ffi, None):
    assert cls.__module__ == "pa_ringbuffer"
    ring = cls(4, 8)
    assert ring.write(b"abcdefgh") == 2
    print(ring.read().decode())
"""
    assert run(program) == "abcdefgh\nabcdefgh\n"


def test_it_can_be_imported_without_cffi_which_is_missed_when_it_is_needed(run):
    program = """
import sys
sys.modules["cffi"] = None
import pa_ringbuffer
from pa_ringbuffer import RingBuffer
assert "PaUtilRingBuffer" in pa_ringbuffer.cdef()
assert issubclass(pa_ringbuffer.init(NotImplemented, None), pa_ringbuffer._RingBufferBase)
try:
    RingBuffer(4, 8)
except ImportError as error:
    print(error)
"""
    assert "CFFI" in run(program)
