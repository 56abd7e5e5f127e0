"""The C struct, for tests that access it without the ring's knowledge."""

import ctypes
import sys


class Fields(ctypes.Structure):
    """``PaUtilRingBuffer``."""

    _integer = ctypes.c_int32 if sys.platform == "darwin" else ctypes.c_long
    _fields_ = (
        ("bufferSize", _integer),
        ("writeIndex", _integer),
        ("readIndex", _integer),
        ("bigMask", _integer),
        ("smallMask", _integer),
        ("elementSizeBytes", _integer),
        ("buffer", ctypes.c_void_p),
    )
