"""The speed of rings: ours, PortAudio's C and others, in Rust, C and C++.

    python comparison/rings

One thread writes and reads blocks; two threads on two cores, a writer and a reader; an element goes
to another thread and comes back. The contestants take turns in each of several processes, because
the speed between two threads depends on memory addresses, which differ from process to process.

This takes three to four minutes, and writes tables, a picture and all values to `build/bench`.
"""

import argparse
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import environment  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402

WORKSPACE = HERE.parent
#: How many processes measure each mode, and in how many rounds each.
DEFAULT = {"single": (3, 15), "two-threads": (10, 20), "round-trip": (10, 10)}
QUICK = {"single": (1, 5), "two-threads": (3, 4), "round-trip": (3, 4)}
#: Seconds after which a process hangs: elements were lost, and one thread waits for them.
TIMEOUT = 900


def build():
    command = ["cargo", "build", "--release", "--locked", "--package", "rings"]
    try:
        subprocess.run(command, cwd=WORKSPACE, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"rings: {error}\nSee .ci/run for the packages that are needed.")
    return WORKSPACE / "target" / "release" / "rings"


def measure(program, plan):
    """The output of each process, by mode."""
    measured = {}
    for mode, (processes, rounds) in plan.items():
        measured[mode] = []
        for number in range(processes):
            print(f"{mode}, process {number + 1} of {processes}", flush=True)
            output = subprocess.run(
                [program, mode, str(rounds)], stdout=subprocess.PIPE, check=True, timeout=TIMEOUT
            ).stdout
            result = json.loads(output)
            if "skipped" in result:
                print(f"{mode} is left out: {result['skipped']}", flush=True)
                break
            measured[mode].append(result)
    return measured


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer processes and rounds")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/bench"))
    asked = parser.parse_args()
    plan = QUICK if asked.quick else DEFAULT
    program = build()
    machine = environment.describe(WORKSPACE)
    try:
        measured = measure(program, plan)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        sys.exit(f"rings: {error}")
    result = {"machine": machine, "plan": plan, "measured": measured}
    asked.output.mkdir(parents=True, exist_ok=True)
    text = report.markdown(result)
    (asked.output / "rings.md").write_text(text, encoding="utf-8")
    (asked.output / "rings.json").write_text(json.dumps(result), encoding="utf-8")
    plot.draw(result, asked.output / "rings.svg")
    print(f"\n{text}\nThe files are in {asked.output}.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("rings: interrupted")
