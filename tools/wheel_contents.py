"""Put the files that compilers and linkers need into the Python package: headers and C library.

maturin packs the folders `include` and `lib` in `python/pa_ringbuffer`, which this program makes.
The Makefile, the workflows and the build backend call it before maturin.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import c_library
import ring_object

ROOT = c_library.CRATE.parent.parent
PACKAGE = ROOT / "python" / "pa_ringbuffer"
UNIVERSAL = "universal2-apple-darwin"
#: Shared libraries under Cargo's names, and under the names that programs look for. A wheel has no
#: symbolic links, so a library with two names consists of two files.
SHARED = {
    "libpa_ringbuffer.so": ["libpa_ringbuffer.so", "libpa_ringbuffer.so.0"],
    "libpa_ringbuffer.dylib": ["libpa_ringbuffer.dylib", "libpa_ringbuffer.0.dylib"],
    "pa_ringbuffer.dll": ["pa_ringbuffer.dll"],
}


def host(environment):
    """The default target of rustc."""
    answer = subprocess.run(
        ["rustc", "-vV"], stdout=subprocess.PIPE, text=True, check=True, env=environment
    ).stdout
    return answer.partition("host: ")[2].split()[0]


def build(target, folder, environment):
    """Compile for one target, and put the package's libraries into *folder*."""
    variables = dict(environment)
    if target:
        variables["CARGO_BUILD_TARGET"] = target
    if "musl" in (target or variables.get("CARGO_BUILD_TARGET") or host(environment)):
        # Otherwise Cargo builds no shared library; Python for musl is not static either.
        flags = variables.get("RUSTFLAGS", "")
        variables["RUSTFLAGS"] = f"{flags} -C target-feature=-crt-static".strip()
    version, files = c_library.build(**variables)
    for file in files:
        if file.name in c_library.STATIC:
            data = ring_object.hidden(ring_object.cut_out(file.read_bytes()))
            (folder / file.name).write_bytes(ring_object.archive_of(data))
        elif file.name in (*SHARED, *c_library.IMPORT_LIBRARY):
            shutil.copyfile(file, folder / file.name)
    return version


def build_all(targets, folder, environment):
    """The same for several targets: one library for all of them, which macOS has."""
    if len(targets) == 1:
        return build(targets[0], folder, environment)
    with tempfile.TemporaryDirectory() as name:
        parts = [pathlib.Path(name, target) for target in targets]
        for part in parts:
            part.mkdir()
        (version,) = {build(target, part, environment) for target, part in zip(targets, parts)}
        for file in parts[0].iterdir():
            command = ["lipo", "-create", "-output", folder / file.name]
            subprocess.run([*command, *(part / file.name for part in parts)], check=True)
    return version


def fill(folder, targets, environment):
    """Make `include` and `lib` in a folder that is empty."""
    include, lib = folder / "include", folder / "lib"
    include.mkdir()
    lib.mkdir()
    for header in c_library.headers():
        shutil.copyfile(header, include / header.name)
    version = build_all(targets, lib, environment)
    names = {file.name for file in lib.iterdir()}
    (static,) = names.intersection(c_library.STATIC)
    for name in names.intersection(SHARED):
        for copy in SHARED[name]:
            if copy != name:
                shutil.copyfile(lib / name, lib / copy)
            (lib / copy).chmod(0o755)
    texts = {
        f"cmake/pa_ringbuffer/{file}": text
        for file, text in c_library.cmake(
            version,
            names,
            "${CMAKE_CURRENT_LIST_DIR}/../..",
            "${CMAKE_CURRENT_LIST_DIR}/../../../include",
        ).items()
    }
    texts["pkgconfig/pa_ringbuffer.pc"] = c_library.pkg_config(
        version,
        "${pcfiledir}/../..",
        "${prefix}/lib",
        # With -l, the linker would choose the shared library, and programs would need the folder.
        f"${{libdir}}/{static}",
    )
    for file, text in texts.items():
        (lib / file).parent.mkdir(parents=True, exist_ok=True)
        (lib / file).write_bytes(text.encode())


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def main(targets=(), environment=os.environ):
    """Make both folders anew, for these targets, or for Cargo's default target."""
    if shutil.which("cargo", path=environment.get("PATH")) is None:
        sys.exit("wheel_contents.py: cargo is not on the PATH: install Rust from https://rustup.rs")
    targets = [
        part
        for target in targets or [None]
        for part in (
            ["aarch64-apple-darwin", "x86_64-apple-darwin"] if target == UNIVERSAL else [target]
        )
    ]
    # Complete before it gets its name, in case a build is interrupted.
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as name:
        folder = pathlib.Path(name)
        fill(folder, targets, environment)
        for part in "include", "lib":
            # A program may be using them.
            if contents(folder / part) != contents(PACKAGE / part):
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(PACKAGE / part)
                (folder / part).rename(PACKAGE / part)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        help="build for another system, as Cargo calls it; on macOS, two of them, or "
        f"{UNIVERSAL}, give one library for both",
    )
    try:
        main(parser.parse_args().target)
    except ring_object.NotOneObject as error:
        sys.exit(f"wheel_contents.py: needed is {error}")
