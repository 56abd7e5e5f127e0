"""The losses as a picture: a column for each contestant, a row for each load."""

import statistics
import textwrap

from contestants import NAMES
from frames import RATE
from loads import LOADS
from matplotlib import pyplot
from picture import LINE, OTHERS, OWN, TEXT, style
from report import DEVICES, columns, percent, rows, select

COLOURS = {"ours": OWN, "control": "#9aa0a6"}

COLUMN = 1.08  # inches
ROW = 0.55
LONGEST = 0.5  # of a column's width: the longest bar


def _positions(blocksizes):
    """How far above or below the middle of its row each block size is, and how thick a bar is."""
    thickness = 0.62 / len(blocksizes)
    middle = (len(blocksizes) - 1) / 2
    return {size: (n - middle) * (thickness + 0.06) for n, size in enumerate(blocksizes)}, thickness


def _panel(axes, cells, loads, blocksizes, scale):
    names = columns(cells)
    offsets, thickness = _positions(blocksizes)
    axes.set_xlim(0, len(names))
    axes.set_ylim(len(loads) - 0.4, -0.6)
    axes.axis("off")
    for column, name in enumerate(names):
        colour = COLOURS.get(name, OTHERS)
        if name == "ours":
            axes.axvspan(column - 0.06, column + 0.92, color=colour, alpha=0.1, linewidth=0)
        axes.plot([column, column], [-0.45, len(loads) - 0.5], color=LINE, linewidth=0.8)
        axes.annotate(
            textwrap.fill(NAMES[name], 13),
            (column, -0.65),
            color=colour if name == "ours" else TEXT,
            fontweight="bold" if name == "ours" else "normal",
            annotation_clip=False,
            fontsize=9,
        )
        for row in rows(cells):
            load, blocksize, _ = row
            y = loads.index(load) + offsets[blocksize]
            results, failures = select(cells, row, name)
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
                continue
            axes.annotate(
                label,
                (end, y),
                (3, 0),
                textcoords="offset points",
                verticalalignment="center",
                fontsize=8.5,
            )


def _row_names(axes, loads, blocksizes):
    offsets, _ = _positions(blocksizes)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(loads) - 0.4, -0.6)
    axes.axis("off")
    axes.annotate("block", (0.97, -0.65), horizontalalignment="right", annotation_clip=False)
    for row, load in enumerate(loads):
        axes.annotate(LOADS[load][0], (0.72, row), horizontalalignment="right", va="center")
        for size in blocksizes:
            axes.annotate(
                str(size), (0.97, row + offsets[size]), ha="right", va="center", fontsize=8.5
            )


def draw(report, path):
    """Save the picture, the same bytes for the same report."""
    cells = report["cells"]
    loads = [name for name in LOADS if any(cell["load"] == name for cell in cells)]
    blocksizes = sorted({cell["blocksize"] for cell in cells})
    panels = [
        (title, chosen)
        for device, title in DEVICES.items()
        if (chosen := [cell for cell in cells if cell["device"] == device])
    ]
    widths = [1.8, *(len(columns(chosen)) for _, chosen in panels)]
    shares = [cell["judgement"]["share"] for cell in cells if "failed" not in cell]
    # Not everything is nothing: a hundredth may be the longest bar, but not noise.
    largest = max([0.01, *shares])
    # What is above and below the rows, in inches.
    above, below = 1.25, 0.35
    width, height = sum(widths) * COLUMN + 0.3 * len(panels), len(loads) * ROW + above + below
    with pyplot.rc_context(style("dropouts")):
        figure, (left, *others) = pyplot.subplots(
            1,
            len(panels) + 1,
            figsize=(width, height),
            gridspec_kw={
                "width_ratios": widths,
                "left": 0,
                "right": 1 - 0.1 / width,
                "top": 1 - above / height,
                "bottom": below / height,
                "wspace": 0.3 / (sum(widths) / len(widths)),
            },
        )
        figure.patch.set_alpha(0)
        _row_names(left, loads, blocksizes)
        for axes, (title, chosen) in zip(others, panels):
            _panel(axes, chosen, loads, blocksizes, LONGEST / largest)
            axes.set_title(title, loc="left", pad=38, fontsize=11, fontweight="bold", color=TEXT)
        figure.text(
            0.15 / width,
            1 - 0.28 / height,
            "Share of the sound that is lost",
            fontsize=13,
            fontweight="bold",
        )
        options = report["options"]
        figure.text(
            0.15 / width,
            0.12 / height,
            f"48 kHz, stereo; every ring and queue holds {options['ring'] / RATE:.1f} s; the GIL "
            f"is held half of the time; {options['seconds']:g} s for each bar",
            fontsize=8,
        )
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
