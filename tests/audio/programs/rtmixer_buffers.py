"""rtmixer: play a buffer, and record another one, in one stream or in two."""

import rtmixer
from frames import LEAD, compare, random_floats
from streams import configuration, find_device, tell

TAIL = 4096  # frames: more than the longest delay

config = configuration()
find_device()
channels = config["channels"]
framesize = 4 * (channels if isinstance(channels, int) else len(channels))
played = random_floats(config["seconds"], framesize // 4)
recorded = bytearray(LEAD * framesize + len(played) + TAIL * framesize)

format_ = {
    "device": "system",
    "samplerate": 48000,
    "channels": 2,
    "blocksize": config["blocksize"],
}
if config["streams"] == 1:
    mixer = recorder = rtmixer.MixerAndRecorder(**format_)
    streams = [mixer]
else:
    mixer, recorder = rtmixer.Mixer(**format_), rtmixer.Recorder(**format_)
    streams = [recorder, mixer]

recording = recorder.record_buffer(recorded, channels)
playing = mixer.play_buffer(bytes(LEAD * framesize) + played, channels)
for stream in streams:
    stream.start()
mixer.wait(playing)
recorder.wait()
for stream in streams:
    stream.stop()
tell(
    **compare(played, recorded, framesize, lead=LEAD),
    frames=len(played) // framesize,
    played=playing.done_frames - LEAD,
    recorded=recording.done_frames - LEAD,
    actions=len(mixer.actions) + len(recorder.actions),
    blocks=mixer.stats.blocks,
    smallest_block=playing.stats.min_blocksize,
    largest_block=playing.stats.max_blocksize,
)
for stream in streams:
    stream.close()
