"""Wait for a stream that does not end, until Ctrl-C."""

from pa_ringbuffer import RingBuffer, StreamCallback
from pa_ringbuffer.testing import VirtualDevice
from streams import configuration, tell

configuration()
callback = StreamCallback(output_ring=RingBuffer(8, 1024))
device = VirtualDevice(callback)
device.start()
try:
    tell(waiting=True)
    device.wait(50)
except KeyboardInterrupt:
    active = device.active
    device.stop()
    tell(interrupted=True, active=active, active_after_stop=device.active)
device.close()
