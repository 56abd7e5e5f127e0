"""Check that wheels with the extension list the crates in it (PEP 770).

Those are the crates that Cargo uses for the wheel's platform, including pyo3. The pure wheel has
none to list.
"""

import argparse
import functools
import json
import pathlib
import re
import subprocess
import sys
import zipfile

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = "pa-ringbuffer-python"
#: Endings of wheel names, and the targets for which they were built.
TARGETS = {
    r"musllinux_\d+_\d+_(x86_64|i686|aarch64)": "{}-unknown-linux-musl",
    r"(?:manylinux\w*_|linux_)(x86_64|i686|aarch64|s390x)": "{}-unknown-linux-gnu",
    r"(?:manylinux\w*_|linux_)armv7l": "armv7-unknown-linux-gnueabihf",
    r"macosx_\d+_\d+_x86_64": "x86_64-apple-darwin",
    r"macosx_\d+_\d+_(?:arm64|universal2)": "aarch64-apple-darwin",
    r"win_amd64": "x86_64-pc-windows-msvc",
    r"win_arm64": "aarch64-pc-windows-msvc",
    r"win32": "i686-pc-windows-msvc",
}


def target(wheel):
    """The target that a wheel was built for, by its name."""
    # One wheel may have several platform tags.
    platform = pathlib.Path(wheel).stem.rsplit("-", 1)[1].split(".")[0]
    for pattern, name in TARGETS.items():
        if match := re.fullmatch(pattern, platform):
            return name.format(*match.groups())
    sys.exit(f"{wheel}: no target is known for the platform {platform}")


@functools.cache
def needed(target):
    """Names and versions of all crates from elsewhere that Cargo compiles for a target."""
    command = ("cargo", "tree", "--locked", "--package", PACKAGE, "--target", target)
    result = subprocess.run(
        [*command, "--edges=normal,build", "--prefix=none", "--format={p}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    # Crates of the project itself have a path after the version.
    return set(re.findall(r"^(\S+) v(\S+)(?: \(proc-macro\))?(?: \(\*\))?$", result.stdout, re.M))


def listed(wheel):
    """Names and versions in the wheel's bill of materials."""
    with zipfile.ZipFile(wheel) as archive:
        files = [name for name in archive.namelist() if ".dist-info/sboms/" in name]
        if len(files) != 1:
            sys.exit(f"{wheel}: one bill of materials is expected, and there are {len(files)}")
        bill = json.loads(archive.read(files[0]))
    return {(crate["name"], crate["version"]) for crate in bill["components"]}


def with_extension(description):
    """The wheels on the command line that have the extension."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("wheels", nargs="+", metavar="wheel", help="pure wheels are passed over")
    wheels = [wheel for wheel in parser.parse_args().wheels if not wheel.endswith("-none-any.whl")]
    if not wheels:
        sys.exit("there is no wheel with the extension to look into")
    return wheels


if __name__ == "__main__":
    for wheel in with_extension(__doc__):
        expected = needed(target(wheel))
        assert "pyo3" in {name for name, _ in expected}
        if missing := expected - listed(wheel):
            sys.exit(f"{wheel}: not in the bill of materials: {sorted(missing)}")
