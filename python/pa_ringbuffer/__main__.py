"""The command line: ``python -m pa_ringbuffer demo``, ``run``, ``info``, ``--cflags --libs``."""

import argparse
import math
import shlex
import subprocess
import sys

import pa_ringbuffer


def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"must be a positive number of seconds, not {text}")
    return value


def device(text):
    try:
        return int(text)
    except ValueError:
        return text


def end_of_options(arguments):
    """Mark the end of the options of `run`: what follows ``-m MODULE`` belongs to the module."""
    position = 1
    while position < len(arguments) and arguments[position].startswith("-"):
        option = arguments[position]
        position += 2 if option in ("--ahead", "--report", "-m") else 1
        if option.startswith("-m"):
            return [*arguments[:position], "--", *arguments[position:]]
    return arguments


def add_linking(parser):
    """The options for compilers and build systems."""
    options = parser.add_argument_group("options for compilers and build systems")
    for option, text in {
        "cflags": "print the compiler options for the headers",
        "libs": "print the linker options for the library, the static one without --shared",
        "shared": "with --libs: the shared library instead",
        "include-dir": "the folder with the headers",
        "library": "the path of the static library",
        "cmakedir": "the folder for CMake: -Dpa_ringbuffer_DIR=...",
        "pkgconfigdir": "the folder for pkg-config: PKG_CONFIG_PATH=...",
    }.items():
        options.add_argument(f"--{option}", action="store_true", help=text)


def print_linking(options):
    """Print the answers to standard output; return the exit status."""
    try:
        from . import _linking
    except ModuleNotFoundError:
        from ._wheels import NO_EXTENSION

        print(f"error: headers and libraries come with {NO_EXTENSION}", file=sys.stderr)
        return 2
    try:
        flags = [f"-I{_linking.get_include()}"] if options.cflags else []
        if options.libs:
            flags += _linking.linker_arguments(options.shared)
        for is_wanted, get in (
            (options.include_dir, _linking.get_include),
            (options.library, _linking.get_library),
            (options.cmakedir, _linking.get_cmake_dir),
            (options.pkgconfigdir, _linking.get_pkg_config_dir),
        ):
            if is_wanted:
                print(get())
    except FileNotFoundError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if flags:
        print(subprocess.list2cmdline(flags) if sys.platform == "win32" else shlex.join(flags))
    return 0


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m pa_ringbuffer", description="A lock-free ring buffer for audio."
    )
    parser.add_argument("--version", action="version", version=pa_ringbuffer.__version__)
    add_linking(parser)
    commands = parser.add_subparsers(dest="command")
    demo = commands.add_parser(
        "demo",
        help="stream sound while Python stalls, and check that nothing is lost",
        description="Stream sound from Python through a ring buffer to a compiled callback, while "
        "the main thread repeatedly holds the GIL for 200 ms. On the virtual device, the sound "
        "comes back through a second ring buffer, and the demo compares every sample.",
    )
    demo.add_argument("file", nargs="?", metavar="FILE", help="a sound file (default: a melody)")
    where = demo.add_mutually_exclusive_group()
    where.add_argument(
        "--device",
        type=device,
        help="a sound card, by number or part of its name; `python -m sounddevice` lists them "
        "(default: the system's default device, or else the virtual device)",
    )
    where.add_argument(
        "--virtual",
        action="store_true",
        help="use the virtual device even if there is a sound card",
    )
    demo.add_argument(
        "--seconds",
        type=seconds,
        help="how many seconds to play (default: the whole file, or 8 seconds of the melody)",
    )
    run = commands.add_parser(
        "run",
        help="run a program that uses sounddevice, with streams that survive its stalls",
        description="Run an unchanged program in which `import sounddevice` imports "
        "pa_ringbuffer.sounddevice, and print the counters of its streams at the end.",
        usage="%(prog)s [-h] [--ahead S] [--virtual | --compare] (PROGRAM | -m MODULE) [ARGS ...]",
    )
    run.add_argument(
        "--ahead",
        type=seconds,
        metavar="S",
        help="how many seconds Python may stall, in streams that play with a callback and do not "
        "set this themselves",
    )
    how = run.add_mutually_exclusive_group()
    how.add_argument("--virtual", action="store_true", help="use the virtual device")
    how.add_argument(
        "--compare",
        action="store_true",
        help="run it twice, with sounddevice's own streams first, and print both results",
    )
    # For the two processes of --compare.
    run.add_argument("--plain", action="store_true", help=argparse.SUPPRESS)
    run.add_argument("--report", help=argparse.SUPPRESS)
    run.add_argument("-m", dest="module", metavar="MODULE", help="run a module instead of a file")
    run.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        metavar="PROGRAM ARGS",
        help="a Python file, or a folder with a __main__.py, and its arguments",
    )
    commands.add_parser(
        "info",
        help="print versions, devices and settings, for bug reports",
        description="Print versions, devices and settings, to paste into a bug report.",
    )
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["run"]:
        arguments = end_of_options(arguments)
    options = parser.parse_args(arguments)
    wanted = (options.cflags, options.libs, options.include_dir, options.library)
    if any((*wanted, options.cmakedir, options.pkgconfigdir)) and options.command is None:
        return print_linking(options)
    if options.shared and options.command is None:
        parser.error("--shared needs --libs")
    if options.command is None:
        parser.error("give a command, demo, run or info, or an option such as --cflags")

    if options.command == "info":
        from . import info

        print(info.collect())
        return 0
    if options.command == "run":
        if options.arguments[:1] == ["--"]:
            del options.arguments[0]
        if options.module is None and not options.arguments:
            run.error("give a program to run: a Python file, or -m and a module")
    try:
        _ = pa_ringbuffer.StreamCallback
    except AttributeError as error:
        what = "the demo" if options.command == "demo" else "the program"
        print(f"error: {what} cannot run here: {error}", file=sys.stderr)
        return 2
    if options.command == "run":
        from .run import run as run_program

        return run_program(options)
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
