"""The times as a picture: a panel for each workload, a bar for each ring."""

from matplotlib import pyplot
from picture import LINE, OTHERS, OWN, TEXT, WIDTH, style
from report import nanoseconds
from results import NAMES, OURS, contestants

PANELS = (
    (("single", "1x8"), "1 thread, 1 element"),
    (("two-threads", "1x8"), "2 threads, 1 element"),
    (("single", "64x8"), "1 thread, 64 elements"),
    (("two-threads", "64x8"), "2 threads, 64 elements"),
    (("single", "512x8"), "1 thread, 512 elements"),
    (("round-trip", "1x8"), "round trip of 1 element"),
)
COLUMNS = 2
#: The limit is a line; the other two only show what the placement of the struct does.
NOT_DRAWN = ("limit", "abi-two-lines", "handles-one-line")
#: The longest bar, in times of PortAudio's C: what is slower still is cut off there.
LONGEST = 1.5

NAMES_WIDTH = 2.05  # inches
ROW = 0.25
ABOVE, BELOW = 0.42, 0.1  # inches in each panel
HEAD, FOOT = 0.45, 0.65  # inches of the whole picture


def _panel(axes, found, names):
    axes.set_xlim(0, LONGEST * 1.6)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.axis("off")
    reference = found["portaudio"].median
    for row, name in enumerate(names):
        if name not in found:
            continue
        colour = OWN if name in OURS else OTHERS
        median = found[name].median
        share = median / reference
        end = min(share, LONGEST)
        axes.barh(row, end, 0.62, color=colour)
        cut_off = f" (x {share:.0f})" if share > LONGEST else ""
        axes.annotate(
            f"{nanoseconds(median)} ns{cut_off}",
            (end, row),
            (4, 0),
            textcoords="offset points",
            verticalalignment="center",
            fontsize=8.5,
            fontweight="bold" if name in OURS else "normal",
        )
    axes.plot([0, 0], [-0.5, len(names) - 0.5], color=LINE, linewidth=0.8)
    limit = found["limit"].median / reference
    axes.plot([limit, limit], [-0.5, len(names) - 0.5], color=LINE, linewidth=1, linestyle=":")


def _row_names(axes, names):
    for row, name in enumerate(names):
        axes.annotate(
            NAMES[name],
            (0, row),
            (-6, 0),
            textcoords="offset points",
            horizontalalignment="right",
            verticalalignment="center",
            color=OWN if name in OURS else TEXT,
            fontweight="bold" if name in OURS else "normal",
            annotation_clip=False,
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
    rows = -(-len(panels) // COLUMNS)
    panel_height = ABOVE + ROW * len(names) + BELOW
    height = HEAD + rows * panel_height + FOOT
    panel_width = (WIDTH - NAMES_WIDTH) / COLUMNS
    with pyplot.rc_context(style("rings")):
        figure = pyplot.figure(figsize=(WIDTH, height))
        figure.patch.set_alpha(0)
        for number, (title, found) in enumerate(panels):
            row, column = divmod(number, COLUMNS)
            bottom = height - HEAD - (row + 1) * panel_height + BELOW
            axes = figure.add_axes(
                (
                    (NAMES_WIDTH + column * panel_width) / WIDTH,
                    bottom / height,
                    panel_width / WIDTH,
                    ROW * len(names) / height,
                )
            )
            _panel(axes, found, names)
            axes.set_title(title, loc="left", fontsize=10, fontweight="bold", color=TEXT)
            if column == 0:
                _row_names(axes, names)
        figure.text(
            0.02,
            1 - 0.28 / height,
            "Time, compared with PortAudio's C: shorter is faster",
            fontsize=13,
            fontweight="bold",
        )
        notes = (
            "Elements of 8 bytes; medians. One thread: ns per block, written and read; two "
            "threads: ns per element.\nAll panels have PortAudio's C at the same length. "
            "Dotted: the same copies without a ring."
        )
        figure.text(0.02, 0.12 / height, notes, fontsize=8.5, linespacing=1.5)
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
