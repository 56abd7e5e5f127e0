"""Ways to play sound from Python, and their set-up on a device."""

import sources
from frames import RATE

#: What each contestant is called, in the order of the tables.
NAMES = {
    "array": "Python callback",
    "array-ours": "Python callback on pa_ringbuffer",
    "queue": "Python callback, queue.Queue",
    "queue-ours": "queue.Queue on pa_ringbuffer",
    "write": "write(), default latency",
    "write-ring": "write(), latency 1.4 s",
    "rtmixer": "rtmixer",
    "ours": "pa_ringbuffer",
    "control": "control: no Python",
}

#: Those that use this project's streams or rings.
OWN_NAMES = ("ours", "array-ours", "queue-ours")

#: What the virtual device can be used with: callbacks, compiled or not.
ON_VIRTUAL_DEVICE = ("array", "array-ours", "queue", "queue-ours", "ours", "control")


def open_stream(name, config, signal):
    """The contestant's stream on the device in *config*, before its start."""
    if config["device"] == "virtual":
        import virtual as device
    else:
        import portaudio as device

        device.find_device()
    if name == "array":
        return device.PythonCallback(sources.Array(config, signal), config)
    if name == "queue":
        return device.PythonCallback(sources.Queue(config, signal), config)
    if name == "array-ours":
        return device.PythonCallbackOnOurs(sources.Array(config, signal), config)
    if name == "queue-ours":
        return device.PythonCallbackOnOurs(sources.Queue(config, signal), config)
    if name == "ours" and config["device"] != "virtual":
        return device.Ours(config, signal)
    if name == "ours":
        return device.CompiledCallback(sources.Ring(config, signal), config)
    if name == "control":
        return device.CompiledCallback(sources.Control(config, signal), config)
    if name == "write":
        return device.BlockingWrite(config, signal, latency=None)
    if name == "write-ring":
        return device.BlockingWrite(config, signal, latency=config["ring"] / RATE)
    return device.Rtmixer(config, signal)
