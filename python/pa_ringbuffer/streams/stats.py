"""Counters of a stream."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from .._text import block_sizes, counted

if TYPE_CHECKING:
    from .. import RingBuffer, StreamCallback

#: Reports losses unless the user passes another function.
default_warn = logging.getLogger("pa_ringbuffer").warning

#: The losses that a device can report, and the callback's counters for them.
DEVICE_LOSSES = {
    "input_underflow": "device_input_underflows",
    "input_overflow": "device_input_overflows",
    "output_underflow": "device_output_underflows",
    "output_overflow": "device_output_overflows",
}


@dataclass(frozen=True)
class RingStats:
    """Statistics of one ring: part of :class:`Stats`. All numbers are in frames.

    >>> from pa_ringbuffer import testing
    >>> stream = testing.OutputStream(channels=1, ring_frames=1024)
    >>> stream.stats.output.size
    1024
    """

    #: Size of the ring.
    size: int
    #: Current fill of the ring.
    fill: int
    #: Lowest fill that the callback has left (output) or found (input). The lowest fill of the
    #: output ring is how much longer Python could have stalled.
    low_water: int
    #: Highest fill that the callback has found (output) or left (input). The free room at the input
    #: ring's highest fill is how much longer Python could have stalled.
    high_water: int
    #: Number of blocks with an underflow (output) or an overflow (input).
    losses: int
    #: Frames of silence that were played, or recorded frames that were dropped.
    lost_frames: int

    def text(self, name: str, loss: str) -> str:
        """A one-line summary."""

        def percent(frames: int) -> str:
            return f"{100 * frames / self.size:.0f} %"

        # No range if the ring was only filled and drained, and nothing before the first block.
        marks = f", at most {percent(self.high_water)}" if self.high_water else ""
        if self.low_water <= self.high_water:
            marks = f", {percent(self.low_water)} to {percent(self.high_water)} before"
        return (
            f"{name}: {counted(self.losses, loss)} ({counted(self.lost_frames, 'frame')}), "
            f"ring of {counted(self.size, 'frame')} {percent(self.fill)} full{marks}"
        )


def _input_stats(ring: RingBuffer | None, counters: dict[str, int]) -> RingStats | None:
    """The counters of the input ring."""
    if ring is None:
        return None
    return RingStats(
        size=len(ring),
        fill=ring.read_available,
        low_water=counters["input_low_water"],
        high_water=counters["input_high_water"],
        losses=counters["input_overflows"],
        lost_frames=counters["input_overflow_frames"],
    )


def _output_stats(ring: RingBuffer | None, counters: dict[str, int]) -> RingStats | None:
    """The counters of the output ring."""
    if ring is None:
        return None
    return RingStats(
        size=len(ring),
        fill=ring.read_available,
        low_water=counters["output_low_water"],
        high_water=counters["output_high_water"],
        losses=counters["output_underflows"],
        lost_frames=counters["output_underflow_frames"],
    )


@dataclass(frozen=True)
class Stats:
    """Counters of a stream's callback since the stream was opened.

    All numbers are from the same moment, between two calls of the callback.

    >>> from pa_ringbuffer import testing
    >>> with testing.InputStream(channels=1, blocksize=480) as stream:
    ...     data, overflowed = stream.read(480)
    ...     stats = stream.stats
    >>> stats.largest_block
    480
    """

    #: Number of calls of the callback.
    blocks: int
    #: Number of frames in these calls.
    frames: int
    #: Frames in the smallest block.
    smallest_block: int
    #: Frames in the largest block.
    largest_block: int
    #: Frames per second.
    samplerate: float
    #: The input ring (:class:`RingStats`), or ``None``.
    input: RingStats | None
    #: The output ring (:class:`RingStats`), or ``None``.
    output: RingStats | None
    #: Number of losses that the device itself has reported: a dict with the keys
    #: ``'input_underflow'``, ``'input_overflow'``, ``'output_underflow'`` and
    #: ``'output_overflow'``. Not every reported loss is audible.
    device: dict[str, int]
    #: With a callback in Python: frames that it made too late, and that were dropped to keep the
    #: latency constant.
    dropped_frames: int = 0
    #: Frames of silence that replace lost input frames in the output, also to keep the latency
    #: constant.
    inserted_frames: int = 0

    def __repr__(self) -> str:
        blocks = counted(self.blocks, "block")
        if self.blocks:
            blocks += f" of {block_sizes(self.smallest_block, self.largest_block)}"
        parts = [f"{blocks}, {self.frames / self.samplerate:.2f} s"]
        if self.input:
            parts.append(self.input.text("input", "overflow"))
        if self.output:
            parts.append(self.output.text("output", "underflow"))
        if self.dropped_frames or self.inserted_frames:
            parts.append(
                f"callback: {counted(self.dropped_frames, 'frame')} dropped, "
                f"{self.inserted_frames} inserted"
            )
        reports = [counted(count, name) for name, count in self.device.items() if count]
        parts.append("device: " + (", ".join(reports) or "no xruns").replace("_", " "))
        return f"<Stats: {'; '.join(parts)}>"

    @property
    def losses(self) -> int:
        """Number of blocks with an underflow or overflow of a ring."""
        return sum(ring.losses for ring in (self.input, self.output) if ring)

    @property
    def margin(self) -> float:
        """How many seconds longer Python could have stalled without a loss."""
        frames = []
        if self.input:
            frames.append(self.input.size - self.input.high_water)
        if self.output:
            frames.append(self.output.low_water)
        return min(frames) / self.samplerate


def collect(
    callback: StreamCallback, samplerate: float, dropped_frames: int = 0, inserted_frames: int = 0
) -> Stats:
    """Read a callback's counters."""
    counters = callback.counters
    return Stats(
        blocks=counters["blocks"],
        frames=counters["frames"],
        smallest_block=counters["smallest_block"],
        largest_block=counters["largest_block"],
        samplerate=samplerate,
        input=_input_stats(callback.input_ring, counters),
        output=_output_stats(callback.output_ring, counters),
        device={name: counters[counter] for name, counter in DEVICE_LOSSES.items()},
        dropped_frames=dropped_frames,
        inserted_frames=inserted_frames,
    )


class LossReport:
    """Reports losses, at a limited rate and never from the callback.

    Each report begins where the previous one ended. No two reports begin at the same place,
    whatever thread or signal handler makes them.
    """

    #: Minimum number of seconds between two reports.
    INTERVAL = 1.0

    def __init__(
        self, callback: StreamCallback, warn: Callable[[str], object] | None, name: str
    ) -> None:
        self._callback = callback
        self._warn = warn
        self._name = name
        self._latest = _Told(callback, -math.inf)

    def __call__(self, at_once: bool = False) -> None:
        latest, losses = self._latest, self._callback._losses
        if self._warn is None or losses == latest.losses:
            return
        while latest.next:
            latest = latest.next["told"]
        now = time.monotonic()
        if losses == latest.losses or (not at_once and now < latest.time):
            return
        told = _Told(self._callback, now + self.INTERVAL)
        # No further call until the callback counts more losses.
        self._callback._told_losses = told.losses
        if latest.next.setdefault("told", told) is not told:
            # Another thread is already reporting these losses.
            return
        self._latest = told
        if text := told.since(latest):
            if reason := too_small(self._callback):
                text += f"; {reason}"
            self._warn(f"{self._name}: {text}")


def too_small(callback: StreamCallback) -> str:
    """What is wrong with rings that do not hold a block, or nothing. Some devices only show the
    size of their blocks while they run.
    """
    rings = callback.input_ring, callback.output_ring
    block: int = callback.counters["largest_block"]
    size = min((len(ring) for ring in rings if ring is not None), default=block)
    if block <= size:
        return ""
    return (
        f"the device's blocks have up to {block} frames, but the ring holds only {size}, "
        f"so each of these blocks loses frames: use ring_frames={block} or more"
    )


class _Told:
    """Losses up to a moment; `next` is empty until the report that begins here is made."""

    def __init__(self, callback: StreamCallback, time: float) -> None:
        self.time = time
        self.losses = callback._losses
        self.counters = callback.counters
        self.next: dict[str, _Told] = {}

    def since(self, before: _Told) -> str:
        """The losses since then."""

        def new(name: str) -> int:
            return self.counters[name] - before.counters[name]

        parts = []
        if events := new("input_overflows"):
            frames = new("input_overflow_frames")
            where = f"{counted(events, 'block')} ({counted(frames, 'frame')} dropped)"
            parts.append(f"input overflow in {where}")
        if events := new("output_underflows"):
            frames = new("output_underflow_frames")
            where = f"{counted(events, 'block')} ({counted(frames, 'frame')} of silence)"
            parts.append(f"output underflow in {where}")
        for name, counter in DEVICE_LOSSES.items():
            if events := new(counter):
                parts.append(f"{counted(events, name.replace('_', ' '))} reported by the device")
        return ", ".join(parts)
