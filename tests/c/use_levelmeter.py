"""Uses the example package without a sound card: calls its C callback as PortAudio would."""

import levelmeter
from _levelmeter import ffi

meter = levelmeter.LevelMeter(channels=2, size=4)
assert meter.read() == []


def play(*samples):
    block = ffi.new("float[]", samples)
    frames = len(samples) // 2
    assert meter.callback(block, ffi.NULL, frames, ffi.NULL, 0, meter.userdata) == 0


play(0.5, -0.5, 0.5, -0.5)
play(0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
assert meter.read() == [(0.5, 0.5, 2), (1.0, 0.25, 8)]

# Read too late: what found no room is measured together with the next block.
for number in range(1, 7):
    play(number / 8, number / 8)
levels = meter.read()
assert [level.peak for level in levels] == [1 / 8, 2 / 8, 3 / 8, 4 / 8]
play(0, 0)
(level,) = meter.read()
assert (level.peak, level.frames) == (6 / 8, 3)
assert levelmeter.decibels(1.0) == 0
