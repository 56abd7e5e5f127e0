"""The demo: sound that goes on while Python stalls, and the proof that nothing was lost."""

from __future__ import annotations

import argparse
import collections
import contextlib
import ctypes
import os
import sys
import time

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from . import RingBuffer, StreamCallback
from .testing import VirtualDevice

BLOCKSIZE = 256
STALL = 0.2  # seconds, how long the GIL is held
STALL_INTERVAL = 1.0  # seconds between stalls
RING = 1.0  # seconds of sound that a ring holds at least: more than a stall and what follows it
PATIENCE = 5.0  # seconds without a call of the callback after which the device is given up

OK, LOST, USAGE, INTERRUPTED = 0, 1, 2, 130


class DemoError(Exception):
    """Something that the user can put right."""


class Melody:
    """A few plucked strings, for those who have no sound file at hand."""

    samplerate = 48000
    channels = 2
    name = "a melody"

    def __init__(self, seconds):
        self.frames = round((seconds or 8) * self.samplerate)
        self._position = 0

    def read(self, frames):
        frames = min(frames, self.frames - self._position)
        time = (self._position + np.arange(frames)) / self.samplerate
        self._position += frames
        sound = np.zeros((frames, self.channels))
        # Three voices of eighth notes, in an A minor pentatonic scale, each note dying away.
        for voice, (steps, octave) in enumerate(
            [((0, 3, 7, 10, 12, 10, 7, 3), 220), ((7, 12, 15), 220), ((0, 0, 5, 5), 110)]
        ):
            duration = 0.25 * 2**voice / (1 + (voice == 1))
            number = (time / duration).astype(int)
            since = time % duration
            frequency = octave * 2 ** (np.take(steps, number % len(steps)) / 12)
            phase = 2 * np.pi * frequency * since
            tone = np.sin(phase) + 0.4 * np.sin(2 * phase) + 0.2 * np.sin(3 * phase)
            tone *= np.exp(-since * 6) * np.minimum(since * 400, 1) * 0.15
            pan = (voice + 1) / 4
            sound += tone[:, np.newaxis] * [1 - pan, pan]
        return sound.astype(np.float32)


class File:
    """A sound file, as float32 frames."""

    def __init__(self, path, seconds):
        try:
            import soundfile
        except (ImportError, OSError) as error:
            raise DemoError(
                f"sound files need soundfile: pip install 'pa-ringbuffer[demo]' ({error})"
            ) from None
        if not os.path.exists(path):
            raise DemoError(f"there is no file {path!r}")
        try:
            self._file = soundfile.SoundFile(path)
        except (soundfile.LibsndfileError, OSError) as error:
            raise DemoError(str(error)) from None
        self.name = path
        self.samplerate = self._file.samplerate
        self.channels = self._file.channels
        self.frames = self._file.frames
        if seconds:
            self.frames = min(self.frames, round(seconds * self.samplerate))
        if self.frames == 0:
            raise DemoError(f"there is nothing to play in {path!r}")
        self._left = self.frames

    def read(self, frames):
        block = self._file.read(min(frames, self._left), dtype="float32", always_2d=True)
        # A file may end before its header says so.
        self._left = self._left - len(block) if len(block) else 0
        return block


class Loopback:
    """The virtual device, whose output comes back as input."""

    records = True

    def __init__(self, source, callback):
        self._device = VirtualDevice(
            callback,
            samplerate=source.samplerate,
            channels=source.channels,
            dtype="float32",
            blocksize=BLOCKSIZE,
            loopback=True,
        )
        self.name = "the virtual device, in loopback"
        self.start = self._device.start
        self.close = self._device.close

    @property
    def active(self):
        return self._device.active


class SoundCard:
    """A PortAudio device that plays."""

    records = False

    def __init__(self, sounddevice, device, source, callback):
        try:
            self._stream = sounddevice._StreamBase(
                kind="output",
                device=device,
                samplerate=source.samplerate,
                channels=source.channels,
                dtype="float32",
                callback=callback.function,
                userdata=callback.userdata,
            )
        except sounddevice.PortAudioError as error:
            raise DemoError(
                f"the device cannot play {source.channels} channels at {source.samplerate} Hz: "
                f"{error}"
            ) from None
        self.name = sounddevice.query_devices(self._stream.device)["name"]
        self.start = self._stream.start
        self.close = self._stream.close

    @property
    def active(self):
        return self._stream.active


def find_device(wanted):
    """Return ``(sounddevice, device)``, or ``(None, reason)`` where there is none to be found."""
    try:
        # Unlike sounddevice's own error, this one's says how to install what is missing.
        from . import sounddevice as _streams  # noqa: F401
    except ImportError as error:
        if wanted is not None:
            raise DemoError(f"--device needs sounddevice and PortAudio: {error}") from None
        return None, str(error)
    import sounddevice

    try:
        return sounddevice, sounddevice.query_devices(wanted, "output")["index"]
    except (sounddevice.PortAudioError, ValueError) as error:
        if wanted is None:
            return None, "there is no sound card"
        names = [
            f"  {device['index']}  {device['name']}"
            for device in sounddevice.query_devices()
            if device["max_output_channels"] > 0
        ]
        listing = "\n".join(["these can play:", *names]) if names else "there is none that can play"
        raise DemoError(f"no device {wanted!r}: {error}; {listing}") from None


def hold_gil(duration):
    """Sleep without letting any other Python thread run, as a long call into C does."""
    if sys.platform == "win32":
        ctypes.PyDLL("kernel32").Sleep(round(duration * 1e3))
    else:
        ctypes.PyDLL(None).usleep(round(duration * 1e6))


class Comparison:
    """Compares what comes back with what was sent, however both are cut into blocks."""

    def __init__(self, channels, delay):
        self._channels = channels
        # What is to come: first the silence of the delay, then what was sent.
        self._expected = collections.deque([np.zeros((delay, channels), np.float32)])
        self._delay = delay
        self._matched = 0
        self.received = 0
        self.different = 0

    @property
    def compared(self):
        """Number of frames that were sent and have come back, equal or not."""
        return max(self._matched - self._delay, 0)

    def sent(self, block):
        self._expected.append(block)

    def receive(self, data):
        received = np.frombuffer(data, np.float32).reshape(-1, self._channels)
        self.received += len(received)
        while len(received) and self._expected:
            expected = self._expected.popleft()
            count = min(len(expected), len(received))
            # As bits, because NaN is not equal to itself.
            bits = expected[:count].view(np.uint32) != received[:count].view(np.uint32)
            self.different += int(bits.any(axis=1).sum())
            self._matched += count
            received = received[count:]
            if count < len(expected):
                self._expected.appendleft(expected[count:])
        # After the end there is silence.
        self.different += int(received.any(axis=1).sum())


class Fill(ProgressColumn):
    """The fill level of a ring."""

    def __init__(self, field):
        super().__init__()
        self._field = field

    def render(self, task):
        level = task.fields[self._field]
        if level is None:
            return Text()
        bars = "▁▂▃▄▅▆▇█"
        bar = bars[min(int(level * len(bars)), len(bars) - 1)]
        return Text(f"{self._field} ring {bar} {level:4.0%}", style="cyan" if level else "red")


class Transfer:
    """Keeps the rings busy until everything was played and, in loopback, has come back."""

    def __init__(self, source, output, records, callback, capacity):
        self.source = source
        self.output = output
        self.callback = callback
        self.input = records
        self.sent = 0
        self.stalls = 0
        self.longest_stall = 0.0
        self.lowest_fill = capacity
        self.comparison = Comparison(source.channels, BLOCKSIZE) if records else None

    def feed(self):
        """Write as much as there is room for."""
        while self.sent < self.source.frames:
            room = self.output.write_available
            block = self.source.read(room) if room else ()
            if not len(block):
                if room:
                    self.source.frames = self.sent
                break
            self.output.write(block)
            self.sent += len(block)
            if self.comparison:
                self.comparison.sent(block)
        if self.sent == self.source.frames:
            # Only now does an empty ring mean the end.
            self.callback.mode = "drain" if self.comparison else "complete"

    def collect(self):
        """Read what has come back."""
        if self.comparison:
            self.comparison.receive(self.input.read())

    def finished(self, device):
        if self.comparison:
            return self.comparison.compared >= self.source.frames
        return not device.active

    def stream(self, device, progress):
        """Run until finished."""
        task = progress.add_task(
            "streaming", total=self.source.frames, output=1.0, input=0.0 if self.input else None
        )
        capacity = len(self.output)
        now = time.perf_counter()
        last, next_stall = now, now + STALL_INTERVAL
        blocks, last_block = 0, now
        while True:
            now = time.perf_counter()
            self.longest_stall = max(self.longest_stall, now - last)
            last = now
            fill = self.output.read_available
            if self.sent < self.source.frames:
                self.lowest_fill = min(self.lowest_fill, fill)
            levels = {"output": fill / capacity}
            if self.input:
                levels["input"] = self.input.read_available / capacity
            self.feed()
            self.collect()
            played = self.comparison.compared if self.comparison else self.sent - fill
            progress.update(task, completed=min(played, self.source.frames), **levels)
            if self.finished(device):
                return
            if self.callback.counters["blocks"] != blocks:
                blocks, last_block = self.callback.counters["blocks"], now
            elif now - last_block > PATIENCE:
                raise DemoError(
                    f"{device.name} has not called for {PATIENCE:.0f} seconds; it is given up"
                )
            if now >= next_stall:
                hold_gil(STALL)
                self.stalls += 1
                next_stall = time.perf_counter() + STALL_INTERVAL
            else:
                time.sleep(0.02)


def report(console, transfer, interrupted):
    """Print what happened and return the exit status."""
    counters = transfer.callback.counters
    rate = transfer.source.samplerate
    comparison = transfer.comparison
    table = Table("", "", show_header=False)
    table.add_row("frames sent", f"{transfer.sent:,}")
    if comparison:
        table.add_row("frames received", f"{comparison.received:,}")
        table.add_row("frames compared", f"{comparison.compared:,}")
        table.add_row("frames different", f"{comparison.different:,}")
    blocks = f"{counters['blocks']:,}"
    if counters["blocks"]:
        blocks += f" of {counters['smallest_block']} to {counters['largest_block']} frames"
    table.add_row("blocks", blocks)
    for name, what in (("output_underflow", "of silence"), ("input_overflow", "lost")):
        events, frames = counters[f"{name}s"], counters[f"{name}_frames"]
        if name == "output_underflow" or comparison:
            table.add_row(f"{name.replace('_', ' ')}s", f"{events} ({frames:,} frames {what})")
    if not comparison:
        table.add_row("xruns of the device", f"{counters['device_output_underflows']}")
    table.add_row("lowest fill of the output ring", f"{transfer.lowest_fill / rate * 1e3:.0f} ms")
    table.add_row(
        "longest Python stall",
        f"{transfer.longest_stall * 1e3:.0f} ms (the GIL was held {transfer.stalls} times)",
    )
    console.print(table)

    if interrupted:
        console.print("[yellow]Interrupted.[/]")
        return INTERRUPTED
    lost = []
    if counters["output_underflows"]:
        lost.append(f"{counters['output_underflow_frames']:,} frames were not there in time")
    unplayed = transfer.source.frames - transfer.sent + transfer.output.read_available
    if unplayed:
        lost.append(f"{unplayed:,} frames were not played")
    if counters["input_overflows"]:
        lost.append(f"{counters['input_overflow_frames']:,} recorded frames had no room")
    if counters["device_output_underflows"]:
        # The ring had everything in time; between the callback and the loudspeaker it was late.
        lost.append(f"the device reported {counters['device_output_underflows']} xruns")
    if comparison and comparison.different:
        lost.append(f"{comparison.different:,} frames came back different")
    if lost:
        console.print(f"[red bold]Something was lost:[/] {'; '.join(lost)}.")
        return LOST
    if comparison:
        console.print(
            f"[green bold]Nothing was lost:[/] all {comparison.compared:,} frames came back, every "
            f"sample equal, while Python stalled {transfer.stalls} times."
        )
    else:
        console.print(
            f"[green bold]Nothing was lost:[/] the callback has played all {transfer.sent:,} "
            f"frames without a gap, while Python stalled {transfer.stalls} times."
        )
    return OK


def play(console: Console, options: argparse.Namespace) -> int:
    """Do what the command line says and return the exit status."""
    source = File(options.file, options.seconds) if options.file else Melody(options.seconds)
    sounddevice, device = (None, None) if options.virtual else find_device(options.device)
    size = 1 << (round(RING * source.samplerate) - 1).bit_length()
    framesize = source.channels * np.dtype(np.float32).itemsize
    output = RingBuffer(framesize, size)
    if sounddevice:
        records = None
        callback = StreamCallback(output)
        target: SoundCard | Loopback = SoundCard(sounddevice, device, source, callback)
    else:
        records = RingBuffer(framesize, size)
        callback = StreamCallback(output, records)
        target = Loopback(source, callback)
        if device:
            console.print(f"No sound card is used: {device}.")
    with contextlib.closing(target):
        console.print(
            f"Playing {source.name} ({source.frames / source.samplerate:.1f} s, {source.channels} "
            f"channels, {source.samplerate} Hz) on {target.name}."
        )
        console.print(
            f"A ring holds {size / source.samplerate:.2f} s. About once a second, Python stands "
            f"still for {STALL * 1e3:.0f} ms."
        )
        columns = [BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn()]
        columns += [Fill("output"), Fill("input")] if records else [Fill("output")]
        transfer = Transfer(source, output, records, callback, size)
        interrupted = False
        with Progress(*columns, console=console) as progress:
            transfer.feed()
            target.start()
            try:
                transfer.stream(target, progress)
            except KeyboardInterrupt:
                interrupted = True
    return int(report(console, transfer, interrupted))


def run(options):
    """Run the demo; errors that the user can put right go to stderr."""
    try:
        return play(Console(), options)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
