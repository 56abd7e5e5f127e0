#!/usr/bin/env python3
"""Play a synthesizer on the computer's keyboard.

      w e   t y u   o p         black keys
     a s d f g h j k l ;        white keys, from C
     z x                        octave down, up
     Esc or Ctrl-C              end

What is piped into it is played as a tune, a character after the other; a space is a rest:

    echo 'a d g k  g d a' | python synthesizer.py

    pip install 'pa-ringbuffer[sounddevice]'
"""

# sounddevice has no types of its own.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
from __future__ import annotations

import argparse
import contextlib
import math
import os
import sys
from collections.abc import Callable, Generator

try:
    import numpy as np
    import numpy.typing as npt
    from pa_ringbuffer.sounddevice import OutputStream
    from sounddevice import PortAudioError, query_devices
except (ImportError, OSError) as error:
    parser = argparse.ArgumentParser()
    # A missing PortAudio is no module, and comes with advice of its own.
    is_library = isinstance(error, ImportError) and error.name is None
    needs = "" if is_library else f" (needs: {(__doc__ or '').splitlines()[-1].strip()})"
    parser.exit(2, f"{parser.prog}: {error}{needs}\n")

KEYS = "awsedftgyhujkolp;"
ESCAPE = "\x1b"
BLOCK = 64  # frames: how long a key may have to wait
LENGTH = 1.5  # seconds of a note
HARMONICS = np.arange(1, 6)


class Synthesizer:
    """Any number of decaying notes."""

    def __init__(self, samplerate: float, channels: int) -> None:
        self.samplerate = samplerate
        self.channels = channels
        self.octave = 4
        # Notes that sound: frequency in Hz, and age in seconds.
        self.frequencies = np.empty(0)
        self.ages = np.empty(0)

    def press(self, key: str) -> None:
        if key in KEYS:
            semitones = 12 * (self.octave - 4) + KEYS.index(key) - 9  # from the A of 440 Hz
            self.frequencies = np.append(self.frequencies, 440 * 2 ** (semitones / 12))
            self.ages = np.append(self.ages, 0)
        elif key in "zx":
            self.octave = min(max(self.octave + (1 if key == "x" else -1), 1), 7)

    def block(self, frames: int = BLOCK) -> npt.NDArray[np.float32]:
        """The next frames, of the shape (frames, channels)."""
        # For each note a row.
        t = self.ages[:, np.newaxis] + np.arange(frames) / self.samplerate
        # Neither the beginning nor the end must be a jump, which would click.
        envelope = np.minimum(t / 0.005, 1) * np.exp(-4 * t) * np.clip((LENGTH - t) / 0.1, 0, 1)
        phase = 2 * np.pi * self.frequencies[:, np.newaxis] * t
        # Higher harmonics are softer, and decay faster.
        waves = sum(np.sin(n * phase) * np.exp(-2 * (n - 1) * t) / n**1.5 for n in HARMONICS)
        self.ages += frames / self.samplerate
        sounding = self.ages < LENGTH
        self.frequencies, self.ages = self.frequencies[sounding], self.ages[sounding]
        # However many notes there are, tanh() keeps them below full level.
        mono = np.tanh(0.3 * (envelope * waves).sum(axis=0)).astype("float32")
        return np.repeat(mono[:, np.newaxis], self.channels, axis=1)


@contextlib.contextmanager
def keyboard() -> Generator[Callable[[], str]]:
    """Switches the terminal to single keys; gives a function that returns those pressed since."""
    if sys.platform == "win32":
        import msvcrt

        def pressed() -> str:
            return msvcrt.getwch() if msvcrt.kbhit() else ""

        yield pressed
    else:
        import select
        import termios
        import tty

        terminal = sys.stdin.fileno()

        def pressed() -> str:
            ready = select.select([terminal], [], [], 0)[0]
            return os.read(terminal, 100).decode(errors="ignore") if ready else ""

        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal)
            yield pressed
        finally:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def play_live(stream: OutputStream, synthesizer: Synthesizer) -> None:
    with keyboard() as pressed:
        print((__doc__ or "").split("\n\n")[1])
        keys = ""
        # Cursor keys begin with Esc, too, but do not end with it.
        while not keys.endswith(ESCAPE):
            keys = pressed()
            for key in keys:
                synthesizer.press(key)
            # Waits until there is room in the ring.
            stream.write(synthesizer.block())


def play_tune(stream: OutputStream, synthesizer: Synthesizer, tune: str, seconds: float) -> None:
    for key in tune:
        synthesizer.press(key)
        for _ in range(round(seconds * stream.samplerate / BLOCK)):
            stream.write(synthesizer.block())
    while len(synthesizer.ages):
        stream.write(synthesizer.block())


def play(args: argparse.Namespace) -> None:
    # The ring is always full, and so its length is latency.
    with OutputStream(
        args.samplerate,
        device=args.device,
        channels=args.channels,
        latency="low",
        ring_frames=args.ring_frames,
        # The numbers at the end will do.
        warn=None,
    ) as stream:
        synthesizer = Synthesizer(stream.samplerate, stream.channels)
        try:
            if sys.stdin.isatty():
                play_live(stream, synthesizer)
            else:
                play_tune(stream, synthesizer, sys.stdin.read().rstrip("\n"), args.seconds)
        except KeyboardInterrupt:
            print()
        # Not an abrupt end.
        stream.write(synthesizer.block(2048) * np.linspace(1, 0, 2048, dtype="f4")[:, np.newaxis])
        stream.stop()
        ring = len(stream.ring) / stream.samplerate
        print(
            f"latency: {1000 * (stream.latency + ring):.1f} ms ({1000 * ring:.1f} ms in the ring)"
        )
        output = stream.stats.output
        assert output is not None  # Only streams without output have none.
        print(f"underflows: {output.losses} (if there are any: more --ring-frames)")


def int_or_str(text: str) -> int | str:
    return int(text) if text.isdigit() else text


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument(
    "-l",
    "--list-devices",
    action="version",
    version=str(query_devices()),
    help="show all devices and exit",
)
parser.add_argument(
    "-d", "--device", type=int_or_str, help="output device (number or part of its name)"
)
parser.add_argument("-c", "--channels", type=int, default=2, help="default: %(default)s")
parser.add_argument("-r", "--samplerate", type=int, help="default: the device's")
parser.add_argument(
    "--ring-frames", type=int, default=512, help="short: low latency (default: %(default)s)"
)
parser.add_argument(
    "--seconds",
    type=float,
    default=0.25,
    help="length of a tune's character (default: %(default)s)",
)
args = parser.parse_args()
if not 0 < args.seconds < math.inf or args.ring_frames < 1:
    parser.error("--seconds and --ring-frames must be positive")

try:
    play(args)
except KeyboardInterrupt:
    pass
except PortAudioError as error:
    parser.exit(2, f"{parser.prog}: {error} (-l lists the devices)\n")
except (OSError, RuntimeError, ValueError) as error:
    parser.exit(1, f"{parser.prog}: {error}\n")
