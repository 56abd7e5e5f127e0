#!/usr/bin/env python3
"""A window with a slider for the volume of a tone, and a level meter for the microphone.

Ctrl-C ends it, too.

    pip install 'pa-ringbuffer[sounddevice]' PySide6-Essentials
"""

from __future__ import annotations

import argparse
import signal
import sys
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QProgressBar, QSlider, QVBoxLayout, QWidget


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


class Window(QWidget):  # type: ignore[misc]
    def __init__(self, tone: Tone, microphone: Any) -> None:
        super().__init__(windowTitle="Slider and meter")
        self.tone, self.microphone = tone, microphone
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setMaximum(100)
        slider.valueChanged.connect(self.set_volume)
        self.meter = QProgressBar(maximum=60, textVisible=False)
        layout = QVBoxLayout(self)
        layout.addWidget(slider)
        layout.addWidget(self.meter)
        timer = QTimer(self)
        timer.timeout.connect(self.show_level)
        timer.start(40)

    def set_volume(self, percent: int) -> None:
        self.tone.volume = 0.005 * percent

    def show_level(self) -> None:
        # Never waits: what has come since the last time, or the newest part of it.
        block = self.microphone.read_latest(4096)
        if len(block):
            level = 60 + 20 * np.log10(np.abs(block).max() + 1e-6)
            self.meter.setValue(max(0, round(level)))


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
        app = QApplication(sys.argv[:1])
        signal.signal(signal.SIGINT, lambda _number, _frame: app.quit())
        with microphone, speaker:
            window = Window(tone, microphone)
            window.show()
            app.exec()
            tone.volume = 0.0  # not an abrupt end
            sd.sleep(200)
    except (sd.PortAudioError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
