"""The devices for a program, and the beginning and end of a program."""

import faulthandler
import json
import sys
import time


def configuration():
    """What the test has asked for; from here on, the program has one minute."""
    faulthandler.enable()
    # Ends the program also when it hangs in native code, and says where.
    faulthandler.dump_traceback_later(60, exit=True)
    return json.loads(sys.argv[1])


def tell(**what):
    """Send something to the test."""
    print(json.dumps(what), flush=True)


def find_device():
    """Make sure that PortAudio has found the JACK server's device.

    PortAudio looks for devices only when it is initialised. While another server was starting, 2 of
    about 1000 programs found none.
    """
    import sounddevice

    while not any(device["name"] == "system" for device in sounddevice.query_devices()):
        sounddevice._terminate()
        time.sleep(0.1)
        sounddevice._initialize()


def open_stream(device, callback, *, kind="duplex", dtype="float32", blocksize=256):
    """A stereo stream on the virtual device or on the JACK server's.

    Both have start(), stop(), close() and active.
    """
    if device == "virtual":
        from pa_ringbuffer.testing import VirtualDevice

        return VirtualDevice(
            callback, samplerate=48000, channels=2, dtype=dtype, blocksize=blocksize, loopback=True
        )
    import sounddevice

    find_device()
    return sounddevice._StreamBase(
        kind,
        callback=callback.function,
        userdata=callback.userdata,
        device=device,
        samplerate=48000,
        channels=2,
        dtype=dtype,
        blocksize=blocksize,
    )
