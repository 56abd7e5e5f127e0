"""``python -m pa_ringbuffer run`` and ``info``, as users call them."""

import ast
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest

# Programs that end in every way that programs end, and tell what they find around them.
PROGRAMS = {
    "names": """
        from __future__ import annotations
        import sys
        print(sys.argv, __name__, __doc__, __package__, __file__, sorted(globals()))
        print(__spec__ and __spec__.name)
        print(sys.path[0], sys.modules["__main__"].__dict__ is globals(), __builtins__)
        """,
    "no_future": "def f(x: print('evaluated')): pass",
    "beside": "import beside_it; print(beside_it.__file__)",
    "status": "import sys; sys.exit(7)",
    "message": "import sys; sys.exit('that was it')",
    "error": "def f():\n    raise ValueError('so')\nf()",
    "chain": "try:\n    1 / 0\nexcept Exception as error:\n    raise ValueError('so') from error",
    "syntax": "x = (",
    "encoding": "# coding: latin-1\nprint(ascii('\\u00e4'))",
    "hook": "import sys\nsys.excepthook = lambda *what: print(what[:2])\nraise ValueError('so')",
    "interrupt": "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)",
    "thread": """
        import atexit, threading, time
        atexit.register(print, "at exit")
        threading.Thread(target=lambda: (time.sleep(0.3), print("thread"))).start()
        print("end of main")
        """,
    "pickle": """
        import pickle
        class C: pass
        print(type(pickle.loads(pickle.dumps(C()))))
        """,
}


@pytest.fixture(autouse=True)
def extension(require):
    require(importlib.util.find_spec("pa_ringbuffer._native"), "the extension module was not built")
    require(importlib.util.find_spec("numpy"), "NumPy is not installed")


NEEDS_FORK = pytest.mark.impossible(not hasattr(os, "fork"), "there is no fork")


def call(*command, cwd=None, environment=None, **kwargs):
    environment = {**os.environ, **(environment or {})}
    environment |= {"PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        stdin=kwargs.pop("stdin", subprocess.DEVNULL),
        **kwargs,
    )


def run(*arguments, **kwargs):
    return call("-m", "pa_ringbuffer", "run", *arguments, **kwargs)


def write(folder, program, name="program.py"):
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(textwrap.dedent(program), encoding="latin-1" if "latin" in program else "utf-8")
    return file


def without_report(errors):
    lines = errors.splitlines()
    return [line for line in lines if not line.startswith(("pa_ringbuffer: ", "  Stream"))]


OTHER_WAYS = ("names", "beside", "error", "syntax")


def of_the_program(stderr):
    """The lines of a traceback without those of Python's own modules, which import the program."""
    lines, ours = [], True
    for line in stderr.splitlines():
        if line.startswith("  File "):
            ours = '"<frozen ' not in line and not re.search(r'[/\\](runpy|pkgutil)\.py"', line)
        elif not line.startswith("    "):
            ours = True
        if ours:
            lines.append(line)
    if "SyntaxError" in stderr and lines[0].startswith("Traceback"):
        del lines[0]
    return lines


@pytest.mark.parametrize(
    ("how", "name"),
    [("file", name) for name in PROGRAMS]
    + [(how, name) for how in ("path", "module", "folder") for name in OTHER_WAYS],
)
def test_a_program_cannot_tell_the_difference(tmp_path, name, how):
    program = PROGRAMS[name].replace("\\u00e4", "\u00e4")
    folder = tmp_path / "some where"
    folder.mkdir()
    write(folder, program, "__main__.py" if how == "folder" else "program.py")
    write(folder, "", "beside_it.py")
    cwd = tmp_path if how in ("path", "folder") else folder
    what = {
        "file": ["program.py"],
        "path": [os.path.join("some where", "program.py")],
        "module": ["-m", "program"],
        "folder": ["some where"],
    }[how]
    expected = call(*what, "-x", "--virtual", "--", "y", cwd=cwd)
    result = run("--virtual", *what, "-x", "--virtual", "--", "y", cwd=cwd)
    assert result.returncode == expected.returncode
    assert result.stdout == expected.stdout
    own, told = of_the_program(expected.stderr), without_report(result.stderr)
    if "SyntaxError" in expected.stderr and sys.version_info < (3, 10):
        # Python's parser gives the line where a file ends that is imported, or the next one.
        own, told = own[-1:], told[-1:]
    assert told == own


def test_the_end_of_a_program_comes_before_the_report(tmp_path):
    write(tmp_path, PROGRAMS["error"])
    errors = run("--virtual", "program.py", cwd=tmp_path).stderr.splitlines()
    assert errors[-2:] == [
        "ValueError: so",
        "pa_ringbuffer: program.py has opened no stream of sounddevice",
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "give a program to run"),
        (["-m"], "argument -m: expected one argument"),
        (["nothing.py"], "the program 'nothing.py' cannot be read: No such file"),
        (["-m", "no_such_module"], "there is no module 'no_such_module'"),
        (["-m", "no_such.module"], "the module 'no_such.module' cannot be found"),
        (["."], "there is no __main__.py in '.'"),
        (["--ahead", "-1", "x.py"], "must be a positive number of seconds, not -1"),
        (["--ahead", "soon", "x.py"], "must be a positive number of seconds, not soon"),
    ],
)
def test_a_wrong_command_is_told_what_would_be_right(tmp_path, arguments, text):
    virtual = [] if arguments[:1] in ([], ["-m"]) and len(arguments) < 2 else ["--virtual"]
    result = run(*virtual, *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert text in result.stderr
    assert "Traceback" not in result.stderr


def test_sounddevice_is_ours_and_its_private_names_its_own(tmp_path, require):
    require(importlib.util.find_spec("sounddevice"), "sounddevice is not installed")
    write(
        tmp_path,
        """
        import sys
        import sounddevice as sd
        import pa_ringbuffer.testing
        from sounddevice import *
        assert OutputStream is sd.OutputStream is pa_ringbuffer.testing.OutputStream
        assert sys.modules["sounddevice"] is sd and sd.__name__ == "sounddevice"
        assert "OutputStream" in dir(sd) and "_StreamBase" in dir(sd)
        assert sd.__version__ and sd.__spec__.name == "sounddevice"
        assert sd._StreamBase.__module__ == "sounddevice"
        assert issubclass(sd._StreamBase, object) and sd._ffi.sizeof("int")
        try:
            sd.no_such_name
        except AttributeError:
            print("fine")
        """,
    )
    try:
        importlib.import_module("sounddevice")
    except OSError:
        pytest.skip("PortAudio is not installed")
    result = run("--virtual", "program.py", cwd=tmp_path)
    assert (result.stdout, result.returncode) == ("fine\n", 0), result.stderr


def test_losses_are_reported_with_their_time_and_what_would_have_been_enough(tmp_path):
    write(
        tmp_path,
        """
        import time
        import numpy as np
        import sounddevice as sd

        with sd.OutputStream(samplerate=48000, blocksize=256, channels=1, warn=None) as stream:
            stream.write(np.zeros((24000, 1), "float32"))
            while stream.stats.output.lost_frames < 9600:
                time.sleep(0.01)
            stream.write(np.zeros((24000, 1), "float32"))
        """,
    )
    result = run("--virtual", "program.py", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    report = result.stderr.splitlines()
    assert report[0] == "pa_ringbuffer: the streams of program.py"
    assert report[1].startswith("  OutputStream, 48000 Hz, 1 channel: 1.")
    rows = dict(line.strip().split("  ", 1) for line in report[2:])
    rows = {name: text.strip() for name, text in rows.items()}
    assert rows["blocks"].endswith(" of 256 frames")
    times, _, at = rows["lost"].partition(": at ")
    assert times.startswith("1 time, ")
    # Not later than the next look at the counters.
    assert 0.5 <= float(at.split()[0]) <= 0.6
    assert rows["reported by the device"] == "none"
    # Not --ahead, which chooses nothing for a stream that the program writes itself.
    option, seconds = rows["enough would have been"].split("=")
    assert option == "ring_seconds"
    assert float(seconds) > 1.2


def test_for_a_callback_the_report_names_the_option_that_would_have_been_enough(tmp_path):
    write(
        tmp_path,
        """
        import time
        import sounddevice as sd

        def silence(outdata, frames, times, status):
            outdata[:] = bytes(len(outdata))

        with sd.RawOutputStream(8000, channels=1, dtype="int16", callback=silence) as stream:
            while stream.stats.blocks < 20:
                time.sleep(0.01)
        """,
    )
    report = run("--virtual", "program.py", cwd=tmp_path).stderr.splitlines()
    rows = dict(line.strip().split("  ", 1) for line in report[2:])
    assert rows["enough would have been"].startswith("--ahead 0.")


def test_a_program_with_our_streams_runs_on_the_virtual_device_too(tmp_path):
    write(
        tmp_path,
        """
        import pa_ringbuffer.sounddevice
        import pa_ringbuffer.sounddevice as sd
        from pa_ringbuffer.sounddevice import RawOutputStream
        assert pa_ringbuffer.sounddevice is sd
        with RawOutputStream(8000, channels=1, dtype="int16") as stream:
            stream.write(bytes(4000))
        print(sd.query_devices(None, "output")["name"])
        """,
    )
    result = run("--virtual", "program.py", cwd=tmp_path)
    assert result.stdout == "virtual\n", result.stderr
    assert "RawOutputStream, 8000 Hz, 1 channel: 0.2" in result.stderr


def test_what_is_still_open_at_exit_is_reported(tmp_path):
    write(
        tmp_path,
        """
        import sounddevice as sd

        stream = sd.InputStream(samplerate=8000, blocksize=80, channels=2)
        stream.start()
        while stream.stats.blocks < 5:
            sd.sleep(10) if hasattr(sd, "sleep") else None
        idle = sd.OutputStream(samplerate=44100)
        """,
    )
    result = run("--virtual", "program.py", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "  InputStream, 8000 Hz, 2 channels: " in result.stderr
    assert "of 80 frames" in result.stderr
    assert "  OutputStream, 44100 Hz, 2 channels: 0.00 s of sound" in result.stderr
    assert "was not started" in result.stderr


@NEEDS_FORK
def test_a_forked_child_prints_no_report(tmp_path):
    write(
        tmp_path,
        """
        import os, sys
        import sounddevice as sd
        if pid := os.fork():
            os.waitpid(pid, 0)
        """,
    )
    result = run("--virtual", "program.py", cwd=tmp_path)
    assert result.stderr.count("pa_ringbuffer: program.py") == 1


CHILD = (
    "import sounddevice as sd, pa_ringbuffer.testing as t; print(sd.OutputStream is t.OutputStream)"
)


@pytest.mark.parametrize(
    "start",
    [
        "subprocess.run([sys.executable, '-c', CHILD])",
        # One that such a process starts itself.
        "subprocess.run([sys.executable, '-c', 'import subprocess, sys; '"
        " f'subprocess.run([sys.executable, \"-c\", {CHILD!r}])'])",
        "subprocess.run([sys.executable, 'child.py'])",
        "start('spawn')",
        pytest.param("start('forkserver')", marks=NEEDS_FORK),
        pytest.param("start('fork')", marks=NEEDS_FORK),
        "concurrent.futures.ProcessPoolExecutor(mp_context=context('spawn')).submit(child).result()",
    ],
)
def test_a_process_that_the_program_starts_finds_the_same_module(tmp_path, start):
    write(tmp_path, CHILD, "child.py")
    write(
        tmp_path,
        f"""
        import concurrent.futures, multiprocessing, subprocess, sys
        from multiprocessing import get_context as context
        CHILD = {CHILD!r}
        def child():
            exec(CHILD)
            sys.stdout.flush()
        def start(how):
            process = context(how).Process(target=child)
            process.start()
            process.join()
        if __name__ == "__main__":
            {start}
        """,
    )
    result = run("--virtual", "program.py", cwd=tmp_path)
    assert result.stdout == "True\n", result.stderr
    assert result.returncode == 0


@pytest.mark.parametrize("first", ["sounddevice", "pa_ringbuffer.sounddevice"])
def test_a_child_may_import_either_module_first(tmp_path, require, first):
    try:
        importlib.import_module("sounddevice")
    except (ImportError, OSError):
        require(False, "sounddevice or PortAudio is not installed")
    write(
        tmp_path,
        f"""
        import sys
        import {first}
        import pa_ringbuffer.sounddevice
        import sounddevice
        assert sounddevice.OutputStream is pa_ringbuffer.sounddevice.OutputStream
        assert sounddevice._StreamBase.__module__ == "sounddevice"
        for name in "sounddevice", "pa_ringbuffer.sounddevice":
            assert sys.modules[name].__spec__.name == name
            assert sys.modules[name].__file__.endswith("sounddevice.py")
        print("fine")
        """,
        "child.py",
    )
    write(tmp_path, "import subprocess, sys; subprocess.run([sys.executable, 'child.py'])")
    result = run("program.py", cwd=tmp_path)
    assert (result.stdout, result.returncode) == ("fine\n", 0), result.stderr


@pytest.mark.parametrize(
    "code",
    [
        # Programs look in this way whether they can have sound.
        "import importlib.util as u; assert u.find_spec('sounddevice'); " + CHILD,
        "import pa_ringbuffer.sounddevice; " + CHILD,
    ],
)
def test_a_child_may_look_for_the_module_before_it_imports_it(tmp_path, require, code):
    if "pa_ringbuffer.sounddevice" in code:
        try:
            importlib.import_module("sounddevice")
        except (ImportError, OSError):
            require(False, "sounddevice or PortAudio is not installed")
    write(tmp_path, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])")
    result = run("--virtual", "program.py", cwd=tmp_path)
    assert result.stdout == "True\n", result.stderr


def test_a_child_may_run_sounddevice_itself(tmp_path):
    write(tmp_path, "if __name__ == '__main__': print('itself')", "library/sounddevice.py")
    write(tmp_path, "import subprocess, sys; subprocess.run([sys.executable, '-m', 'sounddevice'])")
    library = {"PYTHONPATH": str(tmp_path / "library")}
    result = run("--virtual", "program.py", cwd=tmp_path, environment=library)
    assert result.stdout == "itself\n", result.stderr


def test_a_child_asks_the_same_finders_as_without_us(tmp_path):
    write(
        tmp_path,
        """
        import sys
        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name == "sounddevice" and sys.argv == ["-c"]:
                    print("asked")
        sys.meta_path.insert(1, Finder())
        """,
        "library/sitecustomize.py",
    )
    child = "import os; del os.environ['PA_RINGBUFFER_RUN']\ntry: import sounddevice\nexcept: pass"
    write(tmp_path, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])")
    library = {"PYTHONPATH": str(tmp_path / "library")}
    result = run("--virtual", "program.py", cwd=tmp_path, environment=library)
    assert result.stdout == "asked\n", result.stderr


@pytest.mark.parametrize("path", ["", os.pathsep, f"{os.pathsep}library", f"library{os.pathsep}"])
def test_empty_entries_in_pythonpath_keep_their_meaning(tmp_path, path):
    write(tmp_path, "import sys; print(sys.path)", "child/child.py")
    write(tmp_path, "import subprocess, sys; subprocess.run([sys.executable, 'child/child.py'])")
    environment = {"PYTHONPATH": path}
    expected = call("program.py", cwd=tmp_path, environment=environment)
    # `python -m` would add the package's folder, if only the path had it.
    result = run("--virtual", "program.py", cwd=tmp_path, environment=environment)
    assert result.stdout == expected.stdout, result.stderr


def test_a_child_may_be_another_python(tmp_path, require):
    require(shutil.which("pypy3"), "PyPy is not installed")
    write(tmp_path, "x = 1", "library/seen.py")
    write(tmp_path, "import seen; seen.x = 2", "library/sitecustomize.py")
    child = "import seen; print(seen.x)"
    write(tmp_path, f"import subprocess; subprocess.run(['pypy3', '-c', {child!r}])")
    library = {"PYTHONPATH": str(tmp_path / "library")}
    result = run("--virtual", "program.py", cwd=tmp_path, environment=library)
    assert result.stdout == "2\n", result.stderr


def test_the_sitecustomize_of_children_has_a_syntax_that_older_pythons_know():
    """An error there would be printed at each start of an older Python."""
    folder = importlib.import_module("pa_ringbuffer._children").FOLDER
    with open(os.path.join(folder, "sitecustomize.py"), encoding="ascii") as file:
        tree = ast.parse(file.read(), feature_version=(3, 4))
    for node in ast.walk(tree):
        assert not isinstance(
            node, (ast.AnnAssign, ast.JoinedStr, ast.Nonlocal, ast.AsyncFunctionDef)
        )
        if isinstance(node, ast.ImportFrom):
            assert node.module != "__future__"
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None and not node.args.kwonlyargs
            assert not any(argument.annotation for argument in node.args.args)


def test_a_child_that_needs_no_sound_cannot_tell_the_difference(tmp_path):
    (tmp_path / "library").mkdir()
    write(tmp_path, "import builtins; builtins.customised = True", "library/sitecustomize.py")
    write(
        tmp_path,
        """
        import os, sys
        print(sys.path, sys.argv, sys.flags)
        print(sorted(name for name in sys.modules if "pa_ringbuffer" in name))
        print(customised, sys.modules["sitecustomize"].__file__)
        try:
            import no_such_module
        except ImportError as error:
            print(error)
        """,
        "child.py",
    )
    write(tmp_path, "import subprocess, sys; subprocess.run([sys.executable, 'child.py'])")
    library = {"PYTHONPATH": str(tmp_path / "library")}
    expected = call("program.py", cwd=tmp_path, environment=library)
    result = run("--virtual", "program.py", cwd=tmp_path, environment=library)
    assert "True" in expected.stdout
    assert result.stdout == expected.stdout


def test_an_error_in_the_sitecustomize_of_a_child_is_told_as_without_us(tmp_path):
    (tmp_path / "library").mkdir()
    write(tmp_path, "raise ValueError('so')", "library/sitecustomize.py")
    write(tmp_path, "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1)'])")
    library = {"PYTHONPATH": str(tmp_path / "library")}
    expected = call("program.py", cwd=tmp_path, environment=library)
    result = run("--virtual", "program.py", cwd=tmp_path, environment=library)
    assert "ValueError: so" in expected.stderr
    assert without_report(result.stderr) == expected.stderr.splitlines()
    assert result.stdout == expected.stdout == "1\n"


def test_the_streams_of_a_child_are_reported_by_itself(tmp_path):
    write(
        tmp_path,
        """
        import sounddevice as sd
        with sd.RawOutputStream(8000, channels=1, dtype="int16") as stream:
            stream.write(bytes(4000))
        print(__import__("os").getpid())
        """,
        "child.py",
    )
    write(tmp_path, "import subprocess, sys; subprocess.run([sys.executable, 'child.py'])")
    result = run("--virtual", "--ahead", "0.5", "program.py", cwd=tmp_path)
    process = result.stdout.strip()
    first, *report = result.stderr.splitlines()
    assert first == f"pa_ringbuffer: the streams of child.py, process {process}"
    assert report[0].startswith("  RawOutputStream, 8000 Hz, 1 channel: 0.2")
    assert report[-1] == "pa_ringbuffer: program.py has opened no stream of sounddevice"


def test_a_child_has_the_same_ahead(tmp_path):
    write(
        tmp_path,
        """
        import sounddevice as sd
        print(round(sd.OutputStream(8000, blocksize=8, callback=print).latency, 1))
        """,
        "child.py",
    )
    write(tmp_path, "import subprocess, sys; subprocess.run([sys.executable, 'child.py'])")
    result = run("--virtual", "--ahead", "0.7", "program.py", cwd=tmp_path)
    assert result.stdout == "0.7\n", result.stderr


def test_an_isolated_child_finds_sounddevice_itself(tmp_path):
    write(
        tmp_path,
        """
        import subprocess, sys
        subprocess.run([sys.executable, "-I", "-c", "import sys; print(sys.meta_path)"])
        """,
    )
    result = run("--virtual", "program.py", cwd=tmp_path)
    assert result.stdout and "sitecustomize" not in result.stdout


def test_a_child_may_run_a_program_of_its_own(tmp_path):
    write(tmp_path, CHILD, "child.py")
    write(
        tmp_path,
        """
        import subprocess, sys
        command = [sys.executable, "-m", "pa_ringbuffer", "run", "--virtual", "child.py"]
        subprocess.run(command)
        """,
    )
    result = run("--virtual", "program.py", cwd=tmp_path)
    assert result.stdout == "True\n", result.stderr
    assert [line for line in result.stderr.splitlines() if line.startswith("pa_ringbuffer")] == [
        "pa_ringbuffer: child.py has opened no stream of sounddevice",
        "pa_ringbuffer: program.py has opened no stream of sounddevice",
    ]


def test_without_portaudio_the_error_says_what_to_install(tmp_path):
    write(tmp_path, "raise ImportError('PortAudio library not found')", "sounddevice.py")
    write(tmp_path, "")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "pa_ringbuffer", "run", "program.py"]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr


# As much of sounddevice as --compare looks at: with JACK, PortAudio's blocking streams crash at the
# end.
BLOCKING_SOUNDDEVICE = """
    class PortAudioError(Exception):
        pass
    class _StreamBase:
        samplerate, channels, samplesize = 1000.0, 2, 4
        def __init__(self, kind, callback=None, wrap_callback=None):
            self.count = 0
        def lose(self):
            self.count += 1
            return self.count == 3
    class _InputStreamBase(_StreamBase):
        def _raw_read(self, frames):
            return bytes(frames * 8), self.lose()
    class RawInputStream(_InputStreamBase):
        read = _InputStreamBase._raw_read
    class _OutputStreamBase(_StreamBase):
        def _raw_write(self, data):
            return self.lose()
    class RawOutputStream(_OutputStreamBase):
        write = _OutputStreamBase._raw_write
    """


def test_what_blocking_streams_of_sounddevice_lose_is_compared(tmp_path):
    write(tmp_path, BLOCKING_SOUNDDEVICE, "sounddevice.py")
    write(
        tmp_path,
        """
        import sounddevice as sd
        stream = sd.RawInputStream("input")
        print([stream.read(10)[1] for _ in range(4)])
        stream = sd.RawOutputStream("output")
        print([stream.write(bytes(80)) for _ in range(4)])
        """,
    )
    report = tmp_path / "report.json"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "pa_ringbuffer", "run", "--plain", "--report", str(report)]
    result = subprocess.run(
        [*command, "program.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stdout == "[False, False, True, False]\n" * 2, result.stderr
    recorded, played = json.loads(report.read_text())["streams"]
    assert recorded["name"] == "RawInputStream" and played["name"] == "RawOutputStream"
    assert recorded["xruns"]["input_overflow"] == played["xruns"]["output_underflow"] == 1
    for stream in recorded, played:
        assert (stream["blocks"], stream["frames"]) == (4, 40)
        assert stream["losses"] == [{"at": 0.02, "frames": 0}]


@pytest.mark.impossible(os.name == "nt", reason="no signal ends a process there")
def test_a_comparison_goes_on_with_ours_where_sounddevice_crashes(tmp_path):
    write(tmp_path, BLOCKING_SOUNDDEVICE, "sounddevice.py")
    write(
        tmp_path,
        """
        import os, sys
        import sounddevice
        if "pa_ringbuffer.sounddevice" not in sys.modules:
            os.abort()
        print("with ours")
        """,
    )
    result = run("--compare", "program.py", cwd=tmp_path, environment={"PYTHONPATH": str(tmp_path)})
    assert (result.returncode, result.stdout) == (0, "with ours\n"), result.stderr
    assert "error: with sounddevice, the program ended by SIGABRT" in result.stderr
    assert "pa_ringbuffer: program.py has opened no stream of sounddevice" in result.stderr


@pytest.mark.impossible(os.name == "nt", reason="no signal ends a process there")
@pytest.mark.parametrize(
    ("end", "how", "status", "last"),
    [
        # After a crash, the program also gets its turn with ours.
        ("os.kill(os.getpid(), signal.SIGABRT)", "by SIGABRT", 134, "pa_ringbuffer"),
        ("os._exit(3)", "with exit status 3", 3, "sounddevice"),
    ],
)
def test_a_comparison_without_a_report_says_how_the_program_ended(tmp_path, end, how, status, last):
    write(tmp_path, BLOCKING_SOUNDDEVICE, "sounddevice.py")
    write(tmp_path, f"import os, signal\nimport sounddevice\n{end}\n")
    result = run("--compare", "program.py", cwd=tmp_path, environment={"PYTHONPATH": str(tmp_path)})
    assert result.returncode == status, result.stderr
    expected = f"error: with {last}, the program ended {how}, and wrote no report"
    assert result.stderr.splitlines()[-1] == expected


def test_without_a_command_the_error_names_them():
    result = call("-m", "pa_ringbuffer")
    assert result.returncode == 2
    assert "give a command, demo, run or info" in result.stderr


def test_compare_and_virtual_exclude_each_other(tmp_path):
    result = run("--compare", "--virtual", "program.py", cwd=tmp_path)
    assert result.returncode == 2
    assert "not allowed with argument" in result.stderr


SUBJECTS = ("pa_ringbuffer", "classes", "layout", "Python", "system", "NumPy", "CFFI")
SUBJECTS += ("sounddevice", "PortAudio", "host APIs", "devices", "real-time rights")


def test_info_has_every_subject():
    result = call("-m", "pa_ringbuffer", "info")
    assert (result.returncode, result.stderr) == (0, "")
    for subject in SUBJECTS:
        assert f"\n{subject}: " in f"\n{result.stdout}"


def test_info_works_with_everything_missing():
    hide = "import sys\nfor name in ('numpy', 'cffi', 'sounddevice', 'pa_ringbuffer._native'):\n"
    hide += "    sys.modules[name] = None\n"
    program = f"{hide}from pa_ringbuffer.__main__ import main\nsys.exit(main(['info']))"
    result = call("-c", program)
    assert (result.returncode, result.stderr) == (0, "")
    assert "NumPy:            not there: pip install numpy" in result.stdout
    assert result.stdout.count("pip install sounddevice") == 4
    assert "portable" in result.stdout


def test_help_lists_the_commands():
    result = call("-m", "pa_ringbuffer", "--help")
    assert all(f"\n    {name} " in result.stdout for name in ("demo", "run", "info"))


def test_ctrl_c_ends_a_program_as_it_would_without_us(tmp_path):
    write(tmp_path, "import time\nprint('here', flush=True)\ntime.sleep(60)")
    command = [sys.executable, "-m", "pa_ringbuffer", "run", "--virtual", "program.py"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    assert "pa_ringbuffer/" not in errors
