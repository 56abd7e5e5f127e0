"""The command line: ``python -m pa_ringbuffer demo``."""

import argparse
import math
import sys

import pa_ringbuffer


def seconds(text):
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"must be a positive number of seconds, not {text}")
    return value


def device(text):
    try:
        return int(text)
    except ValueError:
        return text


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m pa_ringbuffer", description="A lock-free ring buffer for audio."
    )
    parser.add_argument("--version", action="version", version=pa_ringbuffer.__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="stream sound while Python stalls, and check that nothing is lost",
        description="Stream sound from Python through a ring buffer into a compiled callback, "
        "while the main thread now and then holds the GIL for 200 ms. On the virtual device, the "
        "sound comes back through a second ring buffer, and every sample is compared.",
    )
    demo.add_argument("file", nargs="?", metavar="FILE", help="a sound file (default: a melody)")
    where = demo.add_mutually_exclusive_group()
    where.add_argument(
        "--device",
        type=device,
        help="a sound card, by number or by a part of its name; `python -m sounddevice` lists them "
        "(default: the system's, or else the virtual device)",
    )
    where.add_argument(
        "--virtual",
        action="store_true",
        help="use the virtual device even if there is a sound card",
    )
    demo.add_argument(
        "--seconds", type=seconds, help="how much to play (default: the whole file; 8 of melody)"
    )
    options = parser.parse_args(arguments)

    try:
        _ = pa_ringbuffer.StreamCallback
    except AttributeError as error:
        print(f"error: the demo cannot run here: {error}", file=sys.stderr)
        return 2
    try:
        from . import demo as program
    except ImportError as error:
        print(
            f"error: the demo needs {error.name}: pip install 'pa-ringbuffer[demo]'",
            file=sys.stderr,
        )
        return 2
    return program.run(options)


if __name__ == "__main__":
    sys.exit(main())
