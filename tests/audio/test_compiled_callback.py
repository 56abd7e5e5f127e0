"""The compiled callback plays all frames, with real PortAudio and on the virtual device."""

import os

import pytest

PERIOD = 256  # frames, of the JACK server

blocksizes = pytest.mark.parametrize("blocksize", [64, 256, 0])


@pytest.fixture(params=["virtual", "system"])
def device_programs(request):
    """A device's name, and programs that find it."""
    fixture = {"virtual": "programs", "system": "jack_programs"}[request.param]
    return request.param, request.getfixturevalue(fixture)


def assert_nothing_lost(recording, counters):
    assert recording["exact"] == recording["frames"]
    assert recording["silent_before"]
    assert recording["silent_after"]
    assert counters["output_underflows"] == counters["output_underflow_frames"] == 0
    assert counters["input_overflows"] == counters["input_overflow_frames"] == 0


def assert_blocks(counters, blocksize):
    if blocksize:
        assert counters["smallest_block"] == counters["largest_block"] == blocksize
        assert counters["blocks"] * blocksize == counters["frames"]
    else:
        assert 0 < counters["smallest_block"] <= counters["largest_block"]


@blocksizes
def test_portaudio_duplex_loses_nothing_while_the_gil_is_held(jack_programs, blocksize):
    result = jack_programs.run(
        "duplex", device="system", dtype="float32", blocksize=blocksize, seconds=4, hold_gil=True
    )
    assert result["gil_was_held"]
    assert_nothing_lost(result, result["counters"])
    assert_blocks(result["counters"], blocksize)
    assert result["delay"] == PERIOD + blocksize


@blocksizes
def test_portaudio_playback_loses_nothing_while_the_gil_is_held(jack_programs, blocksize):
    recorder = jack_programs.start("record", blocksize=256, seconds=3, hold_gil=False)
    assert recorder.wait_for_line() == {"recording": True}
    player = jack_programs.run("play", blocksize=blocksize, seconds=3, hold_gil=True)
    recording = recorder.result()
    assert player["gil_was_held"]
    assert_nothing_lost(recording, player["counters"])
    assert_blocks(player["counters"], blocksize)
    assert player["left"] == 0


@blocksizes
def test_portaudio_recording_loses_nothing_while_the_gil_is_held(jack_programs, blocksize):
    recorder = jack_programs.start("record", blocksize=blocksize, seconds=3, hold_gil=True)
    assert recorder.wait_for_line() == {"recording": True}
    jack_programs.run("play", blocksize=256, seconds=3, hold_gil=False)
    recording = recorder.result()
    assert recording["gil_was_held"]
    assert_nothing_lost(recording, recording["counters"])
    assert_blocks(recording["counters"], blocksize)


@blocksizes
@pytest.mark.parametrize("dtype", ["float32", "int24", "int16", "uint8"])
def test_virtual_device_loses_nothing_while_the_gil_is_held(programs, dtype, blocksize):
    result = programs.run(
        "duplex", device="virtual", dtype=dtype, blocksize=blocksize, seconds=3, hold_gil=True
    )
    assert result["gil_was_held"]
    assert_nothing_lost(result, result["counters"])
    assert_blocks(result["counters"], blocksize)
    assert result["delay"] == (blocksize or 1024)


def test_stopped_stream_goes_on_where_it_was(device_programs):
    device, programs = device_programs
    result = programs.run("restart", device=device)
    assert result["recorded_until_stop"]
    assert result["exact_until_stop"]
    assert result["exact_after_restart"]
    assert result["delay"] == {"virtual": 256, "system": PERIOD + 256}[device]
    assert result["counters"]["output_underflows"] == 0
    assert result["counters"]["input_overflows"] == 0


@pytest.mark.parametrize("stop", [True, False], ids=["stopped", "running"])
def test_closed_stream_leaves_the_rest_in_the_rings(device_programs, stop):
    device, programs = device_programs
    result = programs.run("close_early", device=device, stop=stop)
    assert result["rest_is_intact"]
    assert result["rest"] == 48000 - result["counters"]["frames"]
    assert result["recorded"] == result["counters"]["frames"]
    assert result["writable"]
    assert result["calls_after_close"] == 0


def test_references_may_be_dropped_in_any_order(device_programs):
    device, programs = device_programs
    # Every stream that is closed may hit the fault in JACK that conftest.py describes.
    every = {"virtual": 1, "system": 8}[device]
    assert programs.run("drop_references", device=device, every=every) == {
        "rounds": 2 * 24 // every
    }


def test_empty_ring_means_what_the_mode_says(device_programs):
    device, programs = device_programs
    result = programs.run("run_dry", device=device)
    assert result["left"] == 0
    assert result["counted_in_run"] > 0
    assert result["counted_in_drain"] == 0
    assert result["active_in_drain"]
    assert result["counted_in_complete"] == 0
    assert result["calls_after_end"] == 0


@pytest.mark.parametrize("form", ["StreamCallback", "address", "ctypes", "CFFI"])
def test_a_compiled_stream_loses_nothing_while_the_gil_is_held(device_programs, form):
    device, programs = device_programs
    result = programs.run("compiled_stream", device=device, form=form)
    assert result["gil_was_held"]
    assert_nothing_lost(result, result["counters"])
    assert_blocks(result["counters"], 256)
    assert result["delay"] == {"virtual": 256, "system": PERIOD + 256}[device]
    assert result["channels"] == [2, 2]
    assert result["closed"]
    assert result["ended"] == 1


def test_a_forgotten_compiled_stream_is_closed(jack_programs):
    assert jack_programs.run("forget_compiled") == {"forgotten": True, "calls_afterwards": 0}


@pytest.mark.impossible(not hasattr(os, "fork"), reason="processes cannot be forked")
def test_a_compiled_stream_is_out_of_use_in_a_forked_child(jack_programs):
    result = jack_programs.run("close_compiled", how="fork")
    assert result == {"status": 0, "was_active": True}


def test_several_threads_may_close_a_compiled_stream(jack_programs):
    assert jack_programs.run("close_compiled", how="threads") == {"closed": True}


def test_a_compiled_stream_does_not_wait_for_its_own_finished_callback(jack_programs):
    result = jack_programs.run("close_compiled", how="finished")
    assert result == {"refused": ["stop", "abort", "close"]}
