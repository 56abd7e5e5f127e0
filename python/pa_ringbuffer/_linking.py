"""Header files and libraries for compilers and linkers, and the addresses of the C functions."""

import os
import sys

from ._native import functions

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_LIB = os.path.join(_FOLDER, "lib")
_STATIC = "pa_ringbuffer.lib" if sys.platform == "win32" else "libpa_ringbuffer.a"
_SHARED = {"win32": "pa_ringbuffer.dll.lib", "darwin": "libpa_ringbuffer.dylib"}.get(
    sys.platform, "libpa_ringbuffer.so"
)

#: The names of the C functions that :func:`function_address` knows.
function_names = tuple(functions)


def _existing(*parts: str) -> str:
    path = os.path.join(_FOLDER, *parts)
    if not os.path.exists(path):
        raise FileNotFoundError(
            f"{path} is missing; in a clone of the repository, this command makes it: "
            "python tools/wheel_contents.py"
        )
    return path


def get_include() -> str:
    """Return the folder with the header files.

    These are ``pa_ringbuffer.h``, ``pa_ringbuffer_callback.h``, ``pa_ringbuffer_api.h`` and, for
    C++, ``pa_ringbuffer.hpp``.

    :rtype: str

    >>> import os, pa_ringbuffer
    >>> 'pa_ringbuffer.h' in os.listdir(pa_ringbuffer.get_include())
    True
    """
    return _existing("include")


def get_library() -> str:
    """Return the path of the static library: one object file, to be linked like one of your own.

    :rtype: str

    >>> import os, pa_ringbuffer
    >>> os.path.isfile(pa_ringbuffer.get_library())
    True
    """
    return _existing("lib", _STATIC)


def get_cmake_dir() -> str:
    return _existing("lib", "cmake", "pa_ringbuffer")


def get_pkg_config_dir() -> str:
    return _existing("lib", "pkgconfig")


def build_arguments(shared: bool = False) -> dict[str, list[str]]:
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
    arguments = {"include_dirs": [get_include()]}
    if not shared:
        arguments["extra_objects"] = [get_library()]
        return arguments
    library = _existing("lib", _SHARED)
    if sys.platform == "win32":
        arguments["extra_objects"] = [library]
    else:
        arguments["library_dirs"] = [_LIB]
        arguments["runtime_library_dirs"] = [_LIB]
        arguments["libraries"] = ["pa_ringbuffer"]
    return arguments


def linker_arguments(shared: bool) -> list[str]:
    """The same as arguments for a compiler that also links."""
    arguments = build_arguments(shared)
    options = {
        "extra_objects": "",
        "library_dirs": "-L",
        "libraries": "-l",
        "runtime_library_dirs": "-Wl,-rpath,",
    }
    return [option + value for name, option in options.items() for value in arguments.get(name, [])]


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
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, not {type(name).__name__}")
    try:
        return functions[name]
    except KeyError:
        raise ValueError(f"name must be one of {', '.join(function_names)}, not {name!r}") from None
