from pa_ringbuffer import RingBuffer

callback: int

class Delay:
    def __init__(
        self,
        sound: RingBuffer,
        parameters: RingBuffer,
        applied: RingBuffer,
        recorded: RingBuffer,
    ) -> None: ...
    @property
    def address(self) -> int: ...
    @property
    def lost(self) -> int: ...
