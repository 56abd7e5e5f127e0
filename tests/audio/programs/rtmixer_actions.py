"""rtmixer: its two queues of pointers, which are ring buffers as well."""

import rtmixer
import sounddevice
from frames import random_floats
from streams import configuration, find_device, tell

configuration()
find_device()
format_ = {"device": "system", "samplerate": 48000, "channels": 2, "blocksize": 256}
result = {}

# A stream that is not started takes as many actions as its queue has room for.
mixer = rtmixer.Mixer(**format_, qsize=4)
silence = bytes(8 * 100)
waiting = [mixer.play_buffer(silence, 2) for _ in range(4)]
try:
    mixer.play_buffer(silence, 2)
except RuntimeError as error:
    result["full"] = str(error)
mixer.start()
mixer.wait()
mixer.stop()
result["played"] = [action.done_frames for action in waiting]

played = random_floats(5, 2)
recorded = bytearray(8 * 48000 * 5)
stream = rtmixer.MixerAndRecorder(**format_)
recording = stream.record_buffer(recorded, 2)
playing = stream.play_buffer(played, 2)
stream.start()
while recording.done_frames < 9600:
    sounddevice.sleep(1)
cancelling = stream.cancel(playing)
stream.wait(playing)
result["cancelled"] = playing not in stream.actions
first = stream.fetch_and_reset_stats()
stream.wait(first)
while recording.done_frames < 14400:
    sounddevice.sleep(1)
second = stream.fetch_and_reset_stats()
stream.wait(second)
stream.cancel(recording)
stream.wait()
result["actions"] = len(stream.actions)
stream.stop()
marker = recorded.find(played[: 8 * 64])
end = marker + 8 * playing.done_frames
result.update(
    frames=playing.done_frames,
    recorded=recording.done_frames,
    exact=recorded[marker:end] == played[: 8 * playing.done_frames],
    silent_after=not any(recorded[end:]),
    blocks=[first.stats.blocks, second.stats.blocks],
    blocksize=[second.stats.min_blocksize, second.stats.max_blocksize],
    cancel_type=cancelling.type == rtmixer.CANCEL,
)
tell(**result)
stream.close()
mixer.close()
