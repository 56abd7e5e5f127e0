"""Draws ordering.svg: an element and the index that announces it, in the right order and not.

python docs/draw_ordering.py
"""

from drawing import Drawing

WIDTH = 640
COLUMN = 148
STEP = 46
BOX = 32


def panel(draw, left, title, steps, colour):
    """Steps in the order in which memory sees them: (column, text, colour)."""
    draw.text(left, 18, title, colour, 15, bold=True)
    draw.text(left + COLUMN / 2, 44, "producer", "soft", 13, "middle")
    draw.text(left + 1.5 * COLUMN + 10, 44, "consumer", "soft", 13, "middle")
    for n, (column, words, step_colour) in enumerate(steps):
        x, y = left + column * (COLUMN + 10), 54 + n * STEP
        draw.box(x, y, COLUMN, BOX, step_colour)
        draw.text(x + COLUMN / 2, y + 21, words, step_colour, 13, "middle")


def picture():
    draw = Drawing(
        "ordering",
        WIDTH,
        292,
        "With release and acquire, the consumer sees the element before the index that announces "
        "it. Without, it may see the index first and read an old element.",
    )
    panel(
        draw,
        0,
        "With release and acquire",
        [
            (0, "copy the element", "own"),
            (0, "store index (release)", "own"),
            (1, "load index (acquire)", "other"),
            (1, "copy the element", "other"),
        ],
        "own",
    )
    panel(
        draw,
        334,
        "Without: one possible order",
        [
            (0, "the index arrives", "own"),
            (1, "load the index", "other"),
            (1, "copy an old element", "bad"),
            (0, "the element arrives", "bad"),
        ],
        "bad",
    )
    draw.arrow(COLUMN - 20, 54 + STEP + BOX, COLUMN + 32, 54 + 2 * STEP, "ink")
    draw.arrow(334 + COLUMN - 20, 54 + BOX, 334 + COLUMN + 32, 54 + STEP, "ink")
    draw.line(321, 6, 321, 240)
    draw.text(0, 264, "The index was stored after the element, and", "soft", 13)
    draw.text(0, 281, "loading it makes both visible.", "soft", 13)
    draw.text(334, 264, "Compiler or processor exchanged the", "soft", 13)
    draw.text(334, 281, "producer's stores, or the consumer's loads.", "soft", 13)
    return draw


if __name__ == "__main__":
    picture().save()
