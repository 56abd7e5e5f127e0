#!/usr/bin/env python3
"""A sampler whose audio callback is in a shared library, compiled by one line of cc.

Three rings connect the callback with Python: notes to play, at exact frames; notes that have begun;
and what the input hears.

    pip install 'pa-ringbuffer[sounddevice]'
    cc -O2 -shared -fPIC sampler.c -o sampler.so $(python -m pa_ringbuffer --cflags --libs)
"""

from __future__ import annotations

import argparse
import ctypes
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pa_ringbuffer import RingBuffer

RATE = 48000
VOICES = 16

#: A message, in both directions. With `align`, it has the layout of the struct in C.
Event = np.dtype([("frame", "u8"), ("note", "i4"), ("velocity", "f4")], align=True)


class CEvent(ctypes.Structure):
    _fields_ = [
        ("frame", ctypes.c_uint64),
        ("note", ctypes.c_int32),
        ("velocity", ctypes.c_float),
    ]


class Voice(ctypes.Structure):
    _fields_ = [
        ("begin", ctypes.c_uint64),
        ("step", ctypes.c_double),
        ("velocity", ctypes.c_float),
        ("playing", ctypes.c_int32),
    ]


class Sampler(ctypes.Structure):
    """``struct sampler`` in sampler.c."""

    _fields_ = [
        ("events", ctypes.c_void_p),
        ("started", ctypes.c_void_p),
        ("recorded", ctypes.c_void_p),
        ("sound", ctypes.c_void_p),
        ("length", ctypes.c_uint64),
        ("steps", ctypes.c_void_p),
        ("frame", ctypes.c_uint64),
        ("lost", ctypes.c_uint64),
        ("next", CEvent),
        ("next_is_there", ctypes.c_uint32),
        ("oldest", ctypes.c_uint32),
        ("voices", Voice * VOICES),
    ]


def pluck() -> npt.NDArray[np.float32]:
    """A plucked string, for 0.4 seconds."""
    time = np.arange(RATE * 2 // 5) / RATE
    return (np.exp(-8 * time) * np.cos(2 * np.pi * 220 * time)).astype("float32")


def tune() -> npt.NDArray[np.void]:
    """Eight notes, one in each quarter of a second."""
    notes = [48, 60, 67, 72, 64, 60, 55, 48]
    return np.array(
        [(RATE // 4 * (n + 1), note, 0.25) for n, note in enumerate(notes)],
        Event,
    )


def speed(note: int) -> float:
    """How fast a note plays the sound; every twelve notes, it is twice as fast."""
    return 2 ** ((note - 60) / 12)


def rendered(sound: npt.NDArray[np.float32], events: Iterable[Any]) -> npt.NDArray[np.float64]:
    """What the callback has to play, computed in the simplest way."""
    played = np.zeros(3 * RATE)
    for event in events:
        indices = (np.arange(RATE) * speed(int(event["note"]))).astype(int)
        voice = event["velocity"] * sound[indices[indices < len(sound)]]
        played[int(event["frame"]) :][: len(voice)] += voice
    return played


def compare(
    expected: npt.NDArray[np.float64], recorded: npt.NDArray[np.float32]
) -> tuple[int, int]:
    """Find the sound in a recording: returns its delay, and how many frames are wrong."""
    delay = int(np.argmax(recorded != 0)) - int(np.argmax(expected != 0))
    heard = recorded[max(delay, 0) :][: len(expected)]
    wrong = np.abs(heard - expected[: len(heard)]) > 1e-5
    return delay, int(wrong.sum()) + len(expected) - len(heard)


def open_stream(
    args: argparse.Namespace, callback: object, userdata: object
) -> AbstractContextManager[Any]:
    """A stream with one channel in each direction."""
    options: dict[str, Any] = {"samplerate": RATE, "channels": 1}
    if args.virtual:
        from pa_ringbuffer import testing

        return testing.CompiledStream("duplex", callback, userdata, loopback=True, **options)
    from pa_ringbuffer import sounddevice

    device = int(args.device) if (args.device or "").isdigit() else args.device
    return sounddevice.CompiledStream(
        "duplex", callback, userdata, device=device, latency="low", **options
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-d", "--device", help="name or number of a device for input and output")
    parser.add_argument("--virtual", action="store_true", help="a virtual device with loopback")
    parser.add_argument(
        "--check", action="store_true", help="compare the recording; needs a device with loopback"
    )
    args = parser.parse_args()
    library = Path(__file__).with_name("sampler.so")
    if not library.exists():
        parser.exit(2, f"{library} is missing; compile it:\n{(__doc__ or '').splitlines()[-1]}\n")
    callback = ctypes.CDLL(str(library)).sampler_callback

    sound, steps = pluck(), np.array([speed(note) for note in range(128)])
    events, started = RingBuffer(Event.itemsize, 256), RingBuffer(Event.itemsize, 256)
    recorded = RingBuffer(4, 1 << 17)
    sampler = Sampler(
        events=events.address,
        started=started.address,
        recorded=recorded.address,
        sound=sound.ctypes.data,
        length=len(sound),
        steps=steps.ctypes.data,
    )
    stream = open_stream(args, callback, sampler)
    notes, heard = tune(), bytearray()
    begun: list[Any] = []
    events.write(notes)
    with stream:
        while len(heard) < (3 * RATE + 8192) * 4:
            recorded.wait_for_data(4096)
            heard += recorded.read()
            for event in np.frombuffer(started.read(), Event):
                print(f"note {event['note']} at {event['frame'] / RATE:.3f} s")
                begun.append(event)
    if args.virtual or args.check:
        delay, wrong = compare(rendered(sound, begun), np.frombuffer(heard, "float32"))
        print(f"{3 * RATE} frames came back {delay} frames later, {wrong} of them wrong")
        return 1 if wrong or sampler.lost or len(begun) != len(notes) else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
