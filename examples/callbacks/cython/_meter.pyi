from pa_ringbuffer import RingBuffer

__pyx_capi__: dict[str, object]

class Meter:
    def __init__(self, sound: RingBuffer, levels: RingBuffer, window: int) -> None: ...
    @property
    def address(self) -> int: ...
