"""Flags and exceptions of callbacks, and the error of a device, for use without sounddevice.

:mod:`pa_ringbuffer.sounddevice` uses sounddevice's own classes. :mod:`pa_ringbuffer.testing` always
    uses these, because importing sounddevice would start PortAudio, which a test on the virtual
    device does not need.
"""

from __future__ import annotations

__all__ = ["CallbackAbort", "CallbackFlags", "CallbackStop", "PortAudioError"]


class PortAudioError(Exception):
    """An error of the device. It has the same name in sounddevice."""


class CallbackStop(Exception):
    """Raise this in a callback to end its stream after everything has been played.

    >>> from pa_ringbuffer import testing as sd
    >>> def callback(outdata, frames, time, status):
    ...     outdata[:] = 0
    ...     raise sd.CallbackStop
    >>> with sd.OutputStream(channels=1, callback=callback) as stream:
    ...     while stream.active:
    ...         sd.sleep(10)
    """


class CallbackAbort(Exception):
    """Raise this in a callback to end its stream immediately.

    >>> from pa_ringbuffer import testing as sd
    >>> def callback(indata, frames, time, status):
    ...     raise sd.CallbackAbort
    >>> with sd.InputStream(channels=1, callback=callback) as stream:
    ...     while stream.active:
    ...         sd.sleep(10)
    """


def _flag(bit: int, documentation: str) -> property:
    def get(self: CallbackFlags) -> bool:
        return bool(self._flags & bit)

    def put(self: CallbackFlags, value: object) -> None:
        self._flags = self._flags | bit if value else self._flags & ~bit

    return property(get, put, doc=documentation)


class CallbackFlags:
    """Status flags that the device reports with a block; true if any is set.

    >>> from pa_ringbuffer import testing
    >>> flags = testing.CallbackFlags()
    >>> flags.input_overflow = True
    >>> flags
    <pa_ringbuffer.CallbackFlags: input overflow>
    """

    __slots__ = ("_flags",)

    def __init__(self, flags: int = 0) -> None:
        self._flags = flags

    input_underflow = _flag(1, "Silence was inserted into the input.")
    input_overflow = _flag(2, "Input was dropped.")
    output_underflow = _flag(4, "Silence was inserted into the output.")
    output_overflow = _flag(8, "Output will be dropped.")

    @property
    def priming_output(self) -> bool:
        """The device is filling its output before it starts."""
        return bool(self._flags & 16)

    def __bool__(self) -> bool:
        return bool(self._flags)

    def __ior__(self, other: object) -> CallbackFlags:
        if not isinstance(other, CallbackFlags):
            return NotImplemented
        self._flags |= other._flags
        return self

    def __str__(self) -> str:
        names = (
            "input_overflow",
            "input_underflow",
            "output_overflow",
            "output_underflow",
            "priming_output",
        )
        return ", ".join(name.replace("_", " ") for name in names if getattr(self, name))

    def __repr__(self) -> str:
        return f"<pa_ringbuffer.CallbackFlags: {str(self) or 'no flags set'}>"
