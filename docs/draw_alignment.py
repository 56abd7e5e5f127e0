"""Draws alignment.svg: which recorded and which played frames belong together in a duplex stream.

python docs/draw_alignment.py
"""

from drawing import Drawing

BLOCK = 256  # frames
AHEAD = 2  # blocks
CALLS = 6
SHOWN = 1  # the recorded block that is followed

WIDTH, HEIGHT = 640, 262
LEFT, STEP = 150, 68  # pixels: where time 0 is, and a block
RECORDED, CALLBACK, HEARD = 40, 108, 176
BOX = 30


def x(blocks):
    """Where a time is, in blocks from the first call."""
    return LEFT + STEP * blocks


def picture():
    """The drawing. Both latencies of this device are one block."""
    draw = Drawing(
        "alignment",
        WIDTH,
        HEIGHT,
        "Recorded blocks, calls of the callback and heard blocks on one time line",
    )

    def block(begin, y, words, colour, filled):
        draw.box(x(begin) + 1, y, STEP - 2, BOX, colour, filled)
        draw.text(x(begin + 0.5), y + 20, words, colour, anchor="middle")

    def span(begin, end, words):
        y = HEARD + BOX + 20
        for at in (begin, end):
            draw.line(x(at), y - 5, x(at), y + 5, "soft")
        draw.line(x(begin), y, x(end), y, "soft")
        draw.text(x((begin + end) / 2), y + 19, words, "soft", 13, "middle")

    for y, name in (RECORDED, "recorded"), (CALLBACK, "calls"), (HEARD, "heard"):
        draw.text(2, y + 20, name)
    for call in range(CALLS):
        draw.text(x(call - 0.5), RECORDED - 8, f"{call * BLOCK} …", "soft", 12, "middle")
        block(call - 1, RECORDED, f"in {call}", "own", call == SHOWN)
        draw.line(x(call), RECORDED + BOX + 4, x(call), HEARD - 4, dashed=True)
        draw.dot(x(call), CALLBACK + 15, "soft", 4)
        draw.text(x(call) - 8, CALLBACK + 10, str(call), "soft", 12, "end")
        silent = call < AHEAD
        words = "ahead" if silent else f"out {call}"
        block(call + 1, HEARD, words, "soft" if silent else "other", call == SHOWN + AHEAD)
    # What the program makes of the block that is followed.
    draw.arrow(x(SHOWN - 0.5), RECORDED + BOX, x(SHOWN + AHEAD + 1.5), HEARD - 3, "own", width=2)
    draw.text(2, HEARD + BOX + 39, "latency")
    recorded = SHOWN - 1
    span(recorded, SHOWN, "input")
    span(SHOWN, SHOWN + AHEAD, f"ahead: {AHEAD * BLOCK} frames")
    span(SHOWN + AHEAD, SHOWN + AHEAD + 1, "output")
    draw.text(x(CALLS + 1), HEARD + BOX + 24, "time →", "soft", 13, "end")
    return draw


if __name__ == "__main__":
    picture().save()
