"""The figures as Markdown tables."""

from goals import BY_WORST_PROCESS, PAIRS, judge
from results import MODES, NAMES, OURS, contestants, split, workloads

EXPLANATION = {
    "single": (
        "Nanoseconds to write a block and read it again. The limit copies the same elements into a "
        "storage of the same size and out of it, at a position that no other transfer uses."
    ),
    "two-threads": (
        "Nanoseconds for each element, while one thread writes blocks and another one, on another "
        "core, reads them; both retry at once when there is no room or nothing to read. The limit "
        "makes the same copies on both threads without any synchronisation, so the elements that "
        "it reads are meaningless; its threads may collide on cache lines, so a ring can be "
        "faster."
    ),
    "round-trip": (
        "Nanoseconds until an element has gone to another thread through one ring and has come "
        "back through another one; both threads poll without pause. The limit does it with two "
        "numbers, each in a cache line of its own."
    ),
}


def nanoseconds(value):
    """Three significant digits at most."""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def describe(workload):
    """A workload in words."""
    n, size = split(workload)
    return f"{n} element{'s' if n > 1 else ''} of {size} bytes"


def _ratio(value):
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _table(result, mode, workload):
    found = contestants(result, mode, workload)
    several = mode != "single"
    head = ["", "median", "quartiles", *(["worst process"] if several else [])]
    head += ["times faster than PortAudio C", "times the limit"]
    yield f"| {' | '.join(head)} |"
    yield "| --- |" + " --: |" * (len(head) - 1)
    for name, values in found.items():
        title = NAMES[name]
        line = [
            f"**{title}**" if name in OURS else title,
            nanoseconds(values.median),
            f"{nanoseconds(values.lower)} to {nanoseconds(values.upper)}",
        ]
        if several:
            line.append(nanoseconds(values.worst))
        line.append(_ratio(found["portaudio"].median / values.median))
        line.append(_ratio(values.median / found["limit"].median))
        yield f"| {' | '.join(line)} |"


def _goals(result):
    pairs = [f"{NAMES[ours]} / {NAMES[other]}" for ours, other in PAIRS]
    yield f"| | block of 8-byte elements | {' | '.join(pairs)} |"
    yield "| --- | --: |" + " --- |" * len(pairs)
    for mode, workload, judged in judge(result):
        cells = []
        for verdict in judged:
            if verdict is None:
                cells.append("")
                continue
            goal, ratio, met = verdict
            cells.append(f"{_ratio(ratio)} ({goal}) {'met' if met else '**missed**'}")
        worst = " (worst process)" if (mode, workload) == BY_WORST_PROCESS else ""
        yield f"| {MODES[mode]} | {split(workload)[0]}{worst} | {' | '.join(cells)} |"


def markdown(result):
    """The whole report."""
    plan = "; ".join(
        f"{MODES[mode].lower()} in {processes} process{'es' if processes > 1 else ''} with "
        f"{rounds} rounds each"
        for mode, (processes, rounds) in result["plan"].items()
    )
    lines = [
        "# Rings",
        "",
        "How long rings take, as `make bench` (or `python comparison/rings`) measured it. Only "
        "ratios from one run count.",
        "",
        "![The time that each ring needs, compared with PortAudio's C](rings.svg)",
        "",
        f"Measured: {plan}; about 7 ms for each value. Rings hold 4096 elements, and 65536 for "
        "blocks of 4096.",
        "",
        "; ".join(f"{name} {value}" for name, value in result["machine"].items()) + ".",
        "",
        "## Goals",
        "",
        "≥: how many times faster than the other one, at least; of the limit between two threads, "
        "the share of its speed. ≤: how many times the limit's time, at most.",
        "",
        *_goals(result),
    ]
    for mode, title in MODES.items():
        found = workloads(result, mode)
        if found:
            lines += ["", f"## {title}", "", EXPLANATION[mode]]
        for workload in found:
            lines += ["", f"### {title}: {describe(workload)}", "", *_table(result, mode, workload)]
    return "\n".join([*lines, ""])
