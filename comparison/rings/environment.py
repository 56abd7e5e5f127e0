"""A description of the measured libraries and of the machine."""

import os
import platform
import re
import subprocess

import machine

#: What the crates are called in tables.
CRATES = ("rtrb", "ringbuf", "crossbeam-queue")
PACKAGES = {"PortAudio": "portaudio-2.0", "JACK": "jack"}


def _first_line(*command, text=None):
    """The first line of a program's output, or nothing without that program."""
    try:
        output = subprocess.run(
            command, input=text, capture_output=True, text=True, check=True, timeout=60
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return next(iter(output.splitlines()), "unknown")


def describe(workspace):
    """Names and values, for the head of the report."""
    lock = (workspace / "Cargo.lock").read_text(encoding="utf-8")
    versions = dict(re.findall(r'name = "(.+)"\nversion = "(.+)"', lock))
    compiler = os.environ.get("CXX", "c++")
    boost = _first_line(
        *(compiler, "-E", "-P", "-x", "c++", "-"),
        text="#include <boost/version.hpp>\nBOOST_LIB_VERSION\n",
    )
    what = {
        "processor": machine.processor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "Rust": _first_line("rustc", "--version"),
        "C++": _first_line(compiler, "--version"),
        **{name: versions[name] for name in CRATES},
        **{
            name: _first_line("pkg-config", "--modversion", package)
            for name, package in PACKAGES.items()
        },
        "Boost": boost.strip('"').replace("_", "."),
    }
    if hasattr(os, "getloadavg"):
        what["load average before"] = f"{os.getloadavg()[0]:.1f}"
    return what
