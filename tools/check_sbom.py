"""Check that wheels with the extension say which crates are compiled into it (PEP 770).

Those are the crates in Cargo.lock, pyo3 first of all. The pure wheel has nothing to list.
"""

import json
import pathlib
import re
import sys
import zipfile

ROOT = pathlib.Path(__file__).parent.parent


def locked():
    """Names and versions of all crates that come from elsewhere."""
    text = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    return set(re.findall(r'^name = "(.+)"\nversion = "(.+)"\nsource = ', text, re.MULTILINE))


def listed(wheel):
    """Names and versions in the wheel's bill of materials."""
    with zipfile.ZipFile(wheel) as archive:
        files = [name for name in archive.namelist() if ".dist-info/sboms/" in name]
        if len(files) != 1:
            sys.exit(f"{wheel}: one bill of materials is expected, and there are {len(files)}")
        bill = json.loads(archive.read(files[0]))
    return {(crate["name"], crate["version"]) for crate in bill["components"]}


if __name__ == "__main__":
    expected = locked()
    assert "pyo3" in {name for name, _ in expected}
    wheels = [wheel for wheel in sys.argv[1:] if not wheel.endswith("-none-any.whl")]
    if not wheels:
        sys.exit("there is no wheel with the extension to look into")
    for wheel in wheels:
        if missing := expected - listed(wheel):
            sys.exit(f"{wheel}: not in the bill of materials: {sorted(missing)}")
