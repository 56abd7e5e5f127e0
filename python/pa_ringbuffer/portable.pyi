from typing import Any, Final

from ._native import RingBuffer as RingBuffer

__version__: Final[str]
__all__ = ["RingBuffer", "cdef", "init"]

_RingBufferBase = RingBuffer

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

def init(ffi: Any, lib: Any) -> type[RingBuffer]:
    """Return the class ``RingBuffer`` for a CFFI module.

    Neither argument is used before the first instance is made, so documentation builds can pass
    mocks.

    :param ffi: A CFFI instance that has the declarations of ``cdef()``.
    :param lib: The library of the same CFFI module. If it lacks PortAudio's functions, the class
        works without them.
    :returns: A class whose instances own a C struct declared by *ffi*, which can be passed to
        functions in *lib*.

    For a CFFI module with the name ``_example``::

        from _example import ffi, lib

        RingBuffer = pa_ringbuffer.init(ffi, lib)
        lib.fill(RingBuffer(elementsize=4, size=1024)._ptr)
    """
