"""What Python imports when it starts, in the processes that a program under `run` starts.

`pa_ringbuffer._children` puts this folder into ``PYTHONPATH``. Nothing else of this package is
imported unless the process imports sounddevice.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType

_NAMES = "sounddevice", "pa_ringbuffer.sounddevice"


class _Finder:
    """Finds sounddevice, once: what it finds is ours, as in the program that was run."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in _NAMES:
            return None
        # From here on, both names mean what they usually do.
        sys.meta_path.remove(self)
        if "PA_RINGBUFFER_RUN" not in os.environ:
            return None
        try:
            from pa_ringbuffer._children import install

            install()
        except (ImportError, OSError):
            # Another interpreter, for example, which has no such package.
            return None
        # If it stayed there, Python would take its own spec, and load it again.
        loader = _Loader(sys.modules.pop(name))
        return importlib.machinery.ModuleSpec(name, loader)  # type: ignore[arg-type]


class _Loader:
    """Gives a module that was imported while it was looked for."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


def _begin() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folder for folder in sys.path if folder != here]
    if "PA_RINGBUFFER_RUN" in os.environ:
        sys.meta_path.insert(0, _Finder())
    # The module of this name that Python would have imported.
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    _begin()
