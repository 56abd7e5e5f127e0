"""Run pytest, and fail if it did not test the installed package.

The arguments are pytest's. A wheel or sdist with missing files must not pass because the source
tree has them.
"""

import pathlib
import platform
import sys

import pytest

if __name__ == "__main__":
    # Python has put this file's folder first. The tests' own settings list the folders that they
    # need.
    del sys.path[0]
    status = pytest.main(sys.argv[1:])
    tested = {
        name: pathlib.Path(module.__file__).resolve()
        for name, module in sys.modules.items()
        if name.partition(".")[0] == "pa_ringbuffer" and getattr(module, "__file__", None)
    }
    prefix = pathlib.Path(sys.prefix).resolve()
    elsewhere = {name: file for name, file in tested.items() if prefix not in file.parents}
    if elsewhere or not tested:
        sys.exit(f"not the installed package was tested, but {elsewhere or 'none'}")
    if platform.python_implementation() == "CPython" and "pa_ringbuffer._native" not in tested:
        sys.exit("what is installed has no extension module")
    sys.exit(status)
