"""The cost of a call from Python.

    python comparison/python_calls

This compares the class with that of pa-ringbuffer 0.1.4 over PortAudio's C, in one process and in
turns, on rings of the same size. PortAudio's C comes with rtmixer's wheel. Then it compares other
ways to move bytes through a process. pip installs the other packages from PyPI into folders of
their own.
"""

import argparse
import pathlib
import platform
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "tools")]

import blocking  # noqa: E402
import clock  # noqa: E402
import machine  # noqa: E402
import memory  # noqa: E402
import pa_ringbuffer  # noqa: E402
import peers  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
import transfers  # noqa: E402
import workloads  # noqa: E402


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rounds", type=int, default=301, help="in which the contestants take turns"
    )
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/bench"))
    return parser.parse_args()


def measure(rounds):
    both = {
        name: workloads.of_class(RingBuffer)
        for name, RingBuffer in workloads.classes(peers.upstream(), pa_ringbuffer).items()
    }
    calls = {}
    for name in workloads.GOALS:
        measurements = {contestant: both[contestant][name] for contestant in both}
        calls[name] = clock.in_turns(measurements, rounds)
    floor = clock.in_turns(workloads.floor(), rounds)
    through, missing = transfers.measure(max(2, rounds // 3))
    per_ring, no_memory = memory.measure()
    written, no_stream = blocking.measure()
    return {
        "machine": {
            "processor": machine.processor(),
            "kernel": f"{platform.system()} {platform.release()}",
            "Python": machine.python(),
        },
        "rounds": rounds,
        "calls": calls,
        "floor": floor,
        "memory": per_ring,
        "transfers": through,
        "blocking": written,
        "missing": [*missing, *filter(None, (no_memory, no_stream))],
    }


def main():
    asked = options()
    if asked.rounds < 2:
        sys.exit("python_calls: --rounds must be at least 2")
    try:
        measured = measure(asked.rounds)
    except peers.Missing as reason:
        sys.exit(f"python_calls: {reason}")
    text = report.markdown(measured)
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / "python_calls.md").write_text(text, encoding="utf-8")
    plot.draw(measured, asked.output / "python_calls.svg")
    print(f"{text}\nThe files are in {asked.output}.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("python_calls: interrupted")
