"""Build the C library and install it: libraries, headers, files for pkg-config and CMake.

    PREFIX=/usr/local [LIBDIR=lib64] [DESTDIR=/somewhere] python tools/install_c.py

LIBDIR is the folder for the libraries and the pkg-config file, absolute or relative to PREFIX; the
default is "lib". cargo-c does the same with the metadata in Cargo.toml. CARGO_BUILD_TARGET selects
another target, as for Cargo.
"""

import argparse
import os
import pathlib
import shutil
import sys

import c_library
import ring_object


def say(text):
    print(f"install_c.py: {text}", file=sys.stderr)


class Destination:
    """The folders to install into."""

    def __init__(self):
        prefix = os.environ.get("PREFIX", "")
        if not prefix:
            say("PREFIX is missing: say where to install, for example PREFIX=/usr/local")
            sys.exit(2)
        #: Folders as the installed library knows them.
        self.prefix = pathlib.Path(prefix).absolute()
        self.libdir = self.prefix / (os.environ.get("LIBDIR") or "lib")
        #: Folders in which the files are put.
        self.root, self.lib = self.staged(self.prefix), self.staged(self.libdir)

    @staticmethod
    def staged(path):
        """The path below DESTDIR, if there is one."""
        if root := os.environ.get("DESTDIR"):
            return pathlib.Path(root).absolute() / path.relative_to(path.anchor)
        return path

    def inside(self):
        """The libraries' path relative to the prefix; None if they are outside of it."""
        try:
            return pathlib.PurePath(os.path.normpath(self.libdir)).relative_to(
                os.path.normpath(self.prefix)
            )
        except ValueError:
            return None

    def pkg_config(self, version):
        """The pkg-config file."""
        inside = self.inside()
        if inside is None:
            # Neither of two separate trees can be moved.
            return c_library.pkg_config(version, self.prefix.as_posix(), self.libdir.as_posix())
        # Relative to the file itself, so that the installed tree can be moved.
        up = "/".join([".."] * (len(inside.parts) + 1))
        return c_library.pkg_config(
            version, "${pcfiledir}/" + up, "/".join(["${prefix}", *inside.parts])
        )

    def cmake(self, version, names):
        """The files for CMake."""
        inside = self.inside()
        if inside is None:
            lib, prefix = self.libdir.as_posix(), self.prefix.as_posix()
        else:
            lib = "${CMAKE_CURRENT_LIST_DIR}/../.."
            prefix = "/".join([lib, *[".."] * len(inside.parts)])
        dll = "${_pa_ringbuffer_include}/../bin/pa_ringbuffer.dll"
        return c_library.cmake(version, names, lib, f"{prefix}/include", dll)


def put(source, target, mode=0o644):
    target.parent.mkdir(parents=True, exist_ok=True)
    # A new file, because a running program may have mapped the old one.
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def write(target, text):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_bytes(text.encode())


def put_static(archive, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        ring_object.main(archive, target)
    except ring_object.NotOneObject as error:
        # Also correct, but larger, and not suitable as whole archive together with other Rust
        # libraries.
        say(f"keeping rustc's whole archive: needed is {error}")
        put(archive, target)


def put_shared(library, target, *links):
    """Install a library under its full name, with links for its shorter names."""
    put(library, target, 0o755)
    for link in links:
        path = target.with_name(link)
        path.unlink(missing_ok=True)
        path.symlink_to(target.name)
        target = path


def install(destination):
    root, lib = destination.root, destination.lib
    if shutil.which("cargo") is None:
        say(
            "cargo is not on the PATH: install Rust from https://rustup.rs; "
            'with sudo: sudo env "PATH=$PATH" make install-c PREFIX=...'
        )
        sys.exit(2)
    # Checks the folders before compiling anything.
    for folder in root / "include", lib / "pkgconfig":
        folder.mkdir(parents=True, exist_ok=True)
    version, files = c_library.build()
    shared = False
    for file in files:
        name = file.name
        if name in c_library.STATIC:
            put_static(file, lib / name)
        elif name == "libpa_ringbuffer.so":
            put_shared(file, lib / f"{name}.{version}", f"{name}.0", name)
        elif name == "libpa_ringbuffer.dylib":
            stem = "libpa_ringbuffer"
            put_shared(file, lib / f"{stem}.{version}.dylib", f"{stem}.0.dylib", name)
        elif name == "pa_ringbuffer.dll":
            put(file, root / "bin" / name, 0o755)
        elif name in c_library.IMPORT_LIBRARY:
            put(file, lib / name)
        shared |= file.suffix in (".so", ".dylib", ".dll")
    if not shared:
        say(
            "without the shared library, which Cargo does not build for this target "
            "(for musl it does, with RUSTFLAGS='-C target-feature=-crt-static')"
        )
    for header in c_library.headers():
        put(header, root / "include" / header.name)
    write(lib / "pkgconfig" / "pa_ringbuffer.pc", destination.pkg_config(version))
    for name, text in destination.cmake(version, [file.name for file in files]).items():
        write(lib / "cmake" / "pa_ringbuffer" / name, text)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    try:
        install(Destination())
    except OSError as error:
        say(f"cannot install into {error.filename or os.environ['PREFIX']}: {error.strerror}")
        sys.exit(1)


if __name__ == "__main__":
    main()
