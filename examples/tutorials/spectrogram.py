import numpy as np
import pa_ringbuffer.sounddevice as sd

SHADES = " .:-=+*#%@"
BLOCK = 2048
COLUMNS = 64

with sd.InputStream(channels=1) as stream:
    window = np.hanning(BLOCK)
    frequencies = np.fft.rfftfreq(BLOCK, 1 / stream.samplerate)
    edges = np.searchsorted(frequencies, np.geomspace(50, 8000, COLUMNS))
    try:
        for block in stream.blocks(BLOCK, overlap=BLOCK // 2):
            magnitudes = np.abs(np.fft.rfft(window * block[:, 0])) / window.sum() * 2
            levels = 20 * np.log10(np.maximum.reduceat(magnitudes, edges) + 1e-6)
            shades = np.clip((levels + 90) / 90 * len(SHADES), 0, len(SHADES) - 1).astype(int)
            print("".join(SHADES[shade] for shade in shades), flush=True)
    except KeyboardInterrupt:
        pass
