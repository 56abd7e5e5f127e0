"""Callbacks in Python under real PortAudio, compared with those of sounddevice itself."""

import pytest

OURS = "pa_ringbuffer.sounddevice"


@pytest.mark.parametrize("blocksize", [64, 256, 1000, 0])
def test_a_callback_plays_and_records_the_same_as_with_sounddevice(jack_programs, blocksize):
    arguments = {"blocksize": blocksize, "seconds": 1}
    plain = jack_programs.run("python_callback", module="sounddevice", **arguments)
    ours = jack_programs.run("python_callback", module=OURS, ahead=0.5, **arguments)
    for result in (plain, ours):
        assert result["exact"] == result["frames"]
        assert result["silent_before"]
        assert result["silent_after"]
        assert not result["still_active"]
    assert ours["losses"] == 0
    assert ours["sizes"] == plain["sizes"]
    # The latency that was asked for, and nothing else.
    assert ours["delay"] - plain["delay"] == 24_000


def test_nothing_is_lost_in_stalls_shorter_than_ahead(jack_programs):
    result = jack_programs.run(
        "python_callback", module=OURS, blocksize=256, seconds=3, ahead=0.5, stall=0.2
    )
    assert result["exact"] == result["frames"]
    assert result["losses"] == 0
    assert result["lost_frames"] == result["dropped_frames"] == 0


def test_what_is_lost_in_longer_stalls_is_counted(jack_programs):
    result = jack_programs.run(
        "python_callback", module=OURS, blocksize=256, seconds=2, ahead=0.05, stall=0.2
    )
    assert result["exact"] < result["frames"]
    assert result["lost_frames"] > 0
    assert result["dropped_frames"] > 0
    assert "output underflow" in result["status"]


@pytest.mark.parametrize("how", ["stop", "own", "abort", "error", "call stop", "call abort"])
def test_a_stream_ends_as_with_sounddevice(jack_programs, how):
    plain = jack_programs.run("python_callback_ends", module="sounddevice", how=how)
    ours = jack_programs.run("python_callback_ends", module=OURS, how=how)
    assert ours == plain
    assert ours["finished"] == 1


@pytest.mark.parametrize("module", ["sounddevice", OURS])
def test_the_interpreter_exits_while_a_callback_is_called(jack_programs, module):
    result = jack_programs.run("python_callback_ends", module=module, how="exit")
    assert result == {"ended": "exit"}
