#!/usr/bin/env python3
"""Record to a file without dropouts while the waveform is plotted.

A thread writes every block to the file. Plotting, which takes long, is done by the main thread, and
only with the most recent second. Ctrl-C or closing the window ends the recording.

    pip install 'pa-ringbuffer[sounddevice]' soundfile matplotlib
"""

# sounddevice and soundfile have no types of their own; matplotlib's are incomplete.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import argparse
import math
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

try:
    import matplotlib
    import matplotlib.pyplot as plt
    import numpy as np
    import numpy.typing as npt
    import soundfile as sf
    from matplotlib.lines import Line2D
    from pa_ringbuffer.sounddevice import InputStream
    from sounddevice import PortAudioError, query_devices
except (ImportError, OSError) as error:
    parser = argparse.ArgumentParser()
    # A missing PortAudio is no module, and comes with advice of its own.
    is_library = isinstance(error, ImportError) and error.name is None
    needs = "" if is_library else f" (needs: {(__doc__ or '').splitlines()[-1].strip()})"
    parser.exit(2, f"{parser.prog}: {error}{needs}\n")


class Recorder:
    """Writes a stream to a file, and keeps the most recent second."""

    def __init__(self, stream: InputStream) -> None:
        self.stream = stream
        self.frames = 0
        self.recent = np.zeros((round(stream.samplerate), stream.channels), stream.dtype)

    def run(self, file: sf.SoundFile, frames: int | None) -> None:
        # Ends after this many frames, or with the stream.
        for block in self.stream.blocks(1024):
            if frames is not None:
                block = block[: frames - self.frames]
            file.write(block)
            self.frames += len(block)
            # A new array each time: the plot may still be using the old one.
            self.recent = np.concatenate([self.recent[len(block) :], block])
            if self.frames == frames:
                break


class Plot:
    """The waveform of each channel, one below the other."""

    def __init__(self, samplerate: int, channels: int) -> None:
        self.figure, axes = plt.subplots(
            channels,
            figsize=(9, 1 + 2 * channels),
            sharex=True,
            squeeze=False,
            layout="constrained",
        )
        time = np.arange(-samplerate, 0) / samplerate
        self.lines: list[Line2D] = []
        for channel, ax in enumerate(axes[:, 0], 1):
            self.lines += ax.plot(time, np.zeros(samplerate), linewidth=0.5)
            ax.set(xlim=(-1, 0), ylim=(-1, 1), ylabel=f"channel {channel}")
            ax.grid(alpha=0.3)
        axes[-1, 0].set_xlabel("seconds")

    def draw(self, waveform: npt.NDArray[Any]) -> None:
        for line, samples in zip(self.lines, waveform.T):
            line.set_ydata(samples)
        self.figure.canvas.draw_idle()
        # Leaves time to the window, if there is one.
        self.figure.canvas.start_event_loop(0.05)

    def is_open(self) -> bool:
        is_open: bool = plt.fignum_exists(self.figure.number)
        return is_open


def record(args: argparse.Namespace) -> None:
    stream = InputStream(args.samplerate, device=args.device, channels=args.channels)
    samplerate = round(stream.samplerate)
    frames = None if args.seconds is None else round(args.seconds * samplerate)
    recorder = Recorder(stream)
    plot = Plot(samplerate, stream.channels)
    # "x": never overwrite a recording.
    file = sf.SoundFile(args.file, "x", samplerate, stream.channels, args.subtype)
    if not args.png:
        plt.show(block=False)
    # A KeyboardInterrupt would be lost where a window's toolkit is drawing.
    interrupted = threading.Event()
    signal.signal(signal.SIGINT, lambda signum, frame: interrupted.set())
    # The stream is closed first, which ends the thread, which has to be done with the file.
    with file, ThreadPoolExecutor(1) as pool, stream:
        print("recording; Ctrl-C ends")
        thread = pool.submit(recorder.run, file, frames)
        while plot.is_open() and not thread.done() and not interrupted.is_set():
            plot.draw(recorder.recent)
        stream.stop()
        thread.result()  # raises what has gone wrong there
        print(f"{args.file}: {recorder.frames / samplerate:.2f} s")
        print(stream.stats)
    if args.png:
        plot.draw(recorder.recent)
        plot.figure.savefig(args.png)


def int_or_str(text: str) -> int | str:
    return int(text) if text.isdigit() else text


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("file", help="sound file to be written; its extension says the format")
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
parser.add_argument("--subtype", default="FLOAT", help="PCM_24, say (default: %(default)s)")
parser.add_argument("--seconds", type=float, help="length of the recording")
parser.add_argument("--png", metavar="FILE", help="save the last second's plot; no window")
args = parser.parse_args()
if args.seconds is not None and not 0 < args.seconds < math.inf:
    parser.error("--seconds must be positive")
if args.png:
    matplotlib.use("Agg")
elif matplotlib.get_backend().lower() == "agg":
    parser.exit(1, f"{parser.prog}: there is no window system; see --png\n")

try:
    record(args)
except KeyboardInterrupt:
    pass
except PortAudioError as error:
    parser.exit(2, f"{parser.prog}: {error} (-l lists the devices)\n")
except (OSError, RuntimeError, ValueError) as error:
    parser.exit(1, f"{parser.prog}: {error}\n")
