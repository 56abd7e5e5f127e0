"""``playrec()`` and its like with PortAudio: a recording begins where sounddevice's does."""

import pytest


@pytest.mark.parametrize("blocksize", [64, 256, 1024])
def test_arrays_are_played_and_recorded_as_by_sounddevice(jack_programs, blocksize):
    results = [
        jack_programs.run("whole_arrays", module=module, blocksize=blocksize)
        for module in ("sounddevice", "pa_ringbuffer.sounddevice")
    ]
    theirs, ours = results
    assert ours["exact"] and ours["mapped"] and ours["ended"]
    assert ours == theirs
