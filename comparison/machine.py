"""A description of the machine of a measurement."""

import os
import pathlib
import platform


def processor():
    """The processor's name, if the system provides it."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name} x {os.cpu_count()}"


def python():
    """The interpreter's name and version."""
    return f"{platform.python_implementation()} {platform.python_version()}"
