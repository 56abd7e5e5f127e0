"""The demo: sound continues while Python stalls, and a comparison proves that nothing is lost.

`Transfer.run` writes to a stream of :mod:`pa_ringbuffer.sounddevice` or, without a sound card, of
:mod:`pa_ringbuffer.testing`. The rest finds a sound and a device, and prints the result.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import math
import os
import sys
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ._text import block_sizes, counted
from .streams import StreamStoppedError
from .testing import Stream

STALL = 0.2  # seconds for which the GIL is held
STALL_INTERVAL = 1.0  # seconds between stalls
RING = 1.0  # minimum length of a ring in seconds: more than a stall and the refill after it
BLOCK = 1024  # frames per write

OK, LOST, USAGE, INTERRUPTED = 0, 1, 2, 130


class Transfer:
    """Plays a sound while Python stalls repeatedly, and compares the frames that come back."""

    def __init__(self, sound, stream):
        self.sound = sound
        self.stream = stream
        self.comparison = None
        if isinstance(stream, Stream):
            self.comparison = Comparison(stream.blocksize, sound.channels)
        self.sent = self.written = self.stalls = 0
        self.longest_stall = 0.0

    @property
    def arrived(self):
        """Number of frames of the sound that came back or, on a sound card, were played."""
        if self.comparison:
            frames = self.comparison.received - self.stream.blocksize
        else:
            frames = self.written - self.stream.output_ring.read_available
        return max(min(frames, self.sent), 0)

    def run(self, show_progress):
        """Return when the whole sound has arrived."""
        stream, comparison = self.stream, self.comparison
        # Silence pushes the end of the sound out of the ring and through the loopback.
        silence = np.zeros((BLOCK, self.sound.channels), np.float32)
        blocks = itertools.chain(self.sound.blocks, itertools.repeat(silence))
        last_write, next_stall = time.perf_counter(), math.inf
        for number, block in enumerate(blocks):
            if number == len(stream.output_ring) // BLOCK:
                # The ring is full.
                stream.start()
                last_write = time.perf_counter()
                next_stall = last_write + STALL_INTERVAL
            show_progress()
            if comparison:
                comparison.sent(block)
            self.longest_stall = max(self.longest_stall, time.perf_counter() - last_write)
            stream.write(block)
            last_write = time.perf_counter()
            self.written += len(block)
            if block is not silence:
                self.sent += len(block)
            if comparison:
                comparison.receive(stream.read_nowait())
            if block is silence and self.arrived == self.sent:
                break
            if last_write >= next_stall:
                hold_gil(STALL)
                self.stalls += 1
                next_stall = time.perf_counter() + STALL_INTERVAL
        # Only silence is left in the ring.
        stream.abort()


class Comparison:
    """Compares the frames that come back with the frames that were sent."""

    def __init__(self, delay, channels):
        self._channels = channels
        # The delay of the loopback comes back first, as silence.
        self._expected = bytearray(np.zeros((delay, channels), np.float32))
        self.received = 0
        self.different = 0

    def sent(self, block):
        self._expected += block.tobytes()

    def receive(self, block):
        # As bits, because NaN is not equal to itself.
        expected = np.frombuffer(self._expected[: block.nbytes], np.uint32)
        del self._expected[: block.nbytes]
        expected = expected.reshape(-1, self._channels)
        equal = expected == block[: len(expected)].view(np.uint32)
        self.different += len(block) - int(equal.all(axis=1).sum())
        self.received += len(block)


def hold_gil(duration):
    """Sleep without letting any other Python thread run, as a long call into C does."""
    if sys.platform == "win32":
        ctypes.PyDLL("kernel32").Sleep(round(duration * 1e3))
    else:
        ctypes.PyDLL(None).usleep(round(duration * 1e6))


class DemoError(Exception):
    """An error that the user can fix."""


class NoSoundCardError(Exception):
    """The reason why the virtual device is used."""


class Sound(NamedTuple):
    name: str
    samplerate: int
    channels: int
    frames: int
    blocks: Iterable[Any]  # float32 arrays of at most BLOCK frames


def melody(seconds):
    """A few plucked strings, so that the demo needs no sound file."""
    samplerate = 48000
    frames = round((seconds or 8) * samplerate)
    # Three voices: notes in semitones, the pitch of note 0 in Hz, the length of a note in seconds.
    voices = [((0, 3, 7, 10, 12, 10, 7, 3), 220, 1 / 4), ((7, 12, 15), 220, 1 / 4)]
    voices += [((0, 0, 5, 5), 110, 1)]

    def block(start):
        time = np.arange(start, min(start + BLOCK, frames)) / samplerate
        sound = np.zeros((len(time), 2))
        for voice, (notes, pitch, length) in enumerate(voices):
            index, since = np.divmod(time, length)
            frequency = pitch * 2 ** (np.take(notes, index.astype(int), mode="wrap") / 12)
            phase = 2 * np.pi * frequency * since
            tone = np.sin(phase) + 0.4 * np.sin(2 * phase) + 0.2 * np.sin(3 * phase)
            tone *= np.exp(-since * 6) * np.minimum(since * 400, 1) * 0.15
            sound += np.outer(tone, [3 - voice, 1 + voice]) / 4
        return sound.astype(np.float32)

    return Sound("a melody", samplerate, 2, frames, map(block, range(0, frames, BLOCK)))


def sound_file(path, seconds):
    """A sound file, or its first seconds."""
    try:
        import soundfile
    except (ImportError, OSError) as error:
        needs = "sound files need soundfile: pip install 'pa-ringbuffer[demo]'"
        raise DemoError(f"{needs} ({error})") from None
    if not os.path.exists(path):
        raise DemoError(f"there is no file {path!r}")
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise DemoError(str(error)) from None
    frames = min(file.frames, round(seconds * file.samplerate)) if seconds else file.frames
    if frames == 0:
        raise DemoError(f"there is nothing to play in {path!r}")

    # SoundFile.blocks() repeats old frames if the file ends before its header says so.
    def blocks(left):
        try:
            while len(block := file.read(min(BLOCK, left), dtype="float32", always_2d=True)):
                left -= len(block)
                yield block
        except soundfile.LibsndfileError as error:
            raise DemoError(f"{path!r} is damaged: {error}") from None

    return Sound(path, file.samplerate, file.channels, frames, blocks(frames))


def open_stream(sound, options, console):
    """Return a stream and the name of its device: a sound card, or else the virtual device."""
    parameters = {
        "samplerate": sound.samplerate,
        "channels": sound.channels,
        "ring_seconds": RING,
        "warn": None,  # The report at the end includes all losses.
    }
    if not options.virtual:
        try:
            return open_sound_card(options.device, parameters)
        except NoSoundCardError as error:
            console.print(f"No sound card is used: {error}.")
    return Stream(loopback=True, **parameters), "the virtual device, in loopback"


def open_sound_card(wanted, parameters):
    """Return a stream and the name of its device; None is the default device."""
    try:
        # Unlike sounddevice's own error, this module's error says how to install what is missing.
        from .sounddevice import OutputStream
    except ImportError as error:
        if wanted is None:
            raise NoSoundCardError(str(error)) from None
        raise DemoError(f"--device needs sounddevice and PortAudio: {error}") from None
    import sounddevice

    try:
        device = sounddevice.query_devices(wanted, "output")
    except (sounddevice.PortAudioError, ValueError) as error:
        if wanted is None:
            raise NoSoundCardError("there is no sound card") from None
        outputs = [each for each in sounddevice.query_devices() if each["max_output_channels"]]
        names = [f"\n  {output['index']}  {output['name']}" for output in outputs]
        listing = f"output devices:{''.join(names)}" if names else "there are no output devices"
        raise DemoError(f"no device {wanted!r}: {error}; {listing}") from None
    try:
        return OutputStream(device=device["index"], **parameters), device["name"]
    except sounddevice.PortAudioError as error:
        what = f"{parameters['channels']} channels at {parameters['samplerate']} Hz"
        raise DemoError(f"the device cannot play {what}: {error}") from None


def report(console, transfer, interrupted, stopped):
    """Print what happened and return the exit status."""
    stats, comparison, sent = transfer.stream.stats, transfer.comparison, transfer.sent
    output, recorded, xruns = stats.output, stats.input, stats.device["output_underflow"]
    sizes = block_sizes(stats.smallest_block, stats.largest_block)
    stalls = f"Python held the GIL {counted(transfer.stalls, 'time')}"
    rows = {
        "frames sent": f"{sent:,}",
        "frames received": comparison and f"{comparison.received:,}",
        "frames compared": comparison and f"{transfer.arrived:,}",
        "frames different": comparison and f"{comparison.different:,}",
        "blocks": f"{stats.blocks:,} of {sizes}",
        "output underflows": f"{output.losses} ({output.lost_frames:,} frames of silence)",
        "input overflows": recorded and f"{recorded.losses} ({recorded.lost_frames:,} frames lost)",
        "xruns of the device": None if comparison else f"{xruns}",
        "lowest fill of the output ring": f"{output.low_water / stats.samplerate * 1e3:.0f} ms",
        "longest Python stall": f"{transfer.longest_stall * 1e3:.0f} ms ({stalls})",
    }
    table = Table(show_header=False)
    for row in filter(all, rows.items()):
        table.add_row(*row)
    console.print(table)
    if interrupted:
        console.print("Interrupted.", style="yellow")
        return INTERRUPTED

    losses = {
        "frames came too late": output.lost_frames,
        "frames were not played": transfer.sound.frames - transfer.arrived if stopped else 0,
        "recorded frames were dropped": recorded.lost_frames if recorded else 0,
        "frames came back different": comparison.different if comparison else 0,
    }
    lost = [f"{frames:,} {what}" for what, frames in losses.items() if frames]
    if xruns:
        # The ring had every frame in time: the loss is between the callback and the loudspeaker.
        lost.append(f"the device reported {counted(xruns, 'xrun')}")
    if lost:
        console.print(f"Frames were lost: {'; '.join(lost)}.", style="red")
        return LOST
    proof = f"the callback played all {sent:,} frames without a gap"
    if comparison:
        proof = f"all {sent:,} frames came back, every sample equal"
    stalls = f"while Python stalled {counted(transfer.stalls, 'time')}"
    console.print(f"Nothing was lost: {proof}, {stalls}.", style="green")
    return OK


def play(console, options):
    """Follow the command line options and return the exit status."""
    sound = sound_file(options.file, options.seconds) if options.file else melody(options.seconds)
    stream, device = open_stream(sound, options, console)
    transfer = Transfer(sound, stream)
    seconds = sound.frames / sound.samplerate
    what = f"{seconds:.1f} s, {counted(sound.channels, 'channel')}, {sound.samplerate} Hz"
    console.print(f"Playing {sound.name} ({what}) on {device}.")
    ring_seconds = len(stream.output_ring) / sound.samplerate
    stall = f"About once a second, Python stalls for {STALL * 1e3:.0f} ms."
    console.print(f"Each ring holds {ring_seconds:.2f} s. {stall}")
    columns = [BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn()]
    columns.append(TextColumn("[cyan]{task.fields[fill]}"))
    interrupted = stopped = False
    with contextlib.closing(stream), Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=sound.frames, fill="")

        def show_progress():
            stats = stream.stats
            fill = f"output ring {stats.output.fill / stats.output.size:4.0%}"
            if stats.input:
                fill += f" input ring {stats.input.fill / stats.input.size:4.0%}"
            progress.update(task, completed=transfer.arrived, fill=fill)

        try:
            transfer.run(show_progress)
            show_progress()
        except KeyboardInterrupt:
            interrupted = True
        except StreamStoppedError as error:
            # An active device that makes no calls is an error. If the stream has stopped, the rest
            # is lost.
            if stream.active:
                raise DemoError(str(error)) from None
            stopped = True
    return report(console, transfer, interrupted, stopped)


def run(options):
    """Run the demo and return the exit status; print errors that the user can fix to stderr."""
    try:
        # Names may contain brackets, which are not markup.
        return play(Console(markup=False, highlight=False, soft_wrap=True), options)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
