"""``playrec()`` with PortAudio: sound that is made ahead does not delay a recording."""

import pytest
from jack_crash import MachineTooSlow

PERIOD = 256  # frames, of the JACK server


@pytest.mark.parametrize("blocksize", [64, 256, 1024])
def test_a_recording_is_as_late_as_with_sounddevice(jack_programs, blocksize):
    result = jack_programs.run("whole_arrays", blocksize=blocksize)
    if result["lost"] and not (result["exact"] and result["mapped"]):
        raise MachineTooSlow(result)
    assert result["exact"] and result["mapped"] and result["ended"]
    # sounddevice's own playrec() has the same delay.
    assert result["delay"] == PERIOD + blocksize
    assert result["shapes"] == [[24000, 1], [4800, 1]]
