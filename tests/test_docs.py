"""The code in README.md and docs/ runs, on the virtual device, and the files that they name exist.

The Python blocks of a page run in order, in one namespace. Comments in front of a block say what
only the tests need, and readers do not see:

    <!-- before the next block:
    window = numpy.hanning(2048)
    -->

    <!-- the next block runs until its stream is stopped -->

    <!-- the next block is not run: it needs a sound card -->
"""

import ast
import asyncio
import builtins
import contextlib
import inspect
import re
import sys
import threading
import time
from pathlib import Path

import pa_ringbuffer
import pytest

PROJECT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for path in [PROJECT / "README.md", *PROJECT.glob("docs/**/*.md")]
    if "_build" not in path.parts
)
PART = re.compile(
    r"^<!-- (?P<comment>.*?) ?-->$"
    r"|^(?P<fence>`{3,})(?P<language>[\w+]+)\n(?P<code>.*?)^(?P=fence)$",
    re.M | re.S,
)
#: How long a block runs that would go on for ever.
MOMENT = 0.4


class Block:
    """A piece of Python on a page, and what its comments say about it."""

    def __init__(self, page, line, code, before, endless):
        self.page, self.line, self.code = page, line, code
        self.before, self.endless = before, endless


def name(path):
    return path.relative_to(PROJECT).as_posix()


def blocks(path):
    """The Python blocks of a page that run, and (line, reason) of those that do not."""
    text = path.read_text(encoding="utf-8")
    run, not_run, before, endless, reason = [], [], "", False, None
    for part in PART.finditer(text):
        comment, line = part["comment"], text.count("\n", 0, part.start()) + 1
        if comment is not None:
            if comment.startswith("before the next block:"):
                before += comment.partition(":")[2].strip("\n") + "\n"
            elif comment.startswith("the next block runs until its stream is stopped"):
                endless = True
            elif comment.startswith("the next block is not run: "):
                reason = comment.partition(": ")[2]
        elif part["language"] in ("python", "pycon"):
            if reason is not None:
                not_run.append((line, reason))
            elif part["language"] == "pycon":
                not_run.append((line, "a session whose figures differ each time"))
            else:
                run.append(Block(path, line, part["code"], before, endless))
            before, endless, reason = "", False, None
    return run, not_run


def execute(code, file, line, namespace):
    """Run source text, in which ``await`` may be used, as if it were at that place in a file."""
    code = "\n" * line + code
    compiled = compile(code, file, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if compiled.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(compiled, namespace))
    else:
        exec(compiled, namespace)


@pytest.fixture
def virtual(require, monkeypatch, tmp_path):
    """The virtual device in place of sounddevice, a song to play, and a user who presses Enter."""
    for needed in "numpy", "soundfile":
        try:
            __import__(needed)
        except (ImportError, OSError):
            require(False, f"{needed} is not installed")
    import numpy as np
    import pa_ringbuffer.testing as testing
    import soundfile

    for module in "sounddevice", "pa_ringbuffer.sounddevice":
        monkeypatch.setitem(sys.modules, module, testing)
    monkeypatch.setattr(pa_ringbuffer, "sounddevice", testing, raising=False)
    monkeypatch.setattr(builtins, "input", lambda *_: time.sleep(MOMENT))
    monkeypatch.chdir(tmp_path)
    song = np.random.default_rng(1).uniform(-0.5, 0.5, (24000, 2))
    soundfile.write("song.flac", song, 48000)


@pytest.fixture
def stopped_soon(monkeypatch):
    """A context in which a thread stops all streams that were opened, after a moment."""
    from pa_ringbuffer.streams import StreamStoppedError, base

    @contextlib.contextmanager
    def stopped_soon():
        streams = []

        def stop():
            time.sleep(MOMENT)
            for stream in streams:
                stream.stop()

        with monkeypatch.context() as patch:
            patch.setattr(base, "observers", [*base.observers, streams.append])
            thread = threading.Thread(target=stop)
            thread.start()
            try:
                yield
            except StreamStoppedError:
                # Blocking reads and writes end in this way when a stream is stopped.
                pass
            finally:
                thread.join()

    return stopped_soon


@pytest.mark.parametrize("path", [path for path in PAGES if blocks(path)[0]], ids=name)
def test_the_python_code_of_a_page_runs(path, virtual, stopped_soon):
    namespace = {"__name__": "page"}
    for block in blocks(path)[0]:
        execute(block.before, "<before the block>", 0, namespace)
        known = set(namespace)
        with stopped_soon() if block.endless else contextlib.nullcontext():
            execute(block.code, str(path), block.line, namespace)
        for added in sorted(set(namespace) - known):
            if added.startswith("test_"):
                namespace[added]()


def test_code_that_does_not_run_has_a_reason():
    listed = [(path, line, why) for path in PAGES for line, why in blocks(path)[1]]
    assert listed
    for path, line, why in listed:
        print(f"{name(path)}:{line + 1}: not run: {why}")
        assert len(why) > 10


def test_a_block_that_fails_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("text\n\n```python\nanswer = 1\n```\n\n```python\nassert answer == 2\n```\n")
    found, _ = blocks(page)
    namespace = {}
    execute(found[0].code, str(page), found[0].line, namespace)
    with pytest.raises(AssertionError) as caught:
        execute(found[1].code, str(page), found[1].line, namespace)
    assert caught.traceback[-1].lineno + 1 == 8


FILE = re.compile(
    r"(?<![\w/])(?:examples|tests|tools|verification|comparison|crates|python/pa_ringbuffer)/[\w./-]+"
)
TARGET = re.compile(r"\bmake ([a-z][a-z-]+)\b")


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_files_that_a_page_names_exist(path):
    text = "".join(re.findall(r"`[^`]+`", path.read_text(encoding="utf-8")))
    named = {match.rstrip("./") for match in FILE.findall(text)}
    assert {file for file in named if not (PROJECT / file).exists()} <= {
        file for file in named if (PROJECT / f"{file}.py").exists()
    }


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_make_targets_that_a_page_names_exist(path):
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w -]+):", makefile, re.M))
    targets = {target for group in targets for target in group.split()} | {"portaudio-arm64"}
    code = re.findall(r"`[^`]*`|^```sh\n.*?^```$", path.read_text(encoding="utf-8"), re.M | re.S)
    named = {target for piece in code for target in TARGET.findall(piece)}
    # `portaudio-%` is a pattern.
    assert {target for target in named if not target.startswith("portaudio")} <= targets


DRAWINGS = sorted(PROJECT.glob("docs/draw_*.py"))


@pytest.mark.parametrize("path", DRAWINGS, ids=name)
def test_drawings_are_what_their_programs_draw(path, monkeypatch, tmp_path):
    import runpy
    import xml.dom.minidom

    monkeypatch.syspath_prepend(str(path.parent))
    drawing = __import__("drawing")
    monkeypatch.setattr(drawing, "FOLDER", tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    written = list(tmp_path.glob("*.svg"))
    assert written
    for file in written:
        text = file.read_text(encoding="utf-8")
        xml.dom.minidom.parseString(text)
        kept = path.parent / "drawings" / file.name
        assert text == kept.read_text(encoding="utf-8"), f"run python {name(path)}"


def test_inventories_are_what_their_program_writes(monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT / "docs"))
    program = __import__("write_inventories")
    for project, pages in program.PROJECTS.items():
        kept = PROJECT / "docs" / "inventories" / f"{project}.inv"
        # Another zlib may compress in another way.
        head, _, packed = kept.read_bytes().partition(b"zlib.\n")
        new_head, _, new_packed = program.inventory(project, pages).partition(b"zlib.\n")
        import zlib

        assert (head, zlib.decompress(packed)) == (new_head, zlib.decompress(new_packed))


def public(cls):
    return {name for name in dir(cls) if not name.startswith("_")}


def test_the_reference_has_every_public_member():
    import pa_ringbuffer.testing as testing

    pages = "".join(
        page.read_text(encoding="utf-8") for page in PROJECT.glob("docs/reference/*.rst")
    )
    listed = set(re.findall(r"\.\. auto(?:method|property|attribute):: (\w+)", pages))
    listed |= set(",".join(re.findall(r":members: (.+)", pages)).replace(" ", "").split(","))
    for cls in (
        pa_ringbuffer.RingBuffer,
        pa_ringbuffer.StreamCallback,
        testing.VirtualDevice,
        testing.Stream,
        testing.AsyncStream,
    ):
        assert public(cls) <= listed, cls
