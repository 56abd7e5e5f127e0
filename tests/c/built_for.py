"""The system for which the C library and the programs around it are built.

It is this one, unless CARGO_BUILD_TARGET names another: then CC is a compiler for that system, and
Cargo's own variable CARGO_TARGET_…_RUNNER, if it is set, the program that starts others, such as an
emulator. `make test-platforms` sets all of them.
"""

import os
import platform
import re
import shlex
import sys

TARGET = os.environ.get("CARGO_BUILD_TARGET", "")
RUNNER = shlex.split(
    os.environ.get(f"CARGO_TARGET_{re.sub('[-.]', '_', TARGET).upper()}_RUNNER", "")
)


def _system():
    if not TARGET:
        return {"win32": "windows", "cygwin": "windows"}.get(sys.platform, sys.platform)
    words = {"windows": "windows", "apple": "darwin", "linux": "linux"}
    return next((system for word, system in words.items() if word in TARGET), TARGET)


#: "linux", "darwin" or "windows", or what Python or Cargo call another one.
SYSTEM = _system()
#: Whether an emulator runs the programs; with EMULATOR set, it runs this Python as well.
EMULATED = bool(RUNNER) or "EMULATOR" in os.environ
#: Whether this Python cannot load what is built.
FOREIGN = bool(TARGET) and not TARGET.startswith(f"{platform.machine()}-unknown-linux-gnu")
#: Whether Cargo builds a shared library: not where C is linked statically, as with musl.
HAS_SHARED = "musl" not in TARGET or "-crt-static" in os.environ.get("RUSTFLAGS", "")
#: Apple's systems put an underscore in front of each C name; so does Windows with 32 bits.
UNDERSCORE = SYSTEM == "darwin" or (SYSTEM == "windows" and TARGET.startswith("i686"))
EXE = ".exe" if SYSTEM == "windows" else ""
#: Windows would look for the DLLs of a MinGW compiler.
STANDALONE = ["-static"] if SYSTEM == "windows" else []
