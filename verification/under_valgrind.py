"""The ring under valgrind's memcheck: `make valgrind`.

CPython has reports of its own, which depend on how it was compiled. There is no list of those to be
ignored: of all reports, those count in which one of our functions is among the callers.

Not under helgrind and drd. They know locks, and no atomics: to them, an index that is written by
one thread and read by another is a race, and so is every element that it hands over. They say the
same of a correct ring and of one without any memory order (`make valgrind ARGS=helgrind` shows it),
and telling them by annotations that the index orders the elements would be to tell them what they
should find out. ThreadSanitizer does (`make sanitizers`).
"""

import json
import os
import re
import subprocess
import sys

from machine import BUILD, ROOT, Missing, main, need, need_portaudio, need_program, output, run

VERIFICATION = ROOT / "verification"
MEMCHECK = (
    *("valgrind", "--quiet", "--error-exitcode=9", "--fair-sched=yes", "--leak-check=full"),
    *("--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"),
)
#: What of the Python tests is most likely to touch memory that it should not.
PYTHON_TESTS = ("test_bad_input.py", "test_corruption.py", "test_lifetime.py")
#: Not these: they start programs, or measure memory.
NOT_THESE = "not subprocess and not portable and not leak"
OURS = re.compile(r"pa_ringbuffer/_native|pa_ringbuffer::|PaUtil_")


def need_valgrind():
    need_program("valgrind", "package valgrind")


def tests():
    """Unit and integration tests of the ring."""
    need_valgrind()
    command = (
        *("cargo", "test", "--locked", "--no-run", "--message-format=json", "--lib", "--tests"),
        *("-p", "pa-ringbuffer", "--target-dir", str(BUILD / "valgrind")),
    )
    print("+", *command, flush=True)
    # Without optimisation it takes a minute.
    messages = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "CARGO_PROFILE_TEST_OPT_LEVEL": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.splitlines()
    programs = [json.loads(line).get("executable") for line in messages if line.startswith("{")]
    for program in filter(None, programs):
        run(*MEMCHECK, program, "--test-threads=1", "--quiet")


def soak():
    """All pairs, PortAudio's C among them, on two threads."""
    need_valgrind()
    need_portaudio()
    run("cargo", "build", "--release", "--locked", "--quiet", "-p", "soak", cwd=VERIFICATION)
    run(*MEMCHECK, VERIFICATION / "target" / "release" / "soak", "--operations", "20000")


def python():
    """A part of the Python tests, with the extension module."""
    need_valgrind()
    need(sys.implementation.name == "cpython", "CPython is needed")
    log = BUILD / "python.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    result = output(
        *("timeout", "1500", "valgrind", f"--log-file={log}", "--fair-sched=yes"),
        *("--leak-check=full", "--show-leak-kinds=definite", "--num-callers=30"),
        f"--suppressions={VERIFICATION / 'python.supp'}",
        *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
        *("-k", NOT_THESE, *(ROOT / "tests" / name for name in PYTHON_TESTS)),
        PYTHONMALLOC="malloc",
    )
    print(result.stdout)
    if result.returncode != 0:
        raise SystemExit(f"the tests ended with {result.returncode}")
    text = re.sub(r"^==\d+== ?", "", log.read_text(errors="replace"), flags=re.M)
    parts = re.split(r"\n\s*\n", text)
    reports = [part for part in parts if re.search(r"^ +at 0x", part, re.M)]
    ours = [report for report in reports if OURS.search(report)]
    print(text[-600:])
    print(f"{len(reports)} reports, {len(ours)} with one of our functions")
    if ours:
        raise SystemExit("\n\n".join(ours))


def helgrind():
    """Shows that helgrind cannot tell a correct ring from a broken one."""
    need_valgrind()
    need_program("gcc", "package gcc")
    library = BUILD / "installed" / "lib" / "libpa_ringbuffer.a"
    run(sys.executable, ROOT / "tools" / "install_c.py", PREFIX=str(BUILD / "installed"))
    for order in ("acquire", "relaxed"):
        program = BUILD / f"helgrind-{order}"
        release = order.replace("acquire", "release")
        run(
            *("gcc", "-std=c11", "-O1", "-g", "-pthread", "-DFEWER=200", "-DWRITER=peer_"),
            *(f"-DPEER_ACQUIRE=memory_order_{order}", f"-DPEER_RELEASE=memory_order_{release}"),
            *("-include", VERIFICATION / "races" / "peer.h", f"-I{BUILD / 'installed/include'}"),
            *(f"-I{ROOT / 'tests/c'}", ROOT / "tests/c/pass_sequence.c", library, "-o", program),
        )
        for tool in ("helgrind", "drd"):
            text = output("valgrind", f"--tool={tool}", "--fair-sched=yes", program).stdout
            found = re.search(r"ERROR SUMMARY: (.*)", text)
            if not found:
                raise Missing(f"{tool} does not say how many errors there were")
            print(f"{tool}, memory order {order}: {found[1]}", flush=True)


PARTS = {"tests": tests, "soak": soak, "python": python, "helgrind": helgrind}

if __name__ == "__main__":
    main(PARTS, ["tests", "soak", "python"])
