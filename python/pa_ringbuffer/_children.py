"""Processes started by a program under ``python -m pa_ringbuffer run`` also get our streams.

The program's environment has a folder in ``PYTHONPATH`` whose ``sitecustomize.py`` waits for the
import of sounddevice, and a variable that selects the module to import.
"""

from __future__ import annotations

import atexit
import json
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_at_start")
VARIABLE = "PA_RINGBUFFER_RUN"


def enter(virtual: bool, ahead: float | None, has_report: bool) -> None:
    """Make the processes that are started from now on import our module."""
    options = {"virtual": virtual, "ahead": ahead, "has_report": has_report}
    os.environ[VARIABLE] = json.dumps(options)
    # An empty entry means the current folder, but an empty variable means nothing.
    path = os.environ.get("PYTHONPATH", "")
    before = path.split(os.pathsep) if path else []
    folders = [FOLDER, *(folder for folder in before if folder != FOLDER)]
    os.environ["PYTHONPATH"] = os.pathsep.join(folders)


def leave() -> None:
    """Stop treating this process as a child: it runs a program of its own."""
    os.environ.pop(VARIABLE, None)


def install() -> None:
    """In a child process, make ``import sounddevice`` import our module."""
    from .run import find_ours, report

    options = json.loads(os.environ[VARIABLE])
    process = os.getpid()
    observer = None

    # Before everything else, as in the parent program.
    @atexit.register
    def end() -> None:
        if observer is None or os.getpid() != process or not options["has_report"]:
            return
        observer.look()
        if observer.summaries:
            name = os.path.basename(sys.argv[0]) or "python"
            print(report(f"{name}, process {process}", observer.summaries), file=sys.stderr)

    observer = find_ours(options["virtual"], options["ahead"])
