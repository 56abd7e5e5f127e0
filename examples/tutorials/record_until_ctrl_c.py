import pa_ringbuffer.sounddevice as sd
import soundfile as sf

with sd.InputStream(channels=1, ring_seconds=10) as stream:
    with sf.SoundFile("long_take.wav", "w", round(stream.samplerate), stream.channels) as file:
        print("recording; Ctrl-C ends")
        try:
            for block in stream.blocks(1024):
                file.write(block)
        except KeyboardInterrupt:
            stream.stop()
            file.write(stream.read_nowait())  # what was recorded up to the stop
    print(stream.stats)
