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

def build_arguments(shared: bool = False) -> _BuildArguments:
    """Return the keyword arguments that let an extension module find headers and library.

    They are the same for CFFI's ``set_source()`` and for setuptools' ``Extension``::

        ffibuilder.set_source("_meter", SOURCE, **pa_ringbuffer.build_arguments())

    :param shared: Whether the module uses the shared library in this package, which must then exist
        when the module is imported. Otherwise the functions become part of the module, which does
        not export them. On Windows, the shared library is found only after a call of
        ``os.add_dll_directory()`` with its folder.
    :type shared: bool, optional
    :returns: Lists for the arguments ``include_dirs`` and ``extra_objects``; or, with *shared*,
        ``include_dirs``, ``library_dirs``, ``runtime_library_dirs`` and ``libraries`` (on Windows
        ``include_dirs`` and ``extra_objects``).
    :rtype: dict
    """

def cdef() -> str:
    """Return the C declarations of PortAudio's ring buffer.

    Pass them to ``FFI.cdef()``. A C compiler also accepts them in place of PortAudio's own header.
    On macOS they differ: sizes and indices have 32 bits there.

    >>> import pa_ringbuffer
    >>> 'PaUtilRingBuffer' in pa_ringbuffer.cdef()
    True

    :returns: One type definition, one struct and ten functions.
    :rtype: str
    """

def function_address(name: str) -> int:
    """Return the address of a C function in the loaded extension module.

    It is for tools without a linker: Numba, ctypes, cppyy. For C and C++, ``pa_ringbuffer_api.h``
    has a table of the same functions.

    :param name: One of :data:`function_names`, such as ``'PaUtil_WriteRingBuffer'``.
    :type name: str
    :rtype: int
    :raises ValueError: If there is no function with that name.

    >>> import ctypes, pa_ringbuffer
    >>> flush = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(
    ...     pa_ringbuffer.function_address('PaUtil_FlushRingBuffer'))
    >>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=8)
    >>> ring.write(b'abcdefgh')
    2
    >>> flush(ring.address)
    >>> ring.read_available
    0
    """

def get_include() -> str:
    """Return the folder with the header files.

    These are ``pa_ringbuffer.h``, ``pa_ringbuffer_callback.h``, ``pa_ringbuffer_api.h`` and, for
    C++, ``pa_ringbuffer.hpp``.

    :rtype: str

    >>> import os, pa_ringbuffer
    >>> 'pa_ringbuffer.h' in os.listdir(pa_ringbuffer.get_include())
    True
    """

def get_library() -> str:
    """Return the path of the static library: one object file, to be linked like one of your own.

    :rtype: str

    >>> import os, pa_ringbuffer
    >>> os.path.isfile(pa_ringbuffer.get_library())
    True
    """

def init(ffi: Any, lib: Any) -> type[RingBuffer]:
    """Return the class ``RingBuffer`` for a CFFI module.

    :param ffi: The ``ffi`` of a CFFI module whose declarations include :func:`cdef`.
    :param lib: The ``lib`` of the same module. It may contain PortAudio's C or this project's
        library: both work on the same ring buffers.
    :returns: A class whose instances have a ``_ptr`` of that ``ffi``, for C functions.

    Neither argument is used before the first instance is made. An unsuitable declaration of the
    struct then raises a TypeError.

    For a CFFI module with the name ``_example``::

        from _example import ffi, lib

        RingBuffer = pa_ringbuffer.init(ffi, lib)
        lib.fill(RingBuffer(elementsize=4, size=1024)._ptr)
    """
