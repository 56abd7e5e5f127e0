"""sounddevice's functions besides streams, for a machine with only the virtual device."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any

from .streams import flags
from .streams.arguments import split
from .streams.base import SAMPLE_SIZES

#: Default frames per second, frames per block, and channels.
SAMPLERATE, BLOCKSIZE, CHANNELS = 48000.0, 256, 2

_SIDES = {"input": 0, "output": 1}


def chosen(value: Any, name: str, side: int, otherwise: Any = None) -> Any:
    """An argument for one direction, or else the value in `default`."""
    value = (getattr(default, name) if value is None else split(value, name))[side]
    if value is None:
        value = getattr(default, name)[side]
    return otherwise if value is None else value


def sample_format(dtype: Any, kind: str) -> str:
    """The usual name of a sample format."""
    if "numpy" in sys.modules and dtype != "int24":
        with contextlib.suppress(TypeError):
            dtype = sys.modules["numpy"].dtype(dtype).name
    if dtype not in SAMPLE_SIZES:
        raise ValueError(
            f"dtype must be one of {', '.join(SAMPLE_SIZES)} for {kind}, not {dtype!r}"
        )
    return str(dtype)


class _Pair:
    """Values for input and output."""

    def __init__(self, factory: tuple[Any, Any]) -> None:
        self._factory = factory
        self._values: list[Any] = [None, None]

    def __getitem__(self, index: int | str) -> Any:
        index = _SIDES[index] if isinstance(index, str) else index
        value = self._values[index]
        return self._factory[index] if value is None else value

    def __setitem__(self, index: int | str, value: Any) -> None:
        self._values[_SIDES[index] if isinstance(index, str) else index] = value

    def __repr__(self) -> str:
        return repr([self[0], self[1]])


class _Default:
    """Defaults for the streams of this module; see ``sounddevice.default``."""

    device: Any
    channels: Any
    dtype: Any
    latency: Any
    extra_settings: Any
    samplerate: Any = None
    blocksize: Any = BLOCKSIZE
    clip_off: Any = False
    dither_off: Any = False
    never_drop_input: Any = False
    prime_output_buffers_using_stream_callback: Any = False

    def __init__(self) -> None:
        factory: dict[str, tuple[Any, Any]] = {
            "device": (0, 0),
            "channels": (None, None),
            "dtype": ("float32", "float32"),
            "latency": ("high", "high"),
            "extra_settings": (None, None),
        }
        vars(self).update((name, _Pair(values)) for name, values in factory.items())

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(pair := vars(self).get(name), _Pair):
            pair[0], pair[1] = split(value, name)
        elif name in type(self).__annotations__:
            object.__setattr__(self, name, value)
        else:
            raise AttributeError(f"'default' object has no attribute {name!r}")

    @property
    def hostapi(self) -> int:
        """Number of the host API."""
        return 0

    def reset(self) -> None:
        """Reset all defaults."""
        vars(self).clear()
        self.__init__()  # type: ignore[misc]


default = _Default()


class DeviceList(tuple[dict[str, Any], ...]):
    """Devices; the repr has one line per device."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(
            f"* {info['index']} {info['name']}, {_HOST_API} ({info['max_input_channels']} in, "
            f"{info['max_output_channels']} out)"
            for info in self
        )


_HOST_API = "pa_ringbuffer"


def query_devices(device: Any = None, kind: str | None = None) -> Any:
    """Information about the virtual device, whatever *device* is; a list if both are omitted."""
    if kind not in ("input", "output", None):
        raise ValueError(f"kind must be 'input' or 'output', not {kind!r}")
    latency = BLOCKSIZE / SAMPLERATE
    info = {
        "name": "virtual",
        "index": 0,
        "hostapi": 0,
        "max_input_channels": CHANNELS,
        "max_output_channels": CHANNELS,
        "default_low_input_latency": latency,
        "default_low_output_latency": latency,
        "default_high_input_latency": latency,
        "default_high_output_latency": latency,
        "default_samplerate": SAMPLERATE,
    }
    return DeviceList([info]) if device is None and kind is None else info


def query_hostapis(index: int | None = None) -> Any:
    """Information about the only host API; a tuple if *index* is omitted."""
    if index not in (0, None):
        raise flags.PortAudioError(f"index must be 0, the only host API, not {index!r}")
    info = {
        "name": _HOST_API,
        "devices": [0],
        "default_input_device": 0,
        "default_output_device": 0,
    }
    return (info,) if index is None else info


def _check_settings(kind: str, channels: Any, dtype: Any, samplerate: Any) -> None:
    side = _SIDES[kind]
    sample_format(chosen(dtype, "dtype", side), kind)
    if chosen(channels, "channels", side, CHANNELS) < 1:
        raise flags.PortAudioError(f"channels must be a positive number, not {channels!r}")
    rate = default.samplerate if samplerate is None else samplerate
    if rate is not None and not rate > 0:
        raise flags.PortAudioError(f"samplerate must be a positive number, not {rate!r}")


def check_input_settings(
    device: Any = None,
    channels: Any = None,
    dtype: Any = None,
    extra_settings: Any = None,
    samplerate: Any = None,
) -> None:
    """Raise an error if no stream can record with these settings."""
    _check_settings("input", channels, dtype, samplerate)


def check_output_settings(
    device: Any = None,
    channels: Any = None,
    dtype: Any = None,
    extra_settings: Any = None,
    samplerate: Any = None,
) -> None:
    """Raise an error if no stream can play with these settings."""
    _check_settings("output", channels, dtype, samplerate)


def sleep(msec: float) -> None:
    """Sleep for a number of milliseconds."""
    time.sleep(msec / 1000)


def get_portaudio_version() -> tuple[int, str]:
    """A number and a text in place of PortAudio's version, because PortAudio is not used."""
    return 0, "the virtual device of pa_ringbuffer, without PortAudio"


class AsioSettings:
    """Accepted and ignored."""

    def __init__(self, channel_selectors: Any) -> None:
        pass


class CoreAudioSettings:
    """Accepted and ignored."""

    def __init__(
        self,
        channel_map: Any = None,
        change_device_parameters: bool = False,
        fail_if_conversion_required: bool = False,
        conversion_quality: str = "max",
    ) -> None:
        pass


class WasapiSettings:
    """Taken and not used."""

    def __init__(
        self,
        exclusive: bool = False,
        auto_convert: bool = False,
        explicit_sample_format: bool = False,
    ) -> None:
        pass
