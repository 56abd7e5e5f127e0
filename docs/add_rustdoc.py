"""Copies rustdoc's pages into the site, below rust/, each with a link back to the first page.

python docs/add_rustdoc.py target/doc build/docs
"""

import os
import shutil
import sys
from pathlib import Path

STYLE = "padding: .4rem 1rem; border-bottom: 1px solid #8886; font: 1rem sans-serif"


def with_link(html, root):
    """A page with a link to the site's first page above it."""
    head, body, rest = html.partition("<body")
    attributes, end, content = rest.partition(">")
    link = (
        f'<div style="{STYLE}"><a href="{root}/index.html">pa-ringbuffer: all documentation</a>'
        f' · <a href="{root}/reference/rust.html">Rust reference</a></div>'
    )
    return f"{head}{body}{attributes}{end}{link if end else ''}{content}"


def main(rustdoc, site):
    target = Path(site) / "rust"
    if not Path(rustdoc, "pa_ringbuffer", "index.html").exists():
        sys.exit(f"error: {rustdoc} has no documentation of pa_ringbuffer: run cargo doc --no-deps")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(rustdoc, target, ignore=shutil.ignore_patterns(".lock"))
    for page in target.rglob("*.html"):
        # Only pages of items: the sources and rustdoc's own help stay as they are.
        if "src" in page.relative_to(target).parts[:1] or page.parent == target:
            continue
        root = os.path.relpath(site, page.parent).replace(os.sep, "/")
        page.write_text(with_link(page.read_text(encoding="utf-8"), root), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {__doc__.splitlines()[2]}")
    main(*sys.argv[1:])
