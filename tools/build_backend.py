"""maturin's build backend, which packs headers and the C library, too (PEP 517 and 660).

`pip install .` and `pip install` of the source package come here.
"""

import os
import platform
import shlex
import struct

import maturin
import wheel_contents
from maturin import (
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]


def _target(config_settings):
    """The target that maturin is going to build for, if that is not the machine's own."""
    arguments = maturin.get_maturin_pep517_args(config_settings)
    for position, argument in enumerate(arguments):
        if argument == "--target":
            return arguments[position + 1]
        if argument.startswith("--target="):
            return argument.partition("=")[2]
    if platform.system() == "Darwin":
        # From cibuildwheel, and from pip for a universal Python.
        words = shlex.split(os.environ.get("ARCHFLAGS", ""))
        processors = {word for before, word in zip(words, words[1:]) if before == "-arch"}
        names = {"arm64": "aarch64-apple-darwin", "x86_64": "x86_64-apple-darwin"}
        if processors == set(names):
            return wheel_contents.UNIVERSAL
        if len(processors) == 1:
            return names.get(processors.pop())
    if platform.system() == "Windows" and platform.machine() == "AMD64":
        # A Python of 32 bits on Windows of 64 bits.
        return "i686-pc-windows-msvc" if struct.calcsize("P") == 4 else None
    return None


def _make_contents(config_settings):
    target = _target(config_settings)
    # Where there is no cargo, maturin has brought one along, which only its environment knows.
    environment = getattr(maturin, "_get_env", lambda: None)() or os.environ
    wheel_contents.main([target] if target else [], environment)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _make_contents(config_settings)
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    _make_contents(config_settings)
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)
