"""Collects the counters of a program's streams, and the times of their losses."""

from __future__ import annotations

import threading
import time
import weakref
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from .streams import Base

#: Seconds between two checks of the counters: a loss happened after the previous check.
INTERVAL = 0.05

XRUNS = ("input_underflow", "input_overflow", "output_underflow", "output_overflow")


@dataclass
class Loss:
    """One continuous loss."""

    #: Seconds of sound since the stream was opened.
    at: float
    #: Number of lost frames; 0 if unknown.
    frames: int


@dataclass
class Summary:
    """The results of one stream."""

    name: str
    samplerate: float
    channels: Any
    blocks: int = 0
    frames: int = 0
    smallest_block: int = 0
    largest_block: int = 0
    losses: list[Loss] = field(default_factory=list)
    #: Number of losses of each kind that the device itself has reported.
    xruns: dict[str, int] = field(default_factory=lambda: dict.fromkeys(XRUNS, 0))
    #: Frames by which Python may be late: what the ring holds, or may hold.
    ahead: int | None = None
    #: Whether `--ahead` chooses that, as for a callback that plays, or `ring_seconds`.
    has_ahead: bool = False
    #: Largest delay of Python in frames; ``None`` if unknown.
    late: int | None = None

    @property
    def lost_frames(self) -> int:
        return sum(loss.frames for loss in self.losses)

    def add_block(self, frames: int, xruns: list[str]) -> None:
        """Add a block that the device has transferred, with the losses that it reported."""
        if xruns:
            self.losses.append(Loss(self.frames / self.samplerate, 0))
        for name in xruns:
            self.xruns[name] += 1
        self.blocks += 1
        self.frames += frames
        self.largest_block = max(self.largest_block, frames)
        self.smallest_block = min(self.smallest_block or frames, frames)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Summary:
        losses = [Loss(**loss) for loss in values.pop("losses")]
        return cls(losses=losses, **values)


class Observer:
    """Observes all streams: a list of summaries, in the order in which the streams were opened."""

    def __init__(self) -> None:
        self.summaries: list[Summary] = []
        self._open: list[_Watched] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self, stream: Base) -> None:
        """Observe a stream that has just been opened."""
        watched = _Watched(stream)
        with self._lock:
            self.summaries.append(watched.summary)
            self._open.append(watched)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._look_again, name="pa_ringbuffer run", daemon=True
                )
                self._thread.start()

    def look(self) -> None:
        """Update the summaries."""
        with self._lock:
            for watched in self._open:
                watched.look()
            self._open = [watched for watched in self._open if watched.stream() is not None]

    def _look_again(self) -> None:
        while True:
            time.sleep(INTERVAL)
            self.look()


class _Watched:
    """One stream of this package."""

    def __init__(self, stream: Base) -> None:
        #: The counters outlive the stream; the last check comes after its end.
        self.stream = weakref.ref(stream)
        self.summary = Summary(type(stream).__name__, stream.samplerate, stream.channels)
        self._callback = stream._callback
        rings = [self._callback.input_ring, self._callback.output_ring]
        self.summary.ahead = min(len(ring) for ring in rings if ring is not None)
        self._is_separate = stream._caller is None
        if stream._caller is not None and self._callback.output_ring is not None:
            self.summary.ahead = stream._caller.pump.ahead
            self.summary.has_ahead = True
        self._lost = 0
        self._is_losing = False

    def look(self) -> None:
        counters, summary = self._callback.counters, self.summary
        for name in "blocks", "frames", "smallest_block", "largest_block":
            setattr(summary, name, counters[name])
        lost = counters["output_underflow_frames"] + counters["input_overflow_frames"]
        new, self._lost = lost - self._lost, lost
        if new and self._is_losing:
            # The same stall continues.
            summary.losses[-1].frames += new
        elif new:
            summary.losses.append(Loss((summary.frames - new) / summary.samplerate, new))
        self._is_losing = new > 0
        for name in XRUNS:
            summary.xruns[name] = counters[f"device_{name}s"]
        self._find_lateness(counters)

    def _find_lateness(self, counters: dict[str, int]) -> None:
        """The largest deviation of a ring's fill from what one block takes or adds."""
        late = None
        if self._callback.output_ring is not None:
            low, high = counters["output_low_water"], counters["output_high_water"]
            # The other way round without a block in between.
            late = high - low if low <= high else None
        # With a callback in Python, both are the same. What is recorded while the rest is played at
        # the end is no longer read.
        if self._callback.input_ring is not None and (late is None or self._is_separate):
            late = max(late or 0, counters["input_high_water"])
        if late is not None:
            late = max(late - counters["largest_block"], 0)
        if longest := max((loss.frames for loss in self.summary.losses), default=0):
            late = (self.summary.ahead or 0) + longest
        self.summary.late = late


class SounddeviceObserver:
    """The same for sounddevice's own streams."""

    def __init__(self, sounddevice: Any) -> None:
        self.summaries: list[Summary] = []
        #: Kept outside the streams, which belong to sounddevice.
        self._of: weakref.WeakKeyDictionary[Any, Summary] = weakref.WeakKeyDictionary()
        self._watch_new_streams(sounddevice._StreamBase)
        # Streams without NumPy have these methods under another name.
        raw_read = self._watch_reading(sounddevice._InputStreamBase._raw_read)
        sounddevice._InputStreamBase._raw_read = sounddevice.RawInputStream.read = raw_read
        raw_write = self._watch_writing(sounddevice._OutputStreamBase._raw_write)
        sounddevice._OutputStreamBase._raw_write = sounddevice.RawOutputStream.write = raw_write

    def look(self) -> None:
        """The summaries are always up to date."""

    def _watch_new_streams(self, base: Any) -> None:
        original, observer = base.__init__, self

        def __init__(
            stream: Any, *args: Any, callback: Any = None, wrap_callback: Any = None, **kwargs: Any
        ) -> None:
            if wrap_callback and callback:
                callback = _WatchedCallback(callback)
            original(stream, *args, callback=callback, wrap_callback=wrap_callback, **kwargs)
            if callback and not wrap_callback:
                # A compiled callback, whose calls are invisible here.
                return
            summary = Summary(type(stream).__name__, stream.samplerate, stream.channels)
            observer.summaries.append(summary)
            observer._of[stream] = summary
            if callback:
                callback.summary = summary

        base.__init__ = __init__

    def _watch_reading(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def read(stream: Any, frames: int) -> Any:
            data, overflowed = original(stream, frames)
            if summary := self._of.get(stream):
                xruns = ["input_overflow"] if overflowed else []
                summary.add_block(frames, xruns)
            return data, overflowed

        return read

    def _watch_writing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def write(stream: Any, data: Any) -> Any:
            underflowed = original(stream, data)
            if summary := self._of.get(stream):
                samplesize, channels = stream.samplesize, stream.channels
                if isinstance(channels, tuple):
                    samplesize, channels = samplesize[1], channels[1]
                xruns = ["output_underflow"] if underflowed else []
                summary.add_block(len(data) // (samplesize * channels), xruns)
            return underflowed

        return write


class _WatchedCallback:
    """Calls the user's callback and counts its blocks."""

    def __init__(self, callback: Callable[..., object]) -> None:
        self.summary: Summary | None = None
        self._callback = callback
        #: When the next call is due.
        self._due = 0.0

    def __call__(self, *args: Any) -> None:
        frames, _, status = args[-3:]
        if summary := self.summary:
            now = time.perf_counter()
            if summary.blocks:
                late = round((now - self._due) * summary.samplerate)
                summary.late = max(summary.late or 0, late)
            self._due = now + frames / summary.samplerate
            summary.add_block(frames, [name for name in XRUNS if getattr(status, name)])
        self._callback(*args)
