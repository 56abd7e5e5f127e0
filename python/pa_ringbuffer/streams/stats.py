"""What a stream has counted."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from .. import RingBuffer, StreamCallback

#: Who is told about losses unless the user says otherwise.
default_warn = logging.getLogger("pa_ringbuffer").warning

#: The ways in which a device can report a loss, and how the callback counts them.
DEVICE_LOSSES = {
    "input_underflow": "device_input_underflows",
    "input_overflow": "device_input_overflows",
    "output_underflow": "device_output_underflows",
    "output_overflow": "device_output_overflows",
}


@dataclass(frozen=True)
class RingStats:
    """How one ring has fared: part of :class:`Stats`. All numbers are frames, unless said."""

    #: Number of frames that the ring holds.
    size: int
    #: Frames in the ring now.
    fill: int
    #: The fewest frames that the callback has left (output) or found (input) there. What is left of
    #: the output ring at its lowest is how much longer Python could have been late.
    low_water: int
    #: The most frames that the callback has found (output) or left (input) there. What is free at
    #: the input ring's highest is how much longer Python could have been late.
    high_water: int
    #: Number of blocks that were cut short: output underflows, or input overflows.
    losses: int
    #: Frames of silence that were played, or recorded frames that were dropped.
    lost_frames: int

    def text(self, name: str, loss: str) -> str:
        """One line about it."""

        def percent(frames: int) -> str:
            return f"{100 * frames / self.size:.0f} %"

        marks = f"at most {percent(self.high_water)}"
        # Not if it was only filled and drained.
        if self.low_water <= self.high_water:
            marks = f"{percent(self.low_water)} to {percent(self.high_water)} before"
        return (
            f"{name}: {self.losses} {loss}s ({self.lost_frames} frames), ring of {self.size} "
            f"frames {percent(self.fill)} full, {marks}"
        )


def _input_stats(ring: RingBuffer | None, counters: dict[str, int]) -> RingStats | None:
    """What the counters say about the input ring."""
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
    """What the counters say about the output ring."""
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
    """What a stream's callback has counted since the stream was opened.

    All numbers are as they were between two calls of the callback.
    """

    #: Calls of the callback.
    blocks: int
    #: Frames in them.
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
    #: How often the device itself reported a loss: a dict with the keys ``'input_underflow'``,
    #: ``'input_overflow'``, ``'output_underflow'`` and ``'output_overflow'``. Not every report is a
    #: loss that can be heard.
    device: dict[str, int]
    #: With a callback in Python: frames that it has made too late, which were dropped so that the
    #: latency stays the same.
    dropped_frames: int = 0
    #: Frames of silence in the output where input frames were lost, for the same reason.
    inserted_frames: int = 0

    def __repr__(self) -> str:
        blocks = f"{self.blocks} blocks"
        if self.blocks:
            blocks += f" of {self.smallest_block}"
            if self.largest_block != self.smallest_block:
                blocks += f" to {self.largest_block}"
        parts = [f"{blocks} frames, {self.frames / self.samplerate:.2f} s"]
        if self.input:
            parts.append(self.input.text("input", "overflow"))
        if self.output:
            parts.append(self.output.text("output", "underflow"))
        if self.dropped_frames or self.inserted_frames:
            parts.append(
                f"callback: {self.dropped_frames} frames dropped, {self.inserted_frames} inserted"
            )
        reports = [f"{count} {name}s" for name, count in self.device.items() if count]
        parts.append("device: " + (", ".join(reports) or "no xruns").replace("_", " "))
        return f"<Stats: {'; '.join(parts)}>"

    @property
    def losses(self) -> int:
        """Number of blocks that were cut short because a ring was too empty or too full."""
        return sum(ring.losses for ring in (self.input, self.output) if ring)

    @property
    def margin(self) -> float:
        """By how many seconds longer Python could have been late without a loss."""
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
    """Tells about losses, but not all the time, and never from the callback.

    Each report begins where another one has ended, and no two begin at the same place, whatever
    thread or signal handler makes them.
    """

    #: Seconds between two reports, at least.
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
        # Nobody calls until there are more.
        self._callback._told_losses = told.losses
        if latest.next.setdefault("told", told) is not told:
            # Another thread is telling the same.
            return
        self._latest = told
        if text := told.since(latest):
            self._warn(f"{self._name}: {text}")


class _Told:
    """Losses up to a moment; `next` is empty until the report that begins there."""

    def __init__(self, callback: StreamCallback, time: float) -> None:
        self.time = time
        self.losses = callback._losses
        self.counters = callback.counters
        self.next: dict[str, _Told] = {}

    def since(self, before: _Told) -> str:
        """What was lost since then."""

        def new(name: str) -> int:
            return self.counters[name] - before.counters[name]

        parts = []
        if events := new("input_overflows"):
            frames = new("input_overflow_frames")
            parts.append(f"input overflow in {events} blocks ({frames} frames dropped)")
        if events := new("output_underflows"):
            frames = new("output_underflow_frames")
            parts.append(f"output underflow in {events} blocks ({frames} frames of silence)")
        for name, counter in DEVICE_LOSSES.items():
            if events := new(counter):
                parts.append(f"{events} {name.replace('_', ' ')}s reported by the device")
        return ", ".join(parts)
