"""How many instructions it takes to write a block and to read it, and how many it took before.

    python comparison/instructions

That is the same number in each run, whatever else the machine does. Each contestant is run for two
numbers of blocks under Valgrind, and the difference is divided: what starting takes does not count.
Libraries choose their way of copying by the processor, so what happens in them is told, but only
what is outside is compared. The program fails if one of ours takes 3 % more than in
`baseline.json`; `--update` writes that file.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys

import callgrind

HERE = pathlib.Path(__file__).resolve().parent
WORKSPACE = HERE.parent
BASELINE = HERE / "baseline.json"
PROGRAM = WORKSPACE / "target" / "release" / "instructions"

OURS = ("abi", "handles")
CONTESTANTS = (*OURS, "portaudio", "rtrb")
WORKLOADS = ("1x8", "64x8", "512x8", "64x3", "64x24")
#: Whole turns around the ring, for each of the blocks.
FEWER, MORE = 4096, 3 * 4096
#: How much more than before is too much.
TOLERANCE = 1.03


def measure(cell):
    """Instructions for a block in the program and in libraries."""
    contestant, workload = cell
    fewer, more = (
        callgrind.count([str(PROGRAM), contestant, workload, str(blocks)])
        for blocks in (FEWER, MORE)
    )
    more.subtract(fewer)
    own = more.pop(PROGRAM.name)
    blocks = MORE - FEWER
    return round(own / blocks, 2), round(sum(more.values()) / blocks, 2)


def compare(measured, before):
    """Print a table; the figures of ours that are too high."""
    print("| | block | before | now | ratio | in libraries |")
    print("| --- | --: | --: | --: | --: | --: |")
    worse = []
    for (contestant, workload), (own, libraries) in measured.items():
        old = before.get(contestant, {}).get(workload)
        ratio = own / old if old else None
        cells = [contestant, workload, "" if old is None else f"{old:.2f}", f"{own:.2f}"]
        cells += ["" if ratio is None else f"{ratio:.3f}", f"{libraries:.2f}"]
        print(f"| {' | '.join(cells)} |")
        if ratio and contestant in OURS and ratio > TOLERANCE:
            worse.append(f"{contestant} {workload}: {own:.2f} instead of {old:.2f}")
    return worse


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write the baseline anew")
    asked = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("instructions: valgrind is needed")
    command = ["cargo", "build", "--release", "--locked", "--package", "rings"]
    try:
        subprocess.run(command, cwd=WORKSPACE, check=True)
        rustc = subprocess.run(
            ["rustc", "--version"], cwd=WORKSPACE, capture_output=True, text=True, check=True
        ).stdout.strip()
        cells = [(contestant, workload) for workload in WORKLOADS for contestant in CONTESTANTS]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            measured = dict(zip(cells, pool.map(measure, cells)))
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"instructions: {error}\nSee .ci/run for the packages that are needed.")
    made_by = {"machine": platform.machine(), "rustc": rustc}
    baseline = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else {}
    worse = compare(measured, baseline.get("instructions", {}))
    if asked.update:
        figures = {
            contestant: {workload: measured[contestant, workload][0] for workload in WORKLOADS}
            for contestant in CONTESTANTS
        }
        text = json.dumps({**made_by, "instructions": figures}, indent=4) + "\n"
        BASELINE.write_text(text, encoding="utf-8")
        return
    different = [
        f"{name} was {baseline.get(name)}, and is {value}"
        for name, value in made_by.items()
        if baseline.get(name) != value
    ]
    if different:
        print(f"\nThe baseline is another compiler's or processor's: {'; '.join(different)}.")
    if baseline.get("machine") != made_by["machine"]:
        print("Nothing is compared.")
        return
    if worse:
        sys.exit(
            f"\ninstructions: more than before: {'; '.join(worse)}.\n"
            "If it has to be so: make bench-instructions ARGS=--update"
        )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("instructions: interrupted")
