"""The ratios to PortAudio's C as a picture: a panel for each workload, a bar for each of them."""

from matplotlib import pyplot
from picture import LINE, OTHERS, OWN, TEXT, style
from report import nanoseconds
from results import NAMES, OURS, contestants

PANELS = (
    (("single", "1x8"), "1 thread, 1 element"),
    (("single", "64x8"), "1 thread, 64 elements"),
    (("single", "512x8"), "1 thread, 512 elements"),
    (("single", "4096x8"), "1 thread, 4096 elements"),
    (("two-threads", "1x8"), "2 threads, 1 element"),
    (("two-threads", "64x8"), "2 threads, 64 elements"),
    (("two-threads", "512x8"), "2 threads, 512 elements"),
    (("round-trip", "1x8"), "Round trip of 1 element"),
)
COLUMNS = 4
#: The limit is a line; the other two only show what the placement of the struct does.
NOT_DRAWN = ("limit", "abi-two-lines", "handles-one-line")
#: The slowest that is drawn: what is slower still has a bar that goes no farther.
SLOWEST = 1 / 6


def _panel(axes, found, names, fastest):
    axes.set_xscale("log")
    # Room for a label at both ends.
    axes.set_xlim(SLOWEST / 4.5, fastest * 6)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.axis("off")
    reference = found["portaudio"].median
    for row, name in enumerate(names):
        if name not in found:
            continue
        colour = OWN if name in OURS else OTHERS
        median = found[name].median
        ratio = reference / median
        end = max(ratio, SLOWEST)
        axes.barh(row, end - 1, 0.62, left=1, color=colour)
        faster = end >= 1
        axes.annotate(
            f"{nanoseconds(median)} ns",
            (end, row),
            (3 if faster else -3, 0),
            textcoords="offset points",
            horizontalalignment="left" if faster else "right",
            verticalalignment="center",
            fontsize=8.5,
            fontweight="bold" if name in OURS else "normal",
        )
    axes.plot([1, 1], [-0.5, len(names) - 0.5], color=LINE, linewidth=0.8)
    limit = reference / found["limit"].median
    axes.plot([limit, limit], [-0.5, len(names) - 0.5], color=LINE, linewidth=1, linestyle=":")


def _row_names(axes, names):
    axes.set_xlim(0, 1)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.axis("off")
    for row, name in enumerate(names):
        axes.annotate(
            NAMES[name],
            (0.98, row),
            horizontalalignment="right",
            verticalalignment="center",
            color=OWN if name in OURS else TEXT,
            fontweight="bold" if name in OURS else "normal",
        )


def draw(result, path):
    """Save the picture, the same bytes for the same results."""
    panels = [
        (title, found)
        for (mode, workload), title in PANELS
        if (found := contestants(result, mode, workload))
    ]
    present = {name for _, found in panels for name in found}
    names = [name for name in NAMES if name in present and name not in NOT_DRAWN]
    fastest = max(
        found["portaudio"].median / values.median
        for _, found in panels
        for values in found.values()
    )
    rows = -(-len(panels) // COLUMNS)
    width, height = 12.5, 0.75 + rows * (0.45 + 0.24 * len(names))
    with pyplot.rc_context(style("rings")):
        figure, grid = pyplot.subplots(
            rows,
            COLUMNS + 1,
            squeeze=False,
            figsize=(width, height),
            gridspec_kw={
                "width_ratios": [0.85] + [1] * COLUMNS,
                "left": 0,
                "right": 1,
                "top": 1 - 0.85 / height,
                "bottom": 0.3 / height,
                "wspace": 0.03,
                "hspace": 0.18,
            },
        )
        figure.patch.set_alpha(0)
        for axes in grid.flat:
            axes.axis("off")
        for row in grid:
            _row_names(row[0], names)
        places = [axes for row in grid for axes in row[1:]]
        for axes, (title, found) in zip(places, panels):
            _panel(axes, found, names, fastest)
            axes.set_title(title, fontsize=10, fontweight="bold", color=TEXT)
        figure.text(
            0.15 / width,
            1 - 0.28 / height,
            "Times faster than PortAudio's C",
            fontsize=13,
            fontweight="bold",
        )
        figure.text(
            0.15 / width,
            0.12 / height,
            "Elements of 8 bytes. Medians; logarithmic scale; bars to the left are slower. Dotted: "
            "the same copies without a ring. One thread: ns per block, written and read; two "
            "threads: ns per element.",
            fontsize=8,
        )
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
