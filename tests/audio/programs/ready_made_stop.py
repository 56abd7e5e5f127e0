"""Play random frames through a ready-made stream, and stop it at once."""

import numpy as np
from frames import LEAD, random_frames
from ready_made import frames, open_ready_made
from streams import configuration, tell

config = configuration()
name = config["stream"]
played = bytes(LEAD * 8) + random_frames(config["seconds"], 8) + bytes(LEAD * 8)
data = played if name.startswith("Raw") else frames(played)
stream = open_ready_made(name, ring_seconds=3, dtype="float32")
stream.start()
underflowed = stream.write(data)
stream.stop()
left, stopped = stream.ring.read_available, stream.stopped
stream.stop()

# What comes after an abort is not heard.
stream.start()
stream.write(np.ones((96_000, 2), "float32"))
stream.abort()
tell(underflowed=underflowed, left=left, stopped=stopped, dropped=stream.ring.read_available)
stream.close()
