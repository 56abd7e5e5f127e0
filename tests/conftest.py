"""Common fixtures of the tests of the Python classes.

The contract is the same for the native class and for the portable one, and for classes that belong
to a CFFI module and those that do not: every test runs with all four.
"""

import gc
import importlib
import os
import platform
import signal
import sys
import sysconfig

import network_guard
import pytest
from struct_fields import Fields

# It stays for as long as the process: audit hooks cannot be removed.
sys.addaudithook(network_guard.refuse)

# A shell's background jobs ignore Ctrl-C, and so would the programs that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

PYPY = platform.python_implementation() == "PyPy"

# On PyPy, there is no extension module, no rtmixer with PortAudio's C, and mostly no NumPy.
IMPLEMENTATIONS = ["portable"] if PYPY else ["native", "portable"]
CLASSES = ["ready"] if PYPY else ["init", "ready"]
NOT_FOR_PYPY = {"genuine", "numpy", "soundfile"}
collect_ignore = (
    [
        "test_async_streams.py",
        "test_compiled_streams.py",
        "test_convenience.py",
        "test_demo.py",
        "test_device_at_exit.py",
        "test_device_lifetime.py",
        "test_docs.py",
        "test_errors_without_memory.py",
        "test_faults.py",
        "test_garbage.py",
        "test_interrupts.py",
        "test_linking.py",
        "test_module_face.py",
        "test_private_doors.py",
        "test_python_callbacks.py",
        "test_run.py",
        "test_same_errors.py",
        "test_stream_times.py",
        "test_streams.py",
        "test_streams_and_fork.py",
        "test_streams_and_signals.py",
        "test_streams_at_exit.py",
        "test_virtual_device.py",
    ]
    if PYPY
    else []
)


def has_gil():
    return getattr(sys, "_is_gil_enabled", lambda: True)()


HAD_GIL = has_gil()


def pytest_report_header():
    """Say what kind of Python this is: on a free-threaded one, tests are stricter."""
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return f"free-threaded Python, the GIL is {'on' if HAD_GIL else 'off'}"
    return None


def pytest_sessionfinish(session):
    """Fail if the GIL was off at first and is on now: what followed was tested with it."""
    if has_gil() and not HAD_GIL:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if has_gil() and not HAD_GIL:
        terminalreporter.write_line("FAILED: something that a test has imported enabled the GIL")


def pytest_collection_modifyitems(config, items):
    """Leave out what there cannot be on this interpreter or system.

    That is not the same as a skipped test, which something could be installed for.
    """

    def impossible(item):
        marked = any(mark.args[0] for mark in item.iter_markers("impossible"))
        return marked or (PYPY and not NOT_FOR_PYPY.isdisjoint(item.fixturenames))

    left_out = [item for item in items if impossible(item)]
    if left_out:
        items[:] = [item for item in items if not impossible(item)]
        config.hook.pytest_deselected(items=left_out)


_module = None


def pytest_runtest_protocol(item):
    """Hide what lives so far from the collector, which tests of lifetimes call thousands of times.

    What a test makes is looked at as ever; the hundreds of thousands of objects of the suite and of
    its libraries are not.
    """
    global _module
    if not PYPY and item.path != _module:
        _module = item.path
        gc.collect()
        gc.freeze()


def _require(condition, reason):
    if not condition:
        if os.environ.get("CI") == "true":
            pytest.fail(f"missing on a machine that should have it: {reason}")
        pytest.skip(reason)


@pytest.fixture(scope="session")
def require():
    """Skip a test where something is missing; where everything must be there, fail instead."""
    return _require


def _import(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


@pytest.fixture(scope="session", params=IMPLEMENTATIONS)
def implementation(request):
    """Something with ``cdef()``, ``init()``, ``RingBuffer`` and ``_RingBufferBase``."""
    if request.param == "portable":
        return importlib.import_module("pa_ringbuffer.portable")
    _require(_import("pa_ringbuffer._native"), "the extension module was not built")
    return importlib.import_module("pa_ringbuffer")


@pytest.fixture(scope="session")
def genuine():
    """PortAudio's own C functions, compiled into the wheel of rtmixer: ``(ffi, lib)``."""
    module = _import("_rtmixer")
    _require(module, "rtmixer is not installed")
    return module.ffi, module.lib


@pytest.fixture(scope="session", params=CLASSES)
def RingBuffer(request, implementation):
    """A class for the genuine C functions, and the one that is ready to use."""
    if request.param == "ready":
        return implementation.RingBuffer
    return implementation.init(*request.getfixturevalue("genuine"))


@pytest.fixture(scope="session")
def numpy():
    module = _import("numpy")
    _require(module, "NumPy is not installed")
    return module


@pytest.fixture(scope="session")
def soundfile():
    try:
        import soundfile
    except (ImportError, OSError):
        soundfile = None
    _require(soundfile, "soundfile or libsndfile is not installed")
    return soundfile


@pytest.fixture(scope="session")
def fields():
    """Returns the struct of a ring, to be read and overwritten."""
    return lambda ring: Fields.from_address(ring.address)


@pytest.fixture(scope="session")
def collect():
    """Run the garbage collector until objects with finalizers are gone, too."""

    def collect():
        for _ in range(4):
            gc.collect()

    return collect


@pytest.fixture(scope="session")
def new_ffi(implementation):
    """Makes further CFFI instances, which know nothing of each other."""
    cffi = _import("cffi")
    _require(cffi, "CFFI is not installed")

    def new_ffi(declarations=""):
        ffi = cffi.FFI()
        ffi.cdef(implementation.cdef() + declarations)
        return ffi

    return new_ffi
