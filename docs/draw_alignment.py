"""Draws alignment.svg: which recorded and which played frames belong together in a duplex stream.

python docs/draw_alignment.py
"""

from pathlib import Path

# As in comparison/picture.py: no background, and colours for white pages and for dark ones.
TEXT = "#7a818a"
LINE = "#a0a6ad"
OWN = "#2b8cdb"
OTHERS = "#e07b00"

BLOCK = 256  # frames
AHEAD = 2  # blocks
CALLS = 6
SHOWN = 1  # the recorded block that is followed

WIDTH, HEIGHT = 720, 256
LEFT, STEP = 160, 72  # pixels: where time 0 is, and a block
RECORDED, CALLBACK, HEARD = 40, 108, 176
BOX = 30
DASHES = 'stroke-dasharray="2 3"'


def x(blocks):
    """Where a time is, in blocks from the first call."""
    return LEFT + STEP * blocks


def text(at, y, words, anchor="middle", colour=TEXT, size=12):
    return (
        f'<text x="{at}" y="{y}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">'
        f"{words}</text>"
    )


def line(x1, y1, x2, y2, colour=LINE, more=""):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" {more}/>'


def box(begin, y, words, colour, filled):
    fill = f'fill="{colour}" fill-opacity="0.25"' if filled else 'fill="none"'
    return (
        f'<rect x="{x(begin) + 1}" y="{y}" width="{STEP - 2}" height="{BOX}" rx="3" {fill} '
        f'stroke="{colour}"/>' + text(x(begin + 0.5), y + 20, words, colour=colour)
    )


def span(begin, end, words):
    """A part of the latency, below everything else."""
    y = HEARD + BOX + 22
    ends = "".join(line(x(at), y - 5, x(at), y + 5, TEXT) for at in (begin, end))
    return ends + line(x(begin), y, x(end), y, TEXT) + text(x((begin + end) / 2), y + 17, words)


def picture():
    """The drawing. Both latencies of this device are one block."""
    rows = {RECORDED: "recorded", CALLBACK: "calls", HEARD: "heard"}
    parts = [text(12, y + 20, name, "start") for y, name in rows.items()]
    for call in range(CALLS):
        parts.append(text(x(call - 0.5), RECORDED - 8, f"{call * BLOCK} …", size=10))
        is_shown = call == SHOWN
        parts.append(box(call - 1, RECORDED, f"in {call}", OWN, is_shown))
        parts.append(line(x(call), RECORDED + BOX + 4, x(call), HEARD - 4, more=DASHES))
        parts.append(f'<circle cx="{x(call)}" cy="{CALLBACK + 15}" r="4" fill="{TEXT}"/>')
        parts.append(text(x(call) - 7, CALLBACK + 9, call, "end", size=10))
        silent = call < AHEAD
        words = "ahead" if silent else f"out {call}"
        colour = LINE if silent else OTHERS
        parts.append(box(call + 1, HEARD, words, colour, call == SHOWN + AHEAD))
    # What the program makes of the block that is followed.
    parts.append(
        line(
            *(x(SHOWN - 0.5), RECORDED + BOX, x(SHOWN + AHEAD + 1.5), HEARD - 3, OWN),
            more='stroke-width="2" marker-end="url(#arrow)"',
        )
    )
    recorded = SHOWN - 1
    parts.append(span(recorded, SHOWN, "input latency"))
    parts.append(span(SHOWN, SHOWN + AHEAD, f"ahead: {AHEAD * BLOCK} frames"))
    parts.append(span(SHOWN + AHEAD, SHOWN + AHEAD + 1, "output latency"))
    parts.append(text(x(CALLS + 1), HEARD + BOX + 26, "time →", "end"))
    arrow = (
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{OWN}"/></marker></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif">\n'
        + "\n".join([arrow, *parts])
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    Path(__file__).with_name("alignment.svg").write_text(picture(), encoding="utf-8")
