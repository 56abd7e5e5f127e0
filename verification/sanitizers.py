"""The ring under AddressSanitizer and ThreadSanitizer: `make sanitizers`.

ThreadSanitizer proves something only about code that was compiled for it. So our C library is, too
(with nightly; the memory orders in it are then what ThreadSanitizer sees), and the C program around
it is compiled by gcc. PortAudio's own C cannot take part: its indices are volatile and its barriers
are fences, neither of which ThreadSanitizer takes for synchronisation. In its place is a peer in
C11 (`races/peer.h`).

It would be easy to see no race because nothing is seen. So each memory order is weakened once, in
the peer and in our sources, and must be reported then.

The standard library is not compiled anew. It takes no part in what the two sides do to the ring.
"""

import re
import shutil

from machine import (
    BUILD,
    ROOT,
    TARGET,
    Missing,
    main,
    need_nightly,
    need_portaudio,
    need_program,
    output,
    run,
)

VERIFICATION = ROOT / "verification"
TSAN = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer"
REPORT = "WARNING: ThreadSanitizer: data race"
#: Fewer elements by this factor than without ThreadSanitizer.
FEWER = 20


def address():
    """Tests of the ring, and random programs with all contestants."""
    need_nightly()
    need_portaudio()
    options = ("--locked", "--quiet", "--target", TARGET, "--target-dir", BUILD / "address")
    flags = {"RUSTFLAGS": "-Zsanitizer=address"}
    cargo = ("cargo", "+nightly", "test", *options)
    run(*cargo, "-p", "pa-ringbuffer", "--lib", "--tests", **flags)
    run(*cargo, "-p", "equivalence", "--tests", cwd=VERIFICATION, PROPTEST_CASES="100", **flags)


def c_library(name, sources=ROOT):
    """Our C library, compiled for ThreadSanitizer."""
    target = BUILD / name
    run(
        *("cargo", "+nightly", "build", "--release", "--locked", "--quiet"),
        *("--target", TARGET, "--target-dir", target),
        *("--manifest-path", sources / "crates" / "pa-ringbuffer-capi" / "Cargo.toml"),
        RUSTFLAGS=TSAN,
    )
    return target / TARGET / "release" / "libpa_ringbuffer.a"


def race(library, *options):
    """Pass a sequence from thread to thread; whether it passed, and what was said."""
    program = BUILD / "race"
    run(
        *("gcc", "-std=c11", "-O1", "-g", "-pthread", "-fsanitize=thread"),
        *("-Wall", "-Wextra", "-Wpedantic", "-Werror"),
        *("-include", VERIFICATION / "races" / "peer.h", f"-DFEWER={FEWER}"),
        *(f"-I{ROOT / 'crates/pa-ringbuffer-capi/include'}", f"-I{ROOT / 'tests/c'}", *options),
        *(ROOT / "tests/c/pass_sequence.c", VERIFICATION / "races" / "tsan_names.c"),
        *(library, "-o", program),
    )
    result = output("timeout", "300", program, TSAN_OPTIONS="halt_on_error=1 exitcode=66")
    return result.returncode, result.stdout


def must_pass(what, result):
    code, text = result
    if code != 0:
        raise SystemExit(f"{what}: ended with {code}\n{text}")
    print(f"no race: {what}", flush=True)


def must_be_reported(what, result):
    code, text = result
    if code == 0 or REPORT not in text:
        raise SystemExit(f"not noticed: {what}: ended with {code}\n{text}")
    print(f"reported, as it must be: {what}", flush=True)


SIDES = {"writes": "WRITER", "reads": "READER"}


def c():
    """C on both sides of a ring, one of them ours."""
    need_program("gcc", "package gcc")
    need_nightly()
    library = c_library("thread")
    must_pass("ours on both sides", race(library))
    for verb, side in SIDES.items():
        must_pass(f"the peer {verb}", race(library, f"-D{side}=peer_"))
    for verb, side in SIDES.items():
        for order in ("ACQUIRE", "RELEASE"):
            weak = f"-DPEER_{order}=memory_order_relaxed"
            must_be_reported(
                f"the peer {verb}, without {order.lower()}", race(library, f"-D{side}=peer_", weak)
            )


def mutants(*files):
    """Copies of the project with one memory order less each: (what, folder)."""
    for order in ("Acquire", "Release"):
        folder = BUILD / f"without-{order.lower()}"
        shutil.rmtree(folder, ignore_errors=True)
        ignored = shutil.ignore_patterns("target", "__pycache__")
        for name in ("crates", "verification", "comparison"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in ("Cargo.toml", "Cargo.lock"):
            shutil.copy(ROOT / name, folder / name)
        count = 0
        for name in files:
            path = folder / "crates" / "pa-ringbuffer" / "src" / name
            text, changes = re.subn(rf"Ordering::{order}\b", "Ordering::Relaxed", path.read_text())
            path.write_text(text)
            count += changes
        if not count:
            raise Missing(f"Ordering::{order} in {', '.join(files)}: it has moved")
        yield order.lower(), folder


def weak_c():
    """Our C library with one memory order less must be noticed."""
    need_program("gcc", "package gcc")
    need_nightly()
    for order, folder in mutants("raw.rs", "copy.rs"):
        library = c_library("thread", folder)
        must_be_reported(f"our C library without {order}", race(library))


def soak(sources=ROOT):
    target = BUILD / "thread"
    run(
        *("cargo", "+nightly", "build", "--release", "--locked", "--quiet"),
        *("--no-default-features", "-p", "soak", "--target", TARGET, "--target-dir", target),
        cwd=sources / "verification",
        RUSTFLAGS=TSAN,
    )
    program = target / TARGET / "release" / "soak"
    environment = {"TSAN_OPTIONS": "halt_on_error=1 exitcode=66"}
    result = output("timeout", "300", program, "--operations", "50000", **environment)
    return result.returncode, result.stdout


def rust():
    """Methods and handles on both sides, in all pairs; and with one memory order less."""
    need_nightly()
    code, text = soak()
    print(text)
    must_pass("methods and handles", (code, text))


def weak_rust():
    """Handles with one memory order less must be noticed."""
    need_nightly()
    for order, folder in mutants("handle.rs"):
        must_be_reported(f"handles without {order}", soak(folder))


PARTS = {
    "address": address,
    "c": c,
    "weak-c": weak_c,
    "rust": rust,
    "weak-rust": weak_rust,
}

if __name__ == "__main__":
    main(PARTS, list(PARTS))
