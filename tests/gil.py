"""Stalls of Python, caused by code that keeps the GIL."""

import ctypes
import sys


def hold_gil(seconds):
    """Sleep without letting any other Python thread run, as a long call into C does."""
    # PyDLL, unlike CDLL, keeps the GIL during the call.
    if sys.platform == "win32":
        ctypes.PyDLL("kernel32").Sleep(round(seconds * 1e3))
    else:
        ctypes.PyDLL(None).usleep(round(seconds * 1e6))
