"""Check that wheels with the extension carry what compilers and linkers need, for their platform.

The pure wheel has none of it.
"""

import pathlib
import re
import struct
import sys
import zipfile

import c_library
import check_sbom
import ring_object

LIMIT = 1_000_000
#: That of manylinux2014, the oldest system that wheels are for.
GLIBC = (2, 17)
#: What an object file begins with: its format and the processor.
MACHINES = {
    "x86_64-unknown-linux": ("<", 18, 0x3E),
    "i686-unknown-linux": ("<", 18, 0x03),
    "aarch64-unknown-linux": ("<", 18, 0xB7),
    "armv7-unknown-linux": ("<", 18, 0x28),
    "s390x-unknown-linux": (">", 18, 0x16),
    "x86_64-pc-windows": ("<", 0, 0x8664),
    "i686-pc-windows": ("<", 0, 0x014C),
    "aarch64-pc-windows": ("<", 0, 0xAA64),
    "x86_64-apple": ("<", 4, 0x0007),
    "aarch64-apple": ("<", 4, 0x000C),
}
#: A library for several processors (macOS).
UNIVERSAL = b"\xca\xfe\xba\xbe"


def is_for(target, data):
    """Whether an object file is for a target."""
    order, position, machine = MACHINES[target.rsplit("-", 1)[0]]
    return struct.unpack_from(f"{order}H", data, position)[0] == machine


def complaints(wheel):
    target = check_sbom.target(wheel)
    with zipfile.ZipFile(wheel) as archive:
        files = {
            name.removeprefix("pa_ringbuffer/"): archive.read(name) for name in archive.namelist()
        }
    size = pathlib.Path(wheel).stat().st_size
    if size >= LIMIT:
        yield f"{size} bytes, where less than {LIMIT} are promised"
    for header in c_library.headers():
        if files.get(f"include/{header.name}") != header.read_bytes():
            yield f"include/{header.name} is missing, or another one"
    for name in (
        "__init__.pxd",
        "lib/pkgconfig/pa_ringbuffer.pc",
        "lib/cmake/pa_ringbuffer/pa_ringbuffer-config.cmake",
    ):
        if name not in files:
            yield f"{name} is missing"
    shared = [name for name in files if re.fullmatch(r"lib/\S+\.(so\.0|0\.dylib|dll)", name)]
    if not shared:
        yield "the shared library is missing"
    for name in shared:
        versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", files[name])
        newest = max((tuple(map(int, version)) for version in versions), default=GLIBC)
        if newest > GLIBC:
            yield f"{name} needs glibc {newest[0]}.{newest[1]}"
    library = c_library.STATIC["windows-msvc" in target]
    content = files.get(f"lib/{library}")
    if content is None:
        yield f"lib/{library} is missing"
    elif content.startswith(UNIVERSAL):
        if "universal2" not in pathlib.Path(wheel).name:
            yield f"lib/{library} is for several processors"
    elif "universal2" in pathlib.Path(wheel).name:
        yield f"lib/{library} is for one processor"
    else:
        (data,) = (data for name, data in ring_object.members(content) if name.endswith(".o"))
        if not is_for(target, data):
            yield f"lib/{library} is not for {target}"
        elif ring_object.hidden(data) != data:
            yield f"lib/{library} has functions that are not hidden"


if __name__ == "__main__":
    wheels = check_sbom.with_extension(__doc__)
    found = [f"{wheel}: {text}" for wheel in wheels for text in complaints(wheel)]
    sys.exit("\n".join(found) or None)
