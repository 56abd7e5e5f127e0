"""Streams on the virtual device."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import numpy as np

from . import StreamCallback, streams
from ._native import VirtualDevice


class _Stream:
    """The virtual device as backend of a stream."""

    #: What an opened stream of PortAudio has, too, and a virtual device has not.
    device = "virtual"
    cpu_load = 0.0

    def __init__(
        self,
        kind: str,
        callback: StreamCallback,
        samplerate: float | None,
        blocksize: int | None,
        channels: Any,
        dtype: Any,
        loopback: bool,
        jitter: float,
        **_only_for_sound_cards: Any,
    ) -> None:
        samplerate = 48000 if samplerate is None else samplerate
        blocksize = 256 if blocksize is None else blocksize
        channels = 2 if channels is None else channels
        dtype = "float32" if dtype is None else dtype
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
            loopback=loopback,
            jitter=jitter,
        )
        # As the device's times have it; see its documentation.
        input_latency = (blocksize or 1024) / samplerate
        self.latency: Any = {"input": input_latency, "output": 0.0}.get(kind, (input_latency, 0.0))

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


_PARAMETERS = """
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


class _VirtualDevice:
    flags = streams.flags

    def open(self, kind: str, callback: StreamCallback, **parameters: Any) -> streams.Backend:
        return _Stream(kind, callback, **parameters)

    def give_up(self) -> None:
        pass


class _Virtual(streams.Base):
    _device: ClassVar[streams.Device] = _VirtualDevice()

    def __init__(
        self, *args: Any, loopback: bool = False, jitter: float = 0.0, **kwargs: Any
    ) -> None:
        self._device_options = {"loopback": loopback, "jitter": jitter}
        super().__init__(*args, **kwargs)

    __signature__ = inspect.signature(streams.Base).replace(
        parameters=[
            *inspect.signature(streams.Base).parameters.values(),
            inspect.Parameter("loopback", inspect.Parameter.KEYWORD_ONLY, default=False),
            inspect.Parameter("jitter", inspect.Parameter.KEYWORD_ONLY, default=0.0),
        ]
    )

    def xrun(self, kind: str) -> None:
        """Have the next call report an underflow or overflow; see :meth:`VirtualDevice.xrun`."""
        self._check_open()
        device: Any = self._handle.backend
        device.device_itself.xrun(kind)


class OutputStream(_Virtual, streams.BlockingOutput):
    __doc__ = f"A stream that plays.\n{_PARAMETERS}"
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
