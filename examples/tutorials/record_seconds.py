import pa_ringbuffer.sounddevice as sd
import soundfile as sf

SAMPLERATE = 48000

with sd.InputStream(samplerate=SAMPLERATE, channels=1) as stream:
    print("recording 3 seconds")
    sound, overflowed = stream.read(3 * SAMPLERATE)

if overflowed:
    print("some frames are missing")
sf.write("take.wav", sound, SAMPLERATE)
