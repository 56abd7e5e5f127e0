"""Play random frames through a ready-made stream, and leave it at once."""

from frames import LEAD, random_frames
from held_gil import HeldGil
from ready_made import frames, open_ready_made
from streams import configuration, tell

config = configuration()
played = random_frames(config["seconds"], 8)
with HeldGil() as load, open_ready_made("OutputStream", ring_seconds=1) as stream:
    stream.write(frames(bytes(LEAD * 8) + played + bytes(LEAD * 8)))
tell(gil_was_held=load.was_held(), losses=stream.stats.losses, left=stream.ring.read_available)
