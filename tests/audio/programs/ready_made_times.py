"""Times at which a stream's frames are recorded and heard, on PortAudio's clock."""

import numpy
from frames import LEAD
from ready_made import open_ready_made
from streams import configuration, tell

config = configuration()
rate = 48000
stream = open_ready_made("Stream", **config)
stream.write(numpy.zeros((LEAD, 2), "float32"))
sent = stream.write_position
click = numpy.zeros((rate, 2), "float32")
click[0] = 0.5
stream.write(click)
result = {}
with stream:
    begin = stream.time
    data, _ = stream.read(LEAD + 8192)
    first = stream.read_position - len(data)
    received = first + int(numpy.flatnonzero(data[:, 0])[0])
    output, input_ = stream.output_time, stream.input_time
    result["clock"] = [begin, stream.time, input_(received), output(sent)]
    result["sent, received"] = [sent, received]
    # Of the latest block and of those that are still to come.
    frame = stream.read_position + stream.read_available
    result["input steps"] = [input_(frame + n) - input_(frame) for n in (1, 100, rate)]
    result["output steps"] = [output(frame + n) - output(frame) for n in (1, 100, rate)]
    while stream.stats.blocks < 100:
        stream.read(256)
    _, input_frame, adc, output_frame, dac, now = stream._callback._block_times()
    result["block"] = [input_frame, adc, output_frame, dac, now]
    result["latency"] = list(stream.latency)
    result["losses"] = stream.stats.losses + sum(stream.stats.device.values())
tell(**result)
