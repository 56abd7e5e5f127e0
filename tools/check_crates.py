"""Check the Rust dependencies with only Cargo and without the network.

deny.toml lists the allowed licences; all crates must come from one registry, in one version each;
and none may need a newer Rust than this project. cargo-deny (`make audit`) checks more, but takes
minutes to build, and does not check the Rust version.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent
WORKSPACES = [
    ROOT / "Cargo.toml",
    ROOT / "crates" / "pa-ringbuffer-capi" / "Cargo.toml",
    ROOT / "verification" / "loom" / "Cargo.toml",
]


def allowed_licenses():
    text = (ROOT / "deny.toml").read_text(encoding="utf-8")
    return set(re.findall(r'"(.+?)"', re.search(r"^allow = \[(.*?)\]", text, re.M | re.S)[1]))


def is_allowed(expression, allowed):
    """Whether the allowed licences satisfy an SPDX expression."""
    # Crates from before SPDX write "MIT/Apache-2.0".
    parts = re.split(r"(\(|\)|\bAND\b|\bOR\b)", expression.replace("/", " OR "))
    words = {"(": "(", ")": ")", "AND": "and", "OR": "or"}
    # Only these words, True and False are left, and Python's operators bind like SPDX's.
    return eval(" ".join(words.get(p, str(p.strip() in allowed)) for p in parts if p.strip()))


def version(text):
    """A comparable Rust version: 1.85 equals 1.85.0."""
    return (*map(int, (text or "0").split(".")), 0, 0)[:3]


def complaints(manifest, allowed):
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--manifest-path", manifest]
    packages = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)[
        "packages"
    ]
    (ours,) = {package["rust_version"] for package in packages if package["source"] is None}
    names = [package["name"] for package in packages]
    sources = {package["source"] for package in packages} - {None}
    if len(sources) > 1 or not all(source.startswith("registry+") for source in sources):
        yield f"{manifest.parent.name}: crates come from {', '.join(sorted(sources))}"
    for package in packages:
        name = f"{package['name']} {package['version']}"
        if not is_allowed(package["license"] or "none", allowed):
            yield f"{name}: the licence {package['license']} is not allowed in deny.toml"
        if names.count(package["name"]) > 1:
            yield f"{name}: is there in another version, too"
        if version(package["rust_version"]) > version(ours):
            yield f"{name}: needs Rust {package['rust_version']}, and this project promises {ours}"


if __name__ == "__main__":
    allowed = allowed_licenses()
    found = [line for manifest in WORKSPACES for line in complaints(manifest, allowed)]
    sys.exit("\n".join(found) or None)
