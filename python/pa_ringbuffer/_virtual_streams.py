"""Streams on the virtual device."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from . import StreamCallback, streams
from ._native import VirtualDevice
from ._virtual_module import CHANNELS, SAMPLERATE, chosen, default, sample_format
from .streams.base import SAMPLE_SIZES
from .streams.compiled import Compiled

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .streams.base import Parameters


class _Stream:
    """The virtual device as backend of a stream."""

    #: Attributes of an open PortAudio stream that a virtual device lacks.
    cpu_load = 0.0

    def __init__(
        self,
        kind: str,
        callback: Any,
        samplerate: float | None,
        blocksize: int | None,
        channels: Any,
        dtype: Any,
        loopback: bool,
        jitter: float,
        userdata: Any = None,
        finished_callback: Any = None,
        **_only_for_sound_cards: Any,
    ) -> None:
        samplerate = default.samplerate if samplerate is None else samplerate
        samplerate = SAMPLERATE if samplerate is None else samplerate
        blocksize = default.blocksize if blocksize is None else blocksize
        try:
            self.samplerate = float(samplerate)
        except TypeError:
            raise TypeError(
                f"samplerate must be a number, not {type(samplerate).__name__}"
            ) from None
        except ValueError:
            raise ValueError(f"samplerate must be a number, not {samplerate!r}") from None
        self.blocksize = blocksize
        kinds = ("input", "output")
        sides = [side for side in (0, 1) if kind in (kinds[side], "duplex")]
        counts = [chosen(channels, "channels", side, CHANNELS) for side in sides]
        dtypes = [sample_format(chosen(dtype, "dtype", side), kinds[side]) for side in sides]
        if dtypes[0] != dtypes[-1]:
            raise ValueError(
                "dtype must be the same for both directions of the virtual device, not "
                f"{tuple(dtypes)}"
            )
        pair = [0, 0]
        for side, count in zip(sides, counts):
            pair[side] = count

        def of_sides(values: list[Any]) -> Any:
            return tuple(values) if kind == "duplex" else values[0]

        self.channels, self.dtype = of_sides(counts), of_sides(dtypes)
        self.samplesize = of_sides([SAMPLE_SIZES[dtype] for dtype in dtypes])
        self.device = of_sides(["virtual" for _ in sides])
        self.stopped = True
        self.closed = False
        self.device_itself: VirtualDevice | _Closed = VirtualDevice(
            callback,
            userdata,
            samplerate=samplerate,
            blocksize=blocksize,
            channels=(pair[0], pair[1]),
            dtype=dtypes[0],  # type: ignore[arg-type]
            loopback=loopback,
            jitter=jitter,
            finished_callback=finished_callback,
        )
        # As the device's times define it; see its documentation.
        latencies = ((blocksize or 1024) / self.samplerate, 0.0)
        self.latency = of_sides([latencies[side] for side in sides])

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


class _Closed:
    """What remains of a closed device, without the callback and its data."""

    active = False

    def __init__(self, frames: int) -> None:
        self.frames = frames

    def start(self) -> None:
        raise RuntimeError("the virtual device is closed")

    def stop(self) -> None:
        pass

    close = stop

    def xrun(self, _kind: str) -> None:
        pass


class CompiledStream(_Stream):
    """:class:`pa_ringbuffer.sounddevice.CompiledStream` on the virtual device.

    :param kind: ``'input'``, ``'output'`` or ``'duplex'``.
    :type kind: str
    :param callback: The ``PaStreamCallback``, in all forms that :class:`VirtualDevice` takes.
    :param userdata: The callback's last argument, in all forms that :class:`VirtualDevice` takes.
    :param loopback: Whether the callback gets as input what it has played.
    :type loopback: bool, optional
    :param jitter: By how many seconds calls come late, as for :class:`VirtualDevice`.
    :type jitter: float, optional

    The other parameters are those of the class in :mod:`pa_ringbuffer.sounddevice`. Those that only
    concern a sound card are taken and not used.

    >>> from pa_ringbuffer import RingBuffer, StreamCallback, testing
    >>> callback = StreamCallback(input_ring=RingBuffer(4, 4096))
    >>> with testing.CompiledStream('input', callback, channels=1, dtype='float32') as stream:
    ...     stream.active
    True
    """

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
        loopback: bool = False,
        jitter: float = 0.0,
    ) -> None:
        compiled = Compiled(kind, callback, userdata, finished_callback)
        if compiled.python_finished is not None:
            import ctypes

            function = compiled.python_finished
            prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
            finished_callback = prototype(lambda _: function())
        super().__init__(
            kind,
            callback,
            samplerate,
            blocksize,
            channels,
            dtype,
            loopback,
            jitter,
            userdata,
            finished_callback,
        )

    def __enter__(self) -> Self:
        """Start the stream."""
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop the stream and close it."""
        self.stop()
        self.close()

    def close(self, ignore_errors: bool = True) -> None:
        """Close the stream, and let go of the callback and its data."""
        super().close(ignore_errors)
        self.stopped = True
        self.device_itself = _Closed(self.device_itself.frames)

    def xrun(self, kind: str) -> None:
        """Make the next call report an underflow or overflow; see :meth:`VirtualDevice.xrun`."""
        self.device_itself.xrun(kind)  # type: ignore[arg-type]


_PARAMETERS = """
    :param samplerate: Frames per second.
    :type samplerate: float, optional
    :param blocksize: Frames per block; 0 for blocks of 1 to 1024 frames.
    :type blocksize: int, optional
    :param channels: Number of channels; for two directions, optionally a pair (input, output).
    :type channels: int or tuple, optional
    :param dtype: Sample format.
    :type dtype: str, optional
    :param loopback: Whether the stream records what it plays, as for :class:`VirtualDevice`.
    :type loopback: bool, optional
    :param jitter: Maximum lateness of a call in seconds, as for :class:`VirtualDevice`.
    :type jitter: float, optional

    The other parameters are those of the streams in :mod:`pa_ringbuffer.sounddevice`. The virtual
    device accepts and ignores those for sound cards: *device*, *latency*, *extra_settings*,
    *clip_off*, *dither_off*, *never_drop_input* and *prime_output_buffers_using_stream_callback*.

    >>> import numpy as np
    >>> from pa_ringbuffer import testing
    >>> stream = testing.Stream(channels=1, loopback=True)
    >>> underflowed = stream.write(np.ones((4800, 1), 'float32'))
    >>> stream.start()
    >>> recording, overflowed = stream.read(2400)
    >>> recording[-1]
    array([1.], dtype=float32)
    >>> stream.close()
    """


class _VirtualDevice:
    flags: Any = streams.flags
    default: Any = default
    stopped_error = streams.StreamStoppedError

    def open(self, kind: str, callback: StreamCallback, **parameters: Any) -> streams.Backend:
        return _Stream(kind, callback, **parameters)

    def give_up(self) -> None:
        pass


class _Virtual(streams.Base):
    _device: ClassVar[streams.Device] = _VirtualDevice()

    def __init__(
        self,
        *args: Any,
        loopback: bool = False,
        jitter: float = 0.0,
        **kwargs: Unpack[Parameters],
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
        """Make the next call report an underflow or overflow; see :meth:`VirtualDevice.xrun`.

        >>> from pa_ringbuffer import testing
        >>> with testing.InputStream(channels=1) as stream:
        ...     stream.xrun('input_overflow')
        ...     data, overflowed = stream.read(4800)
        >>> overflowed
        True
        """
        self._check_open()
        device: Any = self._handle.backend
        device.device_itself.xrun(kind)


class RawInputStream(_Virtual, streams.BlockingInput[bytearray]):
    """:class:`InputStream` with buffers instead of arrays; it does not need NumPy."""

    _kind: ClassVar[str] = "input"
    _raw: ClassVar[bool] = True


class RawOutputStream(_Virtual, streams.BlockingOutput[streams.Buffer]):
    """:class:`OutputStream` with buffers instead of arrays; it does not need NumPy."""

    _kind: ClassVar[str] = "output"
    _raw: ClassVar[bool] = True


class RawStream(RawInputStream, RawOutputStream):
    """:class:`Stream` with buffers instead of arrays; it does not need NumPy."""

    _kind: ClassVar[str] = "duplex"


class InputStream(_Virtual, streams.BlockingInput[streams.Array]):
    """A stream that records silence, with the parameters of :class:`OutputStream`.

    >>> from pa_ringbuffer import testing
    >>> with testing.InputStream(channels=1) as stream:
    ...     data, overflowed = stream.read(480)
    """

    _kind: ClassVar[str] = "input"


class OutputStream(_Virtual, streams.BlockingOutput[streams.ArrayLike]):
    __doc__ = f"A stream that plays.\n{_PARAMETERS}"
    _kind: ClassVar[str] = "output"


class Stream(InputStream, OutputStream):
    """A stream that plays and records, with the parameters of :class:`OutputStream`.

    >>> from pa_ringbuffer import testing
    >>> with testing.Stream(channels=1, loopback=True) as stream:
    ...     data, overflowed = stream.read(480)
    ...     underflowed = stream.write(data)
    """

    _kind: ClassVar[str] = "duplex"


class AsyncInputStream(_Virtual, streams.AsyncInput[streams.Array]):
    """:class:`InputStream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "input"


class AsyncOutputStream(_Virtual, streams.AsyncOutput[streams.ArrayLike]):
    """:class:`OutputStream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "output"


class AsyncStream(AsyncInputStream, AsyncOutputStream):
    """:class:`Stream` for :mod:`asyncio`, with the same parameters."""

    _kind: ClassVar[str] = "duplex"
