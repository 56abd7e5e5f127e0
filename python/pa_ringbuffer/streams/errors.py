"""Errors of a program that waits for a stream."""

from __future__ import annotations

from typing import Any

from .flags import PortAudioError


class _Incomplete(Exception):
    """A transfer has ended early. Its frames are not lost."""

    def __init__(self, message: str, frames: int = 0, data: Any = None) -> None:
        super().__init__(message)
        self.frames = frames
        self.data = data


class StreamTimeoutError(_Incomplete, TimeoutError):
    """The timeout expired before the transfer was complete.

    .. attribute:: frames

        Number of frames that were transferred. (:class:`int`)

    .. attribute:: data

        For a read, the frames that were read. (:class:`numpy.ndarray`, :class:`bytearray` or
        ``None``)
    """


class StreamStoppedError(_Incomplete, RuntimeError, PortAudioError):
    """The stream is not running, so the wait cannot succeed.

    This is also a ``PortAudioError`` of the module that the stream belongs to.

    .. attribute:: frames

        Number of frames that were transferred before the stream stopped. (:class:`int`)

    .. attribute:: data

        For a read, the frames that were read. (:class:`numpy.ndarray`, :class:`bytearray` or
        ``None``)
    """
