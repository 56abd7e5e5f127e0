"""Adapts docstrings to the site: the types of attributes, and each list of parameters only once."""

import ast
import dataclasses
import re
from pathlib import Path

import pa_ringbuffer
import pa_ringbuffer.streams

#: Attributes whose annotation does not tell: one value, or a pair where there are two directions.
TYPES = {
    "Base.channels": "int or pair of int",
    "Base.device": "int or pair of int",
    "Base.dtype": "str or pair of str",
    "Base.latency": "float or pair of float",
    "Base.samplesize": "int or pair of int",
    "StreamCallback.userdata": "CFFI ``void *``",
}
#: These take the parameters of another class on the same page or the one beside it.
SAME_PARAMETERS = {
    "pa_ringbuffer.sounddevice.InputStream": "Stream",
    "pa_ringbuffer.sounddevice.OutputStream": "Stream",
}
LINKED = {
    **{name: name for name in ("bool", "bytearray", "dict", "float", "int", "str")},
    "RingBuffer": "~pa_ringbuffer.RingBuffer",
    "RingStats": "~pa_ringbuffer.streams.RingStats",
    "Stats": "~pa_ringbuffer.streams.Stats",
}


def _stubs():
    """The types of the compiled classes' properties, by ``Class.name``."""
    path = Path(pa_ringbuffer.__file__).with_name("_native.pyi")
    types = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for member in node.body:
            decorators = [ast.unparse(d) for d in getattr(member, "decorator_list", ())]
            if decorators == ["property"] and member.returns is not None:
                types[f"{node.name}.{member.name}"] = ast.unparse(member.returns)
    return types


STUBS = _stubs()


def _annotation(name, obj):
    """What the sources say about the type of an attribute, or None."""
    owner, _, attribute = name.rpartition(".")
    class_name = owner.rpartition(".")[2]
    getter = getattr(obj, "fget", None)
    if getter is not None:
        own_class = getter.__qualname__.rpartition(".")[0]
        known = TYPES.get(f"{own_class}.{attribute}")
        return known or getter.__annotations__.get("return")
    key = f"{class_name}.{attribute}"
    if key in TYPES or key in STUBS:
        return TYPES.get(key) or STUBS[key]
    for candidate in (pa_ringbuffer.streams.Stats, pa_ringbuffer.streams.RingStats):
        if candidate.__name__ == class_name:
            for field in dataclasses.fields(candidate):
                if field.name == attribute:
                    return str(field.type)
    return None


def _readable(annotation):
    """A type as a reader would write it, with links."""
    if annotation.startswith("Literal"):
        values = [ast.unparse(n) for n in ast.walk(ast.parse(annotation)) if _is_text(n)]
        return ", ".join(f"``{value}``" for value in values) + (
            " or ``None``" if annotation.endswith("None") else ""
        )
    if annotation == "_Mode":
        return ":class:`str`"
    annotation = annotation.replace(" | ", " or ")
    return re.sub(
        r"\b[A-Za-z]+\b",
        lambda match: (
            f":class:`{LINKED[match[0]]}`"
            if match[0] in LINKED
            else "``None``"
            if match[0] == "None"
            else match[0]
        ),
        re.sub(r"\[.*\]", "", annotation),
    )


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _add_type(lines, name, obj):
    """Put the type behind the first paragraph, as the docstrings of RingBuffer have it."""
    end = lines.index("") if "" in lines else len(lines)
    if not end or any(re.search(r"\(:class:`[^`]+`\)\s*$", line) for line in lines):
        return
    annotation = _annotation(name, obj)
    if annotation and annotation != "Any":
        lines[end - 1] += f" ({_readable(annotation)})"


def _refer(lines, other):
    """Replace the parameters, which are those of another class, by a link to that one."""
    fields = [n for n, line in enumerate(lines) if line.startswith(":param")]
    if fields:
        raises = [line for line in lines if line.startswith(":raises")]
        lines[fields[0] :] = [f"The parameters are those of :class:`{other}`.", "", *raises, ""]


def process(app, what, name, obj, options, lines):
    # Docstrings are also shown by users' own sites, which have other folders.
    lines[:] = [line.replace(":doc:`callbacks`", ":doc:`/callbacks`") for line in lines]
    if re.match(r"pa_ringbuffer\.(sounddevice|testing)\.", name):
        # On pages of their own, members of Stream are not in the class at hand.
        lines[:] = [
            re.sub(
                r":(attr|meth):`(time|stop)`", r":\1:`~pa_ringbuffer.sounddevice.Stream.\2`", line
            )
            for line in lines
        ]
    if what in ("attribute", "property"):
        _add_type(lines, name, obj)
    elif name in SAME_PARAMETERS:
        _refer(lines, SAME_PARAMETERS[name])


def setup(app):
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
