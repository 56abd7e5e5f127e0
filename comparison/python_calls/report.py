"""The figures as Markdown tables."""

import statistics

from memory import ELEMENT, ELEMENTS, GOAL, RINGS
from workloads import GOALS


def _spread(times):
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{middle:.0f} [{low:.0f} to {high:.0f}]"


def ratio(upstream, ours):
    """How many times faster: the median of the ratios of neighbours in time.

    A machine that is slow for a while is so for both of them.
    """
    return statistics.median(other / own for other, own in zip(upstream, ours))


def _table(head, rows):
    yield f"| {' | '.join(head)} |"
    yield f"| --- |{' ---: |' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _verdict(met):
    return "met" if met else "missed"


def _calls(report):
    for name, goal in GOALS.items():
        times = report["calls"][name]
        reached = ratio(times["upstream"], times["ours"])
        asked = ["", ""] if goal is None else [f"{goal}x", _verdict(reached >= goal)]
        yield [name, _spread(times["upstream"]), _spread(times["ours"]), f"{reached:.1f}x", *asked]
    for name, times in report["floor"].items():
        yield [name, "", _spread(times), "", "", ""]


def _memory(report):
    for name, (grown, size) in report["memory"].items():
        asked = [f"{GOAL}", _verdict(grown <= GOAL)] if name.startswith("ours") else ["", ""]
        yield [name, f"{grown:.0f}", f"{size}", *asked]


def markdown(report):
    """The whole report."""
    lines = [
        "# Calls from Python",
        "",
        "How long a call takes, as `make bench` (or `python comparison/python_calls`) measured it: "
        "nanoseconds, medians, quartiles in brackets; the contestants take turns, in "
        f"{report['rounds']} rounds.",
        "",
        "; ".join(f"{name} {value}" for name, value in report["machine"].items()) + ".",
        "",
        "![How many times faster than upstream each call is](python_calls.svg)",
        "",
        "## The class, next to that of pa-ringbuffer 0.1.4",
        "",
        "Upstream is pure Python over PortAudio's C. The ratio is the median of the ratios of "
        "neighbouring measurements. Floor: the interpreter's time for a builtin that does "
        "nothing.",
        "",
        *_table(["call", "upstream", "ours", "ratio", "goal", ""], _calls(report)),
    ]
    if report["memory"]:
        lines += [
            "",
            "## Memory of a ring",
            "",
            f"Bytes besides the {ELEMENTS * ELEMENT} of its elements, all Python objects and the "
            f"allocator's own bookkeeping included: what {RINGS} rings were given, by "
            "`mallinfo2()`. Beside it, `sys.getsizeof()` of the object alone.",
            "",
            *_table(["ring", "bytes", "getsizeof", "goal: at most", ""], _memory(report)),
        ]
    sizes = list(next(iter(report["transfers"].values())))
    lines += [
        "",
        "## In and out again",
        "",
        "One thread puts bytes in and takes them out. The two queues copy nothing: they pass a "
        "reference to the same object. They and the pipe also wake a waiting thread, which a ring "
        "does not.",
        "",
        *_table(
            ["way", *sizes],
            (
                [name, *(_spread(times[size]) for size in sizes)]
                for name, times in report["transfers"].items()
            ),
        ),
    ]
    if report["blocking"]:
        lines += [
            "",
            "## Writing and reading 64 frames without waiting",
            "",
            "Stereo, float32, on a JACK server without a sound card. sounddevice's streams copy to "
            "and from PortAudio's ring, ours to and from their own. `read()` makes a new array.",
            "",
            *_table(["call", "ns"], ([name, _spread(t)] for name, t in report["blocking"].items())),
        ]
    if report["missing"]:
        lines += ["", *(f"Left out: {reason}." for reason in report["missing"])]
    return "\n".join([*lines, ""])
