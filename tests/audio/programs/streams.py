"""The devices that a program can be run on, and how a program begins and ends."""

import faulthandler
import json
import sys


def configuration():
    """What the test has asked for; from here on, the program has one minute."""
    faulthandler.enable()
    # Ends the program also when it hangs in native code, and says where.
    faulthandler.dump_traceback_later(60, exit=True)
    return json.loads(sys.argv[1])


def tell(**what):
    """Send something to the test."""
    print(json.dumps(what), flush=True)


def open_stream(device, callback, *, kind="duplex", dtype="float32", blocksize=256):
    """A stereo stream on the virtual device or on the JACK server's.

    Both have start(), stop(), close() and active.
    """
    if device == "virtual":
        from pa_ringbuffer.testing import VirtualDevice

        return VirtualDevice(
            callback, samplerate=48000, channels=2, dtype=dtype, blocksize=blocksize, loopback=True
        )
    # PortAudio looks for the server when it is imported, and only then.
    import sounddevice

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
