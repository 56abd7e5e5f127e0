import asyncio

import numpy as np
import pa_ringbuffer.sounddevice as sd

SAMPLERATE = 48000


async def play(speaker: sd.AsyncOutputStream) -> None:
    t = np.arange(SAMPLERATE // 2) / SAMPLERATE
    for frequency in 262, 330, 392, 523:
        await speaker.write(0.2 * np.sin(2 * np.pi * frequency * t).astype("float32"))
    await speaker.drain()


async def show_level(microphone: sd.AsyncInputStream) -> None:
    async for block in microphone.blocks(SAMPLERATE // 10):
        print(f"{20 * np.log10(np.abs(block).max() + 1e-6):6.1f} dB")


async def main() -> None:
    microphone = sd.AsyncInputStream(samplerate=SAMPLERATE, channels=1)
    speaker = sd.AsyncOutputStream(samplerate=SAMPLERATE, channels=1)
    async with microphone, speaker:
        meter = asyncio.create_task(show_level(microphone))
        await play(speaker)
        microphone.stop()  # ends the blocks
        await meter


asyncio.run(main())
