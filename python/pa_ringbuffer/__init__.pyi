from typing import Any, Final, TypedDict

from ._native import RingBuffer as RingBuffer
from ._native import StreamCallback as StreamCallback

__version__: Final[str]
__all__ = [
    "RingBuffer",
    "StreamCallback",
    "__version__",
    "build_arguments",
    "cdef",
    "function_address",
    "function_names",
    "get_include",
    "get_library",
    "init",
]

_RingBufferBase = RingBuffer
# A PyCapsule.
_C_API: Final[object]

function_names: Final[tuple[str, ...]]

class _BuildArguments(TypedDict, total=False):
    include_dirs: list[str]
    extra_objects: list[str]
    library_dirs: list[str]
    runtime_library_dirs: list[str]
    libraries: list[str]

def build_arguments(shared: bool = False) -> _BuildArguments: ...
def cdef() -> str: ...
def function_address(name: str) -> int: ...
def get_include() -> str: ...
def get_library() -> str: ...
def init(ffi: Any, lib: Any) -> type[RingBuffer]: ...
