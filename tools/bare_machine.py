#!/usr/bin/env python3
"""Run a command on an imitation of a bare machine: git, make, Python, Rust and a C compiler.

    python tools/bare_machine.py make demo test

In a mount namespace of its own, the command finds no PortAudio, JACK, ALSA, Boost or libsndfile, no
PyPy, valgrind, pkg-config, CMake, Meson or C++ compiler, and no headers of the system's Python.
Files that it writes outside of /usr stay. ``CI`` is not set. If the command runs pytest, most of
the tests must have passed: a suite that skips everything proves nothing.

Linux only. Without root, it needs user namespaces or sudo.
"""

import argparse
import ctypes
import ctypes.util
import fnmatch
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

PROGRAMS = "jackd jackdbus jack_* pypy* valgrind* pkg-config pkgconf *-pkg-config *-pkgconf Xvfb"
BUILDERS = "cmake meson ninja"
CXX = "c++ c++-* g++ g++-* *-g++ *-g++-* clang++ clang++-*"
LIBRARIES = "libportaudio* libjack* libasound* libsndfile* libboost* jack pypy* valgrind"
HEADERS = "portaudio.h pa_*.h portaudiocpp alsa boost jack python3* valgrind"

# Names of the things that must be missing, as the programs that need them know them.
NO_PROGRAM = ["jackd", "pypy3", "valgrind", "pkg-config", "cmake", "meson", "ninja", "g++", "c++"]
NO_LIBRARY = ["portaudio", "jack", "asound", "sndfile"]
NO_HEADER = ["portaudio.h", "jack/ringbuffer.h", "alsa/asoundlib.h", "boost/version.hpp"]


def entries(folder, patterns):
    """The entries of a folder that match one of the patterns."""
    try:
        names = os.listdir(folder)
    except OSError:
        # An unreadable folder, or a file, contains nothing.
        return
    for pattern in patterns.split():
        yield from (Path(folder, name) for name in fnmatch.filter(names, pattern))


def to_be_hidden():
    """Paths of files and folders, without symbolic links above them."""
    found = set()
    for folder in {*os.get_exec_path(), "/usr/bin", "/usr/sbin", "/usr/local/bin"}:
        found.update(entries(folder, f"{PROGRAMS} {BUILDERS} {CXX}"))
    for prefix in Path("/usr"), Path("/usr/local"):
        for folder in prefix.glob("lib*"):
            for place in folder, *folder.glob("*-linux-*"):
                found.update(entries(place, LIBRARIES))
        for folder in prefix / "include", *prefix.glob("include/*-linux-*"):
            found.update(entries(folder, HEADERS))
    return sorted({path.parent.resolve() / path.name for path in found})


def hide(paths, scratch):
    """Mount a layer without these paths over each folder concerned."""
    usr = Path("/usr")
    places = {usr if usr in path.parents else path.parent for path in paths}
    for number, place in enumerate(sorted(places)):
        layer, work = scratch / f"layer{number}", scratch / f"work{number}"
        layer.mkdir()
        work.mkdir()
        for path in paths:
            if place in path.parents:
                deleted = layer / path.relative_to(place)
                deleted.parent.mkdir(parents=True, exist_ok=True)
                # overlayfs represents a deleted file like this.
                os.mknod(deleted, stat.S_IFCHR, os.makedev(0, 0))
        options = f"lowerdir={place},upperdir={layer},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", place], check=True)
    # The linker first uses a cached list of libraries.
    cache = scratch / "ld.so.cache"
    ldconfig = shutil.which("ldconfig", path="/usr/sbin:/sbin")
    subprocess.run([ldconfig, "-X", "-C", cache], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["mount", "--bind", cache, "/etc/ld.so.cache"], check=True)


def still_there():
    """Names of things that a bare machine lacks but this one has."""
    for program in NO_PROGRAM:
        if path := shutil.which(program):
            yield path
    for library in NO_LIBRARY:
        if name := ctypes.util.find_library(library):
            yield name
    for header in NO_HEADER:
        command = ["cc", "-E", "-x", "c", "-"]
        source = f"#include <{header}>\n".encode()
        if subprocess.run(command, input=source, capture_output=True).returncode == 0:
            yield header
    try:
        ctypes.CDLL("libportaudio.so.2")
        yield "libportaudio.so.2"
    except OSError:
        pass
    if importlib.util.find_spec("sounddevice"):
        try:
            import sounddevice

            yield f"PortAudio for {sounddevice.__file__}"
        except OSError:
            pass


def run(command):
    """Run the command, show its output, and return its status."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        passed = skipped = 0
        for line in process.stdout:
            print(line, end="", flush=True)
            if re.match(r"=+ .* in [\d.]+s", line):
                passed += sum(map(int, re.findall(r"(\d+) passed", line)))
                skipped += sum(map(int, re.findall(r"(\d+) skipped", line)))
    if process.returncode == 0 and (passed or skipped):
        print(f"bare_machine: {passed} Python tests passed, {skipped} were skipped")
        if passed < 10 * skipped:
            print("bare_machine: that many must not be skipped", file=sys.stderr)
            return 1
    return process.returncode


def inside(command):
    """The part that runs in the namespace."""
    paths = to_be_hidden()
    # Only in this namespace, which disappears afterwards.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/mnt"], check=True)
    hide(paths, Path("/mnt"))
    if os.environ.pop("BARE_MACHINE") == "sudo":
        os.setgroups([])
        os.setgid(int(os.environ["SUDO_GID"]))
        os.setuid(int(os.environ["SUDO_UID"]))
    if left := list(still_there()):
        sys.exit(f"bare_machine: this could not be hidden: {', '.join(left)}")
    print(f"bare_machine: {len(paths)} files and folders are hidden", flush=True)
    for name in "CI", "PYPY", "LD_LIBRARY_PATH", "PKG_CONFIG_PATH":
        os.environ.pop(name, None)
    return run(command)


def ways_in():
    """Commands that run another one in a mount namespace, least privileged first."""
    if os.getuid() == 0:
        yield "root", ["unshare", "--mount"]
        return
    yield "user", ["unshare", "--map-root-user", "--mount"]
    # sudo changes PATH and HOME.
    kept = [f"{name}={os.environ[name]}" for name in ("PATH", "HOME")]
    yield "sudo", ["sudo", "-n", "-E", "env", *kept, "BARE_MACHINE=sudo", "unshare", "--mount"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s [-h] COMMAND [ARGUMENT ...]",
    )
    # Everything that follows belongs to the command, including options.
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    command = parser.parse_args().command
    if not command:
        parser.error("a command is missing")
    if "BARE_MACHINE" in os.environ:
        sys.exit(inside(command))
    this = [sys.executable, __file__]
    for name, way in ways_in():
        os.environ["BARE_MACHINE"] = name
        try:
            # Only trying all of it shows whether this works.
            subprocess.run([*way, *this, "true"], check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"bare_machine: {error}", file=sys.stderr)
        else:
            os.execvp(way[0], [*way, *this, *command])
    sys.exit(
        "bare_machine: NOT RUN: nothing can be hidden here. It needs Linux with overlayfs, and "
        "root, sudo without a password, or user namespaces (unshare --map-root-user --mount)"
    )


if __name__ == "__main__":
    main()
