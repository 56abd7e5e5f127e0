"""PortAudio's lock-free ring buffer for Python.

A :class:`RingBuffer` carries samples between a Python program and a compiled audio callback, so
that the sound continues while Python is busy. ``cdef()`` and ``init()`` connect it with a CFFI
module of your own; without one, use the class directly:

>>> import pa_ringbuffer
>>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=1024)
>>> ring.write(b'abcd')
1

:mod:`pa_ringbuffer.sounddevice` has streams for a sound card, :mod:`pa_ringbuffer.testing` the
same streams without one.
"""

from .portable import __version__, cdef

try:
    # C imports the capsule from here.
    from ._native import _C_API as _C_API
    from ._native import RingBuffer, StreamCallback
except ModuleNotFoundError as error:
    # There is no extension module for this Python (PyPy, or a copy of the sources). The portable
    # class does the same, more slowly. An extension module that exists but does not load is an
    # error.
    if error.name != f"{__name__}._native":
        raise
    from .portable import RingBuffer, _RingBufferBase, init
else:
    from ._linking import (
        build_arguments,
        function_address,
        function_names,
        get_include,
        get_library,
    )

    _RingBufferBase = RingBuffer

    def init(ffi, lib):
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

        class RingBuffer(_RingBufferBase):
            __doc__ = _RingBufferBase.__doc__
            _ffi = ffi
            _lib = lib

        return RingBuffer


#: What only an installation with the extension module has.
_COMPILED = (
    "StreamCallback",
    "build_arguments",
    "function_address",
    "function_names",
    "get_include",
    "get_library",
)
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


def __getattr__(name):
    if name in _COMPILED:
        from ._wheels import NO_EXTENSION

        raise AttributeError(f"pa_ringbuffer.{name} is in {NO_EXTENSION}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
