"""What callbacks are told and raise, and the error of a device, where sounddevice is not needed.

:mod:`pa_ringbuffer.sounddevice` has sounddevice's own classes. :mod:`pa_ringbuffer.testing` has
these, whether or not sounddevice is installed: importing it would start PortAudio, which a test on
the virtual device is to do without.
"""

from __future__ import annotations

__all__ = ["CallbackAbort", "CallbackFlags", "CallbackStop", "PortAudioError"]


class PortAudioError(Exception):
    """What goes wrong with a device, by the name that it has in sounddevice."""


class CallbackStop(Exception):
    """Raised by a callback to end its stream when everything was played."""


class CallbackAbort(Exception):
    """Raised by a callback to end its stream at once."""


def _flag(bit: int, documentation: str) -> property:
    def get(self: CallbackFlags) -> bool:
        return bool(self._flags & bit)

    def put(self: CallbackFlags, value: object) -> None:
        self._flags = self._flags | bit if value else self._flags & ~bit

    return property(get, put, doc=documentation)


class CallbackFlags:
    """What the device has reported before a block: a set of flags, true if there are any."""

    __slots__ = ("_flags",)

    def __init__(self, flags: int = 0) -> None:
        self._flags = flags

    input_underflow = _flag(1, "Silence was inserted into the input.")
    input_overflow = _flag(2, "Input was dropped.")
    output_underflow = _flag(4, "Silence was inserted into the output.")
    output_overflow = _flag(8, "Output will be dropped.")

    @property
    def priming_output(self) -> bool:
        """Output primes the device."""
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
