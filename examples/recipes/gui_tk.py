#!/usr/bin/env python3
"""A window with a slider for the volume of a tone, and a level meter for the microphone.

Ctrl-C ends it, too.

    pip install 'pa-ringbuffer[sounddevice]'
"""

from __future__ import annotations

import argparse
import signal
import tkinter as tk
from tkinter import ttk
from typing import Any

import numpy as np


class Tone:
    """A sine. The window sets the volume; within a block, the volume moves there without a jump."""

    def __init__(self, frequency: float) -> None:
        self.frequency = frequency
        self.samplerate: float  # known when the stream is open
        self.volume = 0.0
        self._reached = 0.0
        self._frame = 0

    def callback(self, outdata: Any, frames: int, time: Any, status: Any) -> None:
        volume = self.volume
        envelope = np.linspace(self._reached, volume, frames, endpoint=False)
        t = (self._frame + np.arange(frames)) / self.samplerate
        outdata[:, 0] = envelope * np.sin(2 * np.pi * self.frequency * t)
        self._reached = volume
        self._frame += frames


class Window:
    def __init__(self, root: tk.Tk, tone: Tone, microphone: Any) -> None:
        self.root, self.tone, self.microphone = root, tone, microphone
        root.title("Slider and meter")
        slider = ttk.Scale(root, to=0.5, length=300, command=self.set_volume)
        self.meter = ttk.Progressbar(root, maximum=60, length=300)
        slider.pack(padx=20, pady=10)
        self.meter.pack(padx=20, pady=10)
        self.show_level()

    def set_volume(self, value: str) -> None:
        self.tone.volume = float(value)

    def show_level(self) -> None:
        # Never waits: what has come since the last time, or the newest part of it.
        block = self.microphone.read_latest(4096)
        if len(block):
            self.meter["value"] = max(0, 60 + 20 * np.log10(np.abs(block).max() + 1e-6))
        self.root.after(40, self.show_level)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--virtual", action="store_true", help="use no sound card")
    parser.add_argument("--frequency", type=float, default=440, help="Hz (default: %(default)s)")
    args = parser.parse_args()
    if not 20 <= args.frequency <= 20000:
        parser.error(f"--frequency must be from 20 to 20000 Hz, not {args.frequency:g}")
    if args.virtual:
        import pa_ringbuffer.testing as sd
    else:
        import pa_ringbuffer.sounddevice as sd  # type: ignore[no-redef]
    tone = Tone(args.frequency)
    try:
        microphone = sd.InputStream(channels=1, warn=None)
        speaker = sd.OutputStream(channels=1, latency="low", callback=tone.callback)
        tone.samplerate = speaker.samplerate
        root = tk.Tk()
        signal.signal(signal.SIGINT, lambda _number, _frame: root.quit())
        with microphone, speaker:
            Window(root, tone, microphone)
            root.mainloop()
            tone.volume = 0.0  # not an abrupt end
            sd.sleep(200)
    except (sd.PortAudioError, tk.TclError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
