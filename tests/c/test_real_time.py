"""The C library's functions where an allocation or a system call ends the process, and the callback
of the Python extension where a system call does.

The same for the Rust crates is in crates/pa-ringbuffer-callback/tests/real_time.
"""

import ctypes
import importlib.util
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from built_for import EMULATED, FOREIGN, SYSTEM

pytestmark = pytest.mark.impossible(
    SYSTEM != "linux" or EMULATED,
    reason="only Linux can forbid a process to call the system, and no emulator does",
)
#: They load what is built into this Python.
in_this_process = pytest.mark.impossible(FOREIGN, reason="this Python is one of another system")

HERE = Path(__file__).parent
INCLUDE = HERE.parent.parent / "crates" / "pa-ringbuffer-capi" / "include"
# The exit statuses in guard.h and real_time.c.
PASSED, ALLOCATED, NOT_GUARDED = 0, 10, 12
WRAPPED = ("malloc", "calloc", "realloc", "free")


def _functions():
    """All that the headers declare."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(INCLUDE.glob("*.h")))
    return re.findall(r"^(?:(?:unsigned )?int|void|\w+_t) (\w+)\(", text, re.MULTILINE)


def _require_guard(require, end):
    require(end != NOT_GUARDED, "seccomp is needed to forbid system calls")


@pytest.fixture(scope="module", params=["-O2", "-static"])
def guarded(request, require, compile_c):
    """`guarded(name)` runs one of the functions and returns how the process ended."""
    wrap = "-Wl," + ",".join(f"--wrap={name}" for name in WRAPPED)
    program = compile_c("real_time.c", "-D_GNU_SOURCE", request.param, wrap)

    def guarded(name):
        return subprocess.run([program, name], check=False, timeout=120).returncode

    _require_guard(require, guarded("does nothing"))
    return guarded


@pytest.mark.parametrize("function", _functions())
def test_function_never_allocates_or_calls_the_system(guarded, function):
    assert guarded(function) == PASSED


@pytest.mark.parametrize(
    ("what", "end"),
    [
        ("does nothing", PASSED),
        ("allocates", ALLOCATED),
        ("frees", ALLOCATED),
        ("calls the system", -signal.SIGSYS),
        ("prints", -signal.SIGSYS),
    ],
)
def test_guard_notices_what_is_forbidden(guarded, what, end):
    assert guarded(what) == end


@pytest.fixture(scope="module")
def guarded_calls(require, cc, run, tmp_path_factory):
    """`guarded_calls(callback, finished, userdata)`, with addresses, returns how it ended."""
    library = tmp_path_factory.mktemp("library") / "guarded_calls.so"
    run(
        *(cc, "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror"),
        *("-fPIC", "-shared", HERE / "guarded_calls.c", "-o", library),
    )
    function = ctypes.CDLL(str(library)).guarded_calls
    function.argtypes = [ctypes.c_void_p] * 3

    def guarded_calls(*addresses):
        return os.waitstatus_to_exitcode(function(*addresses))

    harmless = _address(ctypes.CDLL(None).abs)
    _require_guard(require, guarded_calls(harmless, harmless, None))
    return guarded_calls


def _address(function):
    return ctypes.cast(function, ctypes.c_void_p).value


@in_this_process
@pytest.mark.parametrize("mode", ["run", "drain", "complete", "start"])
@pytest.mark.parametrize(
    "options", [{}, {"on_underflow": "stop", "on_overflow": "stop"}, {"wake": True}]
)
def test_callback_of_the_extension_never_calls_the_system(guarded_calls, require, mode, options):
    require(importlib.util.find_spec("pa_ringbuffer"), "the Python package is needed")
    import pa_ringbuffer

    input, output = pa_ringbuffer.RingBuffer(6, 512), pa_ringbuffer.RingBuffer(6, 64)
    output.write(bytes(6 * 40))
    stream = pa_ringbuffer.StreamCallback(input, output, **options)
    stream.mode = mode
    assert guarded_calls(stream.function, stream.finished_function, stream.address) == PASSED


@in_this_process
def test_guard_notices_a_callback_that_calls_the_system(guarded_calls):
    function = _address(ctypes.CDLL(None).getppid)
    assert guarded_calls(function, function, None) == -signal.SIGSYS
