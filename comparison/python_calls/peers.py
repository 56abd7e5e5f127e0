"""Other packages, installed for the comparison only, below the folder build."""

import importlib
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "build" / "peers"


class Missing(Exception):
    """A peer is not usable; the text is the reason."""


def load(requirement, module):
    """Import a module from a folder of its own, into which pip installs *requirement*."""
    name = requirement.partition("=")[0]
    folder = FOLDER / name
    if not folder.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        done = subprocess.run(
            [*command, "--target", str(folder), requirement], capture_output=True, text=True
        )
        if done.returncode:
            # pip builds ringbuf here, which needs Boost (Debian: libboost-system-dev).
            raise Missing(f"{name}: pip cannot install it")
    # First in the path only now: upstream's module has the same name as ours.
    ours = sys.modules.pop(module, None)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:
        raise Missing(f"{name}: {error}") from error
    finally:
        sys.path.remove(str(folder))
        if ours:
            sys.modules[module] = ours


def upstream():
    """The module ``pa_ringbuffer`` as of 0.1.4."""
    return load("pa-ringbuffer==0.1.4", "pa_ringbuffer")
