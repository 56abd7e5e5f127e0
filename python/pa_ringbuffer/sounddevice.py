"""Streams for :mod:`sounddevice` whose callback is compiled: Python may be late.

They take the parameters of their namesakes there, except ``callback``, and have a ring buffer
between Python and each direction of the device. Needs ``pip install 'pa-ringbuffer[sounddevice]'``.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from typing import Any, ClassVar

try:
    import sounddevice

    from . import StreamCallback, streams
    from .streams import RingStats, Stats, StreamStoppedError, StreamTimeoutError
except ModuleNotFoundError as _error:
    raise ImportError(
        f"pa_ringbuffer.sounddevice needs {_error.name}: pip install 'pa-ringbuffer[sounddevice]'",
        name=_error.name,
    ) from None
except OSError as _error:
    # Its wheels for Windows and macOS bring the library along.
    raise ImportError(
        f"{_error}: 'sudo apt install libportaudio2' on Debian and Ubuntu, "
        "'sudo dnf install portaudio' on Fedora, 'sudo pacman -S portaudio' on Arch, "
        "'brew install portaudio' on macOS"
    ) from None

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
]

#: Not a WeakSet, which is Python code that threads and signal handlers can get into the way of.
_open_streams: set[weakref.ref[_PortAudio]] = set()


def _forget_portaudio() -> None:
    """Keep sounddevice from terminating PortAudio at exit, which would wait for ever."""
    sounddevice._initialized = 0


class _PortAudioDevice:
    flags = sounddevice

    def open(self, kind: str, callback: StreamCallback, **parameters: Any) -> streams.Backend:
        finished = sounddevice._ffi.cast("PaStreamFinishedCallback *", callback.finished_function)
        # Only this one takes a compiled callback; it is meant for libraries.
        try:
            stream: streams.Backend = sounddevice._StreamBase(
                kind=kind,
                callback=callback.function,
                userdata=callback.userdata,
                finished_callback=finished,
                **parameters,
            )
        except sounddevice.PortAudioError as error:
            # What stands for no device at all; no user has given that number.
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


class OutputStream(_PortAudio, streams.BlockingOutput):
    __doc__ = _documentation("A stream that plays.")
    _kind: ClassVar[str] = "output"


class InputStream(_PortAudio, streams.BlockingInput):
    __doc__ = _documentation("A stream that records.")
    _kind: ClassVar[str] = "input"


class Stream(_PortAudio, streams.BlockingInput, streams.BlockingOutput):
    __doc__ = _documentation("A stream that plays and records.")
    _kind: ClassVar[str] = "duplex"


class AsyncOutputStream(_PortAudio, streams.AsyncOutput):
    """:class:`OutputStream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "output"


class AsyncInputStream(_PortAudio, streams.AsyncInput):
    """:class:`InputStream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "input"


class AsyncStream(_PortAudio, streams.AsyncInput, streams.AsyncOutput):
    """:class:`Stream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "duplex"


# After the import of sounddevice, so that it runs before PortAudio is terminated.
@atexit.register
def _close_all() -> None:
    # All of them, whatever goes wrong with one.
    with contextlib.ExitStack() as stack:
        while _open_streams:
            stream = _open_streams.pop()()
            if stream is not None:
                stack.callback(stream.close)


if hasattr(os, "register_at_fork"):
    # The child has no audio threads.
    os.register_at_fork(after_in_child=_forget_portaudio)
