"""What the drawings of this documentation have in common: colours, text and a few shapes.

Pages contain the drawings as they are (see _extensions/drawings.py), so that they have the colours
that the reader has chosen on the site. Shown elsewhere, they follow the operating system.
"""

from html import escape
from pathlib import Path

FOLDER = Path(__file__).with_name("drawings")

LIGHT = {
    "ink": "#1f2328",
    "soft": "#59636e",
    "line": "#8c959f",
    "own": "#0a66c2",
    "other": "#a84f00",
    "bad": "#c62828",
}
DARK = {
    "ink": "#e6edf3",
    "soft": "#9ea7b3",
    "line": "#6e7781",
    "own": "#58a6ff",
    "other": "#f0a35e",
    "bad": "#ff7b72",
}


FONTS = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"


def _variables(colours):
    return " ".join(f"--pr-{name}: {value};" for name, value in colours.items())


def _shapes():
    for name in LIGHT:
        yield f".pr .t-{name} {{ fill: var(--pr-{name}); stroke: none; }}"
        yield f".pr .s-{name} {{ stroke: var(--pr-{name}); fill: none; }}"
        both = f"stroke: var(--pr-{name}); fill: var(--pr-{name});"
        yield f".pr .f-{name} {{ {both} fill-opacity: .18; }}"
        yield f".pr .b-{name} {{ stroke: none; fill: var(--pr-{name}); }}"


STYLE = "\n".join(
    [
        f".pr {{ {_variables(LIGHT)} font-family: {FONTS}; }}",
        f"@media (prefers-color-scheme: dark) {{ .pr:root {{ {_variables(DARK)} }} }}",
        f"html[data-theme='dark'] .pr {{ {_variables(DARK)} }}",
        ".pr .code { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; }",
        *_shapes(),
    ]
)


class Drawing:
    """Collects shapes, in pixels from the top left corner."""

    def __init__(self, name, width, height, title):
        self.name, self.width, self.height, self.title = name, width, height, title
        self.parts = []

    def text(self, x, y, words, colour="ink", size=14, anchor="start", bold=False, code=False):
        weight = ' font-weight="600"' if bold else ""
        classes = f"t-{colour}" + (" code" if code else "")
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" class="{classes}" font-size="{size}" '
            f'text-anchor="{anchor}"{weight}>{escape(words)}</text>'
        )

    def line(self, x1, y1, x2, y2, colour="line", width=1.0, dashed=False):
        dashes = ' stroke-dasharray="3 3"' if dashed else ""
        self.parts.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="s-{colour}" '
            f'stroke-width="{width:g}"{dashes}/>'
        )

    def arrow(self, x1, y1, x2, y2, colour="ink", width=1.6, dashed=False):
        """A line with a head at its second end."""
        length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
        ux, uy = (x2 - x1) / length, (y2 - y1) / length
        bx, by = x2 - 8 * ux, y2 - 8 * uy
        self.line(x1, y1, bx, by, colour, width, dashed)
        points = [(x2, y2), (bx - 4 * uy, by + 4 * ux), (bx + 4 * uy, by - 4 * ux)]
        corners = " ".join(f"{x:.4g},{y:.4g}" for x, y in points)
        self.parts.append(f'<polygon points="{corners}" class="b-{colour}"/>')

    def box(self, x, y, width, height, colour="line", filled=True, dashed=False, radius=3):
        dashes = ' stroke-dasharray="3 3"' if dashed else ""
        kind = "f" if filled else "s"
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}" '
            f'class="{kind}-{colour}"{dashes}/>'
        )

    def shape(self, points, colour):
        corners = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.parts.append(f'<polygon points="{corners}" class="f-{colour}"/>')

    def dot(self, x, y, colour="ink", radius=3.5):
        self.parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius}" class="b-{colour}"/>')

    def __str__(self):
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="pr" role="img" '
            f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" aria-label="{escape(self.title)}">\n'
            f"<title>{escape(self.title)}</title>\n<style>\n{STYLE}\n</style>\n"
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )

    def save(self):
        FOLDER.joinpath(f"{self.name}.svg").write_text(str(self), encoding="utf-8")
