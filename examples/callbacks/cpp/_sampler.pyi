from typing import Any

import numpy.typing as npt
from pa_ringbuffer import RingBuffer

callback: int

class Sampler:
    def __init__(
        self,
        events: RingBuffer,
        started: RingBuffer,
        recorded: RingBuffer,
        sound: npt.NDArray[Any],
        steps: npt.NDArray[Any],
    ) -> None: ...
    @property
    def address(self) -> int: ...
    @property
    def lost(self) -> int: ...
