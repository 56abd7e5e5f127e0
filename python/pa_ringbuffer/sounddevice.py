"""A replacement for :mod:`sounddevice` whose streams survive stalls of Python.

The callbacks of these streams are compiled. The streams take the same parameters as sounddevice's
and have a ring buffer between Python and each direction of the device; ``play()``, ``rec()`` and
``playrec()`` use them. Everything else is sounddevice's own: the same functions, the same
``default``, the same errors. Install it with ``pip install 'pa-ringbuffer[sounddevice]'``.

To try it, change the import of an existing program::

    import pa_ringbuffer.sounddevice as sd
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

try:
    import sounddevice

    from . import StreamCallback, streams
    from .streams import RingStats, Stats, StreamTimeoutError
    from .streams.convenience import Convenience
except ModuleNotFoundError as _error:
    raise ImportError(
        f"pa_ringbuffer.sounddevice needs {_error.name}: pip install 'pa-ringbuffer[sounddevice]'",
        name=_error.name,
    ) from None
except OSError as _error:
    # sounddevice's wheels for Windows and macOS include the library.
    raise ImportError(
        f"{_error}: 'sudo apt install libportaudio2' on Debian and Ubuntu, "
        "'sudo dnf install portaudio' on Fedora, 'sudo pacman -S portaudio' on Arch, "
        "'brew install portaudio' on macOS"
    ) from None

__all__ = [
    "AsioSettings",
    "AsyncInputStream",
    "AsyncOutputStream",
    "AsyncStream",
    "CallbackAbort",
    "CallbackFlags",
    "CallbackStop",
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

_convenience = Convenience(sys.modules[__name__])
play, rec, playrec = _convenience.play, _convenience.rec, _convenience.playrec
wait, stop = _convenience.wait, _convenience.stop
get_status, get_stream = _convenience.get_status, _convenience.get_stream

__version__: str = getattr(sounddevice, "__version__", "")


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:
    from sounddevice import (
        AsioSettings,
        CallbackAbort,
        CallbackFlags,
        CallbackStop,
        CoreAudioSettings,
        DeviceList,
        PortAudioError,
        WasapiSettings,
        check_input_settings,
        check_output_settings,
        default,
        get_portaudio_version,
        query_devices,
        query_hostapis,
        sleep,
    )
else:

    def __getattr__(name):
        # This includes private names that libraries use (`_StreamBase`, `_lib`) and additions of
        # newer versions of sounddevice.
        if name.startswith("__") or not hasattr(sounddevice, name):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(sounddevice, name)


#: Not a WeakSet: its Python code could be interrupted by other threads and by signal handlers.
_open_streams: set[weakref.ref[_PortAudio]] = set()


def _forget_portaudio() -> None:
    """Keep sounddevice from terminating PortAudio at exit, which would wait forever."""
    sounddevice._initialized = 0


class StreamStoppedError(streams.StreamStoppedError, sounddevice.PortAudioError):  # type: ignore[misc]
    """:class:`pa_ringbuffer.streams.StreamStoppedError`, also derived from PortAudioError."""


class _PortAudioDevice:
    flags: Any = sounddevice
    stopped_error = StreamStoppedError

    def open(self, kind: str, callback: StreamCallback, **parameters: Any) -> streams.Backend:
        finished = sounddevice._ffi.cast("PaStreamFinishedCallback *", callback.finished_function)
        # Only this class accepts a compiled callback; it exists for libraries.
        try:
            stream: streams.Backend = sounddevice._StreamBase(
                kind=kind,
                callback=callback.function,
                userdata=callback.userdata,
                finished_callback=finished,
                **parameters,
            )
        except sounddevice.PortAudioError as error:
            # PortAudio's number for "no device", which users cannot choose.
            if parameters["device"] is None and "device -1" in str(error):
                what = "input and output" if kind == "duplex" else kind
                raise sounddevice.PortAudioError(
                    f"there is no default device for {what}: connect a sound card, or choose a "
                    "device by its number or a part of its name"
                ) from error
            raise
        return stream

    def give_up(self) -> None:
        _forget_portaudio()


class _PortAudio(streams.Base):
    _device: ClassVar[streams.Device] = _PortAudioDevice()

    def _opened(self) -> None:
        _open_streams.add(weakref.ref(self, _open_streams.discard))


def _documentation(what: str) -> str:
    parameters = (streams.Base.__doc__ or "").partition("\n")[2].rstrip()
    return (
        f"{what}\n{parameters}\n"
        "    :raises sounddevice.PortAudioError: If the stream cannot be opened.\n    "
    )


class RawInputStream(_PortAudio, streams.BlockingInput[bytearray]):
    """:class:`InputStream` with buffers instead of arrays; it does not need NumPy."""

    _kind: ClassVar[str] = "input"
    _raw: ClassVar[bool] = True


class RawOutputStream(_PortAudio, streams.BlockingOutput[streams.Buffer]):
    """:class:`OutputStream` with buffers instead of arrays; it does not need NumPy."""

    _kind: ClassVar[str] = "output"
    _raw: ClassVar[bool] = True


class RawStream(RawInputStream, RawOutputStream):
    """:class:`Stream` with buffers instead of arrays; it does not need NumPy."""

    _kind: ClassVar[str] = "duplex"


class InputStream(_PortAudio, streams.BlockingInput[streams.Array]):
    __doc__ = _documentation("A stream that records.")
    _kind: ClassVar[str] = "input"


class OutputStream(_PortAudio, streams.BlockingOutput[streams.ArrayLike]):
    __doc__ = _documentation("A stream that plays.")
    _kind: ClassVar[str] = "output"


class Stream(InputStream, OutputStream):
    __doc__ = _documentation("A stream that plays and records.")
    _kind: ClassVar[str] = "duplex"


class AsyncInputStream(_PortAudio, streams.AsyncInput[streams.Array]):
    """:class:`InputStream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "input"


class AsyncOutputStream(_PortAudio, streams.AsyncOutput[streams.ArrayLike]):
    """:class:`OutputStream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "output"


class AsyncStream(AsyncInputStream, AsyncOutputStream):
    """:class:`Stream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "duplex"


# Registered after the import of sounddevice, and so called before PortAudio is terminated.
@atexit.register
def _close_all() -> None:
    # Close all of them, even if one fails.
    with contextlib.ExitStack() as stack:
        while _open_streams:
            stream = _open_streams.pop()()
            if stream is not None:
                stack.callback(stream.close)


if hasattr(os, "register_at_fork"):
    # The child has no audio threads.
    os.register_at_fork(after_in_child=_forget_portaudio)
