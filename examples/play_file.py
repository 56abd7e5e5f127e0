"""Play a sound file through a ring buffer, whatever the rest of the program does meanwhile.

Needs sounddevice and soundfile: pip install 'pa-ringbuffer[demo]'
"""

import argparse
import sys

import pa_ringbuffer
import sounddevice
import soundfile

RING = 65536  # frames; a power of two. 1.4 seconds at 48 kHz: how long Python may be busy.


def play(path, device):
    """Play one file and return how many frames of silence had to be put in."""
    with soundfile.SoundFile(path) as file:
        # One element of the ring is one frame: four bytes for each channel.
        ring = pa_ringbuffer.RingBuffer(elementsize=4 * file.channels, size=RING)
        callback = pa_ringbuffer.StreamCallback(output_ring=ring)
        stream = sounddevice._StreamBase(
            kind="output",
            device=device,
            samplerate=file.samplerate,
            channels=file.channels,
            dtype="float32",
            callback=callback.function,
            userdata=callback.userdata,
        )
        ring.write(file.read(RING, dtype="float32"))
        with stream:
            for block in file.blocks(RING // 8, dtype="float32"):
                while ring.write_available < len(block):
                    sounddevice.sleep(10)
                ring.write(block)
            # Nothing more will come: end when the ring is empty.
            callback.mode = "complete"
            while stream.active:
                sounddevice.sleep(10)
    return callback.counters["output_underflow_frames"]


def device_argument(text):
    return int(text) if text.isdigit() else text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="a sound file")
    parser.add_argument(
        "--device", type=device_argument, help="number of a device, or a part of its name"
    )
    options = parser.parse_args()
    try:
        silence = play(options.file, options.device)
    except (OSError, ValueError, RuntimeError) as error:
        # Files raise RuntimeErrors and OSErrors, devices ValueErrors.
        sys.exit(f"error: {error}")
    except sounddevice.PortAudioError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted")
    if silence:
        sys.exit(f"{silence} frames were not there in time")


if __name__ == "__main__":
    main()
