"""The arguments of `CompiledStream`, for any device."""

from __future__ import annotations

from typing import Any, Callable

from .. import StreamCallback
from .._native import compiled_callback

_SIDES = {"input": (0,), "output": (1,), "duplex": (0, 1)}


class Compiled:
    """The addresses of a compiled callback and its data, which it keeps valid."""

    def __init__(self, kind: str, callback: Any, userdata: Any, finished_callback: Any) -> None:
        if not isinstance(kind, str) or kind not in _SIDES:
            raise ValueError(f"kind must be 'input', 'output' or 'duplex', not {kind!r}")
        self._sides = _SIDES[kind]
        self._callback = callback
        #: A finished callback that is not a C function, and is called without arguments.
        self.python_finished: Callable[[], object] | None = None
        try:
            self._set(callback, userdata, finished_callback)
        except TypeError:
            if not callable(finished_callback):
                raise
            # Any other error is found now.
            self._set(callback, userdata, None)
            self.python_finished = finished_callback
            self.finished = 0

    def _set(self, callback: Any, userdata: Any, finished_callback: Any) -> None:
        addresses = compiled_callback(callback, userdata, finished_callback)
        #: Addresses of the function, its data and the finished callback; 0 if there is none.
        self.function, self.userdata, self.finished, self._kept = addresses

    def check_frames(self, channels: Any, samplesize: Any) -> None:
        """Raise ValueError if a `StreamCallback` has other frame sizes than the stream."""
        if not isinstance(self._callback, StreamCallback):
            return
        pairs = [(channels, samplesize)]
        if len(self._sides) == 2:
            pairs = list(zip(channels, samplesize))
        sizes = [0, 0]
        for side, (count, size) in zip(self._sides, pairs):
            sizes[side] = count * size
        self._callback._settle(*sizes)
