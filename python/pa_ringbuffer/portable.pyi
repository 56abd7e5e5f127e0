from typing import Any, Final

from ._native import RingBuffer as RingBuffer

__version__: Final[str]
__all__ = ["RingBuffer", "cdef", "init"]

_RingBufferBase = RingBuffer

def cdef() -> str: ...
def init(ffi: Any, lib: Any) -> type[RingBuffer]: ...
