"""What goes wrong while somebody waits for a stream."""

from __future__ import annotations

from typing import Any

from .flags import PortAudioError


class _Incomplete(Exception):
    """A transfer has ended too early; what was transferred is not lost."""

    def __init__(self, message: str, frames: int = 0, data: Any = None) -> None:
        super().__init__(message)
        self.frames = frames
        self.data = data


class StreamTimeoutError(_Incomplete, TimeoutError):
    """The time was over before everything was transferred.

    .. attribute:: frames

        Number of frames that were transferred nevertheless. (:class:`int`)

    .. attribute:: data

        When reading: these frames. (:class:`numpy.ndarray`, :class:`bytearray` or ``None``)
    """


class StreamStoppedError(_Incomplete, RuntimeError, PortAudioError):
    """The stream is not running, so the wait cannot succeed.

    Also a ``PortAudioError`` of the module that the stream comes from.

    .. attribute:: frames

        Number of frames that were transferred before. (:class:`int`)

    .. attribute:: data

        When reading: these frames. (:class:`numpy.ndarray`, :class:`bytearray` or ``None``)
    """
