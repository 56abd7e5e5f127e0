"""Python imports this at the start of each process that a program under `run` starts.

`pa_ringbuffer._children` puts this folder into ``PYTHONPATH``. It imports nothing else of this
package unless the process imports sounddevice. Any Python may start here, 2.7 too, which has no
annotations.
"""

import os
import sys

try:
    import importlib.machinery
    import importlib.util
except ImportError:
    # Python 2.
    importlib = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence  # noqa: F401
    from importlib.machinery import ModuleSpec  # noqa: F401
    from types import ModuleType  # noqa: F401
    from typing import Any  # noqa: F401

_NAMES = "sounddevice", "pa_ringbuffer.sounddevice"


class _Finder:
    """Finds sounddevice where it is, but has it imported by our loader."""

    def __init__(self):
        # type: () -> None
        self._is_searching = False

    def find_spec(self, name, path=None, target=None):
        # type: (str, Sequence[str] | None, ModuleType | None) -> ModuleSpec | None
        if name not in _NAMES or self._is_searching or "PA_RINGBUFFER_RUN" not in os.environ:
            return None
        self._is_searching = True
        try:
            spec = importlib.util.find_spec(name)
            if spec is None and importlib.util.find_spec("pa_ringbuffer") is not None:
                # The virtual device needs no sounddevice.
                spec = importlib.machinery.ModuleSpec(name, None)
        finally:
            self._is_searching = False
        if spec is not None:
            spec.loader = _Loader(self, spec.loader)  # type: ignore[assignment]
        return spec


class _Loader:
    """Imports our module, as in the parent program."""

    def __init__(self, finder, usual):
        # type: (_Finder, Any) -> None
        self._finder, self._usual = finder, usual

    def __getattr__(self, name):
        # type: (str) -> Any
        # To find the source, for example.
        return getattr(self._usual, name)

    def create_module(self, spec):
        # type: (ModuleSpec) -> ModuleType
        # From now on, both names have their usual meaning.
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        try:
            from pa_ringbuffer._children import install

            install()
        except (ImportError, OSError):
            # Another interpreter, for example, without this package.
            pass
        module = importlib.import_module(spec.name)
        self._spec = module.__spec__
        # If the module stayed there, Python would load it again.
        return sys.modules.pop(spec.name)

    def exec_module(self, module):
        # type: (ModuleType) -> None
        module.__spec__ = self._spec


def _begin():
    # type: () -> None
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folder for folder in sys.path if folder != here]
    # Then, the module of this name that Python would have imported.
    if importlib is None:
        import imp

        del sys.modules["sitecustomize"]
        imp.load_module("sitecustomize", *imp.find_module("sitecustomize"))
        return
    if "PA_RINGBUFFER_RUN" in os.environ:
        sys.meta_path.insert(0, _Finder())
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    _begin()
