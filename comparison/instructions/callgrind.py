"""Number of instructions of a program, by object file."""

import collections
import pathlib
import re
import subprocess
import tempfile

OBJECT = re.compile(r"ob=(?:\((\d+)\))?(?: ?(.+))?$")


def count(command):
    """Instructions by object file's name, for a program that is run once."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "callgrind.out"
        subprocess.run(
            ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={output}", *command],
            check=True,
        )
        return parse(output.read_text(encoding="utf-8"))


def parse(text):
    """The sums for each object file in callgrind's output format."""
    # A name appears once and is then represented by a number in brackets.
    names = {}
    sums = collections.Counter()
    current = None
    called = False
    for line in text.splitlines():
        if line.startswith(("ob=", "cob=")):
            number, name = OBJECT.search(line).groups()
            if name:
                names[number] = pathlib.PurePath(name).name
            if line.startswith("ob="):
                current = names[number]
        elif line.startswith("calls="):
            # The next line has the called function's instructions, which are counted there.
            called = True
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            if not called:
                sums[current] += int(line.split()[1])
            called = False
    return sums
