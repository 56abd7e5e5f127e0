"""The Rust and C tests on other platforms, with emulators: `make test-platforms`.

Programs for Linux on other processors run under qemu-user, those for Windows under Wine, those for
musl as they are. Nothing here can run a program for Apple's systems; for these, and for the rest,
clippy looks at the sources as their compiler sees them. The emulators run on this machine's
processor: they show that layout, byte order and widths are right, not that memory orders are
(`make loom` shows that).
"""

import os
import pathlib
import shutil
import sys
import typing

from machine import BUILD, ROOT, main, need, need_program, output, run

TARGET_DIR = ROOT / "build" / "platforms"
CAPI = ROOT / "crates" / "pa-ringbuffer-capi"
#: All of the workspace that needs no Python to link with.
CRATES = ("-p", "pa-ringbuffer", "-p", "pa-ringbuffer-callback")


class Platform(typing.NamedTuple):
    """How programs are made for a target, and how they are started."""

    target: str
    #: The compiler, with the Debian package that has it.
    compiler: str
    package: str
    #: The program that starts others, with its package.
    runner: tuple = ()
    runner_package: str = ""
    #: What Debian calls the architecture.
    debian: str = ""


def qemu(target, name, prefix, debian=""):
    return Platform(
        target,
        f"{prefix}-gcc",
        f"g++-{prefix}",
        (f"qemu-{name}", "-L", f"/usr/{prefix}"),
        "qemu-user",
        debian,
    )


AARCH64 = qemu("aarch64-unknown-linux-gnu", "aarch64", "aarch64-linux-gnu", "arm64")
ARMV7 = qemu("armv7-unknown-linux-gnueabihf", "arm", "arm-linux-gnueabihf", "armhf")
S390X = qemu("s390x-unknown-linux-gnu", "s390x", "s390x-linux-gnu", "s390x")
POWERPC = qemu("powerpc-unknown-linux-gnu", "ppc", "powerpc-linux-gnu")
MUSL = Platform("x86_64-unknown-linux-musl", "musl-gcc", "musl-tools")
WINDOWS = Platform(
    "x86_64-pc-windows-gnu",
    *("x86_64-w64-mingw32-gcc", "g++-mingw-w64-x86-64", ("wine",), "wine"),
)


def need_target(target):
    need_program("rustup", "https://rustup.rs")
    installed = output("rustup", "target", "list", "--installed").stdout.split()
    if target not in installed:
        print(f"+ rustup target add {target}", flush=True)
        added = output("rustup", "target", "add", target).returncode == 0
        need(added, f"rustup target add {target}")


def environment(platform):
    """What Cargo and tests/c must know to build for a platform and to start its programs."""
    need_target(platform.target)
    need_program(platform.compiler, f"package {platform.package}")
    name = platform.target.upper().replace("-", "_")
    variables = {
        "CARGO_BUILD_TARGET": platform.target,
        "CARGO_TARGET_DIR": str(TARGET_DIR),
        "CI": os.environ.get("CI", ""),
    }
    if platform.debian:
        variables["OBJCOPY"] = platform.compiler.replace("-gcc", "-objcopy")
    # For musl, Rust links by itself.
    if platform is not MUSL:
        variables[f"CARGO_TARGET_{name}_LINKER"] = platform.compiler
    if platform.runner:
        need_program(platform.runner[0], f"package {platform.runner_package}")
        variables[f"CARGO_TARGET_{name}_RUNNER"] = " ".join(platform.runner)
        variables["EMULATOR"] = platform.runner[0]
    return variables


def rust(variables):
    run("cargo", "test", "--locked", *CRATES, **variables)
    run("cargo", "test", "--locked", *CRATES[:2], "--no-default-features", "--lib", **variables)


def c(variables, compiler, *options):
    # Apart: one has the other's crates with other features.
    variables = {**variables, "CARGO_TARGET_DIR": str(TARGET_DIR / "c"), "CC": str(compiler)}
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "tests/c")
    run(*command, **variables)


def emulated(platform):
    def part():
        variables = environment(platform)
        rust(variables)
        c(variables, with_portaudio(platform))

    part.__doc__ = f"Rust and C under {platform.runner[0]}."
    return part


def with_portaudio(platform):
    """The compiler, which finds PortAudio's static library if that was fetched."""
    found = list((BUILD / f"portaudio-{platform.debian}").glob("usr/lib/*/libportaudio.a"))
    if not found:
        print(f"without PortAudio's own C, which `make portaudio-{platform.debian}` fetches")
        return platform.compiler
    return wrapper(f"{platform.debian}-gcc", platform.compiler, f'-B"{found[0].parent}/"')


def powerpc():
    """C, with the most significant byte first, 32 bits, and no atomics of 64."""
    variables = environment(POWERPC)
    for crate in CRATES[1::2]:
        run(
            *("cargo", "clippy", "--locked", "-p", crate, "--no-default-features"),
            *("--", "-D", "warnings"),
            **variables,
        )
    c(variables, POWERPC.compiler)


def musl():
    """Rust and C with another C library, with and without a shared library of ours."""
    variables = environment(MUSL)
    rust(variables)
    # Debian's has no headers of the kernel.
    compiler = wrapper(
        "musl-gcc",
        MUSL.compiler,
        "-idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu",
    )
    c(variables, compiler)
    c(
        {**variables, "RUSTFLAGS": "-Ctarget-feature=-crt-static"},
        *(compiler, "-k", "shared_library or tree"),
    )


def wrapper(name, compiler, options):
    path = BUILD / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {shutil.which(compiler)} "$@" {options}\n')
    path.chmod(0o755)
    return path


def windows():
    """Rust and C as 64-bit programs for Windows."""
    variables = environment(WINDOWS)
    wine = {
        "WINEPREFIX": str(BUILD / "wine"),
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
    }
    BUILD.mkdir(parents=True, exist_ok=True)
    try:
        run("wine", "wineboot", "--init", **wine)
        system = pathlib.Path(wine["WINEPREFIX"]) / "drive_c" / "windows" / "system32"
        if not (system / "bcryptprimitives.dll").exists():
            run(
                *(WINDOWS.compiler, "-shared", "-O2", ROOT / "verification" / "bcryptprimitives.c"),
                *("-o", system / "bcryptprimitives.dll", "-ladvapi32"),
            )
        rust({**variables, **wine})
        c({**variables, **wine}, WINDOWS.compiler)
    finally:
        run("wineserver", "-k", check=False, **wine)


def clippy(target):
    need_target(target)
    options = ("--locked", "--target", target, "--target-dir", TARGET_DIR, "--", "-D", "warnings")
    run("cargo", "clippy", *CRATES, "--all-targets", *options)
    run("cargo", "clippy", *options, cwd=CAPI)


def apple():
    """Clippy only: there is no emulator."""
    for target in ("aarch64-apple-darwin", "x86_64-apple-darwin"):
        clippy(target)
        static_library(target)


def msvc():
    """Clippy only: the linker and the C library are Microsoft's."""
    for target in ("x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc", "i686-pc-windows-msvc"):
        clippy(target)
        static_library(target)


def bare():
    """The C library without an operating system, and without compare-and-exchange."""
    for target in (
        "thumbv7em-none-eabihf",
        "thumbv6m-none-eabi",
        "riscv32imac-unknown-none-elf",
        "riscv32imc-unknown-none-elf",
    ):
        need_target(target)
        static_library(target)


def static_library(target):
    """Cut the ring out of what rustc builds where nothing can be linked."""
    folder = TARGET_DIR / "static"
    run(
        *("cargo", "rustc", "--release", "--locked", "--crate-type", "staticlib"),
        *("--target", target, "--target-dir", folder),
        cwd=CAPI,
    )
    (archive,) = [
        path
        for name in ("libpa_ringbuffer.a", "pa_ringbuffer.lib")
        if (path := folder / target / "release" / name).exists()
    ]
    run(sys.executable, ROOT / "tools" / "ring_object.py", archive, folder / f"{target}.o")
    run(sys.executable, ROOT / "tools" / "ring_object.py", archive, folder / f"{target}.a")


PARTS = {
    "aarch64": emulated(AARCH64),
    "armv7": emulated(ARMV7),
    "s390x": emulated(S390X),
    "powerpc": powerpc,
    "musl": musl,
    "windows": windows,
    "apple": apple,
    "msvc": msvc,
    "bare": bare,
}

if __name__ == "__main__":
    main(PARTS, list(PARTS))
