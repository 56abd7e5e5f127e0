"""``python -m pa_ringbuffer run``: a program that imports sounddevice gets our streams.

The program imports `SoundDevice`, and its user reads the `report()` at the end. With ``--compare``,
two such processes run one after the other, and each writes its counters to a file.
"""

from __future__ import annotations

import argparse
import atexit
import functools
import importlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
import types
from typing import Any, Callable, Protocol

from . import _children
from ._observer import Observer, SounddeviceObserver, Summary
from ._program import NoProgramError, Program
from ._text import block_sizes, counted

USAGE = 2


class _Observer(Protocol):
    summaries: list[Summary]

    def look(self) -> None: ...


class SoundDevice(types.ModuleType):
    """The module that the program imports: our public names, and the rest of sounddevice.

    Libraries that build on sounddevice, like rtmixer, use its private names, which must keep
    working.

    :param ours: The module with our public names.
    :param original: sounddevice itself, or ``None`` if it cannot be imported.
    """

    def __init__(self, ours: types.ModuleType, original: types.ModuleType | None) -> None:
        super().__init__("sounddevice", ours.__doc__)
        self._ours, self._original = ours, original
        names = {*ours.__all__, *(dir(original) if original else ())}
        self.__all__ = sorted(name for name in names if not name.startswith("_"))
        for name in "__file__", "__spec__", "__version__":
            # A stand-in for sounddevice may lack some.
            if hasattr(original, name):
                setattr(self, name, getattr(original, name))

    def __getattr__(self, name: str) -> Any:
        if name in self._ours.__all__ or self._original is None:
            return getattr(self._ours, name)
        return getattr(self._original, name)

    def __dir__(self) -> list[str]:
        return sorted({*self.__all__, *(dir(self._original) if self._original else ())})


def _install(options: argparse.Namespace) -> _Observer:
    """Make `import sounddevice` import the module that the options select, and observe it."""
    _children.leave()
    if options.plain:
        import sounddevice

        return SounddeviceObserver(sounddevice)
    observer = find_ours(options.virtual, options.ahead)
    _children.enter(options.virtual, options.ahead, not options.report)
    return observer


def find_ours(virtual: bool, ahead: float | None) -> Observer:
    """Make `import sounddevice` import our module, and observe its streams."""
    # First, because its error message includes the command that installs missing packages.
    ours = importlib.import_module(
        "pa_ringbuffer.testing" if virtual else "pa_ringbuffer.sounddevice"
    )
    try:
        original = importlib.import_module("sounddevice")
    except (ImportError, OSError):
        original = None
    from .streams import base, callbacks

    if ahead is not None:
        # Also for streams with a low or high latency: the user's option takes precedence.
        callbacks.DEFAULT_AHEAD = ahead
        callbacks.AHEAD = dict.fromkeys(callbacks.AHEAD, ahead)
    observer = Observer()
    base.observers.append(observer)
    sys.modules["sounddevice"] = SoundDevice(ours, original)
    if virtual:
        # For a program that has changed to our streams already.
        sys.modules["pa_ringbuffer.sounddevice"] = sys.modules["sounddevice"]
        vars(sys.modules["pa_ringbuffer"])["sounddevice"] = sys.modules["sounddevice"]
    return observer


def run(options: argparse.Namespace) -> int | None:
    """Run a program, once or to compare; return the exit status unless the program sets it."""
    is_module = options.module is not None
    name, *arguments = [options.module] * is_module + options.arguments
    if options.compare:
        return _compare(options, name, arguments, is_module)
    _run(options, name, arguments, is_module)
    return None


def _run(options: argparse.Namespace, name: str, arguments: list[str], is_module: bool) -> None:
    begin, process = time.monotonic(), os.getpid()
    observer: _Observer | None = None

    # Before everything else: this runs last, after all streams have been closed.
    @atexit.register
    def end() -> None:
        # Not in a forked child.
        if observer is None or os.getpid() != process:
            return
        observer.look()
        seconds = time.monotonic() - begin
        if options.report:
            summaries = [summary.as_dict() for summary in observer.summaries]
            with open(options.report, "w") as file:
                json.dump({"seconds": seconds, "streams": summaries}, file)
        else:
            print(report(name, observer.summaries), file=sys.stderr)

    try:
        found = _install(options)
        program = Program(name, is_module)
    except (ImportError, OSError, NoProgramError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(USAGE)
    observer = found
    program.run(arguments)


def _compare(options: argparse.Namespace, name: str, arguments: list[str], is_module: bool) -> int:
    if options.virtual:
        print(
            "error: --compare and --virtual cannot be combined: without pa_ringbuffer, the program "
            "uses a sound card",
            file=sys.stderr,
        )
        return USAGE
    results = []
    status = 0
    for title, choice in ("sounddevice", ["--plain"]), ("pa_ringbuffer", []):
        print(f"--- {name} with {title}", file=sys.stderr)
        if options.ahead is not None and not choice:
            choice = ["--ahead", str(options.ahead)]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "report.json")
            what = ["-m", name] if is_module else [name]
            command = [sys.executable, "-m", "pa_ringbuffer", "run", *choice, "--report", path]
            status = _call([*command, *what, *arguments])
            try:
                with open(path) as file:
                    result = json.load(file)
            except FileNotFoundError:
                how = _ending(status)
                print(
                    f"error: with {title}, the program ended {how}, and wrote no report",
                    file=sys.stderr,
                )
                if choice == ["--plain"] and _is_crash(status):
                    continue
                return status or 1
        result["status"] = status
        result["streams"] = [Summary.from_dict(stream) for stream in result["streams"]]
        results.append(result)
    if len(results) == 2:
        print(_comparison(results), file=sys.stderr)
    else:
        print(report(name, results[0]["streams"]), file=sys.stderr)
    return status


def _call(command: list[str]) -> int:
    """Run a command; only the command handles Ctrl-C."""
    if sys.stdin is not None and sys.stdin.seekable():
        # Both programs read the same file.
        sys.stdin.seek(0)
    with subprocess.Popen(command) as process:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            status = process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
    return status if status >= 0 else 128 - status


def _is_crash(status: int) -> bool:
    """Whether a signal other than Ctrl-C has ended a program."""
    return status > 128 and status != 128 + signal.SIGINT


def _ending(status: int) -> str:
    """How a program ended, from its exit status."""
    try:
        return f"by {signal.Signals(status - 128).name}"
    except ValueError:
        return f"with exit status {status}"


def _milliseconds(frames: float, samplerate: float) -> str:
    return f"{frames / samplerate * 1e3:.0f} ms"


def _blocks(summary: Summary) -> str:
    return f"{summary.blocks} of {block_sizes(summary.smallest_block, summary.largest_block)}"


def _losses(summary: Summary, shown: int = 5) -> str:
    """Number of losses, and the times of the first few."""
    losses = summary.losses
    if not losses:
        return "nothing"
    text = ", ".join(
        f"at {loss.at:.2f} s"
        + (f" {_milliseconds(loss.frames, summary.samplerate)}" if loss.frames else "")
        for loss in losses[:shown]
    )
    if len(losses) > shown:
        text += f", and {len(losses) - shown} times more"
    times = counted(len(losses), "time")
    if summary.lost_frames:
        lost = _milliseconds(summary.lost_frames, summary.samplerate)
        times += f", {counted(summary.lost_frames, 'frame')} ({lost})"
    return f"{times}: {text}"


def _xruns(summary: Summary) -> str:
    reports = [
        counted(count, name.replace("_", " ")) for name, count in summary.xruns.items() if count
    ]
    return ", ".join(reports) or "none"


def _allowed(summary: Summary) -> str:
    return _milliseconds(summary.ahead, summary.samplerate) if summary.ahead else ""


def _lateness(summary: Summary) -> str:
    if summary.late is None:
        return "not known"
    return f"{_milliseconds(summary.late, summary.samplerate)} at the worst"


def _enough(summary: Summary) -> str:
    """The value of `--ahead`, or of `ring_seconds`, that would have been enough."""
    if summary.late is None or not summary.ahead:
        return ""
    frames = summary.late + summary.largest_block
    option = "--ahead " if summary.has_ahead else "ring_seconds="
    return f"{option}{math.ceil(frames / summary.samplerate * 100) / 100:.2f}"


_ROWS: dict[str, Callable[[Summary], str]] = {
    "blocks": _blocks,
    "lost": _losses,
    "reported by the device": _xruns,
    "Python may be late by": _allowed,
    "Python was late by": _lateness,
    "enough would have been": _enough,
}


def _title(summary: Summary) -> str:
    channels = summary.channels
    if isinstance(channels, (tuple, list)):
        text = f"{channels[0]} + {counted(channels[1], 'channel')}"
    else:
        text = counted(channels, "channel")
    sound = f"{summary.frames / summary.samplerate:.2f} s of sound"
    return f"{summary.name}, {summary.samplerate:g} Hz, {text}: {sound}"


def report(name: str, summaries: list[Summary]) -> str:
    if not summaries:
        return f"pa_ringbuffer: {name} has opened no stream of sounddevice"
    lines = [f"pa_ringbuffer: the streams of {name}"]
    for summary in summaries:
        lines.append(f"  {_title(summary)}")
        if not summary.blocks:
            lines.append("    was not started, or the device has made no call")
            continue
        width = max(map(len, _ROWS))
        rows = {row: show(summary) for row, show in _ROWS.items()}
        lines += [f"    {row:{width}}  {text}" for row, text in rows.items() if text]
    return "\n".join(lines)


def _comparison(results: list[dict[str, Any]]) -> str:
    table = [["", "sounddevice", "pa_ringbuffer"]]
    table.append(["exit status", *(str(result["status"]) for result in results)])
    table.append(["time", *(f"{result['seconds']:.2f} s" for result in results)])
    streams = [result["streams"] for result in results]
    for number in range(max(map(len, streams))):
        pair = [each[number] if number < len(each) else None for each in streams]
        table.append(["", *(each.name if each else "no stream" for each in pair)])
        played = [f"{each.frames / each.samplerate:.2f} s" if each else "" for each in pair]
        table.append(["  sound", *played])
        for row, show in _ROWS.items():
            if show is _losses:
                show = functools.partial(_losses, shown=2)
            cells = [show(each) if each and each.blocks else "" for each in pair]
            table.append([f"  {row}", *cells])
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths)).rstrip() for row in table
    )
