"""An imitation of ffmpeg-python, for one of sounddevice's examples: it decodes with soundfile."""

import io

import soundfile


class Error(Exception):
    stderr = b""


def probe(url):
    info = soundfile.info(url)
    return {
        "streams": [
            {
                "codec_type": "audio",
                "channels": info.channels,
                "sample_rate": str(info.samplerate),
            }
        ]
    }


class _Process:
    def __init__(self, url):
        self.stdout = io.BytesIO(soundfile.read(url, dtype="float32")[0].tobytes())


class _Stream:
    def __init__(self, url):
        self._url = url

    def output(self, target, *, format, acodec, **_):
        assert (target, format, acodec) == ("pipe:", "f32le", "pcm_f32le")
        return self

    def run_async(self, pipe_stdout):
        assert pipe_stdout
        return _Process(self._url)


input = _Stream
