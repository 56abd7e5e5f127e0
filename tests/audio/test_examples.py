"""The examples, as users run them, on the JACK server's device, and where there is no device.

What the server plays is recorded and compared. Nothing depends on the time that it takes.
"""

import contextlib
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from jack_crash import JackCrash, MachineTooSlow, jack_has_crashed

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = Path(__file__).parent / "programs"
RATE = 48000
# Longer than the programs give themselves.
TIME_LIMIT = 90
# Frames of silence ahead of every sound: see programs/frames.py.
LEAD = 4096

# Each with arguments that are right, if there is a device, and what it needs.
NEEDS = {
    "play_file": ["soundfile"],
    "record_and_plot": ["soundfile", "matplotlib"],
    "spectrogram": ["matplotlib"],
    "synthesizer": [],
    "metronome": [],
    "effect": [],
    "microphone_server": ["websockets"],
    "microphone_client": ["soundfile", "websockets"],
}


class Running:
    """A Python program that runs."""

    def __init__(self, *arguments, environment=None, stdin=subprocess.PIPE):
        self.process = subprocess.Popen(
            [sys.executable, "-u", *map(str, arguments)],
            env={**os.environ, "COLUMNS": "200", **(environment or {})},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def wait_for(self, text):
        """Wait until the program says something, and return the whole line."""
        for line in self.process.stdout:
            if text in line:
                return line
        return pytest.fail(f"ended without {text!r}: {self.finish()}")

    def interrupt(self):
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def finish(self, text=None):
        """Wait for the end; returns status, output and errors."""
        try:
            output, errors = self.process.communicate(text, timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, errors = self.process.communicate()
        if jack_has_crashed(self.process.returncode, errors):
            raise JackCrash(errors)
        return self.process.returncode, output, errors

    def succeed(self, text=None):
        """Wait for an end without errors, and return the output."""
        status, output, errors = self.finish(text)
        assert status == 0, errors
        assert "Traceback" not in errors
        return output

    def succeed_in_time(self, text=None):
        """The same for a program that has more than a second for everything."""
        output = self.succeed(text)
        if re.search(r"(underflows: [1-9])|([1-9]\d* (under|over)flows \()", output):
            raise MachineTooSlow(output)
        return output

    def kill(self):
        """End the program if it still runs."""
        self.process.kill()
        with contextlib.suppress(ValueError):
            self.process.communicate()


@pytest.fixture
def need(require):
    """Skip, or fail, where something is missing that an example needs."""

    def need(example):
        require(importlib.util.find_spec("numpy"), "NumPy is not installed")
        for module in NEEDS[example]:
            require(importlib.util.find_spec(module), f"{module} is not installed")

    return need


@pytest.fixture
def started():
    """The programs that were started; none is left."""
    started = []
    yield started
    for program in started:
        program.kill()


@pytest.fixture
def start(jack_server, need, started):
    """Start an example where there is the JACK server's device."""

    def start(name, *arguments, stdin=subprocess.PIPE):
        need(name)
        program = Running(
            PROGRAMS / "example.py",
            EXAMPLES / f"{name}.py",
            *arguments,
            environment=jack_server.environment,
            stdin=stdin,
        )
        started.append(program)
        return program

    return start


class Capture:
    """The program that records what is played."""

    def __init__(self, environment, path):
        self.path = path
        config = json.dumps({"file": str(path)})
        self.program = Running(PROGRAMS / "capture.py", config, environment=environment)
        self.program.wait_for("recording")

    def wait_for_sound(self):
        """Wait until there is something else than silence."""
        self.program.wait_for("heard")

    def frames(self, numpy):
        """End, and return what was recorded."""
        counters = json.loads(self.program.succeed().splitlines()[-1])["counters"]
        assert counters["input_overflows"] == 0
        return numpy.fromfile(self.path, "float32").reshape(-1, 2)


@pytest.fixture
def capture(jack_server, started, tmp_path):
    """Records what is played."""
    capture = Capture(jack_server.environment, tmp_path / "captured")
    started.append(capture.program)
    return capture


@pytest.fixture
def noise(numpy):
    """Makes samples that are easy to find: never 0, and no two alike."""

    def noise(frames, channels=2):
        random = numpy.random.default_rng(frames)
        size = frames, channels
        return (random.uniform(0.1, 0.5, size) * random.choice([-1, 1], size)).astype("float32")

    return noise


@pytest.fixture
def sound_file(numpy, soundfile, tmp_path):
    """Writes a sound file with silence at both ends."""

    def sound_file(sound, name="sound.wav", subtype="FLOAT", tail=RATE // 4):
        path = tmp_path / name
        ends = (numpy.zeros((frames, sound.shape[1]), "float32") for frames in (LEAD, tail))
        before, after = ends
        soundfile.write(path, numpy.concatenate([before, sound, after]), RATE, subtype)
        return path

    return sound_file


@pytest.fixture
def play(start):
    """Play a sound file to the end."""
    return lambda path: start("play_file", path).succeed()


def first_sound(frames, begin=0):
    """The number of the first frame that is not silent."""
    loud = frames[begin:].any(axis=1)
    assert loud.any(), "nothing but silence"
    return begin + loud.argmax()


def assert_only(frames, sound):
    """There is exactly this sound, and silence around it."""
    begin = first_sound(frames)
    end = begin + len(sound)
    assert (frames[begin:end] == sound).all()
    assert not frames[end:].any()


def picture(path, numpy):
    """The pixels of a picture that is not blank."""
    from matplotlib.image import imread

    pixels = imread(path)[:, :, :3]
    assert pixels.shape[0] > 200 and pixels.shape[1] > 400
    assert len(numpy.unique(pixels.reshape(-1, 3), axis=0)) > 10
    return pixels


@pytest.mark.parametrize(
    ("name", "subtype", "channels", "frames"),
    [
        # Some are longer than the ring, some shorter.
        ("sound.wav", "FLOAT", 2, 3 * RATE),
        ("sound.wav", "PCM_16", 2, 1000),
        ("sound.flac", "PCM_24", 1, 2 * RATE),
    ],
)
def test_play_file_plays_exactly_what_is_in_the_file(
    capture, play, sound_file, noise, soundfile, numpy, name, subtype, channels, frames
):
    path = sound_file(noise(frames, channels), name, subtype)
    play(path)
    played = capture.frames(numpy)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    expected = expected[expected.any(axis=1)]
    assert len(expected) == frames
    # The other channel is silent.
    assert_only(played[:, :channels], expected)
    assert not played[:, channels:].any()


def test_play_file_plays_an_empty_file(start, soundfile, numpy, tmp_path):
    soundfile.write(tmp_path / "empty.wav", numpy.zeros((0, 2)), RATE)
    start("play_file", tmp_path / "empty.wav").succeed()


def test_play_file_ends_with_ctrl_c(capture, start, sound_file, noise, numpy):
    program = start("play_file", "-d", "system", sound_file(noise(50 * RATE)))
    # It says nothing, but it can be heard.
    capture.wait_for_sound()
    program.interrupt()
    status, _, errors = program.finish()
    assert status == 130
    assert "Traceback" not in errors
    capture.frames(numpy)


def test_record_and_plot_records_everything(
    start, play, sound_file, noise, soundfile, numpy, tmp_path
):
    sound = noise(3 * RATE)
    path, png = tmp_path / "recording.wav", tmp_path / "plot.png"
    recorder = start("record_and_plot", path, "-c", 2, "--png", png)
    recorder.wait_for("recording")
    play(sound_file(sound))
    recorder.interrupt()
    assert "input: 0 overflows (0 frames)" in recorder.succeed_in_time()
    assert soundfile.info(path).subtype == "FLOAT"
    recorded, samplerate = soundfile.read(path, dtype="float32")
    assert samplerate == RATE
    assert_only(recorded, sound)
    # The plot shows the last second, with blue lines: as much noise as there was, if any.
    red, _, blue = numpy.moveaxis(picture(png, numpy), 2, 0)
    share = numpy.mean(blue - red > 0.5)
    assert share >= 0.02 * recorded[-RATE:].any(axis=1).mean()


def test_record_and_plot_records_so_many_seconds(start, soundfile, tmp_path):
    path, png = tmp_path / "recording.flac", tmp_path / "plot.png"
    arguments = [path, "--subtype", "PCM_24", "--seconds", 0.7, "--png", png]
    start("record_and_plot", *arguments).succeed()
    info = soundfile.info(path)
    assert (info.frames, info.channels, info.subtype) == (round(0.7 * RATE), 1, "PCM_24")
    # And does not overwrite them.
    status, _, errors = start("record_and_plot", *arguments).finish()
    assert status == 1
    assert "exists" in errors and "Traceback" not in errors
    assert soundfile.info(path).frames == info.frames


def test_spectrogram_shows_what_is_played(start, play, sound_file, numpy, tmp_path):
    sine = 0.5 * numpy.sin(2 * numpy.pi * 1000 / RATE * numpy.arange(2 * RATE))
    png = tmp_path / "spectrogram.png"
    # Wide enough for the sine to be still there in the end.
    spectrogram = start("spectrogram", "--png", png, "--width", 60)
    spectrogram.wait_for("listening")
    play(sound_file(sine.astype("float32").reshape(-1, 1)))
    spectrogram.interrupt()
    output = spectrogram.succeed()
    frequency, level = re.search(r"peak: (\d+) Hz at (-[\d.]+) dB", output).groups()
    assert abs(int(frequency) - 1000) <= RATE / 4096
    # As loud as the sine is, or a bit less where it is between two bins; more where it begins.
    assert -8 < float(level) < -5.5
    # Something bright in the darkness, to the left of the colour bar.
    pixels = picture(png, numpy)
    bright = (pixels[:, 100:850].sum(axis=2) > 1.7) & (pixels[:, 100:850, 2] < 0.9)
    assert 0 < bright.mean() < 0.1


def test_spectrogram_listens_for_so_many_seconds(start, numpy, tmp_path):
    png = tmp_path / "spectrogram.png"
    start("spectrogram", "--seconds", 0.5, "-b", 512, "-c", 2, "--png", png).succeed()
    picture(png, numpy)


def pitches(sound, numpy):
    """Says how loud a frequency is."""
    spectrum = numpy.abs(numpy.fft.rfft(sound * numpy.hanning(len(sound))))
    frequencies = numpy.fft.rfftfreq(len(sound), 1 / RATE)
    return lambda hertz: spectrum[numpy.abs(frequencies - hertz) < 3].max()


def test_synthesizer_plays_a_tune(capture, start, numpy):
    # A long ring, so that it does not matter how busy the machine is.
    synthesizer = start("synthesizer", "--ring-frames", 65536)
    output = synthesizer.succeed_in_time(" asdf\n")
    assert re.search(r"latency: \d+\.\d ms.*\nunderflows: 0 ", output)
    frames = capture.frames(numpy)
    assert (frames[:, 0] == frames[:, 1]).all()
    sound = frames[:, 0]
    level = pitches(sound, numpy)
    played = [level(hertz) for hertz in (261.63, 293.66, 329.63, 349.23)]
    others = [level(hertz) for hertz in (246.94, 277.18, 311.13, 369.99)]
    assert min(played) > 5 * max(others)
    # It does not clip, and it does not click.
    assert 0.1 < numpy.abs(sound).max() < 1
    assert numpy.abs(numpy.diff(sound)).max() < 0.15


@pytest.mark.parametrize("end", ["Esc", "Ctrl-C"])
def test_synthesizer_plays_what_is_typed(capture, start, numpy, end):
    pty = pytest.importorskip("pty", reason="there are no terminals of this kind")
    import termios

    keyboard, terminal = pty.openpty()
    try:
        before = termios.tcgetattr(terminal)
        synthesizer = start("synthesizer", stdin=terminal)
        synthesizer.wait_for("Esc")
        # In the middle is a cursor key, which is not Esc.
        os.write(keyboard, b"k\x1b[Al")
        if end == "Esc":
            os.write(keyboard, b"\x1b")
        else:
            capture.wait_for_sound()
            synthesizer.interrupt()
        assert "latency" in synthesizer.succeed()
        assert termios.tcgetattr(terminal) == before
        assert numpy.abs(capture.frames(numpy)).max() > 0.01
    finally:
        os.close(keyboard)
        os.close(terminal)


def test_metronome_clicks_at_exact_frames(capture, start, numpy):
    output = start("metronome", "--tempo", 300, "--beats", 9).succeed()
    frames = capture.frames(numpy)
    beats = [(line.split()[0], line.split()[2]) for line in output.splitlines()]
    assert beats == [(str(n % 4 + 1), f"{n * RATE // 5},") for n in range(9)]
    (loud,) = numpy.nonzero(frames[:, 0])
    clicks = loud[numpy.flatnonzero(numpy.diff(loud, prepend=-RATE) > RATE // 10)]
    steps = numpy.diff(clicks)
    if (steps > RATE // 5).any() and "underflow" in output:
        raise MachineTooSlow(output)
    assert steps.tolist() == 8 * [RATE // 5]


def ping_pong(sound, outputs, delay, feedback, wet, frames, numpy):
    """What the effect does, echo by echo."""
    inputs = sound.shape[1]
    mean = sound.mean(axis=1, dtype="float64")
    dry = sound if inputs == outputs else numpy.repeat(mean[:, numpy.newaxis], outputs, axis=1)
    result = numpy.zeros((frames + len(sound), outputs))
    result[: len(sound)] = (1 - wet) * dry
    for echo, begin in enumerate(range(delay, frames, delay)):
        result[begin : begin + len(sound), echo % outputs] += wet * feedback**echo * mean
    return result[:frames]


@pytest.mark.parametrize("channels", [(2, 2), (1, 2), (2, 1)], ids="{0[0]} to {0[1]}".format)
def test_effect_is_exact(capture, start, play, sound_file, noise, numpy, channels):
    inputs, outputs = channels
    # So long that it does not matter how busy the machine is.
    latency = 2 * RATE
    sound = noise(RATE // 10)
    effect = start(
        "effect", "-c", *channels, "-b", 256, "--latency", 2, "--delay", 0.25, "--feedback", 0.5
    )
    effect.wait_for("Ctrl-C")
    play(sound_file(sound, tail=5 * RATE))
    frames = capture.frames(numpy)
    effect.interrupt()
    output = effect.succeed_in_time()
    assert "output: 0 underflows (0 frames)" in output
    assert "input: 0 overflows (0 frames)" in output
    # What is played ...
    begin = first_sound(frames)
    end = begin + len(sound)
    assert (frames[begin:end] == sound).all()
    # ... is processed, and comes back later.
    back = first_sound(frames, end)
    delay = back - begin
    assert latency <= delay < latency + 4096
    # After that, the effect hears itself.
    frames = frames[back : back + delay]
    expected = ping_pong(sound[:, :inputs], outputs, RATE // 4, 0.5, 0.4, delay, numpy)
    assert len(frames) == len(expected)
    assert numpy.abs(frames[:, :outputs] - expected).max() < 1e-6
    assert not frames[:, outputs:].any()


@pytest.fixture
def server(start):
    """The microphone server, and its address without the scheme."""
    server = start("microphone_server", "-c", 2, "--queue", 1, "--host", "127.0.0.1", "--port", 0)
    return server, server.wait_for("http://").strip().partition("//")[2]


def test_microphone_server_does_not_let_a_slow_listener_disturb_others(
    server, start, sound_file, noise, numpy
):
    server, address = server
    connect = importlib.import_module("websockets.sync.client").connect
    sound = noise(5 * RATE)
    fast_messages, enough, complete = [], threading.Event(), threading.Event()

    def samples(message):
        return numpy.frombuffer(message, "float32").reshape(-1, 2)

    def listen(websocket):
        heard = 0
        for message in websocket:
            fast_messages.append(message)
            loud = numpy.count_nonzero(samples(message).any(axis=1))
            heard += loud
            if heard > 3.5 * RATE:
                enough.set()
            if heard and not loud:
                complete.set()

    def check_header(websocket):
        header = {"samplerate": RATE, "channels": 2, "dtype": "float32"}
        assert json.loads(websocket.recv(TIME_LIMIT)) == header

    # What the system keeps for the slow one must be less than what is played.
    slow_socket = socket.socket()
    slow_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    host, port = address.split(":")
    slow_socket.connect((host, int(port)))
    url = f"ws://{address}"
    with connect(url) as fast, connect(url, sock=slow_socket, max_queue=1, close_timeout=1) as slow:
        check_header(fast)
        check_header(slow)
        listener = threading.Thread(target=listen, args=[fast], daemon=True)
        listener.start()
        player = start("play_file", sound_file(sound, tail=RATE))
        # Until then, the slow one does not listen at all; from then on, it does.
        assert enough.wait(TIME_LIMIT)
        position, dropped, parts = 0, 0, []
        while not complete.is_set() or position < len(fast_messages) * 1024:
            message = slow.recv(TIME_LIMIT)
            if isinstance(message, str):
                dropped += json.loads(message)["dropped"]
                position += json.loads(message)["dropped"]
            else:
                parts.append((position, samples(message)))
                position += len(parts[-1][1])
        player.succeed()
        names = [":".join(map(str, client.local_address)) for client in (fast, slow)]
    listener.join(TIME_LIMIT)
    server.interrupt()
    output = server.succeed()
    assert f"{names[0]} has gone; 0 frames were dropped" in output
    assert int(re.search(rf"{names[1]} has gone; (\d+) frames", output)[1]) >= dropped

    # The fast one has got everything, ...
    assert_only(numpy.concatenate([samples(message) for message in fast_messages]), sound)
    # ... the slow one not, but what it has got is where it belongs.
    assert dropped > 0
    begin, loud = next((begin, part) for begin, part in parts if part.all())
    begin -= (sound == loud[0]).all(axis=1).argmax()
    expected = numpy.zeros((position, 2), "float32")
    expected[begin : begin + len(sound)] = sound
    for begin, part in parts:
        assert (part == expected[begin : begin + len(part)]).all()


def test_microphone_client_writes_what_it_receives(
    server, start, play, sound_file, noise, soundfile, tmp_path
):
    server, address = server
    sound = noise(RATE)
    path = tmp_path / "received.wav"
    client = start("microphone_client", path, "--url", f"ws://{address}")
    client.wait_for("receiving")
    play(sound_file(sound, tail=RATE))
    # The server still has what is on its way when it is told to end.
    client.interrupt()
    client.succeed()
    received, samplerate = soundfile.read(path, dtype="float32")
    assert samplerate == RATE
    assert_only(received, sound)
    server.interrupt()
    server.succeed()


def test_microphone_server_has_a_page_for_browsers(server):
    server, address = server
    with urllib.request.urlopen(f"http://{address}/", timeout=TIME_LIMIT) as response:
        assert response.headers.get_all("Content-Type") == ["text/html; charset=utf-8"]
        assert b"new WebSocket" in response.read()
    server.interrupt()
    server.succeed()


def answer(port, *headers, path="/", upgrade=True):
    """The status of the answer to a request with these headers, from this machine."""
    request = [f"GET {path} HTTP/1.1", *headers]
    if upgrade:
        request += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        request += ["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
    with socket.create_connection(("127.0.0.1", port), TIME_LIMIT) as connection:
        connection.sendall("\r\n".join([*request, "", ""]).encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_microphone_server_lets_no_page_of_another_site_listen(server):
    server, address = server
    port = int(address.split(":")[1])
    host = f"Host: {address}"
    # Its own page, and what is no page.
    assert answer(port, host) == 101
    assert answer(port, host, f"Origin: http://{address}") == 101
    assert answer(port, f"Host: localhost:{port}", f"Origin: http://localhost:{port}") == 101
    assert answer(port, host, upgrade=False) == 200
    for origin in (
        "http://evil.example",
        f"http://evil.example:{port}",
        f"http://{address}.evil.example",
        f"https://{address}",
        # Another server on this machine, or under another name.
        "http://127.0.0.1:1",
        "http://127.0.0.1",
        f"http://localhost:{port}",
        # A file, or a page in a sandbox.
        "null",
        "",
    ):
        assert answer(port, host, f"Origin: {origin}") == 403, origin
    assert answer(port, host, f"Origin: http://{address}", "Origin: http://evil.example") == 403
    # A name of another site that leads here, in which case its pages are of the same origin.
    evil = f"evil.example:{port}"
    assert answer(port, f"Host: {evil}", f"Origin: http://{evil}") == 403
    for wrong in [f"Host: {evil}"], [], [host, f"Host: {evil}"], ["Host: 127.0.0.1"]:
        assert answer(port, *wrong) == 403
        assert answer(port, *wrong, upgrade=False) == 403
    server.interrupt()
    output = server.succeed()
    assert output.count(" listens\n") == 3


def test_microphone_server_wants_a_token_where_other_machines_can_connect(start):
    server = start("microphone_server", "--host", "0.0.0.0", "--port", 0)
    url = urllib.parse.urlsplit(server.wait_for("http://").strip())
    (token,) = urllib.parse.parse_qs(url.query)["token"]
    assert len(token) >= 22
    names = "127.0.0.1", "localhost", "[::1]", url.hostname
    for host in [f"{name}:{url.port}" for name in names]:
        headers = f"Host: {host}", f"Origin: http://{host}"
        for upgrade, success in (True, 101), (False, 200):

            def try_path(path, headers=headers, upgrade=upgrade):
                return answer(url.port, *headers, path=path, upgrade=upgrade)

            assert try_path(f"/?token={token}") == success
            for path in "/", "/?token=", f"/?token={token[:-1]}", "/?token=%ff", f"/{token}":
                assert try_path(path) == 403
    for name in "evil.example", "localhost.evil.example", "evil.localhost":
        evil = f"{name}:{url.port}"
        for headers in [f"Host: {evil}"], [f"Host: {evil}", f"Origin: http://{evil}"]:
            assert answer(url.port, *headers, path=f"/?token={token}") == 403
    # Each time another one.
    again = start("microphone_server", "--host", "0.0.0.0", "--port", 0)
    assert token not in again.wait_for("http://")
    for program in server, again:
        program.interrupt()
        program.succeed()


def test_microphone_client_takes_the_address_with_the_token(start, soundfile, tmp_path):
    server = start("microphone_server", "--host", "0.0.0.0", "--port", 0)
    url = urllib.parse.urlsplit(server.wait_for("http://").strip())
    path = tmp_path / "received.wav"
    client = start("microphone_client", path, "--url", f"http://127.0.0.1:{url.port}/?{url.query}")
    client.wait_for("receiving")
    server.wait_for("listens")
    client.interrupt()
    client.succeed()
    assert soundfile.info(path).samplerate == RATE
    server.interrupt()
    server.succeed()


def test_microphone_server_names_a_host_that_it_does_not_find(run, stand_in):
    status, output, errors = run(
        "microphone_server", "--host", "nosuch.invalid", "--port", 0, path=stand_in
    )
    assert (status, output) == (2, "")
    assert is_one_line(errors, "microphone_server") and "nosuch.invalid" in errors


def test_microphone_client_shows_why_it_is_refused(start, run, tmp_path):
    server = start("microphone_server", "--host", "0.0.0.0", "--port", 0)
    url = urllib.parse.urlsplit(server.wait_for("http://").strip())
    address = f"http://localhost:{url.port}/?token=wrong"
    status, output, errors = run("microphone_client", tmp_path / "heard.wav", "--url", address)
    assert (status, output) == (1, "")
    assert is_one_line(errors, "microphone_client") and "the token is missing or wrong" in errors
    server.interrupt()
    server.succeed()


def test_microphone_client_takes_messages_that_it_does_not_know(start, soundfile, tmp_path):
    serve = importlib.import_module("websockets.sync.server").serve
    header = {"samplerate": 48000, "channels": 1, "dtype": "int16"}

    def send(websocket):
        for message in json.dumps(header), '{"later": 1}', "[]", '{"dropped": 5}', bytes(20):
            websocket.send(message)

    with serve(send, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        path = tmp_path / "heard.wav"
        client = start("microphone_client", path, "--url", f"http://127.0.0.1:{port}")
        output = client.succeed()
        server.shutdown()
    thread.join(TIME_LIMIT)
    assert '{"later": 1}' in output and "has dropped 5 frames" in output
    assert soundfile.info(path).frames == 10


def test_microphone_server_serves_a_limited_number_of_listeners(start):
    server = start("microphone_server", "--listeners", 2, "--host", "127.0.0.1", "--port", 0)
    url = server.wait_for("http://").strip().replace("http", "ws")
    client = importlib.import_module("websockets.sync.client")
    closed = importlib.import_module("websockets.exceptions").ConnectionClosed
    with client.connect(url) as first, client.connect(url) as second:
        assert "samplerate" in first.recv(TIME_LIMIT) and "samplerate" in second.recv(TIME_LIMIT)
        with client.connect(url) as third, pytest.raises(closed) as refused:
            third.recv(TIME_LIMIT)
        assert refused.value.rcvd.code == 1013
        assert first.recv(TIME_LIMIT) and second.recv(TIME_LIMIT)
        first.close()
        server.wait_for("has gone")
        with client.connect(url) as third:
            assert "samplerate" in third.recv(TIME_LIMIT)
    server.interrupt()
    server.succeed()


@pytest.mark.parametrize(("size", "code"), [(1, 1008), (125, 1008), (126, 1009), (1 << 20, 1009)])
def test_microphone_server_sends_away_listeners_that_talk(server, size, code):
    server, address = server
    client = importlib.import_module("websockets.sync.client")
    closed = importlib.import_module("websockets.exceptions").ConnectionClosed
    with client.connect(f"ws://{address}") as polite:
        with client.connect(f"ws://{address}") as talking, pytest.raises(closed) as end:
            talking.send(bytes(size))
            while True:
                talking.recv(TIME_LIMIT)
        assert end.value.rcvd.code == code
        # The other one does not notice.
        while isinstance(polite.recv(TIME_LIMIT), str):
            pass
    server.interrupt()
    server.succeed()


@pytest.fixture
def run(need, started, tmp_path):
    """Run an example without the JACK server; returns status, output and errors."""

    def run(name, *arguments, path=None):
        need(name)
        # None is to be found, and none is to be started.
        environment = {"JACK_DEFAULT_SERVER": "none", "JACK_NO_START_SERVER": "1"}
        if path:
            environment["PYTHONPATH"] = str(path)
        program = Running(EXAMPLES / f"{name}.py", *arguments, environment=environment)
        started.append(program)
        return program.finish()

    return run


def is_one_line(errors, name):
    """Whether there is one line with an error, after what PortAudio's libraries have to say."""
    lines = errors.splitlines()
    return "Traceback" not in errors and lines[-1].startswith(f"{name}.py: ")


@pytest.fixture(scope="session")
def no_sound_card(require):
    """Skip where there is a device even without a JACK server."""
    require(importlib.util.find_spec("sounddevice"), "sounddevice is not installed")
    result = subprocess.run(
        [sys.executable, "-c", "import sounddevice; print(len(sounddevice.query_devices()))"],
        env={**os.environ, "JACK_DEFAULT_SERVER": "none", "JACK_NO_START_SERVER": "1"},
        capture_output=True,
        timeout=TIME_LIMIT,
    )
    require(result.returncode == 0, "there is no PortAudio (Debian: libportaudio2)")
    if int(result.stdout):
        pytest.skip("this machine has a sound card")


DEVICE_USERS = [name for name in NEEDS if name != "microphone_client"]


@pytest.fixture
def stand_in(tmp_path):
    """A folder with a sounddevice that needs no PortAudio, for programs that do not get to it."""
    (tmp_path / "sounddevice.py").write_text(
        "class PortAudioError(Exception): pass\ndef query_devices(): return ''\n_initialized = 0"
    )
    return tmp_path


COMPILED = """
from pa_ringbuffer import RingBuffer, StreamCallback
from pa_ringbuffer.sounddevice import CompiledStream

callback = StreamCallback(output_ring=RingBuffer(4, 1024))
CompiledStream("output", callback, channels=1, dtype="float32")
"""


def test_a_compiled_stream_says_that_there_is_no_device(no_sound_card):
    result = subprocess.run(
        [sys.executable, "-c", COMPILED],
        env={**os.environ, "JACK_DEFAULT_SERVER": "none", "JACK_NO_START_SERVER": "1"},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
    )
    assert "there is no default device for output: " in result.stderr
    assert "pa_ringbuffer.testing" in result.stderr


@pytest.mark.parametrize("name", DEVICE_USERS)
def test_examples_say_that_there_is_no_device(
    run, no_sound_card, sound_file, noise, tmp_path, name
):
    arguments = {
        "play_file": lambda: [sound_file(noise(100))],
        "record_and_plot": lambda: [tmp_path / "sound.wav", "--png", tmp_path / "plot.png"],
        "spectrogram": lambda: ["--png", tmp_path / "plot.png"],
        "microphone_server": lambda: ["--port", 0],
    }.get(name, list)()
    status, output, errors = run(name, *arguments)
    assert (status, output) == (2, "")
    assert is_one_line(errors, name) and "-l lists the devices" in errors
    assert "there is no default device for " in errors
    # With none that has this name, either.
    device = ["no such device"] * (2 if name == "effect" else 1)
    status, output, errors = run(name, "-d", *device, *arguments)
    assert (status, output) == (1, "")
    assert is_one_line(errors, name) and "no such device" in errors


@pytest.mark.parametrize("name", DEVICE_USERS)
def test_examples_list_the_devices(start, name):
    assert "system, JACK" in start(name, "-l").succeed()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("play_file", []),
        ("record_and_plot", ["sound.wav", "--seconds", 0]),
        ("record_and_plot", ["sound.wav", "--seconds", "inf"]),
        ("record_and_plot", ["sound.wav", "--channels", "many"]),
        ("spectrogram", ["--blocksize", 1]),
        ("spectrogram", ["--low", 0]),
        ("spectrogram", ["--seconds", 0]),
        ("spectrogram", ["--width", "inf"]),
        ("synthesizer", ["--ring-frames", 0]),
        ("synthesizer", ["--seconds", "nan"]),
        ("metronome", ["--tempo", 0]),
        ("metronome", ["--tempo", "nan"]),
        ("metronome", ["--beats", 0]),
        ("effect", ["--feedback", 1]),
        ("effect", ["--channels", 2]),
        ("effect", ["--channels", 0, 2]),
        ("effect", ["--delay", "inf"]),
        ("microphone_server", ["--dtype", "float64"]),
        ("microphone_server", ["--queue", "inf"]),
        ("microphone_server", ["--listeners", 0]),
        ("microphone_server", ["--port", 65536]),
        ("microphone_client", []),
        ("microphone_client", ["no_format"]),
        ("microphone_client", ["sound.nosuch"]),
        ("microphone_client", ["no folder/sound.wav"]),
    ],
)
def test_examples_reject_wrong_arguments(run, stand_in, name, arguments):
    status, output, errors = run(name, *arguments, path=stand_in)
    assert (status, output) == (2, "")
    assert errors.startswith("usage: ")
    assert is_one_line(errors, name)


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("play_file", ["missing.wav"], "missing.wav"),
        ("microphone_client", ["sound.wav", "--url", "ws://127.0.0.1:1"], "refused"),
        ("microphone_client", ["sound.wav", "--url", "nowhere"], "nowhere"),
    ],
)
def test_examples_say_what_they_cannot_find(run, stand_in, name, arguments, reason):
    status, output, errors = run(name, *arguments, path=stand_in)
    assert (status, output) == (1, "")
    assert is_one_line(errors, name) and reason in errors


@pytest.mark.parametrize("name", DEVICE_USERS)
def test_examples_say_how_to_install_portaudio(run, tmp_path, name):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    status, output, errors = run(name, path=tmp_path)
    assert (status, output) == (2, "")
    assert is_one_line(errors, name) and errors.count("\n") == 1
    for installer in "apt install libportaudio2", "dnf install", "pacman -S", "brew install":
        assert installer in errors
    assert "pip install" not in errors, "that is installed already"


@pytest.mark.parametrize(
    ("name", "module"),
    [(name, module) for name in NEEDS for module in ["numpy", *NEEDS[name]]]
    + [(name, "sounddevice") for name in DEVICE_USERS],
)
def test_examples_say_how_to_install_a_missing_module(run, stand_in, name, module):
    error = f"raise ModuleNotFoundError('no {module}', name={module!r})"
    (stand_in / f"{module}.py").write_text(error)
    status, output, errors = run(name, path=stand_in)
    assert (status, output) == (2, "")
    assert is_one_line(errors, name) and errors.count("\n") == 1
    assert f"{module}" in errors and "pip install " in errors


def test_examples_are_all_tested():
    assert set(NEEDS) == {path.stem for path in EXAMPLES.glob("*.py")}
