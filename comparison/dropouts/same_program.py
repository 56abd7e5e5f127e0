"""The picture for README: one program, with sounddevice's streams and with this project's."""

import statistics

from frames import RATE
from loads import LOADS
from matplotlib import pyplot
from picture import LINE, OTHERS, OWN, style
from report import DEVICES, percent, select

#: The contestants, what their program imports, and their colours.
IMPORTS = {
    "array": ("import sounddevice as sd", OTHERS),
    "array-ours": ("import pa_ringbuffer.sounddevice as sd", OWN),
}
BLOCKSIZE = 256

# Inches; the page shows 100 pixels for each.
WIDTH, HEIGHT = 7.2, 4.1


def chosen(report):
    """The device, and the median share that each contestant loses under each load."""
    for device in DEVICES:
        shares = {}
        for load in LOADS:
            for name in IMPORTS:
                results, _ = select(report["cells"], (load, BLOCKSIZE, device), name)
                if results:
                    shares[load, name] = statistics.median(
                        result["judgement"]["share"] for result in results
                    )
        loads = [load for load in LOADS if all((load, name) in shares for name in IMPORTS)]
        if loads:
            return device, loads, shares
    return None


def draw(report, path):
    """Save the picture, the same bytes for the same report; without the two programs, none."""
    found = chosen(report)
    if found is None:
        return
    device, loads, shares = found
    # A minimum scale: the longest bar may stand for a hundredth, but not for noise.
    largest = max([0.01, *shares.values()])
    with pyplot.rc_context({**style("same_program"), "font.size": 10}):
        figure, axes = pyplot.subplots(figsize=(WIDTH, HEIGHT))
        figure.subplots_adjust(left=0.23, right=0.9, top=0.74, bottom=0.1)
        figure.patch.set_alpha(0)
        axes.set_xlim(0, largest)
        axes.set_ylim(len(loads) - 0.5, -0.5)
        axes.axis("off")
        axes.axvline(0, color=LINE, linewidth=0.8)
        for row, load in enumerate(loads):
            axes.annotate(
                LOADS[load][0],
                (0, row),
                (-8, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                annotation_clip=False,
            )
            for place, (name, (_, colour)) in enumerate(IMPORTS.items()):
                y, share = row + (place - 0.5) * 0.4, shares[load, name]
                axes.barh(y, share, 0.34, color=colour)
                axes.annotate(
                    percent(share),
                    (share, y),
                    (4, 0),
                    textcoords="offset points",
                    va="center",
                    color=colour,
                    annotation_clip=False,
                )
        left = 0.02
        figure.text(left, 0.93, "Share of the sound that is lost", fontsize=13, fontweight="bold")
        for line, (text, colour) in enumerate(IMPORTS.values()):
            figure.text(
                left, 0.865 - 0.06 * line, text, color=colour, family="monospace", fontweight="bold"
            )
        options = report["options"]
        figure.text(
            left,
            0.03,
            f"{DEVICES[device]}, blocks of {BLOCKSIZE} frames, {options['ring'] / RATE:.1f} s "
            f"ahead; the GIL is held half of the time; {options['seconds']:g} s for each bar",
            fontsize=8.5,
        )
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
