"""Misuse rings as tests/hostile_machine.py describes, with different calls in each run.

    python tools/fuzz.py --seconds 60 --classes native

A failure is shown as a program with as few calls as possible. If the process dies, run it again
with the `--seed` that it printed at the beginning of the round.
"""

import argparse
import faulthandler
import random
import sys
import time
import warnings
from pathlib import Path

import hypothesis

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import hostile_machine
from struct_fields import Fields

STEPS = 50


def classes(kinds):
    """The classes to be used, by name."""
    import pa_ringbuffer
    from pa_ringbuffer import portable

    modules = {"native": pa_ringbuffer, "portable": portable}
    for kind in kinds:
        yield f"{kind}, ready", modules[kind].RingBuffer
        try:
            from _rtmixer import ffi, lib
        except ImportError:
            print("Without classes made by init(): rtmixer is not installed.")
        else:
            yield f"{kind}, init", modules[kind].init(ffi, lib)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--classes", default="native,portable", help="of these, with commas")
    parser.add_argument("--examples", type=int, default=50, help="in each round")
    parser.add_argument("--seed", type=int, help="only one round, this one")
    parser.add_argument("--no-shrink", action="store_true", help="show failures as they are")
    options = parser.parse_args()
    phases = set(hypothesis.Phase)
    if options.no_shrink:
        phases -= {hypothesis.Phase.shrink, hypothesis.Phase.explain}
    faulthandler.enable()
    warnings.simplefilter("ignore", hypothesis.errors.HypothesisWarning)
    found = list(classes(options.classes.split(",")))
    end = time.monotonic() + options.seconds
    rounds = 0
    while True:
        for name, ring_buffer in found:
            seed = random.randrange(2**32) if options.seed is None else options.seed
            print(f"{name}: --seed {seed}", flush=True)
            hostile_machine.run(
                ring_buffer,
                Fields,
                seed=seed,
                max_examples=options.examples,
                stateful_step_count=STEPS,
                phases=phases,
            )
            rounds += 1
            if time.monotonic() > end and rounds >= len(found):
                break
        if options.seed is not None or time.monotonic() > end:
            break
    counts = ", ".join(f"{count} {what}" for what, count in hostile_machine.done.most_common())
    print(f"{rounds} rounds of {options.examples} examples: {counts}")


if __name__ == "__main__":
    main()
