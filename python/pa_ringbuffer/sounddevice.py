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
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, ClassVar

from ._wheels import GET_PORTAUDIO as _GET_PORTAUDIO

try:
    import sounddevice

    from . import StreamCallback, streams
    from .streams import RingStats, Stats, StreamTimeoutError
    from .streams.compiled import Compiled
    from .streams.convenience import Convenience
except ModuleNotFoundError as _error:
    raise ImportError(
        f"pa_ringbuffer.sounddevice needs {_error.name}: pip install 'pa-ringbuffer[sounddevice]'",
        name=_error.name,
    ) from None
except OSError as _error:
    raise ImportError(f"{_error}: {_GET_PORTAUDIO}") from None

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
    from collections.abc import Iterator

    from sounddevice import (
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
    )

    # sounddevice has no types. These have the members of its own.
    from .streams.flags import CallbackAbort, CallbackFlags, CallbackStop, PortAudioError

    def sleep(msec: int) -> None: ...
else:

    def __getattr__(name):
        # This includes private names that libraries use (`_StreamBase`, `_lib`) and additions of
        # newer versions of sounddevice.
        if name.startswith("__") or not hasattr(sounddevice, name):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(sounddevice, name)


#: Not a WeakSet: its Python code could be interrupted by other threads and by signal handlers.
_open_streams: set[weakref.ref[_PortAudio | CompiledStream]] = set()


def _forget_portaudio() -> None:
    """Keep sounddevice from terminating PortAudio at exit, which would wait forever."""
    sounddevice._initialized = 0


class StreamStoppedError(streams.StreamStoppedError, sounddevice.PortAudioError):  # type: ignore[misc]
    """:class:`pa_ringbuffer.streams.StreamStoppedError`, also derived from PortAudioError."""


@contextlib.contextmanager
def _naming_what_is_missing(kind: str, device: Any) -> Iterator[None]:
    """Replace PortAudio's number for "no device", which users cannot choose."""
    try:
        yield
    except sounddevice.PortAudioError as error:
        if device is None and "device -1" in str(error):
            what = "input and output" if kind == "duplex" else kind
            raise sounddevice.PortAudioError(
                f"there is no default device for {what}: connect a sound card, choose a device "
                "by its number or a part of its name, or use pa_ringbuffer.testing, which "
                "needs no sound card"
            ) from error
        raise


class _PortAudioDevice:
    flags: Any = sounddevice
    stopped_error = StreamStoppedError

    @property
    def default(self) -> Any:
        return sounddevice.default

    def open(self, kind: str, callback: StreamCallback, **parameters: Any) -> streams.Backend:
        finished = sounddevice._ffi.cast("PaStreamFinishedCallback *", callback.finished_function)
        # Only this class accepts a compiled callback; it exists for libraries.
        with _naming_what_is_missing(kind, parameters["device"]):
            stream: streams.Backend = sounddevice._StreamBase(
                kind=kind,
                callback=callback.function,
                userdata=callback.userdata,
                finished_callback=finished,
                **parameters,
            )
        return stream

    def give_up(self) -> None:
        _forget_portaudio()


class _PortAudio(streams.Base):
    _device: ClassVar[streams.Device] = _PortAudioDevice()

    def _opened(self) -> None:
        _open_streams.add(weakref.ref(self, _open_streams.discard))


def _documentation(what: str, example: str) -> str:
    parameters = (streams.Base.__doc__ or "").partition("\n")[2].rstrip()
    return (
        f"{what}\n{parameters}\n"
        "    :raises sounddevice.PortAudioError: If the stream cannot be opened.\n"
        f"{example}"
    )


class RawInputStream(_PortAudio, streams.BlockingInput[bytearray]):
    """:class:`InputStream` with buffers instead of arrays; it does not need NumPy.

    >>> import pa_ringbuffer.sounddevice as sd
    >>> with sd.RawInputStream(48000, channels=1, dtype='int16') as stream:
    ...     data, overflowed = stream.read(480)
    >>> len(data)
    960
    """

    _kind: ClassVar[str] = "input"
    _raw: ClassVar[bool] = True


class RawOutputStream(_PortAudio, streams.BlockingOutput[streams.Buffer]):
    """:class:`OutputStream` with buffers instead of arrays; it does not need NumPy.

    >>> import pa_ringbuffer.sounddevice as sd
    >>> with sd.RawOutputStream(48000, channels=1, dtype='int16') as stream:
    ...     underflowed = stream.write(bytes(2 * 480))
    """

    _kind: ClassVar[str] = "output"
    _raw: ClassVar[bool] = True


class RawStream(RawInputStream, RawOutputStream):
    """:class:`Stream` with buffers instead of arrays; it does not need NumPy.

    >>> import pa_ringbuffer.sounddevice as sd
    >>> with sd.RawStream(48000, channels=1, dtype='int16') as stream:
    ...     data, overflowed = stream.read(480)
    ...     underflowed = stream.write(data)
    """

    _kind: ClassVar[str] = "duplex"


class InputStream(_PortAudio, streams.BlockingInput[streams.Array]):
    __doc__ = _documentation(
        "A stream that records.",
        """
    >>> import pa_ringbuffer.sounddevice as sd
    >>> with sd.InputStream(48000, channels=1) as stream:
    ...     data, overflowed = stream.read(4800)
    """,
    )
    _kind: ClassVar[str] = "input"


class OutputStream(_PortAudio, streams.BlockingOutput[streams.ArrayLike]):
    __doc__ = _documentation(
        "A stream that plays.",
        """
    >>> import numpy as np
    >>> import pa_ringbuffer.sounddevice as sd
    >>> tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(9600) / 48000)
    >>> with sd.OutputStream(48000, channels=1) as stream:
    ...     underflowed = stream.write(tone.astype('float32'))
    """,
    )
    _kind: ClassVar[str] = "output"


class Stream(InputStream, OutputStream):
    __doc__ = _documentation(
        "A stream that plays and records.",
        """
    >>> import pa_ringbuffer.sounddevice as sd
    >>> with sd.Stream(48000, channels=1) as stream:
    ...     for _ in range(10):
    ...         data, overflowed = stream.read(480)
    ...         underflowed = stream.write(data)
    """,
    )
    _kind: ClassVar[str] = "duplex"


class AsyncInputStream(_PortAudio, streams.AsyncInput[streams.Array]):
    """:class:`InputStream` for :mod:`asyncio`, with the same parameters.

    >>> import asyncio
    >>> import pa_ringbuffer.sounddevice as sd
    >>> async def main():
    ...     async with sd.AsyncInputStream(48000, channels=1) as stream:
    ...         data, overflowed = await stream.read(4800)
    >>> asyncio.run(main())
    """

    _kind: ClassVar[str] = "input"


class AsyncOutputStream(_PortAudio, streams.AsyncOutput[streams.ArrayLike]):
    """:class:`OutputStream` for :mod:`asyncio`, with the same parameters.

    >>> import asyncio
    >>> import numpy as np
    >>> import pa_ringbuffer.sounddevice as sd
    >>> async def main():
    ...     async with sd.AsyncOutputStream(48000, channels=1) as stream:
    ...         underflowed = await stream.write(np.zeros((4800, 1), 'float32'))
    >>> asyncio.run(main())
    """

    _kind: ClassVar[str] = "output"


class AsyncStream(AsyncInputStream, AsyncOutputStream):
    """:class:`Stream` for :mod:`asyncio`, with the same parameters.

    >>> import asyncio
    >>> import pa_ringbuffer.sounddevice as sd
    >>> async def main():
    ...     async with sd.AsyncStream(48000, channels=1) as stream:
    ...         data, overflowed = await stream.read(480)
    ...         underflowed = await stream.write(data)
    >>> asyncio.run(main())
    """

    _kind: ClassVar[str] = "duplex"


#: A stand-in for sounddevice, as in documentation builds, need not have it.
_StreamBase: Any = getattr(sounddevice, "_StreamBase", object)


class _Finished:
    """A finished callback in Python, and the thread that is calling it."""

    thread: int | None = None

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function

    def __call__(self) -> None:
        self.thread = threading.get_ident()
        try:
            self._function()
        finally:
            self.thread = None


class CompiledStream(_StreamBase):  # type: ignore[misc]
    """A stream of sounddevice whose PortAudio callback is a compiled function: no Python is in it.

    :param kind: ``'input'``, ``'output'`` or ``'duplex'``.
    :type kind: str
    :param callback: The function, a ``PaStreamCallback``: its address, a CFFI or ctypes function
        pointer, an object with the address in an attribute ``address`` (Numba's ``cfunc``), a
        capsule with the function (Cython's ``__pyx_capi__``), or a
        :class:`pa_ringbuffer.StreamCallback`.
    :type callback: int or CData pointer or object
    :param userdata: The callback's last argument: an address, a CFFI or ctypes pointer, a
        :class:`pa_ringbuffer.RingBuffer` (which stands for its C struct), or a writable contiguous
        buffer, such as a NumPy array of records or a ctypes structure (which stands for its first
        byte). A `StreamCallback` brings its own.
    :type userdata: int or CData pointer or RingBuffer or buffer, optional
    :param finished_callback: A ``PaStreamFinishedCallback`` in the same forms as *callback*, which
        is called with *userdata*; or a Python function without parameters.
    :type finished_callback: int or CData pointer or object, optional
    :raises sounddevice.PortAudioError: If the stream cannot be opened.
    :raises TypeError: If *callback* is no compiled function; a Python function is for
        :class:`OutputStream` and the like.
    :raises ValueError: If an address is 0, or the frames of a `StreamCallback` are not those of the
        stream.

    The other parameters (*samplerate*, *blocksize*, *device*, *channels*, *dtype*, *latency*,
    *extra_settings*, *clip_off*, *dither_off*, *never_drop_input* and
    *prime_output_buffers_using_stream_callback*), methods and properties are those of
    ``sounddevice.RawStream``, but for ``read()`` and ``write()``.

    The stream keeps *callback* and *userdata* until it is closed. It is closed when the object is
    forgotten, and when the interpreter exits.

    A function of your own takes the place of this package's callback here:

    >>> import pa_ringbuffer.sounddevice as sd
    >>> from pa_ringbuffer import RingBuffer, StreamCallback
    >>> callback = StreamCallback(input_ring=RingBuffer(4, 4096))
    >>> with sd.CompiledStream('input', callback, channels=1, dtype='float32') as stream:
    ...     stream.active
    True
    """

    _compiled: Compiled | None = None
    _finished: _Finished | None = None
    _is_closing = False

    def __init__(
        self,
        kind: str,
        callback: Any,
        userdata: Any = None,
        *,
        samplerate: float | None = None,
        blocksize: int | None = None,
        device: Any = None,
        channels: Any = None,
        dtype: Any = None,
        latency: Any = None,
        extra_settings: Any = None,
        finished_callback: Any = None,
        clip_off: bool | None = None,
        dither_off: bool | None = None,
        never_drop_input: bool | None = None,
        prime_output_buffers_using_stream_callback: bool | None = None,
    ) -> None:
        compiled = Compiled(kind, callback, userdata, finished_callback)
        ffi = sounddevice._ffi
        finished: Any = None
        if compiled.python_finished is not None:
            finished = self._finished = _Finished(compiled.python_finished)
        elif compiled.finished:
            finished = ffi.cast("PaStreamFinishedCallback *", compiled.finished)
        self._process = os.getpid()
        # A signal handler may close the stream while its thread does.
        self._closing = threading.RLock()
        self._compiled = compiled
        with _naming_what_is_missing(kind, device):
            super().__init__(
                kind,
                samplerate=samplerate,
                blocksize=blocksize,
                device=device,
                channels=channels,
                dtype=dtype,
                latency=latency,
                extra_settings=extra_settings,
                callback=compiled.function,
                finished_callback=finished,
                clip_off=clip_off,
                dither_off=dither_off,
                never_drop_input=never_drop_input,
                prime_output_buffers_using_stream_callback=prime_output_buffers_using_stream_callback,
                userdata=ffi.cast("void *", compiled.userdata),
            )
        _open_streams.add(weakref.ref(self, _open_streams.discard))
        try:
            compiled.check_frames(self.channels, self.samplesize)
        except ValueError:
            self.close()
            raise

    def _is_here(self) -> bool:
        """Whether this is the process that opened the stream, not a forked child."""
        return os.getpid() == self._process

    def _check_thread(self, method: str) -> None:
        if self._finished is not None and self._finished.thread == threading.get_ident():
            raise sounddevice.PortAudioError(
                f"{method}() must not be called in the stream's finished_callback: PortAudio would "
                "wait for the end of that callback"
            )

    @property
    def active(self) -> bool:
        """Whether PortAudio calls the callback; never in a forked child."""
        return self._is_here() and bool(super().active)

    def start(self) -> None:
        """Start the stream."""
        if not self._is_here():
            raise sounddevice.PortAudioError(
                "the stream belongs to the process that has opened it; a forked child must open "
                "its own"
            )
        super().start()

    def stop(self, ignore_errors: bool = True) -> None:
        """Stop the stream, after what has been played so far."""
        if self._is_here():
            self._check_thread("stop")
            super().stop(ignore_errors)

    def abort(self, ignore_errors: bool = True) -> None:
        """Stop the stream at once."""
        if self._is_here():
            self._check_thread("abort")
            super().abort(ignore_errors)

    def close(self, ignore_errors: bool = True) -> None:
        """Close the stream, and let go of the callback and its data."""
        if self.closed or not self._is_here():
            return
        self._check_thread("close")
        with self._closing:
            # PortAudio must not be given the same stream twice.
            if not self._is_closing:
                self._is_closing = True
                super().close(ignore_errors)
        self._compiled = None

    def __del__(self) -> None:
        self.close()


# After the import of sounddevice, so that it runs before PortAudio is terminated.
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
