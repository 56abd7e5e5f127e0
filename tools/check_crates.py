"""Check the Rust dependencies with nothing but Cargo and without the network.

deny.toml says which licences are allowed; all crates come from the one registry and in one version
each; and none asks for a newer Rust than this project does. cargo-deny (`make audit`) looks deeper,
but takes minutes to build, and does not know the last one.
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
    """Whether an SPDX expression can be met with the licences that are allowed."""
    # Crates from before SPDX write "MIT/Apache-2.0".
    parts = re.split(r"(\(|\)|\bAND\b|\bOR\b)", expression.replace("/", " OR "))
    words = {"(": "(", ")": ")", "AND": "and", "OR": "or"}
    # Nothing is left but these words, True and False, and Python's operators bind as SPDX's do.
    return eval(" ".join(words.get(p, str(p.strip() in allowed)) for p in parts if p.strip()))


def version(text):
    """A Rust version to compare with others: 1.85 is not older than 1.85.0."""
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
