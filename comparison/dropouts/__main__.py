"""How much sound is lost while Python stalls, for each way to play it from Python.

    python comparison/dropouts

Every frame that is played says which one it is, so that silence, repetitions and jumps are all
recognised. Each player is a process of its own, and so is the receiver, so that the player's
lateness cannot hurt the recording. The contestants take turns under each load.

PortAudio plays to a JACK server without a sound card that drops what comes late, as a sound card
does. A receiver with a compiled callback records that. It counts from a tenth of a second after the
first sound. The control is a compiled callback that touches no ring and no Python: what it loses,
the machine has lost.

The virtual device makes up for late calls at once; it delays, but loses nothing. There, a compiled
callback around the contestant's one plays the sound card, with room for two blocks: block *k* is
due *k* blocks after the first call, and one that is not there two blocks after that is lost, with
silence in its place. The thread that calls has no real-time priority, as JACK's have; the control
shows what that costs.

The loads: another thread of the player holds the GIL for a time, and then leaves it alone for as
long; it collects garbage in the same way; one busy process for each core.
"""

import argparse
import itertools
import json
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "tools")]

import cells  # noqa: E402
import environment  # noqa: E402
import native  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
import same_program  # noqa: E402
from contestants import NAMES, ON_VIRTUAL_DEVICE  # noqa: E402
from frames import RATE  # noqa: E402
from headless_audio import JackServer  # noqa: E402
from loads import LOADS  # noqa: E402

BLOCKSIZES = (64, 256)
DEVICES = ("jack", "virtual")
RING = 1 << (RATE - 1).bit_length()  # a second, as a power of two of frames


def selection(text):
    """What ``--only`` asks for: in each category all, unless one of them is named."""
    words = set(text.split(",")) if text else set()
    categories = {
        "contestants": list(NAMES),
        "loads": list(LOADS),
        "blocksizes": [str(size) for size in BLOCKSIZES],
        "devices": list(DEVICES),
    }
    if unknown := words.difference(*categories.values()):
        known = "; ".join(f"{name}: {', '.join(all_)}" for name, all_ in categories.items())
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))} ({known})")
    return {
        name: [word for word in all_ if word in words] or all_ for name, all_ in categories.items()
    }


def positive(text):
    value = float(text)
    # A float32 cannot count the frames of longer ones.
    if not 0 < value <= 300:
        raise argparse.ArgumentTypeError("must be above 0 and at most 300")
    return value


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=positive, default=2.5, help="for each figure")
    parser.add_argument(
        "--only",
        type=selection,
        default="",
        metavar="WORDS",
        help=f"some of {','.join([*NAMES, *LOADS, *map(str, BLOCKSIZES), *DEVICES])}",
    )
    parser.add_argument("--rounds", type=int, default=1, help="in which the contestants take turns")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/bench"))
    return parser.parse_args()


def measure(device, asked, library):
    """Yield a cell for each round, load, block size and contestant on one device."""
    keys = itertools.count(1)
    names = [n for n in asked.only["contestants"] if device == "jack" or n in ON_VIRTUAL_DEVICE]
    for blocksize in map(int, asked.only["blocksizes"]):
        for load in asked.only["loads"]:
            for number in range(asked.rounds):
                with Server(device, blocksize) as server:
                    for name in names:
                        cell = {
                            "device": device,
                            "blocksize": blocksize,
                            "load": load,
                            "contestant": name,
                        }
                        config = {
                            **cell,
                            "key": next(keys),
                            "ring": RING,
                            "frames": round(asked.seconds * RATE),
                            "library": str(library),
                        }
                        result = cells.run(config, server.environment)
                        if "failed" in result:
                            server.restart()
                        yield {**cell, "round": number, **result}


class Server:
    """What a device needs: a JACK server, or nothing."""

    def __init__(self, device, blocksize):
        self.environment = {}
        self._server = None
        if device == "jack":
            self._server = JackServer(period=blocksize, synchronous=False)
            self.environment = self._server.environment

    def __enter__(self):
        if self._server:
            self._server.start()
        return self

    def restart(self):
        """After something has gone wrong, which may have been with the server."""
        self.__exit__()
        self.__enter__()

    def __exit__(self, *exception):
        if self._server:
            self._server.stop()


def main():
    asked = options()
    if not native.compiler():
        sys.exit("dropouts: there is no C compiler (cc, or what CC says)")
    what = environment.describe()
    without_portaudio = None
    devices = asked.only["devices"]
    if "jack" in devices:
        versions, without_portaudio = environment.look_for_portaudio()
        what.update(versions)
        if without_portaudio:
            print(f"Only the virtual device is used: {without_portaudio}.", flush=True)
            devices = ["virtual"]
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        library = native.build(folder)
        for device in devices:
            for cell in measure(device, asked, library):
                measured.append(cell)
                lost = cell.get("failed") or report.percent(cell["judgement"]["share"])
                where = f"{cell['device']:8} {cell['blocksize']:3} {cell['load']:7}"
                print(f"{where} {cell['contestant']:10} {lost}", flush=True)
    result = {
        "machine": what,
        "without_portaudio": without_portaudio,
        "options": {"seconds": asked.seconds, "rounds": asked.rounds, "ring": RING},
        "cells": measured,
    }
    asked.output.mkdir(parents=True, exist_ok=True)
    text = report.markdown(result)
    (asked.output / "dropouts.md").write_text(text, encoding="utf-8")
    (asked.output / "dropouts.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    plot.draw(result, asked.output / "dropouts.svg")
    same_program.draw(result, asked.output / "same_program.svg")
    print(f"\n{text}\nThe files are in {asked.output}.")


if __name__ == "__main__":
    main()
