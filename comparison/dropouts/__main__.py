"""How much sound is lost while Python stalls, for each way to play it from Python.

    python comparison/dropouts

Every frame contains its own number, which reveals silence, repetitions and jumps. Each player is a
process of its own, and so is the receiver, so that the player's lateness cannot harm the recording.
The contestants take turns under each load.

PortAudio plays to a JACK server without a sound card that drops late data, as a sound card does. A
receiver with a compiled callback records the output. It starts to count a tenth of a second after
the first sound. The control is a compiled callback that uses neither ring nor Python: its losses
are the machine's.

The virtual device makes up for late calls immediately; it delays frames but loses none. There, a
compiled callback around the contestant's own represents the sound card, with room for two blocks:
block *k* is due *k* blocks after the first call. A block that is still missing two blocks later is
lost and replaced by silence. The calling thread has no real-time priority, unlike JACK's; the
control shows the effect.

The loads: another thread of the player holds the GIL for a time and releases it for the same time;
a thread collects garbage in the same way; one busy process for each core.
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
    """The selection of ``--only``: all entries of a category, unless one of them is named."""
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
    # A float32 cannot count the frames of longer runs.
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
    """The environment of a device: a JACK server, or nothing."""

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
        """Recover from an error, whose cause may be the server."""
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
