"""Compiles callbacks.c, and makes it known to Python."""

import ctypes
import os
import pathlib
import shutil
import subprocess

SOURCE = pathlib.Path(__file__).with_name("callbacks.c")


class Control(ctypes.Structure):
    """``struct control``."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in ("key", "frames", "xruns"))


class Card(ctypes.Structure):
    """``struct card``."""

    _fields_ = (
        ("callback", ctypes.c_void_p),
        ("userdata", ctypes.c_void_p),
        ("samplerate", ctypes.c_double),
        ("recording", ctypes.c_void_p),
        ("capacity", ctypes.c_uint64),
        ("recorded", ctypes.c_uint64),
        ("late", ctypes.c_uint64),
        ("worst", ctypes.c_uint64),
        ("begin", ctypes.c_uint64),
    )


def compiler():
    """The C compiler's command, or None."""
    return shutil.which(os.environ.get("CC", "cc"))


def build(folder):
    """Compile into *folder*, and return the library's path."""
    library = pathlib.Path(folder) / "callbacks.so"
    options = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run([compiler(), *options, "-o", str(library), str(SOURCE)], check=True)
    return library


def addresses(library):
    """The addresses of ``control()`` and ``card()``; the library stays loaded."""
    library = ctypes.CDLL(str(library))
    return tuple(ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in NAMES)


NAMES = ("control", "card")
