"""A directive that documents a C header: each declaration with the comment above it."""

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

FOLDER = Path(__file__).resolve().parents[2] / "crates/pa-ringbuffer-capi/include"
HEADERS = ("pa_ringbuffer.h", "pa_ringbuffer_callback.h")
#: Of no use to a program.
PRIVATE = re.compile(r"PA_RINGBUFFER_(CALLBACK_)?H$|PA_RINGBUFFER_ALIGN8")


def _parts(text):
    """Yield (comment, declaration) for each declaration of a header or of a struct or enum."""
    comment, position = "", 0
    while match := re.compile(r"\s*(/\*.*?\*/|#(?:[^\n\\]|\\\n)*|extern \"C\" \{|\}|)", re.S).match(
        text, position
    ):
        position, token = match.end(), match[1]
        if token.startswith("/*"):
            comment = _plain(token)
        elif token.startswith("#define"):
            yield comment, token
        elif token:
            pass
        else:
            end = _end_of_declaration(text, position)
            if end == position:
                return
            declaration = text[position:end].strip()
            if declaration:
                yield comment, declaration
                comment = ""
            position = end + 1


def _end_of_declaration(text, position):
    """Where the next semicolon, or comma between enumerators, outside of braces is."""
    depth = 0
    for index in range(position, len(text)):
        character = text[index]
        if character in "{(":
            depth += 1
        elif character in "})":
            depth -= 1
        elif depth == 0 and character in ";,":
            return index
    return len(text) if text[position:].strip() else position


def _plain(comment):
    """The text of a comment."""
    lines = comment[2:-2].strip("\n").splitlines()
    return "\n".join(re.sub(r"^\s*\* ?", "", line).strip() for line in lines).strip()


def _without_attributes(declaration):
    return " ".join(re.sub(r"\bPA_RINGBUFFER_ALIGN8\b", "", declaration).split())


class Names:
    """What the headers declare, for links."""

    def __init__(self):
        self.roles = {}
        for header in HEADERS:
            for _, declaration in _parts((FOLDER / header).read_text(encoding="utf-8")):
                self._add(declaration)

    def _add(self, declaration):
        if match := re.match(r"#define (\w+)\s+\S", declaration):
            if not PRIVATE.match(match[1]):
                self.roles[match[1]] = "macro"
        elif match := re.match(r"typedef struct (\w+)", declaration):
            self.roles[match[1]] = "struct"
        elif declaration.startswith("enum"):
            for name in re.findall(r"\b(PA_RINGBUFFER_\w+) =", declaration):
                self.roles[name] = "enumerator"
        elif match := re.search(r"(\w+)\(", declaration):
            self.roles[match[1]] = "func"

    def linked(self, text, but=None):
        """The text of a comment as reStructuredText."""
        text = re.sub(r"`(\w+)`", r"``\1``", text)
        text = text.replace("*", r"\*")
        text = re.sub(r"_(?!\w)", r"\\_", text)
        return re.sub(
            r"(?<![\w`])(\w+)(?![\w`\\])",
            lambda match: (
                f":c:{self.roles[match[1]]}:`{match[1]}`"
                if match[1] in self.roles and match[1] != but
                else match[0]
            ),
            text,
        )


class Header(SphinxDirective):
    """``{c-header} pa_ringbuffer.h``."""

    required_arguments = 1

    def run(self):
        path = FOLDER / self.arguments[0]
        self.env.note_dependency(str(path))
        self.names = Names()
        self.lines = []
        for comment, declaration in _parts(path.read_text(encoding="utf-8")):
            self.declare(comment, declaration)
        node = nodes.container()
        self.state.nested_parse(StringList(self.lines, str(path)), 0, node)
        return node.children

    def emit(self, directive, signature, comment, indent="", name=None):
        self.lines += [f"{indent}.. c:{directive}:: {signature}", ""]
        text = self.names.linked(comment, name)
        self.lines += [f"{indent}   {line}".rstrip() for line in text.splitlines()]
        self.lines.append("")

    def declare(self, comment, declaration):
        if match := re.match(r"#define (\w+)\s+\S", declaration):
            if not PRIVATE.match(match[1]):
                self.emit("macro", match[1], comment, name=match[1])
        elif match := re.match(r"typedef struct (\w+) \{(.*)\}", declaration, re.S):
            self.emit("struct", match[1], comment, name=match[1])
            for about, member in _parts(match[2]):
                self.emit("member", _without_attributes(member), about, "   ")
        elif match := re.match(r"enum \{(.*)\}", declaration, re.S):
            # Without a name, an enum cannot be linked to: its enumerators stand for themselves.
            self.lines += [f".. rubric:: {self.names.linked(comment).rstrip('.')}", ""]
            for about, enumerator in _parts(match[1]):
                self.emit("enumerator", enumerator, about, name=enumerator.split()[0])
        elif match := re.match(r"typedef \w+ (\w+)$", declaration):
            # Different systems have different ones: the last one counts.
            if declaration.startswith("typedef long"):
                self.emit("type", match[1], "`long`; `int32_t` on Apple systems.")
        elif "(" in declaration:
            name = re.search(r"(\w+)\(", declaration)[1]
            self.emit("function", _without_attributes(declaration), comment, name=name)


def setup(app):
    app.add_directive("c-header", Header)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
