"""`play()`, `rec()` and `playrec()`: each call plays or records an array in a stream of its own."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Callable, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DTYPES = ("float32", "int32", "int16", "int8", "uint8")

_Array = TypeVar("_Array", bound="npt.NDArray[Any]")


def _need_numpy() -> None:
    """Import NumPy, which raw streams of the same module do not need."""
    try:
        import numpy
    except ModuleNotFoundError as error:
        raise ImportError(
            f"play(), rec() and playrec() need {error.name}: pip install {error.name}; "
            "raw streams do not need it",
            name=error.name,
        ) from None
    globals()["np"] = numpy


def _stream_dtype(dtype: npt.DTypeLike, name: str) -> str:
    """The sample format of a stream for arrays of this dtype."""
    dtype = np.dtype(dtype).name
    if dtype == "float64":
        return "float32"
    if dtype not in DTYPES:
        raise TypeError(f"the dtype of {name} must be float64, {', '.join(DTYPES)}, not {dtype}")
    return dtype


def _chosen(mapping: npt.ArrayLike | None, columns: int, name: str) -> npt.NDArray[Any]:
    """The channels of a stream, counted from 0, for the columns of an array."""
    if mapping is None:
        return np.arange(columns)
    numbers = np.atleast_1d(np.array(mapping))
    if not numbers.size or numbers.min() < 1:
        raise ValueError(f"{name} must contain channel numbers from 1, not {mapping!r}")
    channels: npt.NDArray[Any] = numbers - 1
    return channels


class _Playback:
    """The array that is played, and how much of it has been played."""

    def __init__(
        self,
        data: npt.ArrayLike,
        mapping: npt.ArrayLike | None,
        name: str,
        loop: bool,
        device_channels: Callable[[], int],
    ) -> None:
        array = np.asarray(data)
        if array.ndim > 2:
            raise ValueError(
                f"data must have the shape (frames,) or (frames, channels), not {array.shape}"
            )
        self.data: npt.NDArray[Any] | None = array.reshape(-1, 1) if array.ndim < 2 else array
        self.frames: int = self.data.shape[0]
        columns = self.data.shape[1]
        self.dtype = _stream_dtype(array.dtype, "data")
        self._mapping = _chosen(mapping, columns, name)
        # A single column is played on all channels of the mapping.
        if columns not in (1, len(self._mapping)):
            raise ValueError(
                f"{name} must have a channel for each of the {columns} columns of data, "
                f"not {mapping!r}"
            )
        if len(set(self._mapping)) != len(self._mapping):
            raise ValueError(f"{name} must contain each channel only once, not {mapping!r}")
        self.channels = int(self._mapping.max(initial=-1)) + 1
        # Some host APIs play a one-channel stream on two channels. If only the first is wanted, the
        # second gets silence.
        if mapping is not None and self.channels == 1 and device_channels() >= 2:
            self.channels = 2
        self._unused = np.setdiff1d(np.arange(self.channels), self._mapping)
        self._silence = 128 if self.dtype == "uint8" else 0
        self._loop = loop
        self._frame = 0

    def fill(self, block: npt.NDArray[Any]) -> bool:
        """Fill a block with sound; return whether there is more."""
        data, filled = self.data, 0
        while data is not None and filled < len(block):
            if self._frame == self.frames:
                if not (self._loop and self.frames):
                    break
                self._frame = 0
            count = min(self.frames - self._frame, len(block) - filled)
            block[filled : filled + count, self._mapping] = data[self._frame : self._frame + count]
            self._frame += count
            filled += count
        block[:filled, self._unused] = self._silence
        block[filled:] = self._silence
        return bool(self._frame < self.frames or (self._loop and filled))


class _Recording:
    """The array that is recorded into, and how much of it has been filled."""

    def __init__(
        self,
        out: npt.NDArray[Any] | None,
        frames: int | None,
        channels: int | None,
        dtype: npt.DTypeLike | None,
        mapping: npt.ArrayLike | None,
        name: str,
    ) -> None:
        if out is None:
            if frames is None:
                raise TypeError("frames or out must be given")
            if mapping is not None:
                channels = len(np.atleast_1d(mapping))
            elif channels is None:
                raise TypeError("channels, mapping or out must be given, or default.channels set")
            for what, value in ("frames", frames), ("channels", channels):
                if not hasattr(type(value), "__index__"):
                    raise TypeError(f"{what} must be an integer, not {type(value).__name__}")
            out = np.empty((frames, channels), dtype)
        elif out.ndim != 2:
            raise ValueError(f"out must have the shape (frames, channels), not {out.shape}")
        self.out: npt.NDArray[Any] | None = out
        self.frames: int = out.shape[0]
        columns: int = out.shape[1]
        self.dtype = _stream_dtype(out.dtype, "out")
        self._mapping = _chosen(mapping, columns, name)
        if len(self._mapping) != columns:
            raise ValueError(
                f"{name} must have a channel for each of the {columns} columns of the recording, "
                f"not {mapping!r}"
            )
        self.channels = int(self._mapping.max(initial=-1)) + 1
        #: Frames of the stream that precede the recording.
        self.skip = 0
        self._frame = 0

    def take(self, block: npt.NDArray[Any]) -> bool:
        """Record a block; return whether there is room for more."""
        out = self.out
        if out is None:
            return False
        skipped = min(self.skip, len(block))
        self.skip -= skipped
        block = block[skipped:]
        count = min(self.frames - self._frame, len(block))
        for column, channel in enumerate(self._mapping):
            out[self._frame : self._frame + count, column] = block[:count, channel]
        self._frame += count
        return self._frame < self.frames


class _Run:
    """One call of `play()`, `rec()` or `playrec()`."""

    def __init__(
        self, flags: Any, playback: _Playback | None = None, recording: _Recording | None = None
    ) -> None:
        self.status = flags
        self.stream: Any = None
        self._playback = playback
        self._recording = recording
        self._finished = threading.Event()

    def align(self) -> None:
        """Make the recording begin with the first frame that is played."""
        caller = getattr(self.stream, "_caller", None)
        if self._playback and self._recording and caller:
            # The silence that is made ahead precedes the first frame.
            self._recording.skip = caller.pump.ahead

    def finish(self) -> None:
        """The stream has finished."""
        # The arrays may be large, and the stream is kept until the next call.
        if self._playback:
            self._playback.data = None
        if self._recording:
            self._recording.out = None
        self._finished.set()

    def wait(self, ignore_errors: bool) -> Any:
        try:
            self._finished.wait()
        finally:
            self.stream.close(ignore_errors)
        return self.status if self.status else None


class Convenience:
    """Functions of a module like :mod:`sounddevice` that play and record whole arrays.

    :param module: The module that has the streams, ``default``, ``query_devices``,
        ``CallbackFlags`` and ``CallbackStop``. They are looked up when needed.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self._latest: _Run | None = None

    def play(
        self,
        data: npt.ArrayLike,
        samplerate: float | None = None,
        mapping: npt.ArrayLike | None = None,
        blocking: bool = False,
        loop: bool = False,
        **kwargs: Any,
    ) -> None:
        """Play an array.

        This stops an earlier :func:`play`, :func:`rec` or :func:`playrec` that is still running.

        :param data: Frames: one column per channel, or a one-dimensional array for mono. *float64*
            is played as *float32*.
        :param samplerate: Frames per second. Default: ``default.samplerate``, or else the device's
            own rate; *data* may then sound too slow or too fast.
        :param mapping: Channel numbers, from 1, on which the columns of *data* are played. A mono
            array is played on all of them.
        :param blocking: Whether to return only when everything has been played.
        :param loop: Whether to repeat *data* until :func:`stop`.

        Other keyword arguments are passed to ``OutputStream``. *channels*, *dtype*, *callback*,
        *finished_callback* and *prime_output_buffers_using_stream_callback* are not allowed.

        >>> import numpy as np
        >>> from pa_ringbuffer import testing as sd
        >>> sd.play(np.zeros(4800), 48000, blocking=True)
        """
        _need_numpy()
        playback = self._playback(data, mapping, "mapping", loop, kwargs)

        def callback(outdata: Any, frames: int, time: Any, status: Any) -> None:
            run.status |= status
            if not playback.fill(outdata):
                # Not CallbackAbort, which would drop frames that have not been heard yet.
                raise self._module.CallbackStop

        run = _Run(self._module.CallbackFlags(), playback)
        self._start(
            run,
            blocking,
            self._module.OutputStream,
            samplerate=samplerate,
            channels=playback.channels,
            dtype=playback.dtype,
            callback=callback,
            prime_output_buffers_using_stream_callback=False,
            **kwargs,
        )

    def rec(
        self,
        frames: int | None = None,
        samplerate: float | None = None,
        channels: int | None = None,
        dtype: npt.DTypeLike | None = None,
        out: _Array | None = None,
        mapping: npt.ArrayLike | None = None,
        blocking: bool = False,
        **kwargs: Any,
    ) -> npt.NDArray[Any] | _Array:
        """Record into an array.

        This stops an earlier :func:`play`, :func:`rec` or :func:`playrec` that is still running.

        :param frames: Number of frames. Ignored, like *channels* and *dtype*, if *out* is given.
        :param samplerate: Frames per second. Default: ``default.samplerate``, or else the device's
            own rate.
        :param channels: Number of channels. Default: ``default.channels``. Ignored if *mapping* is
            given.
        :param dtype: Type of the samples. Default: ``default.dtype``. *float64* is recorded as
            *float32*.
        :param out: An array of shape (frames, channels) to record into.
        :param mapping: Channel numbers, from 1, to record.
        :param blocking: Whether to return only when everything has been recorded.
        :returns: A new array of shape (frames, channels), or *out*. Unless *blocking* is true,
            recording is still in progress: call :func:`wait` before using the array.

        Other keyword arguments are passed to ``InputStream``. *callback* and *finished_callback*
        are not allowed.

        >>> from pa_ringbuffer import testing as sd
        >>> recording = sd.rec(4800, 48000, channels=1)
        >>> sd.wait()
        >>> recording.shape
        (4800, 1)
        """
        _need_numpy()
        recording, result = self._recording(out, frames, channels, dtype, mapping, "mapping")

        def callback(indata: Any, frames: int, time: Any, status: Any) -> None:
            run.status |= status
            if not recording.take(indata):
                raise self._module.CallbackStop

        run = _Run(self._module.CallbackFlags(), recording=recording)
        self._start(
            run,
            blocking,
            self._module.InputStream,
            samplerate=samplerate,
            channels=recording.channels,
            dtype=recording.dtype,
            callback=callback,
            **kwargs,
        )
        return result

    def playrec(
        self,
        data: npt.ArrayLike,
        samplerate: float | None = None,
        channels: int | None = None,
        dtype: npt.DTypeLike | None = None,
        out: _Array | None = None,
        input_mapping: npt.ArrayLike | None = None,
        output_mapping: npt.ArrayLike | None = None,
        blocking: bool = False,
        **kwargs: Any,
    ) -> npt.NDArray[Any] | _Array:
        """Play an array, and record the same number of frames at the same time.

        This stops an earlier :func:`play`, :func:`rec` or :func:`playrec` that is still running.

        :param data: The frames to play, as for :func:`play`.
        :param samplerate: Frames per second, as for :func:`play`.
        :param channels: Number of channels to record, as for :func:`rec`.
        :param dtype: Type of the recorded samples. Default: that of *data*.
        :param out: An array to record into, with as many frames as *data*.
        :param input_mapping: Channel numbers, from 1, to record.
        :param output_mapping: Channel numbers, from 1, on which to play *data*.
        :param blocking: Whether to return only when everything has been recorded.
        :returns: The recording, as for :func:`rec`.

        Other keyword arguments are passed to ``Stream``. *callback*, *finished_callback* and
        *prime_output_buffers_using_stream_callback* are not allowed.

        >>> import numpy as np
        >>> from pa_ringbuffer import testing as sd
        >>> recording = sd.playrec(np.zeros((4800, 1)), 48000, channels=2, blocking=True)
        >>> recording.shape
        (4800, 2)
        """
        _need_numpy()
        playback = self._playback(data, output_mapping, "output_mapping", False, kwargs)
        if dtype is None and playback.data is not None:
            dtype = playback.data.dtype
        recording, result = self._recording(
            out, playback.frames, channels, dtype, input_mapping, "input_mapping"
        )
        if recording.frames != playback.frames:
            raise ValueError(
                f"out must have as many frames as data, {playback.frames}, not {recording.frames}"
            )

        def callback(indata: Any, outdata: Any, frames: int, time: Any, status: Any) -> None:
            run.status |= status
            more = recording.take(indata)
            if playback.fill(outdata) or more:
                return
            raise self._module.CallbackStop

        run = _Run(self._module.CallbackFlags(), playback, recording)
        self._start(
            run,
            blocking,
            self._module.Stream,
            samplerate=samplerate,
            channels=(recording.channels, playback.channels),
            dtype=(recording.dtype, playback.dtype),
            callback=callback,
            prime_output_buffers_using_stream_callback=False,
            **kwargs,
        )
        return result

    def wait(self, ignore_errors: bool = True) -> Any:
        """Wait until :func:`play`, :func:`rec` or :func:`playrec` has finished.

        Ctrl-C ends the wait and the stream.

        :returns: A ``CallbackFlags`` object if there was a loss, otherwise ``None``.

        >>> import numpy as np
        >>> from pa_ringbuffer import testing as sd
        >>> sd.play(np.zeros(4800), 48000)
        >>> status = sd.wait()
        """
        return self._latest.wait(ignore_errors) if self._latest else None

    def stop(self, ignore_errors: bool = True) -> None:
        """Stop the stream of :func:`play`, :func:`rec` or :func:`playrec`.

        This does not affect streams that you have opened yourself.

        >>> import numpy as np
        >>> from pa_ringbuffer import testing as sd
        >>> sd.play(np.zeros(10 * 48000), 48000)
        >>> sd.stop()
        """
        if self._latest:
            self._latest.stream.abort(ignore_errors)
            self._latest.stream.close(ignore_errors)

    def get_status(self) -> Any:
        """Return the losses since the latest :func:`play`, :func:`rec` or :func:`playrec`.

        :returns: A ``CallbackFlags`` object.

        >>> from pa_ringbuffer import testing as sd
        >>> recording = sd.rec(4800, 48000, channels=1, blocking=True)
        >>> status = sd.get_status()
        """
        return self._get_latest().status

    def get_stream(self) -> Any:
        """Return the stream of the latest :func:`play`, :func:`rec` or :func:`playrec`.

        >>> from pa_ringbuffer import testing as sd
        >>> recording = sd.rec(4800, 48000, channels=1)
        >>> sd.get_stream().samplerate
        48000.0
        >>> status = sd.wait()
        """
        return self._get_latest().stream

    def _get_latest(self) -> _Run:
        if not self._latest:
            raise RuntimeError("there is no stream yet: call play(), rec() or playrec() first")
        return self._latest

    def _playback(
        self,
        data: npt.ArrayLike,
        mapping: npt.ArrayLike | None,
        name: str,
        loop: bool,
        kwargs: dict[str, Any],
    ) -> _Playback:
        def device_channels() -> int:
            device = self._module.query_devices(kwargs.get("device"), "output")
            return int(device["max_output_channels"])

        return _Playback(data, mapping, name, loop, device_channels)

    def _recording(
        self,
        out: npt.NDArray[Any] | None,
        frames: int | None,
        channels: int | None,
        dtype: npt.DTypeLike | None,
        mapping: npt.ArrayLike | None,
        name: str,
    ) -> tuple[_Recording, npt.NDArray[Any]]:
        default = self._module.default
        if out is None and channels is None:
            channels = default.channels["input"]
        if out is None and dtype is None:
            dtype = default.dtype["input"]
        recording = _Recording(out, frames, channels, dtype, mapping, name)
        assert recording.out is not None
        return recording, recording.out

    def _start(self, run: _Run, blocking: bool, Stream: Any, **parameters: Any) -> None:
        self.stop()
        run.stream = Stream(finished_callback=run.finish, **parameters)
        run.align()
        try:
            run.stream.start()
        except BaseException:
            with contextlib.suppress(Exception):
                run.stream.close()
            raise
        self._latest = run
        if blocking:
            run.wait(ignore_errors=True)
