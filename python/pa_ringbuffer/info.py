"""``python -m pa_ringbuffer info``: the information about a machine that a bug report needs.

Every line is independent: if something is missing, its line says so, and the others are printed.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import re
import sys
import sysconfig
from typing import Any, Callable

import pa_ringbuffer

from ._wheels import GET_PORTAUDIO


def _package() -> str:
    return f"{pa_ringbuffer.__version__} in {os.path.dirname(pa_ringbuffer.__file__)}"


def _classes() -> str:
    try:
        _ = pa_ringbuffer.StreamCallback
    except AttributeError:
        return "portable (no extension module)"
    from . import _native

    return f"native, in {os.path.basename(str(_native.__file__))}"


def _layout() -> str:
    integer = re.search(r"typedef (\w+) ring_buffer_size_t", pa_ringbuffer.cdef())
    name = integer[1] if integer else "not known"
    return f"ring_buffer_size_t is {name}, pointers have {sys.maxsize.bit_length() + 1} bits"


def _python() -> str:
    text = f"{platform.python_implementation()} {platform.python_version()}"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
        text += f", free-threaded, the GIL is {'on' if has_gil else 'off'}"
    return f"{text}, switch interval {sys.getswitchinterval() * 1e3:g} ms"


def _system() -> str:
    return f"{platform.platform()}, {os.cpu_count()} processors"


def _version(name: str) -> Callable[[], str]:
    def version() -> str:
        # Not only the metadata: the import may find another version, or fail.
        module = importlib.import_module(name)
        return str(getattr(module, "__version__", None) or importlib.metadata.version(name))

    return version


def _portaudio() -> str:
    import sounddevice

    number, text = sounddevice.get_portaudio_version()
    return f"{text} ({number})"


def _hostapis() -> str:
    import sounddevice

    lines = []
    for api in sounddevice.query_hostapis():
        defaults = [api["default_input_device"], api["default_output_device"]]
        shown = ", ".join("none" if device < 0 else str(device) for device in defaults)
        lines.append(f"{api['name']}: {len(api['devices'])} devices, default {shown}")
    return "\n".join(lines) or "none"


def _devices() -> str:
    import sounddevice

    lines = []
    for device in sounddevice.query_devices():
        latency = "/".join(
            f"{device[f'default_{level}_{kind}_latency'] * 1e3:.1f}"
            for kind in ("input", "output")
            for level in ("low", "high")
        )
        lines.append(
            f"{device['index']} {device['name']}, "
            f"{sounddevice.query_hostapis(device['hostapi'])['name']}: "
            f"{device['max_input_channels']} in, {device['max_output_channels']} out, "
            f"{device['default_samplerate']:g} Hz, latency {latency} ms"
        )
    return "\n".join(lines) or "none"


def _realtime() -> str:
    """Whether threads of this process may have the real-time priority that audio threads need."""
    if sys.platform in ("win32", "darwin"):
        return "the system gives audio threads their priority"
    import resource

    limits = []
    # Python has no name for Linux's RLIMIT_RTPRIO.
    for what, number in ("priority", 14), ("locked memory", resource.RLIMIT_MEMLOCK):
        if sys.platform != "linux" and what == "priority":
            continue
        soft = resource.getrlimit(number)[0]
        limits.append(f"{what} {'unlimited' if soft == resource.RLIM_INFINITY else soft}")
    text = f"limits: {', '.join(limits)}"
    if hasattr(os, "sched_setscheduler"):
        text += f"; SCHED_FIFO {'is' if _may_have_priority() else 'is not'} allowed"
    return text


def _may_have_priority() -> bool:
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return False
    os.sched_setscheduler(0, *before)
    return True


_LINES: dict[str, Callable[[], str]] = {
    "pa_ringbuffer": _package,
    "classes": _classes,
    "layout": _layout,
    "Python": _python,
    "system": _system,
    "NumPy": _version("numpy"),
    "CFFI": _version("cffi"),
    "sounddevice": _version("sounddevice"),
    "PortAudio": _portaudio,
    "host APIs": _hostapis,
    "devices": _devices,
    "real-time rights": _realtime,
}


def _answer(ask: Callable[[], Any]) -> str:
    try:
        return str(ask())
    except ModuleNotFoundError as error:
        return f"not there: pip install {error.name}"
    except OSError as error:
        remedy = f": {GET_PORTAUDIO}" if "PortAudio" in str(error) else ""
        return f"not known: {type(error).__name__}: {error}{remedy}"
    except Exception as error:
        # A report about failures must not fail itself.
        return f"not known: {type(error).__name__}: {error}"


def collect() -> str:
    """The whole report, with at least one line for each subject."""
    width = max(map(len, _LINES)) + 2
    indent = "\n" + " " * width
    return "\n".join(
        f"{name + ':':{width}}{_answer(ask).strip().replace(chr(10), indent)}"
        for name, ask in _LINES.items()
    )
