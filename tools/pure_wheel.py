"""Build the wheel without extension, py3-none-any, into the folder given.

It is for interpreters without another wheel, PyPy above all, on which the portable class is faster
than an extension would be. pip prefers a wheel with the extension if there is one.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent.parent
BUILD_SYSTEM = """\
[build-system]
requires = ["flit_core>=3.11,<4"]
build-backend = "flit_core.buildapi"

[tool.flit.module]
name = "pa_ringbuffer"

"""


#: The extension, and the files for C and Cython.
LEFT_OUT = ("*.so", "*.pyd", "include", "lib", "*.pxd", "__pycache__")
#: The portable class needs CFFI; the extension does not.
METADATA = 'version = "{}"\ndependencies = ["cffi"]'


def main(target):
    version = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    # The same metadata, plus the version, which is stored elsewhere, and this wheel's requirements.
    project = re.search(
        r"^\[project\]$.*?(?=^\[dependency-groups\]$)",
        (ROOT / "pyproject.toml").read_text(),
        re.MULTILINE | re.DOTALL,
    )[0].replace('dynamic = ["version"]', METADATA.format(version))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copytree(
            ROOT / "python" / "pa_ringbuffer",
            folder / "pa_ringbuffer",
            ignore=shutil.ignore_patterns(*LEFT_OUT),
        )
        for file in ("README.md", "LICENSE-MIT", "LICENSE-APACHE"):
            shutil.copy(ROOT / file, folder)
        (folder / "pyproject.toml").write_text(BUILD_SYSTEM + project)
        built = folder / "built"
        command = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(built), str(folder)]
        result = subprocess.run([sys.executable, "-m", "pip", *command], check=False)
        if result.returncode:
            sys.exit(result.returncode)
        target.mkdir(parents=True, exist_ok=True)
        for wheel in built.iterdir():
            # A new file has the usual mode; pip's may be readable by its owner only.
            path = target / wheel.name
            path.unlink(missing_ok=True)
            shutil.copyfile(wheel, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="where the wheel is put")
    main(parser.parse_args().folder)
