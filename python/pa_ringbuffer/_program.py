"""Runs a Python program as ``python PROGRAM`` and ``python -m MODULE`` do."""

from __future__ import annotations

import builtins
import importlib.util
import io
import os
import pkgutil
import sys
import types
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, TracebackType
from typing import Any, Callable


class NoProgramError(Exception):
    """There is no program to run; the text says what is missing."""


class Program:
    """A program that was found and compiled.

    :param name: A file, a folder or zip file with a ``__main__.py``, or with *is_module* a module.
    :raises NoProgramError: If there is none.
    """

    def __init__(self, name: str, is_module: bool) -> None:
        self.name = name
        #: First entry of ``sys.path``; ``None`` if the path stays unchanged.
        self._folder: str | None = None
        self._spec: ModuleSpec | None = None
        self._loader: Any = None
        if is_module:
            self.file, self._code = self._find_module(name)
        elif importer := pkgutil.get_importer(name):
            # A folder or zip file.
            self._folder = os.path.abspath(name)
            spec = importer.find_spec("__main__")
            if spec is None:
                raise NoProgramError(f"there is no __main__.py in {name!r}")
            self.file, self._code = self._take(spec)
        else:
            self._folder = os.path.dirname(os.path.realpath(name))
            self.file = os.path.abspath(name)
            self._loader = SourceFileLoader("__main__", self.file)
            try:
                with io.open_code(self.file) as file:
                    source = file.read()
            except OSError as error:
                reason = error.strerror
                raise NoProgramError(f"the program {name!r} cannot be read: {reason}") from None
            self._code = _tell_errors(compile, source, self.file, "exec", dont_inherit=True)

    def _find_module(self, name: str) -> tuple[str, CodeType]:
        try:
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.submodule_search_locations is not None:
                # A package.
                name += ".__main__"
                spec = importlib.util.find_spec(name)
        except (ImportError, ValueError) as error:
            raise NoProgramError(f"the module {name!r} cannot be found: {error}") from None
        if spec is None:
            raise NoProgramError(f"there is no module {name!r}")
        return self._take(spec)

    def _take(self, spec: ModuleSpec) -> tuple[str, CodeType]:
        loader: Any = spec.loader
        code = _tell_errors(loader.get_code, spec.name) if hasattr(loader, "get_code") else None
        if code is None:
            raise NoProgramError(f"{spec.name!r} has no Python code")
        self._spec, self._loader = spec, loader
        return spec.origin or spec.name, code

    def run(self, arguments: list[str]) -> None:
        """Execute the program as ``__main__``. Its tracebacks contain no frames of this package."""
        main: Any = types.ModuleType("__main__")
        main.__file__, main.__loader__, main.__spec__ = self.file, self._loader, self._spec
        main.__package__ = None if self._spec is None else self._spec.parent
        main.__builtins__, main.__cached__ = builtins, None
        if sys.version_info < (3, 14):
            main.__annotations__ = {}
        # The interpreter removes it at the very end, together with everything that is left.
        sys.modules["__main__"] = main
        sys.argv[:] = [self.file if self._folder is None else self.name, *arguments]
        if self._folder is not None:
            is_safe = getattr(sys.flags, "safe_path", False)
            if not is_safe:
                # The current folder, which comes first for a module.
                del sys.path[0]
            # A folder or zip file is the program itself; other files are only next to it.
            if self._spec is not None or not is_safe:
                sys.path.insert(0, self._folder)
        try:
            exec(self._code, main.__dict__)
        except BaseException as error:
            _tell(error)
            raise


def _tell_errors(get_code: Callable[..., CodeType], *args: Any, **kwargs: Any) -> CodeType:
    """The program's code; errors in it are reported as Python reports them."""
    try:
        return get_code(*args, **kwargs)
    except (SyntaxError, ValueError) as error:
        error.__traceback__ = None
        _tell(error)
        raise


def _tell(error: BaseException) -> None:
    """Print the traceback as Python would without this package."""
    if isinstance(error, SystemExit):
        return
    hook = sys.excepthook
    # The interpreter ends as usual: by a signal after Ctrl-C. But it has nothing left to print.
    sys.excepthook = _already_told
    traceback = error.__traceback__
    while traceback and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    hook(type(error), error.with_traceback(traceback), traceback)


def _already_told(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    pass
