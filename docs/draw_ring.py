"""Draws struct.svg, indices.svg, regions.svg and full_empty.svg: how the ring works.

python docs/draw_ring.py
"""

from drawing import Drawing

SIZE = 8
READ, WRITE = 6, 11  # modulo 2 * SIZE
CELL = 34


def cells(draw, left, top, colours, labels, size=CELL):
    """A row of elements."""
    for n, (colour, label) in enumerate(zip(colours, labels)):
        draw.box(left + n * size, top, size - 2, size - 2, colour, colour != "line")
        draw.text(left + n * size + size / 2 - 1, top + size / 2 + 4, label, colour, 13, "middle")


def struct():
    """The fields, and who may write which of them."""
    draw = Drawing(
        "struct",
        640,
        306,
        "The fields of PaUtilRingBuffer: the producer writes writeIndex and the elements, the "
        "consumer writes readIndex; the others stay as they are.",
    )
    left, top, row, width = 232, 30, 27, 176
    fields = {
        "bufferSize": "soft",
        "writeIndex": "own",
        "readIndex": "other",
        "bigMask": "soft",
        "smallMask": "soft",
        "elementSizeBytes": "soft",
        "buffer": "soft",
    }
    draw.text(left + width / 2, 18, "struct PaUtilRingBuffer", size=14, anchor="middle", bold=True)
    for n, (name, colour) in enumerate(fields.items()):
        y = top + n * row
        draw.box(left, y, width, row - 3, colour, colour != "soft")
        draw.text(left + 10, y + 17, name, "ink" if colour == "soft" else colour, code=True)
    write, read = top + row + 12, top + 2 * row + 12
    draw.text(6, write - 20, "Producer", "own", 16, bold=True)
    draw.text(6, write, "stores writeIndex", "own", 14)
    draw.text(6, write + 18, "only loads readIndex", "soft", 13)
    draw.arrow(150, write - 4, left - 4, write - 2, "own")
    draw.text(634, read - 20, "Consumer", "other", 16, "end", bold=True)
    draw.text(634, read, "stores readIndex", "other", 14, "end")
    draw.text(634, read + 18, "only loads writeIndex", "soft", 13, "end")
    draw.arrow(498, read - 4, left + width + 4, read - 2, "other")
    draw.text(left + width + 12, top + 4.7 * row, "these stay the same", "soft", 13)
    draw.text(left + width + 12, top + 5.4 * row, "while the ring is used", "soft", 13)
    y = top + 7 * row + 34
    first = 320 - SIZE * CELL / 2
    colours = ["own", "own", "own", "line", "line", "line", "own", "own"]
    cells(draw, first, y, colours, [str(n) for n in range(SIZE)])
    draw.arrow(left + 40, top + 7 * row - 6, first + 16, y - 4, "soft")
    draw.text(6, y + 21, "writes elements", "own", 14)
    draw.arrow(120, y + 16, first - 6, y + 16, "own")
    draw.text(636, y + 21, "reads elements", "other", 14, "end")
    draw.arrow(first + SIZE * CELL + 4, y + 16, 524, y + 16, "other")
    return draw


def indices():
    """The indices count modulo 2N; the position of an element is an index modulo N."""
    draw = Drawing(
        "indices",
        640,
        216,
        "Indices count from 0 to 15 for a ring of 8 elements; the lower bits are the position.",
    )
    left, size = 82, 34
    draw.text(2, 73, "index", size=14)
    draw.text(2, 121, "position", size=14)
    for n in range(2 * SIZE):
        x = left + n * size
        held = READ <= n < WRITE
        draw.box(x, 52, size - 2, size - 2, "own" if held else "line", held)
        draw.text(x + 16, 73, str(n), "own" if held else "soft", 13, "middle")
        draw.text(x + 16, 121, str(n % SIZE), "own" if held else "soft", 13, "middle")
        draw.line(x + 16, 90, x + 16, 104)
    for at, name, colour in (READ, "readIndex = 6", "other"), (WRITE, "writeIndex = 11", "own"):
        x = left + at * size + 1
        draw.text(x, 16, name, colour, 14, "middle", code=True)
        draw.arrow(x + 15, 22, x + 15, 48, colour)
    draw.text(left, 158, "elements to read", size=14)
    draw.text(left + 150, 158, "(11 - 6) & 15 = 5", "own", code=True)
    draw.text(left, 180, "first position", size=14)
    draw.text(left + 150, 180, "6 & 7 = 6", "own", code=True)
    draw.text(left, 202, "room", size=14)
    draw.text(left + 150, 202, "8 - 5 = 3", "own", code=True)
    draw.text(left + 320, 158, "bigMask = 2N - 1 = 15", "soft", code=True, size=13)
    draw.text(left + 320, 180, "smallMask = N - 1 = 7", "soft", code=True, size=13)
    return draw


def regions():
    """What is to be read may consist of two pieces."""
    draw = Drawing(
        "regions",
        640,
        188,
        "The five elements to read lie in two regions, at the end and at the start of the memory; "
        "the room for three more is one region.",
    )
    size = 56
    left, top = 96, 58
    colours = ["own", "own", "own", "line", "line", "line", "own", "own"]
    labels = ["3rd", "4th", "5th", "", "", "", "1st", "2nd"]
    draw.text(2, top + 32, "buffer", code=True)
    cells(draw, left, top, colours, labels, size)
    for n in range(SIZE):
        draw.text(left + n * size + 27, top + 72, str(n), "soft", 13, "middle")

    def brace(begin, end, words, colour, y=top - 12):
        x1, x2 = left + begin * size, left + end * size - 2
        draw.line(x1, y, x2, y, colour, 2)
        draw.line(x1, y, x1, y + 6, colour, 2)
        draw.line(x2, y, x2, y + 6, colour, 2)
        draw.text((x1 + x2) / 2, y - 8, words, colour, 14, "middle")

    brace(6, 8, "first region", "own")
    brace(0, 3, "second region", "own")
    brace(3, 6, "room: one region", "soft")
    draw.text(
        left,
        top + 100,
        "get_read_buffers() returns 5, the first and the second region;",
        "soft",
        13,
    )
    draw.text(
        left, top + 117, "get_write_buffers() returns 3, one region and an empty one.", "soft", 13
    )
    return draw


def full_empty():
    """The extra bit tells a full ring from an empty one."""
    draw = Drawing(
        "full_empty",
        640,
        176,
        "Empty: both indices are 3. Full: the write index is 11, the read index 3. Both point to "
        "position 3.",
    )
    size = 34
    for left, title, write, colour in (6, "empty", 3, "line"), (352, "full", 11, "own"):
        draw.text(left, 16, title, size=16, bold=True)
        cells(draw, left, 66, [colour] * SIZE, [str(n) for n in range(SIZE)], size)
        x = left + 3 * size + 16
        draw.arrow(x - 4, 42, x - 4, 63, "own")
        draw.arrow(x + 4, 42, x + 4, 63, "other")
        draw.text(x - 10, 38, f"writeIndex = {write}", "own", 13, "end", code=True)
        draw.text(x + 10, 38, "readIndex = 3", "other", 13, code=True)
        draw.text(left, 126, f"({write} - 3) & 15 = {write - 3}", size=14, code=True)
        draw.text(left, 148, f"{write - 3} to read, room for {SIZE - write + 3}", "soft")
    draw.text(6, 171, "Modulo N, both indices would be 3 in either case.", "soft", 13)
    return draw


if __name__ == "__main__":
    for drawing in struct(), indices(), regions(), full_empty():
        drawing.save()
