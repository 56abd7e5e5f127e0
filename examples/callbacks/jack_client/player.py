#!/usr/bin/env python3
"""Play and record with JACK-Client, with a process callback in C: Python may be late.

pip install pa-ringbuffer numpy JACK-Client
cc -O2 -shared -fPIC process.c -o process.so $(python -m pa_ringbuffer --cflags --libs)
"""

# JACK-Client has no types, and what is needed here is not public.
# pyright: basic, reportAttributeAccessIssue=false
from __future__ import annotations

import argparse
import ctypes
import sys
from pathlib import Path
from typing import Any

import jack  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt
from pa_ringbuffer import RingBuffer

CHANNELS = 2


class Duplex(ctypes.Structure):
    """``struct duplex`` in process.c."""

    _fields_ = [
        ("get_buffer", ctypes.c_void_p),
        ("inputs", ctypes.c_void_p * CHANNELS),
        ("outputs", ctypes.c_void_p * CHANNELS),
        ("played", ctypes.c_void_p),
        ("recorded", ctypes.c_void_p),
        ("missing", ctypes.c_uint64),
        ("lost", ctypes.c_uint64),
    ]


def address(pointer: Any) -> int:
    """The number that a pointer or function of CFFI is."""
    return int(jack._ffi.cast("uintptr_t", pointer))


def set_process_callback(client: Any, function: Any, userdata: ctypes.Structure) -> None:
    """Have a client call a compiled function.

    ``Client.set_process_callback()`` only takes functions in Python, and JACK-Client has no public
    names for its library and for the pointers to clients and ports.
    """
    callback = jack._ffi.cast("JackProcessCallback", ctypes.cast(function, ctypes.c_void_p).value)
    argument = jack._ffi.cast("void *", ctypes.addressof(userdata))
    if jack._lib.jack_set_process_callback(client._ptr, callback, argument):
        raise jack.JackError("the process callback cannot be set")


def sweep(samplerate: int) -> npt.NDArray[np.float32]:
    """Two seconds of rising tones after a quarter of a second of silence."""
    time = np.arange(2 * samplerate) / samplerate
    left = 0.4 * np.sin(np.pi * time / 2) * np.cos(2 * np.pi * (220 + 110 * time) * time)
    right = 0.4 * np.sin(np.pi * time / 2) * np.cos(2 * np.pi * (330 + 110 * time) * time)
    silence = np.zeros((samplerate // 4, CHANNELS))
    return np.concatenate([silence, np.stack([left, right], axis=1)]).astype("float32")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="connect outputs with inputs, and compare"
    )
    args = parser.parse_args()
    library = Path(__file__).with_name("process.so")
    if not library.exists():
        parser.exit(2, f"{library} is missing; compile it:\n{(__doc__ or '').splitlines()[-1]}\n")
    try:
        client = jack.Client("pa_ringbuffer", no_start_server=True)
    except jack.JackOpenError as error:
        parser.exit(2, f"{parser.prog}: {error} (is a JACK server running?)\n")

    inputs = [client.inports.register(f"in_{n + 1}") for n in range(CHANNELS)]
    outputs = [client.outports.register(f"out_{n + 1}") for n in range(CHANNELS)]
    sound = sweep(client.samplerate)
    played, recorded = (RingBuffer(4 * CHANNELS, 1 << 17) for _ in range(2))
    duplex = Duplex(
        get_buffer=address(jack._lib.jack_port_get_buffer),
        inputs=tuple(address(port._ptr) for port in inputs),
        outputs=tuple(address(port._ptr) for port in outputs),
        played=played.address,
        recorded=recorded.address,
    )
    set_process_callback(client, ctypes.CDLL(str(library)).process, duplex)
    heard = bytearray()
    with client:
        if args.check:
            pairs = zip(outputs, inputs)
        else:
            speakers = client.get_ports(is_audio=True, is_physical=True, is_input=True)
            pairs = zip(outputs, speakers)
        for source, target in pairs:
            source.connect(target)
        played.write(sound)
        while len(heard) < (len(sound) + client.samplerate // 2) * 4 * CHANNELS:
            recorded.wait_for_data(1024)
            heard += recorded.read()
    # The callback is not called any more.
    print(f"{duplex.lost} frames of the recording were lost")
    if args.check:
        frames = np.frombuffer(heard, "float32").reshape(-1, CHANNELS)
        begin, first = (int(np.argmax(np.any(x != 0, axis=1))) for x in (frames, sound))
        same = np.all(frames[begin:][: len(sound) - first] == sound[first:], axis=1)
        wrong = len(sound) - first - int(same.sum())
        print(f"{len(sound) - first} frames came back, {wrong} of them wrong")
        return 1 if wrong or duplex.lost else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
