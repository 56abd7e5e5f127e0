"""The losses as a picture: for each device, a row per contestant and a column per load."""

import statistics
import textwrap

from contestants import NAMES, OWN_NAMES
from frames import RATE
from loads import LOADS
from matplotlib import pyplot
from picture import LINE, OTHERS, OWN, TEXT, WIDTH, style
from report import DEVICES, columns, percent, select

COLOURS = {**dict.fromkeys(OWN_NAMES, OWN), "control": "#9aa0a6"}

NAMES_WIDTH = 1.95  # inches
ROW = 0.46
ABOVE, BELOW = 0.78, 0.12  # inches in each panel, for its title and the loads
HEAD, FOOT = 0.42, 0.62  # inches of the whole picture
LONGEST = 0.46  # of a column's width: the longest bar


def _positions(blocksizes):
    """The vertical offset of each block size from the middle of its row, and the bar height."""
    thickness = 0.6 / len(blocksizes)
    middle = (len(blocksizes) - 1) / 2
    return {size: (n - middle) * (thickness + 0.08) for n, size in enumerate(blocksizes)}, thickness


def _bar(axes, column, y, thickness, colour, cells, key, scale):
    """One bar with its label, and a line from the smallest to the largest of the rounds."""
    load, blocksize, device, name = key
    results, failures = select(cells, (load, blocksize, device), name)
    shares = [result["judgement"]["share"] for result in results]
    if shares:
        share = statistics.median(shares)
        label = percent(share)
        axes.barh(y, share * scale, thickness, left=column, color=colour)
        if min(shares) != max(shares):
            ends = [column + scale * end for end in (min(shares), max(shares))]
            axes.plot(ends, [y, y], color=TEXT, linewidth=1)
        end = column + scale * max(shares)
    elif failures:
        label, end = "failed", column
    else:
        return
    axes.annotate(label, (end, y), (3, 0), textcoords="offset points", va="center", fontsize=8.5)


def _panel(axes, cells, device, loads, blocksizes, scale):
    names = sorted(columns(cells), key=lambda name: name == "control")
    offsets, thickness = _positions(blocksizes)
    axes.set_xlim(0, len(loads))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.axis("off")
    for column, load in enumerate(loads):
        axes.plot([column, column], [-0.45, len(names) - 0.5], color=LINE, linewidth=0.8)
        axes.annotate(
            textwrap.fill(LOADS[load][0], 9, break_long_words=False),
            (column, -0.62),
            annotation_clip=False,
            fontsize=9,
        )
    for row, name in enumerate(names):
        colour = COLOURS.get(name, OTHERS)
        own = name in OWN_NAMES
        if own:
            axes.axhspan(row - 0.5, row + 0.5, color=colour, alpha=0.1, linewidth=0)
        axes.annotate(
            textwrap.fill(NAMES[name], 18),
            (0, row),
            (-34, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=colour if own else TEXT,
            fontweight="bold" if own else "normal",
            annotation_clip=False,
        )
        for size in blocksizes:
            y = row + offsets[size]
            axes.annotate(
                str(size),
                (0, y),
                (-6, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=8,
                annotation_clip=False,
            )
            for column, load in enumerate(loads):
                key = load, size, device, name
                _bar(axes, column, y, thickness, colour, cells, key, scale)
    return len(names)


def draw(report, path):
    """Save the picture, the same bytes for the same report."""
    cells = report["cells"]
    loads = [name for name in LOADS if any(cell["load"] == name for cell in cells)]
    blocksizes = sorted({cell["blocksize"] for cell in cells})
    panels = [
        (device, title, chosen)
        for device, title in DEVICES.items()
        if (chosen := [cell for cell in cells if cell["device"] == device])
    ]
    shares = [cell["judgement"]["share"] for cell in cells if "failed" not in cell]
    # Not everything is nothing: a hundredth may be the longest bar, but not noise.
    largest = max([0.01, *shares])
    heights = [ABOVE + ROW * len(columns(chosen)) + BELOW for _, _, chosen in panels]
    height = HEAD + sum(heights) + FOOT
    with pyplot.rc_context(style("dropouts")):
        figure = pyplot.figure(figsize=(WIDTH, height))
        figure.patch.set_alpha(0)
        top = height - HEAD
        for (device, title, chosen), panel_height in zip(panels, heights):
            bottom = top - panel_height + BELOW
            axes = figure.add_axes(
                (
                    NAMES_WIDTH / WIDTH,
                    bottom / height,
                    1 - NAMES_WIDTH / WIDTH,
                    (panel_height - ABOVE - BELOW) / height,
                )
            )
            _panel(axes, chosen, device, loads, blocksizes, LONGEST / largest)
            figure.text(
                0.02, (top - 0.3) / height, title, fontsize=11, fontweight="bold", color=TEXT
            )
            figure.text(
                (NAMES_WIDTH - 0.07) / WIDTH,
                (bottom + panel_height - ABOVE - BELOW + 0.08) / height,
                "block",
                fontsize=8,
                ha="right",
            )
            top -= panel_height
        figure.text(
            0.02,
            1 - 0.28 / height,
            "Share of the sound that is lost",
            fontsize=13,
            fontweight="bold",
        )
        options = report["options"]
        rounds = options["rounds"]
        spread = f"Bars: medians of {rounds} rounds; grey lines: smallest to largest. "
        spread = spread if rounds > 1 else ""
        notes = [
            f"48 kHz, stereo; every ring and queue holds {options['ring'] / RATE:.1f} s; the GIL "
            f"is held half of the time; {options['seconds']:g} s for each bar.",
            f"{spread}Upper bar: blocks "
            f"of {blocksizes[0]} frames"
            + (f", lower bar: of {blocksizes[-1]}." if len(blocksizes) > 1 else "."),
        ]
        figure.text(0.02, 0.12 / height, "\n".join(notes), fontsize=8.5, linespacing=1.5)
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
