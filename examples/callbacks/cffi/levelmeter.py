"""A level meter whose audio callback is written in C.

Run it with ``python -m levelmeter`` to see the level of a sound card's input, or with ``--virtual``
to see that of a tone, without a sound card.
"""

from __future__ import annotations

import argparse
import array
import math
import sys
from typing import NamedTuple

import pa_ringbuffer
from pa_ringbuffer.testing import VirtualDevice

try:
    from _levelmeter import ffi, lib
except ModuleNotFoundError as error:
    if __name__ != "__main__" or error.name != "_levelmeter":
        raise
    print(
        "levelmeter.py: the compiled module _levelmeter is missing; build it: "
        "'python3 -m pip install .[sounddevice]' in its folder (README.md says what that needs)",
        file=sys.stderr,
    )
    sys.exit(2)

RingBuffer = pa_ringbuffer.init(ffi, lib)


class Level(NamedTuple):
    """What was measured in a block.

    *peak* is the largest absolute sample value, *rms* the square root of the mean square; 1.0 is
    full scale. *frames* says how many frames this was measured in.
    """

    peak: float
    rms: float
    frames: int


class LevelMeter:
    """Measures the blocks of an input stream with samples of type ``'float32'``.

    :param channels: Number of channels of the stream.
    :type channels: int
    :param size: How many blocks may be waiting to be read, a power of 2. If there are more, the
        last ones are measured together.
    :type size: int, optional

    The stream needs `callback` and `userdata`. The meter must exist until the stream is closed.
    """

    def __init__(self, channels: int, size: int = 256) -> None:
        self._ring = RingBuffer(ffi.sizeof("struct level"), size)
        self._meter = ffi.new(
            "struct levelmeter *", {"levels": self._ring._ptr, "channels": channels}
        )
        #: The compiled callback, a ``PaStreamCallback``.
        self.callback = ffi.addressof(lib, "levelmeter_callback")
        #: What the callback works on.
        self.userdata = ffi.cast("void *", self._meter)

    def read(self) -> list[Level]:
        """Return the levels measured since the last call, oldest first.

        :rtype: list of Level
        """
        data = ffi.from_buffer("struct level[]", self._ring.read())
        return [Level(level.peak, level.rms, level.frames) for level in data]


def decibels(value: float) -> float:
    """Level relative to full scale, in dB."""
    return 20 * math.log10(value) if value else -math.inf


def bar(value: float) -> str:
    """One ``#`` for each dB above -60 dB; none for digital silence, which has -inf dB."""
    return "#" * round(min(max(0, 60 + decibels(value)), 70))


def print_highest(levels: list[Level]) -> float:
    """Print the highest peak of some levels, if there are any, and return it."""
    peak = max((level.peak for level in levels), default=0.0)
    if levels:
        print(f"{decibels(peak):6.1f} dB {bar(peak)}")
    return peak


def measure_tone() -> bool:
    """Print the levels of a tone that becomes louder for one second; whether they are right."""
    meter = LevelMeter(channels=1)
    device = VirtualDevice(meter.callback, meter.userdata, channels=(1, 0))
    samples = (n / 48000 * math.sin(n / 50) for n in range(48000))
    tone = array.array("f", samples)
    right = True
    for begin in range(0, len(tone), 4800):
        part = tone[begin : begin + 4800]
        device.process(part)
        right &= print_highest(meter.read()) == max(map(abs, part))
    print("levels and sound agree" if right else "levels and sound do not agree")
    return right


def main() -> int:
    """Print the input level of a sound card, ten times per second."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("-d", "--device", help="input device (numeric ID or substring)")
    parser.add_argument("-c", "--channels", type=int, default=1, help="number of input channels")
    parser.add_argument("-t", "--seconds", type=float, default=10, help="how long to measure")
    parser.add_argument("--virtual", action="store_true", help="measure a tone, without a device")
    args = parser.parse_args()
    if args.channels < 1 or not 0 < args.seconds < math.inf:
        parser.error("--channels and --seconds must be positive")
    if args.virtual:
        return int(not measure_tone())
    try:
        import pa_ringbuffer.sounddevice as sd
    except ImportError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    device = int(args.device) if args.device and args.device.isdigit() else args.device
    meter = LevelMeter(args.channels)
    try:
        stream = sd.CompiledStream(
            "input",
            meter.callback,
            meter.userdata,
            device=device,
            channels=args.channels,
            dtype="float32",
        )
        with stream:
            for _ in range(round(10 * args.seconds)):
                sd.sleep(100)
                print_highest(meter.read())
    except (ValueError, sd.PortAudioError) as error:
        parser.exit(2, f"{parser.prog}: {error} ('python -m sounddevice' lists the devices)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
