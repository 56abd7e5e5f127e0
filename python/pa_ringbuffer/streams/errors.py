"""What goes wrong while somebody waits for a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt


class _Incomplete(Exception):
    """A transfer has ended too early; what was transferred is not lost."""

    def __init__(self, message: str, frames: int = 0, data: npt.NDArray[Any] | None = None) -> None:
        super().__init__(message)
        self.frames = frames
        self.data = data


class StreamTimeoutError(_Incomplete, TimeoutError):
    """The time was over before everything was transferred.

    .. attribute:: frames

        Number of frames that were transferred nevertheless. (:class:`int`)

    .. attribute:: data

        When reading: these frames. (:class:`numpy.ndarray` or ``None``)
    """


class StreamStoppedError(_Incomplete, RuntimeError):
    """The stream does not run, or not any more, and so waiting makes no sense.

    .. attribute:: frames

        Number of frames that were transferred before. (:class:`int`)

    .. attribute:: data

        When reading: these frames. (:class:`numpy.ndarray` or ``None``)
    """
