"""PortAudio itself, with our ring buffer in place of its own, on a JACK server without a device."""

import os
import re
import shutil
import subprocess
import time

import pytest
from built_for import FOREIGN, SYSTEM

pytestmark = pytest.mark.impossible(
    SYSTEM != "linux" or FOREIGN, reason="PortAudio is linked with the libraries of Linux"
)
LIBRARIES = ["-ljack", "-lasound", "-lm", "-lpthread"]


@pytest.fixture
def jack(tmp_path, require):
    """A server of our own whose inputs are what is played; returns the environment to find it."""
    for program in ("jackd", "jack_lsp"):
        require(shutil.which(program), f"{program} (jackd2) is needed")
    name = f"relink{os.getpid()}"
    environment = {**os.environ, "JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
    with open(tmp_path / "jackd.log", "w+", encoding="utf-8") as log:
        server = subprocess.Popen(
            # -S: the server waits for its clients, so that a busy machine loses no data.
            # -m: the outputs come back as inputs.
            f"jackd --name {name} -r -S -s -p 128 -d dummy -r 48000 -p 256 -C 0 -P 2 -m".split(),
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            for _ in range(200):
                if _lists_ports(environment):
                    break
                assert server.poll() is None, (tmp_path / "jackd.log").read_text()
                time.sleep(0.05)
            else:
                pytest.fail("jackd did not come up:\n" + (tmp_path / "jackd.log").read_text())
            yield environment
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(10)


def _lists_ports(environment):
    try:
        lister = subprocess.run(
            ["jack_lsp"], env=environment, capture_output=True, timeout=10, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return lister.returncode == 0


@pytest.fixture
def portaudio_with_our_ring(installed, portaudio_archive, run, tmp_path):
    """A copy of libportaudio.a in which one member has been replaced."""
    copy = tmp_path / "libportaudio.a"
    shutil.copy(portaudio_archive, copy)
    run("ar", "d", copy, "pa_ringbuffer.o")
    run("ar", "x", installed / "lib" / "libpa_ringbuffer.a", "pa_ringbuffer.o", cwd=tmp_path)
    (tmp_path / "pa_ringbuffer.o").rename(tmp_path / "in_rust.o")
    run("ar", "r", copy, "in_rust.o", cwd=tmp_path)
    members = run("ar", "t", copy).split()
    assert "in_rust.o" in members
    assert "pa_ringbuffer.o" not in members
    return copy


def test_portaudio_streams_are_exact_with_our_ring_inside(
    cc, installed, portaudio_with_our_ring, require, run, tmp_path, jack
):
    for library in ("libjack.so", "libasound.so"):
        path = run(cc, f"-print-file-name={library}").strip()
        require(os.path.isabs(path), f"{library} (its development package) is needed")
    program = tmp_path / "relinked"
    run(
        *(cc, "-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror"),
        *(f"-I{installed}/include", os.path.join(os.path.dirname(__file__), "relinked.c")),
        *(portaudio_with_our_ring, *LIBRARIES, "-o", program),
        "-Wl,--wrap=PaUtil_WriteRingBuffer,--wrap=PaUtil_ReadRingBuffer",
        f"-Wl,-Map={tmp_path}/map",
    )
    # The linker's own word on where the functions come from.
    origins = re.findall(
        r"\.text\.(PaUtil_\w*RingBuffer\w*)\s+0x\w+\s+0x\w+\s+\S*?\((\w+\.o)\)",
        (tmp_path / "map").read_text(),
    )
    assert len(origins) == 10
    assert {member for _, member in origins} == {"in_rust.o"}

    output = run(program, env=jack, timeout=60)
    assert re.search(r"^callback: delay of \d+ frames$", output, re.MULTILINE)
    assert re.search(r"^blocking: delay of \d+ frames$", output, re.MULTILINE)
