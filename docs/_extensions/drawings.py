"""A directive that puts a drawing into the page itself, so that it follows the site's colours.

An ``<img>`` would follow the colours that the operating system prefers, not those that the reader
has chosen on the site.
"""

from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Drawing(SphinxDirective):
    """``{drawing} name.svg``: a file in docs/drawings; the content is its caption."""

    required_arguments = 1
    has_content = True

    def run(self):
        path = Path(self.env.srcdir, "drawings", self.arguments[0])
        self.env.note_dependency(str(path))
        figure = nodes.container(classes=["drawing"])
        svg = nodes.raw("", path.read_text(encoding="utf-8"), format="html")
        figure += nodes.container("", svg, classes=["drawing-scroll"])
        if self.content:
            caption = nodes.container(classes=["drawing-caption"])
            self.state.nested_parse(self.content, self.content_offset, caption)
            figure += caption
        return [figure]


def setup(app):
    app.add_directive("drawing", Drawing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
