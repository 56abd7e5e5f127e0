"""Processes that a program under ``python -m pa_ringbuffer run`` starts find ours, too.

The program's environment has a folder in ``PYTHONPATH`` whose ``sitecustomize.py`` waits for the
import of sounddevice, and a variable that says what is to be found then.
"""

from __future__ import annotations

import atexit
import json
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_at_start")
VARIABLE = "PA_RINGBUFFER_RUN"


def enter(virtual: bool, ahead: float | None, has_report: bool) -> None:
    """Have the processes that are started from now on find ours."""
    options = {"virtual": virtual, "ahead": ahead, "has_report": has_report}
    os.environ[VARIABLE] = json.dumps(options)
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    folders = [FOLDER, *(folder for folder in before if folder != FOLDER)]
    # An empty one would be the current folder.
    os.environ["PYTHONPATH"] = os.pathsep.join(folders if any(before) else [FOLDER])


def leave() -> None:
    """This process is no child any more, but runs a program of its own."""
    os.environ.pop(VARIABLE, None)


def install() -> None:
    """In such a process, have ``import sounddevice`` find ours."""
    from .run import find_ours, report

    options = json.loads(os.environ[VARIABLE])
    process = os.getpid()
    observer = None

    # Before anything else is, as in the program that was run.
    @atexit.register
    def end() -> None:
        if observer is None or os.getpid() != process or not options["has_report"]:
            return
        observer.look()
        if observer.summaries:
            name = os.path.basename(sys.argv[0]) or "python"
            print(report(f"{name}, process {process}", observer.summaries), file=sys.stderr)

    observer = find_ours(options["virtual"], options["ahead"])
