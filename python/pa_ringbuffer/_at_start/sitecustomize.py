"""Python imports this at the start of each process that a program under `run` starts.

`pa_ringbuffer._children` puts this folder into ``PYTHONPATH``. It imports nothing else of this
package unless the process imports sounddevice.
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
    """Finds sounddevice once, and returns our module, as in the parent program."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in _NAMES:
            return None
        # From now on, both names have their usual meaning.
        sys.meta_path.remove(self)
        if "PA_RINGBUFFER_RUN" not in os.environ:
            return None
        try:
            from pa_ringbuffer._children import install

            install()
        except (ImportError, OSError):
            # Another interpreter, for example, without this package.
            return None
        # If the module stayed there, Python would use its own spec and load it again.
        loader = _Loader(sys.modules.pop(name))
        return importlib.machinery.ModuleSpec(name, loader)  # type: ignore[arg-type]


class _Loader:
    """Returns a module that was imported during the search for it."""

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
