import ctypes
from pathlib import Path

import numpy as np
from pa_ringbuffer.testing import VirtualDevice

library = ctypes.CDLL(str(Path(__file__).with_name("tone.so")))
Tone = np.dtype(
    [("frequency", "f8"), ("samplerate", "f8"), ("phase", "f8"), ("volume", "f4")], align=True
)


def test_tone_is_the_same_for_all_block_sizes() -> None:
    tone = np.array([(1000, 48000, 0, 0.5)], Tone)
    device = VirtualDevice(library.tone_callback, tone, channels=(0, 1))
    played = np.asarray(device.process(frames=480, blocksizes=[1, 100, 256]))
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(480) / 48000)
    assert np.abs(played[:, 0] - expected).max() < 1e-6
