"""Writes inventories/*.inv: where other projects document the names that this site links to.

python docs/write_inventories.py

Sphinx (intersphinx) would download the complete inventories from these sites. The documentation
must build without a network, so the few entries that it uses are listed here. To link to one more
name, add it below and run this program.
"""

import zlib
from pathlib import Path

FOLDER = Path(__file__).with_name("inventories")

#: For each project: its version line, then pages with the objects on them. "$" stands for the name.
PROJECTS = {
    "python": {
        "library/asyncio.html#module-$": {"py:module": ["asyncio"]},
        "library/ctypes.html#module-$": {"py:module": ["ctypes"]},
        "library/functions.html#$": {"py:class": ["bool", "float", "int"]},
        "library/stdtypes.html#$": {
            "py:class": ["bytearray", "bytes", "dict", "list", "memoryview", "str", "tuple"],
        },
        "library/constants.html#$": {"py:data": ["None"]},
        "library/exceptions.html#$": {
            "py:exception": [
                "AttributeError",
                "BufferError",
                "Exception",
                "ImportError",
                "KeyboardInterrupt",
                "MemoryError",
                "OverflowError",
                "ResourceWarning",
                "RuntimeError",
                "TimeoutError",
                "TypeError",
                "ValueError",
            ],
        },
        "library/sys.html#$": {"py:function": ["sys.setswitchinterval", "sys.unraisablehook"]},
        "library/time.html#$": {"py:function": ["time.sleep"]},
        "library/asyncio-task.html#$": {"py:function": ["asyncio.timeout", "asyncio.wait_for"]},
        "library/warnings.html#$": {"py:function": ["warnings.warn"]},
    },
    "numpy": {
        "reference/generated/$.html#$": {
            "py:class": ["numpy.ndarray"],
            "py:method": ["numpy.ndarray.astype", "numpy.ndarray.tobytes"],
            "py:function": [
                "numpy.asarray",
                "numpy.ascontiguousarray",
                "numpy.frombuffer",
            ],
        },
    },
    "sounddevice": {
        "api/index.html#module-$": {"py:module": ["sounddevice"]},
        "api/streams.html#$": {
            "py:class": [
                "sounddevice.InputStream",
                "sounddevice.OutputStream",
                "sounddevice.Stream",
            ],
        },
        "api/raw-streams.html#$": {
            "py:class": [
                "sounddevice.RawInputStream",
                "sounddevice.RawOutputStream",
                "sounddevice.RawStream",
            ],
        },
        "api/convenience-functions.html#$": {
            "py:function": [
                "sounddevice.get_status",
                "sounddevice.get_stream",
                "sounddevice.play",
                "sounddevice.playrec",
                "sounddevice.rec",
                "sounddevice.stop",
                "sounddevice.wait",
            ],
        },
        "api/checking-hardware.html#$": {
            "py:class": ["sounddevice.DeviceList"],
            "py:function": [
                "sounddevice.check_input_settings",
                "sounddevice.check_output_settings",
                "sounddevice.query_devices",
                "sounddevice.query_hostapis",
            ],
        },
        "api/module-defaults.html#$": {"py:class": ["sounddevice.default"]},
        "api/platform-specific-settings.html#$": {
            "py:class": [
                "sounddevice.AsioSettings",
                "sounddevice.CoreAudioSettings",
                "sounddevice.WasapiSettings",
            ],
        },
        "api/misc.html#$": {
            "py:class": ["sounddevice.CallbackFlags"],
            "py:exception": [
                "sounddevice.CallbackAbort",
                "sounddevice.CallbackStop",
                "sounddevice.PortAudioError",
            ],
            "py:function": ["sounddevice.sleep"],
        },
        "api/expert-mode.html#$": {"py:class": ["sounddevice._StreamBase"]},
    },
}


def inventory(project, pages):
    """The bytes of an inventory, version 2 of Sphinx's format."""
    head = (
        f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    entries = sorted(
        f"{name} {role} 1 {page.replace('$', name)} -\n"
        for page, roles in pages.items()
        for role, names in roles.items()
        for name in names
    )
    return head.encode() + zlib.compress("".join(entries).encode(), 9)


if __name__ == "__main__":
    for project, pages in PROJECTS.items():
        FOLDER.joinpath(f"{project}.inv").write_bytes(inventory(project, pages))
