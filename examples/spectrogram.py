#!/usr/bin/env python3
"""Show the spectrum of what is recorded as it goes by.

The frequency axis is logarithmic, as music is. Drawing happens when there is nothing else to do: if
it is slow, fewer pictures are drawn, but no sound is lost. Ctrl-C or closing the window ends it.

    pip install 'pa-ringbuffer[sounddevice]' matplotlib
"""

# sounddevice has no types of its own, and matplotlib's are incomplete.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import argparse
import math
import signal
import threading
from collections import deque
from collections.abc import Iterable

try:
    import matplotlib
    import matplotlib.pyplot as plt
    import numpy as np
    import numpy.typing as npt
    from pa_ringbuffer.sounddevice import InputStream
    from sounddevice import PortAudioError, query_devices
except (ImportError, OSError) as error:
    parser = argparse.ArgumentParser()
    # A missing PortAudio is no module, and comes with advice of its own.
    is_library = isinstance(error, ImportError) and error.name is None
    needs = "" if is_library else f" (needs: {(__doc__ or '').splitlines()[-1].strip()})"
    parser.exit(2, f"{parser.prog}: {error}{needs}\n")

ROWS = 400
FLOOR = -100  # dB


class Analyser:
    """Turns blocks into columns of the picture."""

    def __init__(self, blocksize: int, samplerate: float, low: float, high: float) -> None:
        self.window = np.hanning(blocksize + 1)[:-1]
        self.frequencies = np.fft.rfftfreq(blocksize, 1 / samplerate)
        # Each row shows the loudest of its frequencies.
        self.rows = np.searchsorted(self.frequencies, np.geomspace(low, high, ROWS))
        self.peak: tuple[float, float] = FLOOR, 0.0

    def column(self, block: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        # If the device vanishes, the last block is shorter.
        windowed = self.window[: len(block)] * block.mean(axis=1)
        # A sine of full level has 0 dB.
        spectrum = 2 / self.window.sum() * np.abs(np.fft.rfft(windowed, len(self.window)))
        level = 20 * np.log10(np.maximum(spectrum, 10 ** (FLOOR / 20)))
        loudest = np.argmax(level[1:]) + 1
        self.peak = max(self.peak, (level[loudest], self.frequencies[loudest]))
        return np.maximum.reduceat(level, self.rows)


class Plot:
    """The picture that scrolls."""

    def __init__(self, seconds: float, low: float, high: float) -> None:
        self.figure, ax = plt.subplots(figsize=(10, 5), layout="constrained")
        # Images have linear axes: octaves.
        extent = (-seconds, 0, np.log2(low), np.log2(high))
        self.image = ax.imshow(
            [[FLOOR]],
            extent=extent,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=FLOOR,
            vmax=0,
        )
        ticks = [
            tick
            for tick in (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)
            if low <= tick <= high
        ]
        ax.set_yticks(np.log2(ticks), [str(tick) for tick in ticks])
        ax.set(xlabel="seconds", ylabel="Hz")
        self.figure.colorbar(self.image, label="dB (sine of full level: 0)", pad=0.02)

    def draw(self, columns: Iterable[npt.NDArray[np.float64]]) -> None:
        self.image.set_data(np.array(columns).T)
        self.figure.canvas.draw_idle()
        # Leaves time to the window, if there is one.
        self.figure.canvas.start_event_loop(0.01)

    def is_open(self) -> bool:
        is_open: bool = plt.fignum_exists(self.figure.number)
        return is_open


def show(args: argparse.Namespace) -> None:
    stream = InputStream(args.samplerate, device=args.device, channels=args.channels)
    high = min(20000, 0.49 * stream.samplerate)
    hop = args.blocksize // 4
    frames = math.inf if args.seconds is None else args.seconds * stream.samplerate
    width = max(1, round(args.width * stream.samplerate / hop))
    columns = deque(np.full((width, ROWS), float(FLOOR)), maxlen=width)
    analyser = Analyser(args.blocksize, stream.samplerate, args.low, high)
    plot = Plot(args.width, args.low, high)
    if not args.png:
        plt.show(block=False)
    # A KeyboardInterrupt would be lost where a window's toolkit is drawing.
    interrupted = threading.Event()
    signal.signal(signal.SIGINT, lambda signum, frame: interrupted.set())
    with stream:
        print("listening; Ctrl-C ends")
        # Each block begins with the last three quarters of the one before.
        for block in stream.blocks(args.blocksize, overlap=args.blocksize - hop):
            columns.append(analyser.column(block))
            # Not while blocks are waiting.
            if stream.read_available < hop and not args.png:
                plot.draw(columns)
            frames -= hop
            if frames <= 0 or interrupted.is_set() or not plot.is_open():
                break
    print("peak: {1:.0f} Hz at {0:.1f} dB".format(*analyser.peak))
    print(stream.stats)
    if args.png:
        plot.draw(columns)
        plot.figure.savefig(args.png)


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
    "-d", "--device", type=int_or_str, help="input device (number or part of its name)"
)
parser.add_argument("-c", "--channels", type=int, default=1, help="default: %(default)s")
parser.add_argument("-r", "--samplerate", type=int, help="default: the device's")
parser.add_argument(
    "-b", "--blocksize", type=int, default=4096, help="frames of the FFT (default: %(default)s)"
)
parser.add_argument("--low", type=float, default=30, help="lowest frequency (default: %(default)s)")
parser.add_argument(
    "--width", type=float, default=10, help="seconds that are shown (default: %(default)s)"
)
parser.add_argument("--seconds", type=float, help="how long to listen")
parser.add_argument("--png", metavar="FILE", help="save the picture at the end; no window")
args = parser.parse_args()
if args.blocksize < 64:
    parser.error("--blocksize must be at least 64")
if not all(0 < n < math.inf for n in (args.width, args.seconds) if n is not None):
    parser.error("--width and --seconds must be positive")
if not 0 < args.low < 1000:
    parser.error("--low must be between 0 and 1000 Hz")
if args.png:
    matplotlib.use("Agg")
elif matplotlib.get_backend().lower() == "agg":
    parser.exit(1, f"{parser.prog}: there is no window system; see --png\n")

try:
    show(args)
except KeyboardInterrupt:
    pass
except PortAudioError as error:
    parser.exit(2, f"{parser.prog}: {error} (-l lists the devices)\n")
except (OSError, RuntimeError, ValueError) as error:
    parser.exit(1, f"{parser.prog}: {error}\n")
