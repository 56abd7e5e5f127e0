"""Processor time of callbacks in Python, with sounddevice and with this package's streams.

    python comparison/python_callbacks

Both modules' `InputStream`, `OutputStream` and `Stream` get the same callback function, on a JACK
server without a sound card. It only copies its block, so the figures show the cost of reaching
Python. Each measurement is a process of its own, and the contestants take turns. Processor time
includes the whole process, with the threads of PortAudio and JACK.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "tools")]

import machine  # noqa: E402
from headless_audio import JackServer  # noqa: E402
from streaming import BLOCKSIZES, CONTESTANTS, KINDS, PERIOD  # noqa: E402

#: For each block size, how much more than sounddevice's ours may take.
GOALS = {64: 1.3, 256: 1.0, 1024: 1.0}


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3, help="of sound, for each figure")
    parser.add_argument("--rounds", type=int, default=5, help="in which the contestants take turns")
    parser.add_argument("--kind", choices=KINDS, action="append", help="of stream (default: all)")
    parser.add_argument("--blocksize", type=int, choices=BLOCKSIZES, action="append")
    parser.add_argument("--latency", choices=["low", "high"], help="what the streams ask for")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/bench"))
    return parser.parse_args()


def run(config, environment):
    """Milliseconds of processor time for a second of sound."""
    done = subprocess.run(
        [sys.executable, str(HERE / "streaming.py"), json.dumps(config)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60 + 2 * config["seconds"],
    )
    # JACK crashes some processes at their end, after the measurement.
    if not done.stdout:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        sys.exit(f"python_callbacks: {config['contestant']}, {config['kind']}: {reason}")
    return json.loads(done.stdout.splitlines()[0])["milliseconds"]


def spread(values, form):
    return f"{form(statistics.median(values))} ({form(min(values))} to {form(max(values))})"


def row(kind, blocksize, found):
    """A row of the table: medians, and the least and the most of all rounds."""
    plain, ours = (found[contestant] for contestant in CONTESTANTS)
    ratios = [mine / theirs for mine, theirs in zip(ours, plain)]
    ratio = statistics.median(ours) / statistics.median(plain)
    goal = GOALS[blocksize]
    verdict = "met" if round(ratio, 2) <= goal else "missed"
    cells = [
        kind,
        str(blocksize),
        spread(plain, "{:.1f} ms".format),
        spread(ours, "{:.1f} ms".format),
        f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        f"{goal:.1f}: {verdict}",
    ]
    return f"| {' | '.join(cells)} |"


def markdown(asked, rows):
    latency = f", `latency={asked.latency!r}`" if asked.latency else ""
    lines = [
        "# Processor time of callbacks in Python",
        "",
        "Milliseconds of processor time for a second of sound, as `make bench` (or `python "
        "comparison/python_callbacks`) measured them: medians of "
        f"{asked.rounds} processes with {asked.seconds:g} s each, in parentheses the least and the "
        f"most. 48 kHz, stereo, float32{latency}; a JACK server with periods of {PERIOD} frames.",
        "",
        f"{machine.processor()}; {platform.system()} {platform.release()}; {machine.python()}",
        "",
        "| stream | frames per block | sounddevice | ours | ours / sounddevice | goal |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def main():
    asked = options()
    if asked.rounds < 1:
        sys.exit("python_callbacks: --rounds must be at least 1")
    if missing := JackServer.missing():
        # The other programs of `make bench` go on.
        print(f"Callbacks in Python are not compared: {missing} is not installed.")
        return
    rows = []
    with JackServer(period=PERIOD) as server:
        for kind in asked.kind or KINDS:
            for blocksize in asked.blocksize or BLOCKSIZES:
                found = {contestant: [] for contestant in CONTESTANTS}
                for _ in range(asked.rounds):
                    for contestant, values in found.items():
                        config = {
                            "contestant": contestant,
                            "kind": kind,
                            "blocksize": blocksize,
                            "seconds": asked.seconds,
                            "latency": asked.latency,
                        }
                        values.append(run(config, server.environment))
                rows.append(row(kind, blocksize, found))
                print(rows[-1], flush=True)
    text = markdown(asked, rows)
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / "python_callbacks.md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nThe file is in {asked.output}.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("python_callbacks: interrupted")
