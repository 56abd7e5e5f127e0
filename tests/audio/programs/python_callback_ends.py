"""A stream with a callback in Python ends in one of several ways, with sounddevice or with ours."""

import importlib
import threading
import time

import numpy as np
import sounddevice
from streams import configuration, find_device, tell

config = configuration()
module, how = importlib.import_module(config["module"]), config["how"]
find_device()
calls, finished, over = [], [], threading.Event()


class MyStop(sounddevice.CallbackStop):
    """An exception of the user's own."""


ERRORS = {
    "stop": sounddevice.CallbackStop,
    "own": MyStop,
    "abort": sounddevice.CallbackAbort,
    "error": ZeroDivisionError("of the user"),
}


def callback(indata, outdata, frames, block_time, status):
    calls.append((type(indata).__name__, indata.shape, str(outdata.dtype), frames))
    outdata.fill(0)
    if len(calls) == 50 and how in ERRORS:
        raise ERRORS[how]


def finish():
    finished.append(len(calls))
    over.set()


def error(call):
    try:
        call()
    except sounddevice.PortAudioError as error:
        return [str(error), list(error.args)]
    return None


stream = module.Stream(
    device="system",
    samplerate=48000,
    channels=2,
    blocksize=256,
    callback=callback,
    finished_callback=finish,
)
before = [stream.active, stream.stopped]
stream.start()
if how in ERRORS:
    over.wait()
    while stream.active:
        time.sleep(0.01)
else:
    while len(calls) < 50:
        time.sleep(0.01)
if how == "exit":
    tell(ended=how)
else:
    after = [stream.active, stream.stopped]
    refused = [
        error(lambda: stream.read(10)),
        error(lambda: stream.write(np.zeros((10, 2), "float32"))),
        error(lambda: stream.read_available),
        error(lambda: stream.write_available),
    ]
    if how not in ERRORS:
        getattr(stream, how.removeprefix("call "))()
        over.wait()
    stream.close()
    count = len(calls)
    time.sleep(0.1)
    tell(
        before=before,
        after=after,
        refused=refused,
        call=calls[0],
        enough=count >= 50,
        exact=how not in ERRORS or count == 50,
        later=len(calls) - count,
        finished=len(finished),
        closed=stream.closed,
    )
