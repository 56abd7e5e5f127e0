"""The ratios as a picture: a bar for each call, and a mark for its goal."""

from matplotlib import pyplot
from picture import LINE, OTHERS, OWN, style
from report import ratio
from workloads import GOALS

ROW = 0.26  # inches


def draw(report, path):
    """Save the picture, the same bytes for the same report."""
    ratios = {name: ratio(**report["calls"][name]) for name in GOALS}
    # Space above and below the rows, in inches.
    above, below = 0.6, 0.35
    width, height = 7.5, len(ratios) * ROW + above + below
    with pyplot.rc_context(style("python_calls")):
        figure, axes = pyplot.subplots(figsize=(width, height))
        figure.subplots_adjust(
            left=2.3 / width, right=1 - 0.5 / width, top=1 - above / height, bottom=below / height
        )
        figure.patch.set_alpha(0)
        axes.axis("off")
        axes.set_xlim(0, max(ratios.values()))
        axes.set_ylim(len(ratios) - 0.4, -0.6)
        # As fast as upstream.
        axes.plot([1, 1], [-0.6, len(ratios) - 0.4], color=LINE, linewidth=0.8, linestyle=":")
        for row, (name, reached) in enumerate(ratios.items()):
            axes.barh(row, reached, 0.62, color=OWN)
            if goal := GOALS[name]:
                axes.plot([goal, goal], [row - 0.42, row + 0.42], color=OTHERS, linewidth=2)
            axes.annotate(
                name, (0, row), (-6, 0), textcoords="offset points", ha="right", va="center"
            )
            axes.annotate(
                f"{reached:.1f}x",
                (reached, row),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
            )
        figure.text(
            0.15 / width,
            1 - 0.35 / height,
            "How many times faster than pa-ringbuffer 0.1.4",
            fontsize=13,
            fontweight="bold",
        )
        figure.text(
            0.15 / width,
            0.12 / height,
            "Calls from Python, medians; orange: the goal; dotted: as fast",
            fontsize=8,
        )
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
