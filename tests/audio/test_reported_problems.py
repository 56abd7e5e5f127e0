"""What users have reported to python-sounddevice, imitated on the virtual device: before and after.

Before: the device calls Python itself, as sounddevice has it, and must wait for the GIL. After: the
same function is the callback of a stream of ours.
"""

import contextlib
import ctypes
import itertools
import queue
import threading
import time
from time import perf_counter

import numpy as np
import pa_ringbuffer.testing as sd
from callback_type import CALLBACK
from gil import hold_gil
from jack_crash import MachineTooSlow

BLOCK = 256
SAMPLERATE = 48000
STALL = 0.12
# A device has a few blocks in reserve; a callback that is later than that is heard.
LATE = 4 * BLOCK / SAMPLERATE


class Direct:
    """A stream as sounddevice has it, and how late its function was called at the worst."""

    def __init__(self, callback, channels):
        self.worst = 0.0

        def call(input_, output, frames, times, flags, userdata):
            self.worst = max(self.worst, self._device.lateness)
            blocks = [self._block(at, frames) for at in (input_, output) if at]
            callback(*blocks, frames, None, sd.CallbackFlags())
            return 0

        self._function = CALLBACK(call)
        self._device = sd.VirtualDevice(
            ctypes.cast(self._function, ctypes.c_void_p).value,
            samplerate=SAMPLERATE,
            channels=channels,
            blocksize=BLOCK,
        )

    @staticmethod
    def _block(address, frames):
        memory = (ctypes.c_float * frames).from_address(address)
        return np.frombuffer(memory, "float32").reshape(-1, 1)

    def __enter__(self):
        self._device.start()
        return self

    def __exit__(self, *exception):
        self._device.close()


def late_before(callback, use, channels=(0, 1)):
    """By how many seconds the device has waited for Python."""
    with Direct(callback, channels) as stream:
        use()
    return stream.worst


def stats_after(Stream, callback, use, **parameters):
    """What a stream of ours has counted."""
    with Stream(
        SAMPLERATE, BLOCK, channels=1, callback=callback, warn=None, **parameters
    ) as stream:
        use()
        return stream.stats


def assert_nothing_was_lost(stats):
    if stats.losses:
        # More than twice the stall was made ahead.
        raise MachineTooSlow(repr(stats))


def tone():
    """A callback that plays a loop."""
    sound = np.sin(np.arange(4800) * 2 * np.pi / 100).astype("float32").reshape(-1, 1)
    frame = 0

    def callback(outdata, frames, time, status):
        nonlocal frame
        outdata[:] = np.take(sound, np.arange(frame, frame + frames), axis=0, mode="wrap")
        frame += frames

    return callback


def wire(indata, outdata, frames, time, status):
    outdata[:] = indata


def stall_now_and_then():
    """What an image library, a plot or a window does in the main thread."""
    for _ in range(4):
        hold_gil(STALL)
        sd.sleep(150)


def test_77_a_loop_goes_on_while_an_image_is_processed():
    assert late_before(tone(), stall_now_and_then) > LATE
    assert_nothing_was_lost(stats_after(sd.OutputStream, tone(), stall_now_and_then, ahead=0.3))


def test_188_a_wire_does_not_crack():
    assert late_before(wire, stall_now_and_then, channels=(1, 1)) > LATE
    stats = stats_after(sd.Stream, wire, stall_now_and_then, ahead=0.3, jitter=0.002)
    assert_nothing_was_lost(stats)


def test_17_a_callback_that_needs_longer_than_its_block_leaves_the_program_its_turn():
    turns = []

    def heavy(indata, outdata, frames, time, status):
        end = perf_counter() + 2 * frames / SAMPLERATE
        while perf_counter() < end:
            outdata[0] = indata[0]

    def use():
        for _ in range(20):
            turns.append(sd.sleep(1))
        sd.sleep(100)

    # The device waits longer and longer; the program is not told.
    assert late_before(heavy, use, channels=(1, 1)) > LATE
    turns.clear()
    stats = stats_after(sd.Stream, heavy, use)
    # The sound has gaps, which are counted; the program goes on, and can stop the stream.
    assert len(turns) == 20
    assert stats.blocks


# Issue 87 has no "before": stop() froze in drivers, and nothing freezes on the virtual device.


def test_87_stop_returns_however_soon_it_comes():
    sound = np.random.default_rng(1).uniform(-1, 1, 5 * SAMPLERATE)
    for pause in itertools.chain([0] * 10, range(0, 50, 5)):
        sd.play(sound, SAMPLERATE)
        sd.sleep(pause)
        sd.stop()
        assert sd.get_stream().closed


def test_87_stop_returns_while_another_thread_holds_the_gil():
    stalling = threading.Thread(target=stall_now_and_then)
    stalling.start()
    while stalling.is_alive():
        sd.play(np.zeros(SAMPLERATE), SAMPLERATE)
        sd.stop()
        assert not sd.get_stream().active


def test_384_before_the_latency_is_longer_after_a_stall():
    """A thread makes a block of output from each block of input, with queues to the callback."""
    recorded, made = queue.SimpleQueue(), queue.SimpleQueue()
    latencies, calls = [], itertools.count()
    stalls = threading.Event()

    def callback(indata, outdata, frames, time, status):
        number = next(calls)
        recorded.put(number)
        with contextlib.suppress(queue.Empty):
            # Otherwise, silence: an underflow.
            latencies.append(number - made.get_nowait())

    def work():
        for number in iter(recorded.get, None):
            if stalls.is_set():
                stalls.clear()
                time.sleep(4 * STALL)
            made.put(number)

    def use():
        for _ in range(2):
            sd.sleep(100)
            seen.append(latencies[-1])
            stalls.set()
            sd.sleep(900)
        seen.append(latencies[-1])

    seen = []
    worker = threading.Thread(target=work)
    worker.start()
    try:
        late_before(callback, use, channels=(1, 1))
    finally:
        recorded.put(None)
        worker.join()
    # In blocks. The device has played silence, and what was made later waits for its turn.
    assert min(seen[1:]) > seen[0] + 2 * STALL * SAMPLERATE / BLOCK


def test_384_the_latency_is_the_same_after_stalls_that_were_too_long():
    """Later and later: each underflow has put off all that follows."""
    latencies = []
    frame = 0

    def callback(indata, outdata, frames, time, status):
        nonlocal frame
        if indata[0, 0]:
            latencies.append(frame - int(indata[0, 0]))
        outdata[:, 0] = np.arange(frame, frame + frames)
        frame += frames

    with sd.Stream(
        SAMPLERATE,
        BLOCK,
        channels=1,
        dtype="int32",
        callback=callback,
        loopback=True,
        ahead=0.05,
        warn=None,
    ) as stream:
        for _ in range(3):
            sd.sleep(300)
            hold_gil(0.3)
        while stream.stats.output.losses == 0:
            hold_gil(0.3)
        count = len(latencies)
        while len(latencies) < count + 100:
            sd.sleep(10)
        stats = stream.stats
    assert stats.output.lost_frames
    assert latencies[-1] == latencies[0]


def test_friture_119_nothing_is_lost_of_what_is_recorded_while_plots_are_drawn():
    """Its change 119 has a compiled callback record, because Python's came too late."""
    recorded = []

    def callback(indata, frames, time, status):
        recorded.append(len(indata))

    assert late_before(callback, stall_now_and_then, channels=(1, 0)) > LATE
    recorded.clear()
    stats = stats_after(sd.InputStream, callback, stall_now_and_then)
    assert_nothing_was_lost(stats)
    assert sum(recorded) > 4 * STALL * SAMPLERATE


def test_speech_goes_on_while_the_next_sentence_is_inferred():
    """Inference that holds the GIL, while a callback plays from a queue what was made before."""
    inference, pause = 0.25, 0.3
    sentences, heard = queue.SimpleQueue(), []
    samples = int((inference + pause) * SAMPLERATE)

    def callback(outdata, frames, time, status):
        nonlocal rest
        if len(rest) < frames:
            with contextlib.suppress(queue.Empty):
                rest = np.concatenate([rest, sentences.get_nowait()])
        heard.append(len(rest[:frames]))
        outdata[: heard[-1], 0] = rest[:frames]
        outdata[heard[-1] :] = 0
        rest = rest[frames:]

    def speak():
        for _ in range(4):
            hold_gil(inference)
            sentences.put(np.ones(samples, "float32"))
            sd.sleep(round(pause * 1e3))

    rest = np.zeros(0, "float32")
    assert late_before(callback, speak) > LATE
    heard.clear()
    stats = stats_after(sd.OutputStream, callback, speak, latency="high")
    assert_nothing_was_lost(stats)
    assert sum(heard) > 2 * samples
