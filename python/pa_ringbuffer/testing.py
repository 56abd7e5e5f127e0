"""Tools for testing audio code without a sound card.

:class:`VirtualDevice` calls any PortAudio callback. The streams are those of
:mod:`pa_ringbuffer.sounddevice` on such a device: a program that uses them can be tested with these
in their place. They need NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from ._native import VirtualDevice
except ModuleNotFoundError as _error:
    if _error.name != f"{__package__}._native":
        raise
    from ._wheels import NO_EXTENSION

    raise ImportError(f"pa_ringbuffer.testing needs {NO_EXTENSION}") from None

if TYPE_CHECKING:
    from ._virtual_streams import (
        AsyncInputStream,
        AsyncOutputStream,
        AsyncStream,
        InputStream,
        OutputStream,
        Stream,
    )
    from .streams import RingStats, Stats, StreamStoppedError, StreamTimeoutError

__all__ = [
    "AsyncInputStream",
    "AsyncOutputStream",
    "AsyncStream",
    "InputStream",
    "OutputStream",
    "RingStats",
    "Stats",
    "Stream",
    "StreamStoppedError",
    "StreamTimeoutError",
    "VirtualDevice",
]


def __getattr__(name: str) -> Any:
    # The device alone needs no NumPy.
    if name in __all__:
        try:
            from . import _virtual_streams, streams
        except ModuleNotFoundError as error:
            raise ImportError(
                f"pa_ringbuffer.testing.{name} needs {error.name}: pip install {error.name}",
                name=error.name,
            ) from None

        return getattr(streams if name in streams.__all__ else _virtual_streams, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
