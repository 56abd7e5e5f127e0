"""A table of contents that leaves out pages which do not exist (yet)."""

from docutils.statemachine import StringList
from sphinx.directives.other import TocTree


class ExistingTocTree(TocTree):
    """``{toctree-of-existing}``: as toctree; entries without a page are left out."""

    def run(self):
        folder = self.env.docname.rpartition("/")[0]
        kept = [
            (source, offset, line)
            for source, offset, line in self.content.xitems()
            if (f"{folder}/{line}" if folder else line) in self.env.found_docs
        ]
        self.content = StringList(
            [line for _, _, line in kept], items=[(source, offset) for source, offset, _ in kept]
        )
        return super().run() if kept else []


def setup(app):
    app.add_directive("toctree-of-existing", ExistingTocTree)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
