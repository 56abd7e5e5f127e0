"""The ring where all integers of PortAudio's struct have 32 bits: a 32-bit program, which runs on a
64-bit machine as it is. `make i386`.

PortAudio's own C takes part in the tests in `tests/c`, if `make portaudio-i386` has fetched it.
"""

import os
import sys

from machine import BUILD, ROOT, main, need, need_program, output, run

TARGET = "i686-unknown-linux-gnu"
PORTAUDIO = BUILD / "portaudio-i386" / "usr" / "lib" / "i386-linux-gnu"
#: Not those that look at how the library was linked or installed.
C_TESTS = "every_function or callback_plays or corrupt or two_threads or all_results or layout_of"


def need_compilers():
    need_program("gcc", "package gcc")
    need_program("rustup", "https://rustup.rs")
    targets = output("rustup", "target", "list", "--installed").stdout.split()
    need(TARGET in targets, f"rustup target add {TARGET}")
    empty = BUILD / "empty.c"
    empty.parent.mkdir(parents=True, exist_ok=True)
    empty.write_text("int main(void) { return 0; }\n")
    program = BUILD / "empty"
    linked = output("gcc", "-m32", empty, "-o", program).returncode == 0
    runs = linked and output(program).returncode == 0
    need(runs, "package gcc-multilib, and a system that runs 32-bit programs")


def rust():
    """Random programs and the largest rings; methods and handles."""
    need_compilers()
    run(
        *("cargo", "test", "--locked", "--quiet", "-p", "equivalence", "--no-default-features"),
        *("--target", TARGET),
        cwd=ROOT / "verification",
    )


def c():
    """The C library against PortAudio's C of the same width."""
    need_compilers()
    need((PORTAUDIO / "libportaudio.a").exists(), "make portaudio-i386")
    compiler = BUILD / "gcc-i386"
    compiler.write_text(f'#!/bin/sh\nexec gcc -m32 -B"{PORTAUDIO}/" "$@"\n')
    compiler.chmod(0o755)
    run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("-k", C_TESTS, "tests/c/test_c_library.py"),
        CC=str(compiler),
        CARGO_BUILD_TARGET=TARGET,
        CARGO_TARGET_DIR=str(BUILD / "i386"),
        CI=os.environ.get("CI", ""),
    )


PARTS = {"rust": rust, "c": c}

if __name__ == "__main__":
    main(PARTS, list(PARTS))
