"""The figures as Markdown tables."""

import statistics

from contestants import NAMES, OWN_NAMES
from frames import RATE
from loads import LOADS

DEVICES = {"jack": "PortAudio", "virtual": "virtual device"}

EXPLANATION = {
    "Sound lost": (
        "Share of the received frames that are wrong: silence, a repetition or noise in place of "
        "the right frame, or a frame in whose place others are missing. The control's callback "
        "computes the sound without Python and without a ring: losses there are the machine's."
    ),
    "Gaps": (
        "Smallest to largest share of the rounds, where they differ; number of gaps, and how long "
        "they are in all (medians)."
    ),
    "Xruns and processor time": (
        "Xruns that the player was told of (virtual device: blocks that came too late) + blocks "
        "for which its own buffer was empty (rtmixer: how often it had to be started again); CPU "
        "time of the playing process per second of sound, without the load's own thread."
    ),
    "Lowest fill": (
        "The lowest fill of the ring or the queue at the moments in which Python refilled it."
    ),
}


def rows(cells):
    """The load, block size and device of each row, in order."""
    found = {(cell["load"], cell["blocksize"], cell["device"]) for cell in cells}
    order = list(LOADS)
    devices = list(DEVICES)
    return sorted(found, key=lambda row: (devices.index(row[2]), row[1], order.index(row[0])))


def columns(cells):
    """The contestants, in order."""
    found = {cell["contestant"] for cell in cells}
    return [name for name in NAMES if name in found]


def select(cells, row, contestant):
    """The results of all rounds, and the reasons for failures."""
    wanted = (*row, contestant)
    chosen = [
        cell
        for cell in cells
        if (cell["load"], cell["blocksize"], cell["device"], cell["contestant"]) == wanted
    ]
    return (
        [cell for cell in chosen if "failed" not in cell],
        [cell["failed"] for cell in chosen if "failed" in cell],
    )


def percent(share):
    """A number that is shown as zero only if it is zero."""
    if share == 0:
        return "0"
    if share < 0.001:
        return "<0.1 %"
    # Likewise for 100 %.
    return f"{min(share * 100, 99.9):.1f} %" if share < 1 else "100 %"


def spread(values, show):
    """The median, with the range of several values."""
    middle = show(statistics.median(values))
    if min(values) == max(values):
        return middle
    return f"{middle} [{show(min(values))} to {show(max(values))}]"


def _milliseconds(frames):
    return f"{frames / RATE * 1e3:.0f} ms"


def _shares(results):
    return [result["judgement"]["share"] for result in results]


def _lost(results):
    return percent(statistics.median(_shares(results)))


def _gaps(results):
    shares = _shares(results)
    lost, gaps = (
        statistics.median(result["judgement"][name] for result in results)
        for name in ("lost", "gaps")
    )
    parts = []
    if min(shares) != max(shares):
        parts.append(f"{percent(min(shares))} to {percent(max(shares))}")
    if lost:
        parts.append(f"{gaps:g}: {_milliseconds(lost)}")
    return "<br>".join(parts)


def _xruns(results):
    xruns = spread([result["xruns"] for result in results], lambda value: f"{value:g}")
    cpu = statistics.median(result["cpu"] for result in results) * 1e3
    dry = [result["dry"] for result in results]
    empty = "" if None in dry else f" + {spread(dry, lambda value: f'{value:g}')}"
    return f"{xruns}{empty}; {cpu:.0f} ms"


def _lowest(results):
    lowest = [result["lowest"] for result in results]
    return "" if None in lowest else _milliseconds(min(lowest))


def _table(cells, show):
    """A table for each device: ours first, so that a narrow page shows it."""
    for device, title in DEVICES.items():
        chosen = [cell for cell in cells if cell["device"] == device]
        if not chosen:
            continue
        names = sorted(columns(chosen), key=lambda name: name not in OWN_NAMES)
        yield from ("", f"### {title}", "")
        yield "| block | load | " + " | ".join(_heading(name) for name in names) + " |"
        yield "| --: | --- |" + " --- |" * len(names)
        for row in rows(chosen):
            load, blocksize, _ = row
            line = [str(blocksize), LOADS[load][0]]
            for name in names:
                results, failures = select(chosen, row, name)
                line.append("; ".join([*([show(results)] if results else []), *failures]))
            yield f"| {' | '.join(line)} |"


def _heading(name):
    return f"**{NAMES[name]}**" if name in OWN_NAMES else NAMES[name]


def markdown(report):
    """The whole report."""
    cells, options = report["cells"], report["options"]
    lines = [
        f"{options['seconds']:g} s for each figure, "
        + (f"medians of {options['rounds']} rounds. " if options["rounds"] > 1 else "one round. ")
        + f"48 kHz, stereo, float32; every ring and queue holds {options['ring']} frames "
        f"({options['ring'] / RATE:.2f} s).",
        "",
        "; ".join(f"{name} {value}" for name, value in report["machine"].items()) + ".",
    ]
    if report["without_portaudio"]:
        lines += ["", f"Without PortAudio: {report['without_portaudio']}."]
    for title, show in zip(EXPLANATION, (_lost, _gaps, _xruns, _lowest)):
        lines += ["", f"## {title}", "", EXPLANATION[title], *_table(cells, show)]
    head = [
        "# Dropouts",
        "",
        "How much of the sound is lost while Python stalls, as `make bench` (or `python "
        "comparison/dropouts`) measured it.",
        "",
        "![Share of the sound that is lost, for each contestant and load](dropouts.svg)",
        "",
        "[Why sound stutters](../why_sound_stutters.md) explains the picture.",
        "",
    ]
    return "\n".join([*head, *lines, ""])
