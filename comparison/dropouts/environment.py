"""Whether PortAudio and a JACK server are usable, and a description of the machine."""

import json
import os
import platform
import subprocess
import sys

import machine
from headless_audio import JackServer

_LOOK = """
import json, sounddevice
sounddevice.check_output_settings("system")
versions = {
    "PortAudio": sounddevice.get_portaudio_version()[1].split(",")[0].split("V")[-1],
    "sounddevice": sounddevice.__version__,
}
try:
    import rtmixer
    versions["rtmixer"] = rtmixer.__version__
except ImportError:
    pass
print(json.dumps(versions))
"""


def look_for_portaudio():
    """Versions of the components, and the reason why PortAudio is unusable, or None."""
    if missing := JackServer.missing():
        return {}, f"{missing} is not installed"
    try:
        with JackServer(synchronous=False) as server:
            found = subprocess.run(
                [sys.executable, "-c", _LOOK],
                env={**os.environ, **server.environment},
                capture_output=True,
                text=True,
                timeout=60,
            )
    except RuntimeError as error:
        return {}, str(error)
    if found.returncode:
        return {}, (found.stderr.strip().splitlines() or ["PortAudio does not find the device"])[-1]
    jack = subprocess.run(["jackd", "--version"], capture_output=True, text=True).stdout
    # The first line with the reason; there may be others around it.
    version = next((line.split()[2] for line in jack.splitlines() if "version" in line), "unknown")
    return {**json.loads(found.stdout.splitlines()[-1]), "JACK": version}, None


def describe():
    """A description of the machine."""
    return {
        "processor": machine.processor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": machine.python(),
    }
