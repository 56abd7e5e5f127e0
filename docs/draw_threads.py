"""Draws threads.svg: which thread runs when, with a callback in Python and with a compiled one.

python docs/draw_threads.py
"""

from drawing import Drawing

PERIOD = 10  # ms between two calls of the sound card, longer than usual to be seen
END = 90  # ms
STALL = (22, 56)  # ms in which another thread holds the GIL

LEFT, SCALE = 172, 5.1  # pixels: where time 0 is, and a millisecond
WIDTH = 640
ROW = 30
BOX = 20


def x(milliseconds):
    return LEFT + SCALE * milliseconds


class Panel:
    """Rows below a title, with the calls of the sound card as vertical lines."""

    def __init__(self, draw, top, title, rows):
        self.draw, self.rows = draw, {name: top + 34 + ROW * n for n, name in enumerate(rows)}
        self.bottom = top + 34 + ROW * len(rows)
        draw.text(2, top + 14, title, size=16, bold=True)
        for at in range(0, END, PERIOD):
            draw.line(x(at), top + 30, x(at), self.bottom - 6, dashed=True)
        for name, y in self.rows.items():
            draw.text(2, y + 15, name, "soft")

    def bar(self, row, begin, end, colour, words="", filled=True):
        y = self.rows[row]
        self.draw.box(x(begin), y, SCALE * (end - begin), BOX, colour, filled)
        if words:
            self.draw.text(x((begin + end) / 2), y + 15, words, colour, 13, "middle")


def python_callback(draw, top):
    panel = Panel(
        draw,
        top,
        "A callback in Python",
        ["another Python thread", "your callback", "what you hear"],
    )
    panel.bar("another Python thread", *STALL, "other", "holds the GIL")
    for call in range(0, END, PERIOD):
        if STALL[0] <= call < STALL[1]:
            continue
        panel.bar("your callback", call, call + 3, "own")
    late = 30
    panel.bar("your callback", late, STALL[1], "bad", "is called, waits", filled=False)
    panel.bar("your callback", STALL[1], STALL[1] + 3, "own")
    panel.bar("what you hear", 0, late, "own", "sound")
    panel.bar("what you hear", late, 60, "bad", "silence, or a click")
    panel.bar("what you hear", 60, END, "own", "sound")
    return panel.bottom


def fill():
    """How much the ring holds, as (time, share): a block less at each call, refilled by Python."""
    level, points = 1.0, []
    share = 0.17
    for call in range(0, END, PERIOD):
        points += [(call, level), (call, level - share)]
        level -= share
        stalled = STALL[0] <= call + 1 < STALL[1] or STALL[0] <= call + 3 < STALL[1]
        if not stalled:
            points += [(call + 3, level), (call + 3, 1.0)]
            level = 1.0
        elif STALL[1] < call + PERIOD:
            points += [(STALL[1] + 2, level), (STALL[1] + 2, 1.0)]
            level = 1.0
    return [*points, (END, level)]


def compiled_callback(draw, top):
    ring = "fill of the ring"
    panel = Panel(
        draw,
        top,
        "A compiled callback and a ring",
        [
            "another Python thread",
            "your Python code",
            ring,
            "",
            "compiled callback",
            "what you hear ",
        ],
    )
    panel.bar("another Python thread", *STALL, "other", "holds the GIL")
    for call in range(0, END, PERIOD):
        panel.bar("compiled callback", call, call + 1, "own")
        if not STALL[0] <= call < STALL[1]:
            panel.bar("your Python code", call + 2, call + 4, "own")
    panel.bar("your Python code", STALL[1], STALL[1] + 4, "own")
    low, high = panel.rows[""] + BOX, panel.rows[ring]
    points = [(x(at), low - (low - high) * share) for at, share in fill()]
    draw.shape([(x(0), low), *points, (x(END), low)], "own")
    panel.bar("what you hear ", 0, END, "own", "sound")
    return panel.bottom


def picture():
    draw = Drawing(
        "threads",
        WIDTH,
        410,
        "Which thread runs when. A Python callback waits for the GIL and the sound has a gap; a "
        "compiled callback goes on playing from the ring.",
    )
    bottom = python_callback(draw, 0)
    bottom = compiled_callback(draw, bottom + 16)
    draw.text(WIDTH - 2, bottom + 14, "time →", "soft", 13, "end")
    draw.text(
        LEFT, bottom + 14, "dashed lines: the sound card needs the next block", "soft", 13, "start"
    )
    draw.height = bottom + 24
    return draw


if __name__ == "__main__":
    picture().save()
