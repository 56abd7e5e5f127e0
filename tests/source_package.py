"""Source packages of other projects, downloaded from PyPI into `build` once."""

import contextlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

BUILD = Path(__file__).parent.parent / "build"


def unpacked(name, version):
    """The folder with the sources; None if they cannot be downloaded."""
    target = BUILD / f"{name}-{version}"
    if target.exists():
        return target
    # Several processes may do the same.
    folder = BUILD / f"{name}-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary=:all:", "--no-build-isolation", "--dest", str(folder)]
        result = subprocess.run(
            [*command, f"{name}=={version}"], capture_output=True, text=True, timeout=90
        )
        if result.returncode:
            return None
        (archive,) = folder.glob("*.tar.gz")
        with tarfile.open(archive) as file:
            file.extractall(folder)
        with contextlib.suppress(OSError):
            # Another process may have been faster.
            (folder / f"{name}-{version}").rename(target)
    finally:
        shutil.rmtree(folder)
    return target
