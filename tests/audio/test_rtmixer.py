"""rtmixer from PyPI, with its own compiled callback, plays all frames with this package.

Its wheel has PortAudio's C ring buffer in it; Python's side of every ring is ours.
"""

import importlib.util

import pa_ringbuffer
import pytest

PERIOD = 256  # frames, of the JACK server

blocksizes = pytest.mark.parametrize("blocksize", [64, 256, 0])


@pytest.fixture
def rtmixer_programs(request, require):
    """Programs that use rtmixer and find the JACK server's device."""
    require(importlib.util.find_spec("rtmixer"), "rtmixer is not installed")
    return request.getfixturevalue("jack_programs")


def test_rtmixer_uses_this_package(rtmixer_programs):
    result = rtmixer_programs.run("rtmixer_ring_class")
    assert result["pa_ringbuffer"] == pa_ringbuffer.__version__
    assert result["package"] == pa_ringbuffer.__file__
    assert result["ours"]
    assert result["rtmixer"] == "0.1.7"


@blocksizes
def test_buffers_are_exact(rtmixer_programs, blocksize):
    result = rtmixer_programs.run(
        "rtmixer_buffers", streams=1, channels=2, blocksize=blocksize, seconds=3
    )
    assert result["exact"] == result["played"] == result["frames"] == 144000
    assert result["silent_before"]
    assert result["silent_after"]
    assert result["delay"] == PERIOD + blocksize
    assert result["recorded"] == 144000 + 4096
    assert result["actions"] == 0
    if blocksize:
        assert result["smallest_block"] == result["largest_block"] == blocksize


@pytest.mark.parametrize("channels", [2, [2], [2, 1]], ids=["stereo", "right", "swapped"])
def test_mixer_and_recorder_are_exact_as_streams_of_their_own(rtmixer_programs, channels):
    result = rtmixer_programs.run(
        "rtmixer_buffers", streams=2, channels=channels, blocksize=256, seconds=1
    )
    assert result["exact"] == result["played"] == result["frames"] == 48000
    assert result["silent_before"]
    assert result["silent_after"]
    assert result["actions"] == 0


@blocksizes
def test_ring_buffers_are_exact_while_the_gil_is_held(rtmixer_programs, blocksize):
    result = rtmixer_programs.run("rtmixer_ringbuffers", blocksize=blocksize, seconds=4)
    assert result["gil_was_held"]
    assert result["exact"] == result["frames"] == 192000
    assert result["played"] == result["sent"]
    assert result["silent_before"]
    assert result["silent_after"]
    assert result["delay"] == PERIOD + blocksize
    assert result["recorded"] == result["read"]
    assert result["actions"] == 0


def test_actions_go_through_the_queues(rtmixer_programs):
    result = rtmixer_programs.run("rtmixer_actions")
    assert result["full"] == "Action queue is full"
    assert result["played"] == [100, 100, 100, 100]
    assert result["cancelled"]
    assert result["cancel_type"]
    assert result["actions"] == 0
    assert 9600 <= result["frames"] < result["recorded"] < 5 * 48000
    assert result["exact"]
    assert result["silent_after"]
    first, second = result["blocks"]
    assert 0 < second < first
    assert result["blocksize"] == [256, 256]
