"""Tools for testing audio code without a sound card.

:class:`VirtualDevice` calls any PortAudio callback. Everything else has the names and arguments of
    :mod:`pa_ringbuffer.sounddevice`, with the virtual device as the only device: tests can use this
    module in its place, or in the place of :mod:`sounddevice`. It needs neither sounddevice nor
    PortAudio, and NumPy only for streams that are not raw.

>>> import numpy as np
>>> from pa_ringbuffer import testing as sd
>>> recording = sd.playrec(np.ones((480, 1)), 48000, channels=1, blocking=True, loopback=True)
>>> recording.shape
(480, 1)
"""

from __future__ import annotations

import sys

try:
    from ._native import VirtualDevice
except ModuleNotFoundError as _error:
    if _error.name != f"{__package__}._native":
        raise
    from ._wheels import NO_EXTENSION

    raise ImportError(f"pa_ringbuffer.testing needs {NO_EXTENSION}") from None

from ._virtual_module import (
    AsioSettings,
    CoreAudioSettings,
    DeviceList,
    WasapiSettings,
    check_input_settings,
    check_output_settings,
    default,
    get_portaudio_version,
    query_devices,
    query_hostapis,
    sleep,
)
from ._virtual_streams import (
    AsyncInputStream,
    AsyncOutputStream,
    AsyncStream,
    CompiledStream,
    InputStream,
    OutputStream,
    RawInputStream,
    RawOutputStream,
    RawStream,
    Stream,
)
from .streams import RingStats, Stats, StreamStoppedError, StreamTimeoutError
from .streams.convenience import Convenience
from .streams.flags import CallbackAbort, CallbackFlags, CallbackStop, PortAudioError

_convenience = Convenience(sys.modules[__name__])
play, rec, playrec = _convenience.play, _convenience.rec, _convenience.playrec
wait, stop = _convenience.wait, _convenience.stop
get_status, get_stream = _convenience.get_status, _convenience.get_stream

__all__ = [
    "AsioSettings",
    "AsyncInputStream",
    "AsyncOutputStream",
    "AsyncStream",
    "CallbackAbort",
    "CallbackFlags",
    "CallbackStop",
    "CompiledStream",
    "CoreAudioSettings",
    "DeviceList",
    "InputStream",
    "OutputStream",
    "PortAudioError",
    "RawInputStream",
    "RawOutputStream",
    "RawStream",
    "RingStats",
    "Stats",
    "Stream",
    "StreamStoppedError",
    "StreamTimeoutError",
    "VirtualDevice",
    "WasapiSettings",
    "check_input_settings",
    "check_output_settings",
    "default",
    "get_portaudio_version",
    "get_status",
    "get_stream",
    "play",
    "playrec",
    "query_devices",
    "query_hostapis",
    "rec",
    "sleep",
    "stop",
    "wait",
]


def __dir__() -> list[str]:
    return __all__
