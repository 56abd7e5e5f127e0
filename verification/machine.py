"""What the programs here have in common: running others, and saying what is missing."""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "verification"
TARGET = "x86_64-unknown-linux-gnu"


class Missing(Exception):
    """Something is needed that this machine does not have."""


def need(condition, what):
    if not condition:
        raise Missing(what)


def need_program(name, package):
    need(shutil.which(name), f"{name} ({package}) is needed")


def need_portaudio():
    """What the crate with both C libraries is made of."""
    need_program("cc", "a C compiler")
    need_program("objcopy", "package binutils")
    path = output("cc", "-print-file-name=libportaudio.a").stdout.strip()
    need(pathlib.Path(path).is_absolute(), "libportaudio.a (portaudio19-dev) is needed")


def need_nightly():
    """A compiler that knows the sanitizers, for a system where they are tried."""
    need_program("rustup", "https://rustup.rs")
    result = subprocess.run(
        ["cargo", "+nightly", "--version", "--verbose"], capture_output=True, text=True, check=False
    )
    need(result.returncode == 0, "rustup toolchain install nightly --profile minimal")
    need(f"host: {TARGET}" in result.stdout, f"sanitizers are tried on {TARGET} only")


def run(*command, cwd=ROOT, check=True, **variables):
    """Run a program, with what it says going wherever this one's does."""
    command = [str(part) for part in command]
    words = [f"{name}={value}" for name, value in variables.items()] + command
    print("+", " ".join(words), flush=True)
    return subprocess.run(command, cwd=cwd, env={**os.environ, **variables}, check=check)


def output(*command, cwd=ROOT, **variables):
    """Run a program; returns its result, and all that it wrote."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def main(parts, usual):
    """Run the named parts, or the usual ones; where something is missing, say so.

    That is a failure where everything has to be there.
    """
    names = sys.argv[1:] or usual
    unknown = set(names) - set(parts)
    if unknown:
        sys.exit(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    missing = []
    for name in names:
        try:
            parts[name]()
        except Missing as error:
            missing.append(f"{name}: {error}")
            print(f"not done: {missing[-1]}", flush=True)
        except subprocess.CalledProcessError as error:
            sys.exit(f"{name}: {error}")
    done = [name for name in names if not any(m.startswith(f"{name}:") for m in missing)]
    print(f"done: {', '.join(done) or 'nothing'}")
    if missing and os.environ.get("CI") == "true":
        sys.exit("missing on a machine that should have it:\n" + "\n".join(missing))
