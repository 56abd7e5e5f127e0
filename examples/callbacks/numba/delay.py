#!/usr/bin/env python3
"""An echo whose audio callback is compiled by Numba. Python changes its parameters while it plays.

Four rings connect the callback with Python: the sound that is to be played; what the input hears;
new parameters; and parameters that have taken effect, with the frame at which they did.

    pip install 'pa-ringbuffer[sounddevice]' numba
"""

# Numba has types for parts of it only.
# pyright: basic
from __future__ import annotations

import argparse
import ctypes
import sys
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pa_ringbuffer
from numba import carray, types  # type: ignore[attr-defined]

RATE = 48000
LINE = 1 << 16  # frames in the delay line, a power of 2

# One message. As an element of a ring, it is what a C compiler makes of such a struct.
Parameters = np.dtype(
    [("frame", "i8"), ("delay", "i4"), ("feedback", "f4"), ("mix", "f4")], align=True
)
# What the callback works on: addresses, and what it remembers from one block to the next.
State = np.dtype(
    [
        *((name, "u8") for name in ("address", "sound", "parameters", "applied", "recorded")),
        ("frame", "i8"),
        ("lost", "i8"),
        ("next_is_there", "i8"),
        ("now", Parameters),
        ("next", Parameters),
        ("line", "f4", LINE),
    ],
    align=True,
)
NOW, NEXT = (dict(State.fields or {})[name][1] for name in ("now", "next"))

# Addresses are integers here. ring_buffer_size_t is int32_t on Apple's systems and long elsewhere.
COUNT = ctypes.c_int32 if sys.platform == "darwin" else ctypes.c_long
TRANSFER = ctypes.CFUNCTYPE(COUNT, ctypes.c_size_t, ctypes.c_size_t, COUNT)
read = TRANSFER(pa_ringbuffer.function_address("PaUtil_ReadRingBuffer"))
write = TRANSFER(pa_ringbuffer.function_address("PaUtil_WriteRingBuffer"))

samples = types.CPointer(types.float32)  # type: ignore[no-untyped-call]
states = types.CPointer(numba.from_dtype(State))  # type: ignore[no-untyped-call]


@numba.cfunc(types.intc(samples, samples, types.ulong, types.voidptr, types.ulong, states))
def callback(input_: Any, output: Any, frames: Any, times: Any, flags: Any, userdata: Any) -> int:
    """A PaStreamCallback for one channel of float32."""
    state = carray(userdata, 1)[0]
    heard, block = carray(input_, frames), carray(output, frames)
    state.lost += frames - write(state.recorded, heard.ctypes.data, frames)
    block[read(state.sound, block.ctypes.data, frames) :] = 0
    if not state.next_is_there:
        state.next_is_there = read(state.parameters, state.address + NEXT, 1)
    for n in range(np.int64(frames)):
        # Parameters take effect at their frame, or at once if it has passed.
        while state.next_is_there and state.next.frame <= state.frame:
            state.now = state.next
            state.now.frame = state.frame
            write(state.applied, state.address + NOW, 1)
            state.next_is_there = read(state.parameters, state.address + NEXT, 1)
        echo = state.line[(state.frame - state.now.delay) & (LINE - 1)]
        state.line[state.frame & (LINE - 1)] = block[n] + state.now.feedback * echo
        block[n] += state.now.mix * echo
        state.frame += 1
    return 0


def plucks() -> npt.NDArray[np.float32]:
    """Two seconds with a plucked string in each quarter of the first one."""
    time = np.arange(RATE // 5) / RATE
    sound = np.zeros(2 * RATE, "float32")
    for number in range(4):
        frequency = 220 * 1.25**number
        begin = RATE // 4 * (number + 1)
        sound[begin : begin + len(time)] = (
            0.4 * np.exp(-20 * time) * np.cos(2 * np.pi * frequency * time)
        )
    return sound


def echoes(sound: npt.NDArray[np.float32], applied: Iterable[Any]) -> npt.NDArray[np.float64]:
    """What the callback has to play, computed in the simplest way."""
    line, played = np.zeros(len(sound) + LINE), np.zeros(len(sound))
    changes = {int(change["frame"]): change for change in applied}
    now = np.zeros((), Parameters)
    for frame, sample in enumerate(sound.tolist()):
        now = changes.get(frame, now)
        echo = line[LINE + frame - int(now["delay"])]
        line[LINE + frame] = sample + now["feedback"] * echo
        played[frame] = sample + now["mix"] * echo
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

    sound = plucks()
    rings = {
        "sound": pa_ringbuffer.RingBuffer(4, 1 << 17),
        "recorded": pa_ringbuffer.RingBuffer(4, 1 << 17),
        "parameters": pa_ringbuffer.RingBuffer(Parameters.itemsize, 64),
        "applied": pa_ringbuffer.RingBuffer(Parameters.itemsize, 64),
    }
    state = np.zeros(1, State)
    state["address"] = state.ctypes.data
    for name, ring in rings.items():
        state[name] = ring.address
    rings["sound"].write(sound)
    rings["parameters"].write(np.array([(0, RATE // 6, 0.5, 0.5)], Parameters))

    stream = open_stream(args, callback, state)
    recorded, applied = bytearray(), bytearray()
    with stream:
        begin = time.monotonic()
        for step in range(1, 10):
            time.sleep(max(0, begin + step / 10 - time.monotonic()))
            # As soon as possible, a longer delay: the echo bends.
            message = np.array([(0, RATE // 6 + 100 * step, 0.5, 0.6)], Parameters)
            rings["parameters"].write(message)
        while len(recorded) < (len(sound) + 8192) * 4:
            rings["recorded"].wait_for_data(4096)
            recorded += rings["recorded"].read()
            applied += rings["applied"].read()
    changes = np.frombuffer(applied, Parameters)
    for change in changes:
        print(f"delay {change['delay'] / RATE:.3f} s from {change['frame'] / RATE:.3f} s on")
    if args.virtual or args.check:
        delay, wrong = compare(echoes(sound, changes), np.frombuffer(recorded, "float32"))
        print(f"{len(sound)} frames came back {delay} frames later, {wrong} of them wrong")
        return 1 if wrong or state["lost"][0] or len(changes) != 10 else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
