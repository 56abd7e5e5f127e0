"""Streams on the virtual device."""

from __future__ import annotations

from typing import Any, Callable, ClassVar

import numpy as np

from . import StreamCallback, streams
from ._native import VirtualDevice
from .streams import default_warn


class _Device:
    """The virtual device as backend of a stream."""

    #: What an opened stream of PortAudio has, too, and a virtual device has not.
    device = "virtual"
    cpu_load = 0.0

    def __init__(
        self,
        kind: str,
        callback: StreamCallback,
        samplerate: float,
        blocksize: int,
        channels: Any,
        dtype: Any,
        **options: Any,
    ) -> None:
        self.samplerate = float(samplerate)
        self.blocksize = blocksize
        if kind == "duplex":
            self.channels = channels if isinstance(channels, tuple) else (channels, channels)
            dtypes = dtype if isinstance(dtype, tuple) else (dtype, dtype)
            if dtypes[0] != dtypes[1]:
                raise ValueError(
                    f"the virtual device has the same dtype in both directions, not {dtypes}"
                )
            self.dtype: Any = dtypes
            dtype, pair = dtypes[0], self.channels
        else:
            self.channels, self.dtype = channels, dtype
            pair = (channels, 0) if kind == "input" else (0, channels)
        self.stopped = True
        self.closed = False
        self.device_itself = VirtualDevice(
            callback,
            samplerate=samplerate,
            blocksize=blocksize,
            channels=pair,
            dtype=dtype,
            **options,
        )
        self.latency = blocksize / samplerate

    @property
    def samplesize(self) -> int:
        return np.dtype(self.dtype[0] if isinstance(self.dtype, tuple) else self.dtype).itemsize

    @property
    def active(self) -> bool:
        return self.device_itself.active

    @property
    def time(self) -> float:
        return self.device_itself.frames / self.samplerate

    def start(self) -> None:
        self.device_itself.start()
        self.stopped = False

    def stop(self, ignore_errors: bool = True) -> None:
        self.device_itself.stop()
        self.stopped = True

    abort = stop

    def close(self, ignore_errors: bool = True) -> None:
        self.device_itself.close()
        self.closed = True


class _Virtual(streams.Base):
    """A stream of a virtual device.

    :param samplerate: Frames per second.
    :type samplerate: float, optional
    :param blocksize: Frames per call of the callback; 0 for blocks of 1 to 1024 frames.
    :type blocksize: int, optional
    :param channels: Number of channels; where there are two directions, maybe a pair (input,
        output).
    :type channels: int or tuple, optional
    :param dtype: Sample format.
    :type dtype: str, optional
    :param loopback: Whether what is played is recorded, as for :class:`VirtualDevice`.
    :type loopback: bool, optional
    :param jitter: By how many seconds calls come late, as for :class:`VirtualDevice`.
    :type jitter: float, optional

    The other parameters are those of the streams in :mod:`pa_ringbuffer.sounddevice`. Those that
    only concern a sound card are taken and not used: *device*, *latency*, *extra_settings*,
    *clip_off*, *dither_off*, *never_drop_input* and *prime_output_buffers_using_stream_callback*.
    """

    def __init__(
        self,
        samplerate: float = 48000,
        blocksize: int = 256,
        device: Any = None,
        channels: Any = 2,
        dtype: Any = "float32",
        latency: Any = None,
        extra_settings: Any = None,
        *,
        callback: None = None,
        loopback: bool = False,
        jitter: float = 0.0,
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

        def open_backend(kind: str, callback: StreamCallback) -> _Device:
            return _Device(
                kind,
                callback,
                samplerate,
                blocksize,
                channels,
                dtype,
                loopback=loopback,
                jitter=jitter,
            )

        def give_up() -> None:
            pass

        self._open(
            open_backend,
            give_up,
            ring_seconds=ring_seconds,
            ring_frames=ring_frames,
            on_underflow=on_underflow,
            on_overflow=on_overflow,
            wake=wake,
            finished_callback=finished_callback,
            warn=warn,
        )

    def xrun(self, kind: str) -> None:
        """Have the next call report an underflow or overflow; see :meth:`VirtualDevice.xrun`."""
        self._check_open()
        device: Any = self._handle.backend
        device.device_itself.xrun(kind)


class OutputStream(_Virtual, streams.BlockingOutput):
    __doc__ = "A stream that plays.\n" + (_Virtual.__doc__ or "").partition("\n")[2]
    _kind: ClassVar[str] = "output"


class InputStream(_Virtual, streams.BlockingInput):
    """A stream that records silence, with the parameters of :class:`OutputStream`."""

    _kind: ClassVar[str] = "input"


class Stream(_Virtual, streams.BlockingInput, streams.BlockingOutput):
    """A stream that plays and records, with the parameters of :class:`OutputStream`."""

    _kind: ClassVar[str] = "duplex"


class AsyncOutputStream(_Virtual, streams.AsyncOutput):
    """:class:`OutputStream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "output"


class AsyncInputStream(_Virtual, streams.AsyncInput):
    """:class:`InputStream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "input"


class AsyncStream(_Virtual, streams.AsyncInput, streams.AsyncOutput):
    """:class:`Stream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "duplex"
