"""Draws checks.svg: what is compared with what.

python docs/draw_checks.py
"""

from drawing import Drawing

WIDTH, HEIGHT = 640, 196
ROW = 40
IMPLEMENTATIONS = ("PortAudio's C", "our C functions", "Rust handles", "Python")


def picture():
    draw = Drawing(
        "checks",
        WIDTH,
        HEIGHT,
        "PortAudio's C, our C functions and the Rust handles run against each other on either side "
        "of a ring, and Python against PortAudio's C; beside that, model checking, fuzzing, "
        "sanitizers and tests for real-time safety.",
    )
    draw.text(4, 18, "one side", "own", 15, bold=True)
    draw.text(262, 18, "other side", "other", 15, bold=True)
    for n, name in enumerate(IMPLEMENTATIONS):
        y = 30 + n * ROW
        draw.box(4, y, 128, 28, "own")
        draw.text(68, y + 19, name, "own", 13, "middle")
        draw.box(262, y, 128, 28, "other")
        draw.text(326, y + 19, name, "other", 13, "middle")
        for other, partner in enumerate(IMPLEMENTATIONS):
            # Python is paired with the genuine C only.
            if "Python" in (name, partner) and IMPLEMENTATIONS[0] not in (name, partner):
                continue
            draw.line(132, y + 14, 262, 44 + other * ROW)
    checks = (
        ("make loom", "all memory orders"),
        ("make fuzz", "hostile input"),
        ("make sanitizers", "accesses and races"),
        ("make test", "system calls, allocations"),
    )
    draw.text(424, 18, "and each alone", size=15, bold=True)
    for n, (command, what) in enumerate(checks):
        y = 40 + n * ROW
        draw.text(424, y + 1, command, code=True, size=13)
        draw.text(424, y + 18, what, "soft", 13)
    return draw


if __name__ == "__main__":
    picture().save()
