"""The methods of ``RingBuffer``, as the stub declares them.

Tests that go through all methods read them here, so that a new one takes part by itself.
"""

import ast
from pathlib import Path

import pa_ringbuffer


class Method:
    def __init__(self, definition):
        arguments = definition.args.args[1:]
        defaults = definition.args.defaults
        required = len(arguments) - len(defaults)
        self.name = definition.name
        self.is_coroutine = ast.unparse(definition.returns).startswith("Coroutine")
        self.is_classmethod = bool(definition.decorator_list)
        #: Names, and defaults in Python, or None.
        self.parameters = {
            argument.arg: None if n < required else ast.unparse(defaults[n - required])
            for n, argument in enumerate(arguments)
        }
        self.waits = "timeout" in self.parameters
        self.writes = "write" in self.name or "room" in self.name
        self.needs_size = self.parameters.get("size", "") is None

    @property
    def signature(self):
        """What ``inspect.signature()`` should find."""
        parameters = [] if self.is_classmethod else ["self"]
        for name, default in self.parameters.items():
            parameters.append(name if default is None else f"{name}={default}")
        return f"({', '.join(parameters)})"

    def arguments(self, **values):
        """Those of the values that it takes."""
        return {name: values[name] for name in self.parameters if name in values}

    def call(self, **values):
        """The code of a call of ``ring``'s method with those of the values that it takes."""
        arguments = self.arguments(**values).items()
        return f"ring.{self.name}({', '.join(f'{name}={value}' for name, value in arguments)})"


def _definitions():
    stub = Path(pa_ringbuffer.__file__).with_name("_native.pyi").read_text(encoding="utf-8")
    for node in ast.parse(stub).body:
        if isinstance(node, ast.ClassDef) and node.name == "RingBuffer":
            return [node for node in node.body if isinstance(node, ast.FunctionDef)]
    raise AssertionError("there is no RingBuffer in the stub")


def _is_property(definition):
    return any(ast.unparse(each) == "property" for each in definition.decorator_list)


PROPERTIES = tuple(each.name for each in _definitions() if _is_property(each))
#: All public ones, by name.
METHODS = {
    each.name: Method(each)
    for each in _definitions()
    if not each.name.startswith("_") and not _is_property(each)
}
PUBLIC = {*METHODS, *(name for name in PROPERTIES if not name.startswith("_"))}
#: Methods of an object that come back at once.
CALLS = {
    name: method for name, method in METHODS.items() if not (method.waits or method.is_classmethod)
}
#: Those that transfer elements or give access to them; the other one makes the ring empty.
TRANSFERS = {name: method for name, method in CALLS.items() if method.parameters}
