"""Build the wheel without extension, py3-none-any, into the folder given.

It is for interpreters that have no other: PyPy above all, where the portable class is faster than
an extension would be. pip prefers a wheel with extension wherever one fits.
"""

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


def main(target):
    version = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    # The same metadata, of which only the version is kept elsewhere.
    project = re.search(
        r"^\[project\]$.*?(?=^\[dependency-groups\]$)",
        (ROOT / "pyproject.toml").read_text(),
        re.MULTILINE | re.DOTALL,
    )[0].replace('dynamic = ["version"]', f'version = "{version}"')
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copytree(
            ROOT / "python" / "pa_ringbuffer",
            folder / "pa_ringbuffer",
            ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"),
        )
        for file in ("README.md", "LICENSE-MIT", "LICENSE-APACHE"):
            shutil.copy(ROOT / file, folder)
        (folder / "pyproject.toml").write_text(BUILD_SYSTEM + project)
        command = ["wheel", "--quiet", "--no-deps", "--wheel-dir", target, str(folder)]
        subprocess.run([sys.executable, "-m", "pip", *command], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
