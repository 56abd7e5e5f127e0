"""Copy the docstrings of the compiled classes into the stubs, where editors look for them.

Run this after changing a docstring of the extension module: ``.venv/bin/python
tools/stub_docstrings.py``. With ``--check``, it changes nothing and fails if a stub is out of date
(``make lint``).
"""

import argparse
import ast
import inspect
import sys
from pathlib import Path

import pa_ringbuffer
from pa_ringbuffer import _native, portable

PACKAGE = Path(__file__).parent.parent / "python" / "pa_ringbuffer"
#: Modules by their stubs, and the names of the public objects that the stub itself defines.
STUBS = {
    "_native.pyi": (_native, ("RingBuffer", "StreamCallback", "VirtualDevice")),
    "__init__.pyi": (
        pa_ringbuffer,
        ("build_arguments", "cdef", "function_address", "get_include", "get_library", "init"),
    ),
    "portable.pyi": (portable, ("cdef", "init")),
}


def documented(node, owner):
    """Yield definitions in a stub with the objects that they declare."""
    value = inspect.getattr_static(owner, node.name)
    yield node, value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
    if isinstance(node, ast.ClassDef):
        seen = set()
        for child in node.body:
            # Properties have a setter with the same name.
            if (
                isinstance(child, ast.FunctionDef)
                and not child.name.startswith("_")
                and child.name not in seen
            ):
                seen.add(child.name)
                yield from documented(child, value)


def quoted(text, indent):
    prefix = "r" if "\\" in text else ""
    lines = [f'{prefix}"""{text}'] if "\n" not in text else [*f'{prefix}"""{text}'.split("\n"), ""]
    lines[-1] += '"""'
    return [(" " * indent + line).rstrip() for line in lines]


def updated(source, module, names):
    """The stub with the docstrings of the objects with these names."""
    lines = source.split("\n")
    edits = []
    for top in ast.parse(source).body:
        if getattr(top, "name", None) not in names:
            continue
        for node, value in documented(top, module):
            text = quoted(inspect.getdoc(value), node.col_offset + 4)
            first = node.body[0]
            is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            if is_text and first.value.value is ...:
                # The body of a function without docstring, behind its signature.
                line = lines[first.lineno - 1]
                assert line.endswith(": ..."), line
                edits.append((first.lineno - 1, first.lineno, [line[: -len(" ...")], *text]))
            elif is_text:
                edits.append((first.lineno - 1, first.end_lineno, text))
            else:
                start = min(each.lineno for each in getattr(first, "decorator_list", []) or [first])
                edits.append((start - 1, start - 1, [*text, ""]))
    for start, end, text in sorted(edits, reverse=True):
        lines[start:end] = text
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only check that nothing changes")
    options = parser.parse_args()
    outdated = []
    for name, (module, names) in STUBS.items():
        path = PACKAGE / name
        source = path.read_text(encoding="utf-8")
        text = updated(source, module, names)
        if text != source:
            outdated.append(name)
            if not options.check:
                path.write_text(text, encoding="utf-8")
    if options.check and outdated:
        sys.exit(f"{', '.join(outdated)}: run .venv/bin/python tools/stub_docstrings.py")


if __name__ == "__main__":
    main()
