"""Streams for :mod:`sounddevice` whose callback is compiled: Python may be late.

They take the parameters of their namesakes there, except ``callback``, and have a ring buffer
between Python and each direction of the device. Needs ``pip install 'pa-ringbuffer[sounddevice]'``.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from typing import Any, Callable, ClassVar

try:
    import sounddevice

    from . import StreamCallback, streams
    from .streams import RingStats, Stats, StreamStoppedError, StreamTimeoutError, default_warn
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


class _PortAudio(streams.Base):
    """A stream of PortAudio.

    :param samplerate: Frames per second; the device's default if not given.
    :type samplerate: float, optional
    :param blocksize: Frames per call of the callback; if 0, the device decides, and blocks may
        differ. Usually there is no reason to give it.
    :type blocksize: int, optional
    :param device: Number of the device, or a part of its name.
    :type device: int or str, optional
    :param channels: Number of channels; as many as the device has if not given.
    :type channels: int, optional
    :param dtype: Sample format: ``'float32'`` (the default), ``'int32'``, ``'int16'``, ``'int8'``
        or ``'uint8'``. (NumPy has no ``'int24'``; ``'int32'`` loses nothing on a 24-bit device.)
    :type dtype: str, optional
    :param latency: What the device should have, in seconds, or ``'low'`` or ``'high'``. The ring
        comes on top.
    :type latency: float or str, optional
    :param callback: Not taken, because the callback is compiled: anything but ``None`` is a
        TypeError.
    :param extra_settings: See :mod:`sounddevice`, as for the rest of these parameters. Where a
        stream has two directions, a pair (input, output) can be given for *device*, *channels*,
        *dtype*, *latency* and *extra_settings*.
    :param finished_callback: Called without arguments, in a thread of its own, after the stream has
        become inactive for whatever reason.
    :param ring_seconds: How much sound each ring holds at least: longer than Python may be busy.
        The number of frames is the next power of 2. Default: 1 second.
    :type ring_seconds: float, optional
    :param ring_frames: The same in frames.
    :type ring_frames: int, optional
    :param on_underflow: What happens when the output ring holds too little: ``'silence'`` is
        played, or the stream is to ``'stop'``.
    :type on_underflow: str, optional
    :param on_overflow: What happens when the input ring has too little room: what does not fit is
        ``'drop'``\\ ped, or the stream is to ``'stop'``.
    :type on_overflow: str, optional
    :param wake: Whether the compiled callback wakes a thread that waits in :meth:`read` or
        :meth:`write`, with one system call that does not block. The thread then goes on within some
        tens of microseconds; otherwise it looks at the ring every millisecond. By default the
        callback does not: the call makes its worst case much longer
        (``python comparison/waiting``).
    :type wake: bool, optional
    :param warn: Called with a text about once a second when something was lost, by the thread that
        uses the stream, never by the callback. By default it is
        ``logging.getLogger('pa_ringbuffer').warning``; another choice is ``warnings.warn``, or
        ``None``.
    :raises sounddevice.PortAudioError: If the stream cannot be opened.
    """

    def __init__(
        self,
        samplerate: float | None = None,
        blocksize: int | None = None,
        device: Any = None,
        channels: Any = None,
        dtype: Any = None,
        latency: Any = None,
        extra_settings: Any = None,
        *,
        callback: None = None,
        finished_callback: Callable[[], object] | None = None,
        clip_off: bool | None = None,
        dither_off: bool | None = None,
        never_drop_input: bool | None = None,
        prime_output_buffers_using_stream_callback: bool | None = None,
        ring_seconds: float | None = None,
        ring_frames: int | None = None,
        on_underflow: str = "silence",
        on_overflow: str = "drop",
        wake: bool = False,
        warn: Callable[[str], object] | None = default_warn,
    ) -> None:
        self._refuse_callback(callback)

        def open_backend(kind: str, callback: StreamCallback) -> streams.Backend:
            finished = sounddevice._ffi.cast(
                "PaStreamFinishedCallback *", callback.finished_function
            )
            # Only this one takes a compiled callback; it is meant for libraries.
            try:
                stream: streams.Backend = sounddevice._StreamBase(
                    kind=kind,
                    samplerate=samplerate,
                    blocksize=blocksize,
                    device=device,
                    channels=channels,
                    dtype=dtype,
                    latency=latency,
                    extra_settings=extra_settings,
                    callback=callback.function,
                    userdata=callback.userdata,
                    finished_callback=finished,
                    clip_off=clip_off,
                    dither_off=dither_off,
                    never_drop_input=never_drop_input,
                    prime_output_buffers_using_stream_callback=(
                        prime_output_buffers_using_stream_callback
                    ),
                )
            except sounddevice.PortAudioError as error:
                # What stands for no device at all; no user has given that number.
                if device is None and "device -1" in str(error):
                    what = "input and output" if kind == "duplex" else kind
                    raise sounddevice.PortAudioError(
                        f"there is no default device for {what}: connect a sound card, or choose a "
                        "device by its number or a part of its name"
                    ) from error
                raise
            return stream

        self._open(
            open_backend,
            _forget_portaudio,
            ring_seconds=ring_seconds,
            ring_frames=ring_frames,
            on_underflow=on_underflow,
            on_overflow=on_overflow,
            wake=wake,
            finished_callback=finished_callback,
            warn=warn,
        )
        _open_streams.add(weakref.ref(self, _open_streams.discard))


class OutputStream(_PortAudio, streams.BlockingOutput):
    __doc__ = "A stream that plays.\n" + (_PortAudio.__doc__ or "").partition("\n")[2]
    _kind: ClassVar[str] = "output"


class InputStream(_PortAudio, streams.BlockingInput):
    __doc__ = "A stream that records.\n" + (_PortAudio.__doc__ or "").partition("\n")[2]
    _kind: ClassVar[str] = "input"


class Stream(_PortAudio, streams.BlockingInput, streams.BlockingOutput):
    __doc__ = "A stream that plays and records.\n" + (_PortAudio.__doc__ or "").partition("\n")[2]
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
