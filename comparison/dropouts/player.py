"""The playing process: one contestant, one load, one device.

The argument is the configuration as JSON. The process reports when it is ready, starts on command,
and reports its figures before it closes the stream: a process that crashes while closing cannot
report any more.
"""

import json
import sys
import threading
import time

import contestants
import frames
import loads
import native


def wait_for_line(event):
    """Set *event* when the next line has arrived, or its sender has ended."""
    sys.stdin.readline()
    event.set()


def tell(**what):
    print(json.dumps(what), flush=True)


def main():
    config = json.loads(sys.argv[1])
    config["addresses"] = dict(zip(native.NAMES, native.addresses(config["library"])))
    # Long enough for the waits before and after the sound.
    seconds = config["frames"] / frames.RATE + 20
    blocks = int(seconds * frames.RATE) // config["blocksize"]
    signal = frames.signal(min(blocks * config["blocksize"], frames.LAST), config["key"])
    stream = contestants.open_stream(config["contestant"], config, signal)
    load = loads.LOADS[config["load"]][1]()
    finished = getattr(stream, "finished", lambda: False)
    tell(ready=True)
    sys.stdin.readline()

    told_to_stop = threading.Event()
    threading.Thread(target=wait_for_line, args=[told_to_stop], daemon=True).start()
    begin = time.monotonic()
    cpu_before = time.process_time()
    with load:
        stream.start()
        while not told_to_stop.is_set() and not finished():
            stream.feed()
            time.sleep(stream.pause)
        stream.stop()
        cpu = time.process_time() - cpu_before
        elapsed = time.monotonic() - begin
    result = {"cpu": max(0.0, cpu - load.cpu_time) / elapsed, **stream.figures()}
    if config["device"] == "virtual":
        recording = stream.recording()
        # Silence before the start of the sound is not a loss.
        (valid,) = frames.numbers(recording, config["key"]).nonzero()
        begin = int(valid[0]) if len(valid) else 0
        result["judgement"] = frames.judge(recording, config["key"], begin, len(recording))
    tell(**result)
    stream.close()


if __name__ == "__main__":
    main()
