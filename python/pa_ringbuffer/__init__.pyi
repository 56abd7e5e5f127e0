from typing import Any, Final

from ._native import RingBuffer as RingBuffer
from ._native import StreamCallback as StreamCallback

__version__: Final[str]
__all__ = ["RingBuffer", "StreamCallback", "__version__", "cdef", "init"]

_RingBufferBase = RingBuffer

def cdef() -> str: ...
def init(ffi: Any, lib: Any) -> type[RingBuffer]: ...
