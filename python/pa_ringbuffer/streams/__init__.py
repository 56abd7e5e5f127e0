"""Streams with ring buffers, whatever device calls their callback.

A backend opens and drives the device: :mod:`pa_ringbuffer.sounddevice` for PortAudio,
:mod:`pa_ringbuffer.testing` for the virtual device. This package contains everything between the
backend's compiled callback and the user's arrays.

- ``base``: life cycle, errors, waiting
- ``flags``: replacements for classes of :mod:`sounddevice`, for use without it
- ``output``, ``input``: the operations on each side, blocking and asynchronous
- ``callbacks``: the thread that calls a callback in Python
- ``backend``: the device, and recovery when it has disappeared
- ``stats``: counters and loss reports
"""

import pa_ringbuffer

if not hasattr(pa_ringbuffer, "StreamCallback"):
    from .._wheels import NO_EXTENSION

    raise ImportError(f"streams need {NO_EXTENSION}")

from . import flags
from .backend import Backend, Device
from .base import Array, ArrayLike, Base, Buffer
from .errors import StreamStoppedError, StreamTimeoutError
from .input import AsyncInput, BlockingInput
from .output import AsyncOutput, BlockingOutput
from .stats import RingStats, Stats, default_warn

__all__ = [
    "Array",
    "ArrayLike",
    "AsyncInput",
    "AsyncOutput",
    "Backend",
    "Base",
    "BlockingInput",
    "BlockingOutput",
    "Buffer",
    "Device",
    "RingStats",
    "Stats",
    "StreamStoppedError",
    "StreamTimeoutError",
    "default_warn",
    "flags",
]
