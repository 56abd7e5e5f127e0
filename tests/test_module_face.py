"""`pa_ringbuffer.sounddevice` and `pa_ringbuffer.testing` have what sounddevice has."""

import importlib.util
import inspect
import os
import subprocess
import sys

import pytest
from pa_ringbuffer import testing
from pa_ringbuffer.streams.base import Base, Parameters

#: What plays and records whole arrays.
CONVENIENCE = {"play", "rec", "playrec", "wait", "stop", "get_status", "get_stream"}
KINDS = ("Input", "Output", "")
STREAMS = [f"{raw}{kind}Stream" for raw in ("", "Raw") for kind in KINDS]
#: What sounddevice's callbacks are told, and its own small classes.
SHARED = [
    "CallbackAbort",
    "CallbackFlags",
    "CallbackStop",
    "PortAudioError",
    "default",
    "query_devices",
    "check_input_settings",
]


@pytest.fixture
def sounddevice(require):
    require(importlib.util.find_spec("sounddevice"), "sounddevice is not installed")
    try:
        import sounddevice
    except OSError as error:
        require(False, f"{error} (Debian: libportaudio2)")
    return sounddevice


@pytest.fixture(params=["sounddevice", "testing"])
def ours(request, sounddevice):
    return importlib.import_module(f"pa_ringbuffer.{request.param}")


def public(module):
    return {name for name in dir(module) if not name.startswith("_")}


def positional(function):
    """Names and defaults of the parameters that can be given by position."""
    return [
        (parameter.name, parameter.default)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]


def test_every_public_name_of_sounddevice_is_there(sounddevice, ours):
    assert not public(sounddevice) - public(ours)


@pytest.mark.parametrize("name", STREAMS)
def test_streams_take_the_same_arguments_in_the_same_order(sounddevice, ours, name):
    theirs = positional(getattr(sounddevice, name))
    mine = positional(getattr(ours, name))
    assert mine == theirs


def test_functions_and_classes_take_the_same_arguments(sounddevice, ours):
    for name in public(sounddevice) & public(ours) - set(STREAMS):
        theirs = getattr(sounddevice, name)
        if not callable(theirs) or (inspect.isclass(theirs) and issubclass(theirs, Exception)):
            continue
        if name == "DeviceList":
            continue
        assert positional(getattr(ours, name)) == positional(theirs), name


def test_the_types_of_parameters_are_those_of_the_parameters():
    assert list(Parameters.__annotations__) == list(inspect.signature(Base).parameters)


@pytest.mark.parametrize("name", STREAMS)
def test_streams_have_the_same_methods_and_properties(sounddevice, ours, name):
    theirs, mine = getattr(sounddevice, name), getattr(ours, name)
    missing = public(theirs) - public(mine)
    assert not missing
    for attribute in public(theirs):
        member, own = getattr(theirs, attribute), getattr(mine, attribute)
        assert isinstance(member, property) == isinstance(own, property), attribute
        if callable(member):
            count = len(positional(member))
            # What goes beyond comes behind, and need not be given.
            assert positional(own)[:count] == positional(member), attribute
            rest = positional(own)[count:]
            assert all(default is not inspect.Parameter.empty for _, default in rest), attribute


def test_streams_are_instances_of_the_same_classes(sounddevice, ours):
    for one in STREAMS:
        for other in STREAMS:
            theirs = issubclass(getattr(sounddevice, one), getattr(sounddevice, other))
            assert issubclass(getattr(ours, one), getattr(ours, other)) == theirs, (one, other)


def test_what_is_no_stream_is_the_object_of_sounddevice(sounddevice):
    import pa_ringbuffer.sounddevice as ours

    for name in public(sounddevice) - set(STREAMS) - CONVENIENCE:
        assert getattr(ours, name) is getattr(sounddevice, name), name
    # Private ones are what libraries use.
    assert ours._StreamBase is sounddevice._StreamBase
    assert ours.__version__ == sounddevice.__version__
    with pytest.raises(AttributeError, match=r"pa_ringbuffer\.sounddevice.*no attribute 'Strem'"):
        _ = ours.Strem
    assert issubclass(ours.StreamStoppedError, sounddevice.PortAudioError)


def test_the_modules_list_their_public_names_and_no_others(ours):
    assert dir(ours) == sorted(ours.__all__)
    assert len(set(ours.__all__)) == len(ours.__all__)
    for name in ours.__all__:
        assert getattr(ours, name) is not None


def test_small_classes_of_testing_behave_like_those_of_sounddevice(sounddevice):
    for name in ("input_underflow", "input_overflow", "output_underflow", "output_overflow"):
        texts = []
        for module in (sounddevice, testing):
            flags, others = module.CallbackFlags(), module.CallbackFlags(16)
            assert not flags
            setattr(flags, name, True)
            assert flags
            flags |= others
            assert flags.priming_output
            texts.append(str(flags))
            setattr(flags, name, False)
            assert str(flags) == "priming output"
            with pytest.raises(AttributeError):
                flags.priming_output = True
            with pytest.raises(AttributeError):
                flags.bogus = True
        assert texts[0] == texts[1]
    assert public(sounddevice.CallbackFlags) == public(testing.CallbackFlags)


def test_defaults_of_testing_behave_like_those_of_sounddevice(sounddevice):
    assert public(sounddevice.default) == public(testing.default)
    for default in (sounddevice.default, testing.default):
        try:
            default.channels = 1, 3
            assert (default.channels[0], default.channels["output"]) == (1, 3)
            default.dtype["input"] = "int16"
            assert repr(default.dtype) == "['int16', 'float32']"
            default.samplerate = 8000
            with pytest.raises(AttributeError, match="no attribute 'sample_rate'"):
                default.sample_rate = 8000
            with pytest.raises(AttributeError):
                default.reset = None
            if default is testing.default:
                stream = testing.OutputStream()
                assert (stream.channels, stream.samplerate) == (3, 8000)
                stream.close()
        finally:
            default.reset()
        assert default.samplerate is None
        assert default.channels[0] is None


def test_the_virtual_device_answers_the_questions_that_programs_ask(sounddevice):
    (info,) = testing.query_devices()
    assert testing.query_devices(0, "input") == info
    assert repr(testing.query_devices()) == "* 0 virtual, pa_ringbuffer (2 in, 2 out)"
    (api,) = testing.query_hostapis()
    assert set(api) == {"name", "devices", "default_input_device", "default_output_device"}
    for kind in ("input", "output"):
        check = getattr(testing, f"check_{kind}_settings")
        check(samplerate=8000, channels=1, dtype="int16", device=7)
        with pytest.raises(ValueError, match=r"dtype must be one of .* not 'float64'"):
            check(dtype="float64")
        with pytest.raises(testing.PortAudioError):
            check(samplerate=-1)
    with pytest.raises(ValueError, match="kind must be"):
        testing.query_devices(kind="both")
    with testing.OutputStream() as stream:
        assert testing.query_devices(stream.device)["name"] == "virtual"
        stream.abort()
    with pytest.raises(testing.PortAudioError):
        stream.start()


def test_testing_needs_neither_sounddevice_nor_numpy(tmp_path):
    for name in ("sounddevice", "numpy", "cffi"):
        (tmp_path / f"{name}.py").write_text("raise ModuleNotFoundError('no')")
    program = (
        "from pa_ringbuffer import testing; print([getattr(testing, n) for n in dir(testing)])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr


PROGRAM = """
from pa_ringbuffer.{module} import InputStream, OutputStream, RawStream

OutputStream(48000, 256, {options} on_underflow="stop", on_overflow="drop")
OutputStream(on_underflow="sotp")
InputStream(on_overflow="silence")
InputStream(ringseconds=1)
InputStream().write(b"")
data, overflowed = InputStream().read(10)
data.sum()
overflowed.sum()
RawStream().read(10)[0].sum()
RawStream().write(b"").sum()
"""
#: Lines of the program, and what is wrong there.
WRONG = {
    5: ("sotp", "on_underflow"),
    6: ("silence", "on_overflow"),
    7: ("ringseconds",),
    8: ("write",),
    11: ("sum",),
    12: ("bytearray", "sum"),
    13: ("bool", "sum"),
}


@pytest.mark.parametrize(
    ("module", "options"), [("sounddevice", ""), ("testing", "loopback=True,")]
)
def test_a_type_checker_finds_wrong_policies_names_and_results(require, tmp_path, module, options):
    require(importlib.util.find_spec("mypy"), "mypy is not installed (pip install --group lint)")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(module=module, options=options))
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", tmp_path / "cache", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    errors = {}
    for line in result.stdout.splitlines():
        if line.startswith("program.py:") and " error: " in line:
            errors[int(line.split(":")[1])] = line
    assert set(errors) == set(WRONG), result.stdout + result.stderr
    for number, words in WRONG.items():
        assert all(word in errors[number] for word in words), errors[number]
