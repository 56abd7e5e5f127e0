"""PortAudio's lock-free ring buffer for Python.

A :class:`RingBuffer` carries samples between a Python program and a compiled audio callback, so
that the sound goes on while Python is busy. ``cdef()`` and ``init()`` make it work together with
a CFFI module of your own; for everything else the class is ready to use.
"""

from .portable import __version__, cdef

try:
    # C imports the capsule from here.
    from ._native import _C_API as _C_API
    from ._native import RingBuffer, StreamCallback
except ModuleNotFoundError as error:
    # No extension for this Python (PyPy, or a copy of the sources): the portable class does the
    # same, more slowly. An extension that is there but does not load is an error.
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
        :param lib: The ``lib`` of the same module. Whoever compiled it, PortAudio's C or this
            project's library, it works on the same ring buffers.
        :returns: A class whose instances have a ``_ptr`` of that ``ffi``, for C functions.

        Neither argument is touched before the first instance is made; that is when a declaration
        of the struct that does not fit is found (TypeError).
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
