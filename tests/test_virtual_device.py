"""The virtual device as a tool for tests: given input, blocks and xruns, for any callback."""

import array
import ctypes
import gc
import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
import weakref
from pathlib import Path

import pa_ringbuffer
import pytest
from pa_ringbuffer.testing import VirtualDevice

CONTINUE, COMPLETE, ABORT = 0, 1, 2
FLAGS = {
    "input_underflow": 0x01,
    "input_overflow": 0x02,
    "output_underflow": 0x04,
    "output_overflow": 0x08,
}
CODES = {"float32": "f", "int32": "i", "int16": "h", "int8": "b", "uint8": "B"}


@pytest.fixture
def ffi(require):
    require(importlib.util.find_spec("cffi"), "CFFI is not installed")
    import cffi

    return cffi.FFI()


class TimeInfo(ctypes.Structure):
    _fields_ = (
        ("inputBufferAdcTime", ctypes.c_double),
        ("currentTime", ctypes.c_double),
        ("outputBufferDacTime", ctypes.c_double),
    )


Callback = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.POINTER(TimeInfo),
    ctypes.c_ulong,
    ctypes.c_void_p,
)
FinishedCallback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
C_DECLARATION = "int(void *, void *, unsigned long, void *, unsigned long, void *)"


class Recorder:
    """A callback for int16 mono that notes its calls and plays 1, 2, 3 ... forever."""

    def __init__(self, results=()):
        self.results = iter(results)
        self.inputs = []
        self.flags = []
        self.delays = []
        self.played = 0
        self.function = Callback(self.call)

    def call(self, input_, output, frames, time, flags, userdata):
        block = ctypes.c_int16 * frames
        self.flags.append(flags)
        self.delays.append(time[0].currentTime - (time[0].inputBufferAdcTime + frames / 48000))
        self.inputs.append(list(block.from_address(input_)) if input_ else None)
        if output:
            numbers = range(self.played + 1, self.played + frames + 1)
            block.from_address(output)[:] = list(numbers)
            self.played += frames
        return next(self.results, CONTINUE)

    @property
    def blocksizes(self):
        return [len(block) for block in self.inputs]

    def device(self, **options):
        return VirtualDevice(self.function, **{"channels": 1, "dtype": "int16", **options})


def samples(*numbers):
    return array.array("h", itertools.chain.from_iterable(numbers))


def heard(output):
    assert output.format == "h"
    assert output.ndim == 2
    assert output.shape[1] == 1
    return [sample for frame in output.tolist() for sample in frame]


def copy(framesize):
    """A callback that plays what it hears, in any format."""

    def call(input_, output, frames, time, flags, userdata):
        ctypes.memmove(output, input_, frames * framesize)
        return CONTINUE

    return Callback(call)


# What goes in and what comes out.


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_output_has_the_shape_and_format_of_frames(dtype, channels):
    code = CODES[dtype]
    numbers = array.array(code, [n % 100 for n in range(100 * channels)])
    device = VirtualDevice(copy(channels * numbers.itemsize), channels=channels, dtype=dtype)
    output = device.process(numbers)
    assert (output.format, output.shape) == (code, (100, channels))
    assert output.c_contiguous
    assert output.tobytes() == numbers.tobytes()


def test_frames_of_24_bits_are_three_bytes_each():
    device = VirtualDevice(copy(6), channels=2, dtype="int24")
    numbers = bytes(range(240))
    output = device.process(numbers)
    assert (output.format, output.shape) == ("B", (40, 2, 3))
    assert output.tobytes() == numbers
    assert device.process(output[:7]).tobytes() == numbers[: 7 * 6]


def test_numpy_arrays_go_in_and_come_out(numpy):
    device = VirtualDevice(copy(8), channels=2)
    signal = numpy.linspace(-1, 1, 2000, dtype="float32").reshape(-1, 2)
    output = numpy.asarray(device.process(signal))
    assert output.dtype == signal.dtype
    assert numpy.array_equal(output, signal)
    output *= 2
    signal.flags.writeable = False
    assert numpy.array_equal(numpy.asarray(device.process(signal)), signal)
    assert numpy.array_equal(output, 2 * signal)


def test_no_frames_make_an_empty_output(numpy):
    recorder = Recorder()
    for output in recorder.device().process(b""), recorder.device().process(frames=0):
        assert (output.format, output.shape, output.tolist()) == ("h", (0, 1), [])
        assert numpy.asarray(output).shape == (0, 1)
    assert recorder.flags == []


def test_a_device_without_output_returns_none():
    recorder = Recorder()
    assert recorder.device(channels=(1, 0), blocksize=4).process(samples(range(6))) is None
    assert recorder.inputs == [[0, 1, 2, 3], [4, 5]]


def test_a_device_without_input_needs_the_number_of_frames():
    recorder = Recorder()
    device = recorder.device(channels=(0, 1), blocksize=4)
    assert heard(device.process(frames=6)) == [1, 2, 3, 4, 5, 6]
    assert recorder.inputs == [None, None]
    with pytest.raises(TypeError, match="frames must be given"):
        device.process()
    with pytest.raises(ValueError, match="no input channels"):
        device.process(samples(range(6)))


def test_input_without_a_buffer_is_zeros():
    recorder = Recorder()
    device = recorder.device(blocksize=4)
    device.process(samples(range(1, 5)))
    device.process(frames=4)
    assert recorder.inputs == [[1, 2, 3, 4], [0, 0, 0, 0]]


def test_input_is_used_as_far_as_frames_are_asked_for():
    recorder = Recorder()
    device = recorder.device(blocksize=4)
    assert len(device.process(samples(range(10)), 6)) == 6
    device.process(samples(range(20, 22)), frames=2)
    assert recorder.inputs == [[0, 1, 2, 3], [4, 5], [20, 21]]
    assert device.frames == 8


@pytest.mark.parametrize(
    ("input_", "options", "error", "message"),
    [
        (b"123", {}, ValueError, "input must be whole frames of 2 channels, 4 bytes"),
        (bytes(40), {"frames": 11}, ValueError, "frames must be at most the 10 frames"),
        (bytes(40), {"frames": -1}, ValueError, "frames must be 0 or more"),
        (array.array("f", [0, 0]), {}, ValueError, "dtype 'int16', or bytes, not .* format 'f'"),
        (memoryview(bytes(12)).cast("B", (2, 6)), {}, ValueError, "frames of 2 channels, 4 bytes"),
        (memoryview(bytes(40))[::2], {}, BufferError, "contiguous"),
        ([1, 2], {}, TypeError, "input must be a buffer .* not list"),
        ("text", {}, TypeError, "input must be a buffer .* not str"),
        (None, {}, TypeError, "frames must be given"),
        (bytes(40), {"blocksizes": [4, 0]}, ValueError, "blocksizes must be positive .* not 0"),
        (bytes(40), {"blocksizes": [-1]}, ValueError, "blocksizes must be positive .* not -1"),
        (bytes(40), {"blocksizes": []}, ValueError, "at least one block size"),
        (bytes(40), {"blocksizes": 4}, TypeError, "blocksizes must be an iterable .* not int"),
        (
            bytes(40),
            {"blocksizes": [1.5]},
            TypeError,
            "blocksizes must be an iterable .* not float",
        ),
        (bytes(40), {"xruns": {0: "late"}}, ValueError, "xruns must be 'input_underflow'.*'late'"),
        (bytes(40), {"xruns": {-1: "input_overflow"}}, ValueError, "must be 0 or more, not -1"),
        (bytes(40), {"xruns": {"a": "input_overflow"}}, TypeError, "xruns must be a dict"),
        (bytes(40), {"xruns": {0: 1}}, TypeError, "xruns must be a dict .* not int"),
        (bytes(40), {"xruns": ["input_overflow"]}, TypeError, "xruns must be a dict .* not list"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_call(input_, options, error, message):
    recorder = Recorder()
    device = recorder.device(channels=2)
    with pytest.raises(error, match=message):
        device.process(input_, **options)
    assert recorder.flags == []
    assert device.frames == 0


def test_a_started_or_closed_device_does_not_process():
    device = VirtualDevice(pa_ringbuffer.StreamCallback(), channels=(2, 0))
    with device, pytest.raises(RuntimeError, match="running"):
        device.process(frames=1)
    with pytest.raises(RuntimeError, match="closed"):
        device.process(frames=1)


# Blocks.


@pytest.mark.parametrize(
    ("blocksizes", "expected"),
    [
        (None, [4, 4, 2]),
        ([3], [3, 3, 3, 1]),
        ((1, 2), [1, 2, 1, 2, 1, 2, 1]),
        (lambda: iter([5, 1]), [5, 1, 4]),
        (lambda: itertools.count(1), [1, 2, 3, 4]),
        ([1, 10**30], [1, 9]),
    ],
)
@pytest.mark.parametrize("loopback", [False, True])
def test_the_callback_gets_the_given_blocks(blocksizes, expected, loopback):
    recorder = Recorder()
    device = recorder.device(blocksize=4, loopback=loopback)
    if callable(blocksizes):
        blocksizes = blocksizes()
    output = device.process(samples(range(10)), blocksizes=blocksizes)
    assert recorder.blocksizes == expected
    assert list(itertools.chain(*recorder.inputs)) == list(range(10))
    assert heard(output) == list(range(1, 11))


def test_varying_blocks_are_the_same_in_every_run():
    runs = []
    for _ in range(2):
        recorder = Recorder()
        recorder.device(blocksize=0).process(frames=20000)
        runs.append(recorder.blocksizes)
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 10
    assert sum(runs[0]) == 20000


def test_blocks_may_be_larger_than_the_device_s():
    numbers = samples(n % 30000 for n in range(200_000))
    device = VirtualDevice(copy(2), channels=1, dtype="int16", blocksize=1)
    assert device.process(numbers, blocksizes=[1, 150_000]).tobytes() == numbers.tobytes()


# Loopback.


def test_process_without_input_is_looped_back():
    recorder = Recorder()
    device = recorder.device(blocksize=4, loopback=True)
    assert heard(device.process(frames=8)) == list(range(1, 9))
    assert device.run(4) == 4
    device.process(frames=4)
    assert recorder.inputs == [[0] * 4, [1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]


def test_given_input_leaves_the_loopback_as_it_was():
    recorder = Recorder()
    device = recorder.device(blocksize=4, loopback=True)
    device.run(4)
    device.process(samples([70] * 100), blocksizes=[100])
    device.run(4)
    assert recorder.inputs[-1] == [1, 2, 3, 4]


def test_larger_blocks_make_the_loopback_as_long_as_they_are():
    recorder = Recorder()
    device = recorder.device(blocksize=4, loopback=True)
    device.run(4)
    device.process(frames=20, blocksizes=[10])
    assert recorder.inputs[1] == [1, 2, 3, 4] + [0] * 6
    assert recorder.inputs[2] == list(range(5, 15))


# Xruns.


@pytest.mark.parametrize(
    ("kinds", "inputs", "output"),
    [
        ("input_underflow", [[1, 2], [0, 0], [3, 4]], [1, 2, 3, 4, 5, 6]),
        ("input_overflow", [[1, 2], [5, 6], [0, 0]], [1, 2, 3, 4, 5, 6]),
        ("output_underflow", [[1, 2], [3, 4], [5, 6]], [1, 2, 0, 0, 3, 4, 5, 6]),
        ("output_overflow", [[1, 2], [3, 4], [5, 6]], [1, 2, 5, 6]),
        (
            ["input_overflow", "output_underflow"],
            [[1, 2], [5, 6], [0, 0]],
            [1, 2, 0, 0, 3, 4, 5, 6],
        ),
        (("input_underflow", "input_overflow"), [[1, 2], [0, 0], [5, 6]], [1, 2, 3, 4, 5, 6]),
        ({"output_underflow", "output_overflow"}, [[1, 2], [3, 4], [5, 6]], [1, 2, 0, 0, 5, 6]),
    ],
)
@pytest.mark.parametrize("how", ["in the script", "asked for by the callback"])
def test_xruns_shift_the_data_and_are_flagged(kinds, inputs, output, how):
    recorder = Recorder()
    if how == "in the script":
        device = recorder.device(blocksize=2)
        result = device.process(samples(range(1, 7)), xruns={1: kinds})
    else:

        def asked():
            for kind in [kinds] if isinstance(kinds, str) else kinds:
                device.xrun(kind)
                device.xrun(kind)
            yield from [CONTINUE] * 3

        recorder.results = asked()
        device = recorder.device(blocksize=2)
        result = device.process(samples(range(1, 7)))
    assert recorder.inputs == inputs
    assert heard(result) == output
    flag = FLAGS[kinds] if isinstance(kinds, str) else sum(FLAGS[kind] for kind in kinds)
    assert recorder.flags == [0, flag, 0]
    assert device.frames == 6


def test_surplus_input_makes_up_for_what_an_overflow_loses():
    recorder = Recorder()
    device = recorder.device(blocksize=2)
    device.process(samples(range(1, 9)), 6, xruns={1: "input_overflow", 7: "input_overflow"})
    assert recorder.inputs == [[1, 2], [5, 6], [7, 8]]


def test_an_overflow_in_the_middle_of_the_last_frames_is_followed_by_zeros():
    recorder = Recorder()
    recorder.device().process(samples(range(1, 6)), blocksizes=[3, 1], xruns={1: "input_overflow"})
    assert recorder.inputs == [[1, 2, 3], [5], [0]]


@pytest.mark.parametrize(
    ("xruns", "inputs"),
    [
        # Later by a block from there on.
        ({1: "input_underflow"}, [[0, 0], [0, 0], [1, 2], [3, 4], [5, 6]]),
        ({1: "output_underflow"}, [[0, 0], [1, 2], [0, 0], [3, 4], [5, 6]]),
        # A block is missing, and nothing else was on its way.
        ({1: "input_overflow"}, [[0, 0], [0, 0], [3, 4], [5, 6], [7, 8]]),
        ({1: "output_overflow"}, [[0, 0], [1, 2], [0, 0], [5, 6], [7, 8]]),
        # Later by a block, and back again.
        (
            {1: "input_underflow", 3: "input_overflow"},
            [[0, 0], [0, 0], [1, 2], [5, 6], [7, 8]],
        ),
        (
            {1: "output_underflow", 2: "output_overflow"},
            [[0, 0], [1, 2], [0, 0], [3, 4], [7, 8]],
        ),
    ],
)
def test_xruns_change_the_delay_of_the_loopback(xruns, inputs):
    recorder = Recorder()
    device = recorder.device(blocksize=2, loopback=True)
    device.process(frames=10, xruns=xruns)
    assert recorder.inputs == inputs


def test_what_finds_no_room_in_the_loopback_is_lost():
    recorder = Recorder()
    device = recorder.device(blocksize=2, loopback=True)
    device.process(frames=40, xruns=dict.fromkeys(range(20), "input_underflow"))
    device.process(frames=20)
    heard = list(itertools.chain(*recorder.inputs[20:]))
    # The silence it began with, then what was played until there was no more room.
    assert heard[:16] == [0, 0, *range(1, 15)]
    assert set(heard[16:]) <= {0, *range(41, 61)}


@pytest.mark.parametrize("kind", FLAGS)
def test_xruns_need_the_channels_that_they_happen_to(kind):
    direction = kind.partition("_")[0]
    recorder = Recorder()
    device = recorder.device(channels=(0, 1) if direction == "input" else (1, 0))
    for refused in (
        lambda: device.xrun(kind),
        lambda: device.process(frames=4, xruns={0: kind}),
    ):
        with pytest.raises(ValueError, match=f"'{kind}'.* no {direction} channels"):
            refused()
    with pytest.raises(ValueError, match=r"kind must be 'input_underflow'.* not 'underflow'"):
        device.xrun("underflow")
    assert recorder.flags == []


def test_an_xrun_waits_for_the_next_call_whoever_makes_it():
    recorder = Recorder()
    device = recorder.device(blocksize=2)
    device.xrun("output_overflow")
    device.xrun("input_underflow")
    device.run(4)
    device.xrun("input_overflow")
    device.process(frames=4)
    assert recorder.flags == [0x09, 0, 0x02, 0]


def test_a_callback_that_wakes_plays_records_and_counts_as_any_other():
    played = bytes(n % 251 for n in range(4000))
    found = []
    for wake in (False, True):
        input_ring, output_ring = (
            pa_ringbuffer.RingBuffer(4, 512),
            pa_ringbuffer.RingBuffer(4, 1024),
        )
        output_ring.write(played)
        callback = pa_ringbuffer.StreamCallback(input_ring, output_ring, wake=wake)
        device = VirtualDevice(callback, channels=1, blocksize=64, loopback=True)
        output = bytes(device.process(frames=1100))
        found.append((output, bytes(input_ring.read()), callback.counters))
    assert found[0] == found[1]
    assert found[0][0][: len(played)] == played


def test_a_device_in_real_time_has_xruns_too():
    ring = pa_ringbuffer.RingBuffer(2, 4096)
    callback = pa_ringbuffer.StreamCallback(input_ring=ring, output_framesize=2)
    device = VirtualDevice(callback, channels=1, dtype="int16", blocksize=64)
    with device:
        for number, kind in enumerate(FLAGS):
            device.xrun(kind)
            name = f"device_{kind}s"
            while callback.counters[name] == 0:
                assert not device.wait(0.001)
            assert sum(callback.counters[f"device_{kind}s"] for kind in FLAGS) == number + 1


# The end.


@pytest.mark.parametrize(
    ("result", "output"), [(COMPLETE, [1, 2, 3, 4]), (ABORT, [1, 2])], ids=["complete", "abort"]
)
@pytest.mark.parametrize("loopback", [False, True])
def test_output_ends_with_the_stream(result, output, loopback):
    recorder = Recorder([CONTINUE, result])
    device = recorder.device(blocksize=2, loopback=loopback)
    assert heard(device.process(frames=100)) == output
    assert recorder.blocksizes == [2, 2]
    assert device.frames == 4
    # It can go on: what was aborted was never on its way.
    device.process(frames=4)
    if loopback:
        assert recorder.inputs[2] == ([3, 4] if result == COMPLETE else [0, 0])


def test_a_stream_that_is_aborted_at_once_has_no_output():
    assert Recorder([ABORT]).device().process(frames=100).shape == (0, 1)


@pytest.mark.parametrize("result", [COMPLETE, ABORT])
@pytest.mark.parametrize("realtime", [True, False])
def test_a_running_device_ends_with_its_stream(result, realtime):
    recorder = Recorder([CONTINUE, result])
    with recorder.device(blocksize=2, loopback=True, realtime=realtime) as device:
        assert device.wait(60)
        assert not device.active
    assert recorder.blocksizes == [2, 2]


# The finished callback.


@pytest.mark.parametrize("ended_by", ["callback", "stop", "close"])
def test_the_finished_callback_is_told_once_before_everybody_else(ended_by):
    told = []
    recorder = Recorder([COMPLETE] if ended_by == "callback" else [])

    @FinishedCallback
    def finished(userdata):
        told.append((userdata, device.active, device.wait(0), len(recorder.flags)))

    data = ctypes.c_int()
    device = recorder.device(
        userdata=ctypes.addressof(data),
        blocksize=2,
        finished_callback=finished,
    )
    device.start()
    if ended_by == "callback":
        assert device.wait(60)
    else:
        while not recorder.flags:
            assert not device.wait(0.001)
        getattr(device, ended_by)()
    assert not device.active
    assert told == [(ctypes.addressof(data), True, False, len(recorder.flags))]
    device.close()
    assert len(told) == 1


def test_a_device_that_its_callback_has_stopped_can_be_started_at_once():
    told = []
    recorder = Recorder(iter(lambda: device.stop() or CONTINUE, None))
    device = recorder.device(blocksize=2, finished_callback=FinishedCallback(told.append))
    for calls in range(1, 101):
        device.start()
        assert device.wait(60)
        assert not device.active
        assert len(recorder.flags) == len(told) == calls
        device.stop()


def test_offline_calls_have_no_finished_callback():
    told = []
    finished = FinishedCallback(told.append)
    device = Recorder([CONTINUE, COMPLETE]).device(blocksize=2, finished_callback=finished)
    device.process(frames=8)
    device.run(4)
    assert told == []
    with device:
        while device.frames < 10:
            assert not device.wait(0.001)
    assert told == [None]


def test_the_finished_callback_may_be_a_cffi_callback(ffi):
    told = []
    finished = ffi.callback("void(void *)", told.append)
    data = ffi.new("int *")
    recorder = Recorder([COMPLETE])
    with recorder.device(userdata=data, finished_callback=finished) as device:
        assert device.wait(60)
    assert told == [data]


# Jitter.


def delays(**options):
    recorder = Recorder([CONTINUE] * 39 + [COMPLETE])
    with recorder.device(blocksize=8, **options) as device:
        assert device.wait(60)
    assert len(recorder.delays) == 40
    return recorder.delays


def test_jitter_makes_calls_late_by_the_same_times_in_every_run():
    late = delays(jitter=0.001)
    assert late == delays(jitter=0.001)
    assert all(0 <= delay <= 0.001 + 1e-9 for delay in late)
    assert max(late) > 0.0005
    assert len(set(late)) > 20


def test_without_jitter_calls_are_meant_to_be_on_time():
    assert max(map(abs, delays())) < 1e-9
    assert max(map(abs, delays(jitter=0.5, realtime=False))) < 1e-9


def test_a_device_stops_before_a_call_that_is_far_away():
    with VirtualDevice(pa_ringbuffer.StreamCallback(), jitter=1e300) as device:
        assert device.active
    assert device.frames == 0


@pytest.mark.parametrize("jitter", [-1, float("inf"), float("nan")])
def test_jitter_must_be_a_time(jitter):
    with pytest.raises(ValueError, match="jitter must be a finite number of seconds, 0 or more"):
        VirtualDevice(pa_ringbuffer.StreamCallback(), jitter=jitter)


# Whose callback it is.


class Compiled:
    """Has what the device needs of Numba's compiled functions."""

    def __init__(self, function):
        self.kept = function
        self.address = ctypes.cast(function, ctypes.c_void_p).value


FORMS = {
    "ctypes function": lambda function, ffi: function,
    "ctypes pointer": lambda function, ffi: ctypes.cast(function, ctypes.c_void_p),
    "address": lambda function, ffi: Compiled(function).address,
    "compiled": lambda function, ffi: Compiled(function),
    "CFFI function pointer": lambda function, ffi: ffi.cast(
        "int (*)(void)", Compiled(function).address
    ),
    "CFFI pointer": lambda function, ffi: ffi.cast("void *", Compiled(function).address),
}


@pytest.mark.parametrize("form", FORMS)
def test_any_form_of_a_c_function_can_be_the_callback(form, ffi):
    recorder = Recorder()
    told = []
    finished = FinishedCallback(told.append)
    device = VirtualDevice(
        FORMS[form](recorder.function, ffi),
        channels=1,
        dtype="int16",
        blocksize=4,
        finished_callback=FORMS[form](finished, ffi),
    )
    assert heard(device.process(samples([7, 8]))) == [1, 2]
    assert recorder.inputs == [[7, 8]]
    device.start()
    device.close()
    assert told == [None]


def test_userdata_may_be_a_ctypes_pointer():
    seen = []

    @Callback
    def callback(input_, output, frames, time, flags, userdata):
        seen.append(ctypes.c_int.from_address(userdata).value)
        return COMPLETE

    data = ctypes.c_int(42)
    for userdata in ctypes.pointer(data), ctypes.cast(ctypes.pointer(data), ctypes.c_void_p):
        VirtualDevice(callback, userdata).process(frames=1)
    assert seen == [42, 42]


@pytest.mark.impossible(sys.platform == "win32", reason="there is no cc")
@pytest.mark.parametrize("opened_by", ["ctypes", "cffi"])
def test_a_function_of_a_shared_library_can_be_the_callback(opened_by, require, tmp_path, ffi):
    compiler = shutil.which(os.environ.get("CC", "cc"))
    require(compiler, "a C compiler is needed")
    source = tmp_path / "callback.c"
    source.write_text(
        "int negate(const float *in, float *out, unsigned long frames, const void *time,\n"
        "           unsigned long flags, void *data)\n"
        "{\n"
        "    for (unsigned long i = 0; i < frames; i++) out[i] = -in[i];\n"
        "    return 0;\n"
        "}\n"
    )
    library = tmp_path / "callback.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
    if opened_by == "ctypes":
        function = ctypes.CDLL(str(library)).negate
    else:
        ffi.cdef("int negate(float *, float *, unsigned long, void *, unsigned long, void *);")
        function = ffi.dlopen(str(library)).negate
    device = VirtualDevice(function, channels=1)
    assert device.process(array.array("f", [1, -2, 3])).tolist() == [[-1], [2], [-3]]


@pytest.mark.impossible(
    not (3, 10) <= sys.version_info < (3, 14), reason="Numba has no wheels for it"
)
def test_numba_can_compile_the_callback(require):
    try:
        import numba
    except ImportError:
        numba = None
    require(numba, "Numba is not installed")
    from numba import types

    pointer = types.CPointer(types.float32)
    size = types.ulong

    @numba.cfunc(types.intc(pointer, pointer, size, types.voidptr, size, types.voidptr))
    def callback(input_, output, frames, time, flags, userdata):
        source, target = numba.carray(input_, frames), numba.carray(output, frames)
        for i in range(frames):
            target[i] = 2 * source[i]
        return 0

    device = VirtualDevice(callback, channels=1)
    assert device.process(array.array("f", [1, -2, 3])).tolist() == [[2], [-4], [6]]


@pytest.mark.parametrize("argument", ["callback", "finished_callback"])
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (0, ValueError),
        (Callback(), ValueError),
        (ctypes.c_void_p(), ValueError),
        (lambda *arguments: 0, TypeError),
        (pa_ringbuffer.RingBuffer(4, 4), TypeError),
        (ctypes.c_int(1), TypeError),
        ("callback", TypeError),
        (type("Method", (), {"address": lambda self: 1})(), TypeError),
    ],
)
def test_what_is_no_c_function_is_refused(argument, wrong, error):
    good = pa_ringbuffer.StreamCallback()
    arguments = {"callback": good, argument: wrong}
    with pytest.raises(error, match=f"^{argument} must"):
        VirtualDevice(**arguments)


def test_a_stream_callback_is_not_told_the_end():
    callback = pa_ringbuffer.StreamCallback()
    with pytest.raises(TypeError, match="finished_callback must be a C function"):
        VirtualDevice(callback, finished_callback=callback)


def test_the_device_keeps_its_callbacks():
    recorder = Recorder()
    finished = FinishedCallback(lambda userdata: None)
    kept = [weakref.ref(recorder.function), weakref.ref(finished)]
    device = VirtualDevice(recorder.function, channels=1, dtype="int16", finished_callback=finished)
    del recorder, finished
    gc.collect()
    assert all(reference() is not None for reference in kept)
    assert heard(device.process(frames=3)) == [1, 2, 3]
    del device
    gc.collect()
    assert [reference() for reference in kept] == [None, None]


@pytest.mark.parametrize("kind", ["ctypes", "cffi"])
def test_a_callback_that_raises_is_reported_and_does_no_harm(kind, ffi, monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: reported.append(report.exc_type))
    calls = []

    def callback(input_, output, frames, time, flags, userdata):
        calls.append(frames)
        raise ArithmeticError("on purpose")

    function = Callback(callback) if kind == "ctypes" else ffi.callback(C_DECLARATION, callback)
    device = VirtualDevice(function, channels=1, blocksize=4)
    # To C it returns 0 with CFFI, and anything with ctypes, the end of the stream included.
    length = len(device.process(frames=8))
    assert length in ([0, 4, 8] if kind == "ctypes" else [8])
    assert calls in ([4], [4, 4])
    before = len(calls)
    with device:
        while len(calls) == before and not device.wait(0.001):
            pass
    assert len(calls) > before
    assert reported == [ArithmeticError] * len(calls)


# The guide.


def test_the_example_in_the_guide_is_true(numpy):
    guide = (Path(__file__).parents[1] / "docs" / "guide.md").read_text(encoding="utf-8")
    examples = [part for part in guide.split("```") if "def test_" in part]
    assert len(examples) == 1
    namespace = {}
    exec(examples[0].removeprefix("python\n"), namespace)
    tests = [value for name, value in namespace.items() if name.startswith("test_")]
    assert len(tests) == 1
    tests[0]()


def test_errors_name_the_device():
    device = VirtualDevice(pa_ringbuffer.StreamCallback())
    with device, pytest.raises(RuntimeError) as running:
        device.start()
    with pytest.raises(RuntimeError) as closed:
        device.start()
    assert str(running.value) == "the virtual device is running; stop it first"
    assert str(closed.value) == "the virtual device is closed"
