"""The goals for the ring's speed, and whether they are met.

They are for elements of 8 bytes. "At least" is how many times faster than another ring ours must
be, "at most" how many times the other ring's time ours may take.
"""

from typing import NamedTuple, Optional

from results import contestants


class Goal(NamedTuple):
    least: Optional[float] = None
    most: Optional[float] = None

    def __str__(self):
        return f"≥ {self.least:g}" if self.most is None else f"≤ {self.most:g}"

    def measured(self, ours, other):
        return other / ours if self.most is None else ours / other

    def worst(self, ratios):
        return min(ratios) if self.most is None else max(ratios)

    def met(self, ratio):
        return ratio >= self.least if self.most is None else ratio <= self.most


def least(*ratios):
    return [Goal(least=ratio) for ratio in ratios]


def most(ratio):
    return [Goal(most=ratio)]


#: Which of ours is compared with whom.
PAIRS = (
    ("abi", "portaudio"),
    ("handles", "portaudio"),
    ("handles", "rtrb"),
    ("handles", "limit"),
)

#: A goal for each pair.
GOALS = {
    ("single", "1x8"): [*least(5, 14, 1.1), *most(1.4)],
    ("single", "64x8"): [*least(3.3, 4, 1.3), *most(1.2)],
    ("single", "512x8"): [*least(1.7, 1.9, 1.1), *most(1.05)],
    ("single", "4096x8"): [*least(0.9, 0.9, 0.9), *most(1.1)],
    ("two-threads", "1x8"): [*least(3, 25, 1), None],
    ("two-threads", "64x8"): least(1.35, 2.5, 1.75, 0.95),
    ("two-threads", "512x8"): least(1, 1.12, 1, 0.95),
    ("two-threads", "4096x8"): least(0.9, 0.9, 0.9, 0.9),
    ("round-trip", "1x8"): [*least(1.1, 2, 1.2), *most(1.3)],
}

#: Where the worst process counts: single elements between two cores are a matter of luck.
BY_WORST_PROCESS = ("two-threads", "1x8")


def judge(result):
    """Yield mode, workload and, for each pair, the goal, the ratio, and whether it is met.

    Between two threads, the handles are those that prefetch.
    """
    for (mode, workload), goals in GOALS.items():
        found = contestants(result, mode, workload)
        judged = []
        for (name, other), goal in zip(PAIRS, goals):
            if mode != "single" and name == "handles" and "prefetching" in found:
                name = "prefetching"
            if goal is None or name not in found or other not in found:
                judged.append(None)
                continue
            ours, theirs = found[name], found[other]
            if (mode, workload) == BY_WORST_PROCESS:
                ratio = goal.worst(
                    [goal.measured(*pair) for pair in zip(ours.medians, theirs.medians)]
                )
            else:
                ratio = goal.measured(ours.median, theirs.median)
            judged.append((goal, ratio, goal.met(ratio)))
        yield mode, workload, judged
