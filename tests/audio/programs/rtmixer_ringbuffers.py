"""rtmixer: play a ring buffer, and record into another one, while the GIL is held."""

import time

import rtmixer
from frames import LEAD, compare, random_floats
from held_gil import HeldGil
from streams import configuration, find_device, tell

RING = 65536  # frames: 1.4 s
TAIL = 4096  # frames: more than the longest delay
FRAMESIZE = 8

config = configuration()
find_device()
sound = random_floats(config["seconds"], 2)
played = bytes(LEAD * FRAMESIZE) + sound
frames = len(played) // FRAMESIZE
recorded = bytearray()

stream = rtmixer.MixerAndRecorder(
    device="system", samplerate=48000, channels=2, blocksize=config["blocksize"]
)
output, input_ = rtmixer.RingBuffer(FRAMESIZE, RING), rtmixer.RingBuffer(FRAMESIZE, RING)


def write(position):
    """Fill the ring as a program does that reads a file straight into it."""
    size, first, second = output.get_write_buffers(frames - position)
    for region in first, second:
        begin = position * FRAMESIZE
        region[:] = played[begin : begin + len(region)]
        position += len(region) // FRAMESIZE
    output.advance_write_index(size)
    return position


position = write(0)
playing, recording = stream.play_ringbuffer(output), stream.record_ringbuffer(input_)
with HeldGil() as load:
    stream.start()
    while len(recorded) < len(played) + TAIL * FRAMESIZE and recording in stream.actions:
        if position < frames:
            position = write(position)
        recorded.extend(input_.read())
        time.sleep(0.01)
    # It ends by itself, because its ring is empty.
    stream.wait(playing)
    cancelling = stream.cancel(recording)
    stream.wait(cancelling)
    stream.wait(recording)
    stream.stop()
recorded.extend(input_.read())
tell(
    **compare(sound, recorded, FRAMESIZE, lead=LEAD),
    frames=len(sound) // FRAMESIZE,
    sent=frames,
    played=playing.done_frames,
    recorded=recording.done_frames,
    read=len(recorded) // FRAMESIZE,
    gil_was_held=load.was_held(),
    actions=len(stream.actions),
)
stream.close()
