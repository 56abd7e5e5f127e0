"""rtmixer: where its ring buffer class comes from."""

import pa_ringbuffer
import rtmixer
from streams import configuration, tell

configuration()
tell(
    rtmixer=rtmixer.__version__,
    pa_ringbuffer=pa_ringbuffer.__version__,
    package=pa_ringbuffer.__file__,
    ours=issubclass(rtmixer.RingBuffer, pa_ringbuffer._RingBufferBase),
)
