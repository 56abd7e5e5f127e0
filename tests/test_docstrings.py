"""The examples in the docstrings run and print what they say."""

import doctest
import importlib
import importlib.util
import inspect

import pa_ringbuffer
import pytest
from pa_ringbuffer import portable

HAS_EXTENSION = importlib.util.find_spec("pa_ringbuffer._native") is not None

#: Modules whose streams come from the extension module, and NumPy arrays from NumPy.
STREAMS = (
    "pa_ringbuffer._linking",
    "pa_ringbuffer.testing",
    "pa_ringbuffer._virtual_streams",
    "pa_ringbuffer.streams.base",
    "pa_ringbuffer.streams.convenience",
    "pa_ringbuffer.streams.flags",
    "pa_ringbuffer.streams.input",
    "pa_ringbuffer.streams.output",
    "pa_ringbuffer.streams.stats",
)


def members(owner):
    """Objects with docstrings, by name: the owner, and what it defines itself."""
    yield owner.__name__, owner
    module = owner.__name__ if inspect.ismodule(owner) else owner.__module__
    for name, member in vars(owner).items():
        if getattr(member, "__module__", module) != module:
            continue
        if inspect.isclass(member):
            yield from members(member)
        else:
            yield f"{owner.__name__}.{name}", member


def examples(*owners):
    parser = doctest.DocTestParser()
    for owner in owners:
        for name, member in members(owner):
            text = getattr(member, "__doc__", None)
            if isinstance(text, str) and ">>>" in text:
                # What is for a sound card runs on the virtual device.
                text = inspect.cleandoc(text).replace(
                    "import pa_ringbuffer.sounddevice as sd", "import pa_ringbuffer.testing as sd"
                )
                yield name, parser.get_doctest(text, {}, name, None, None)


def check(test):
    output = []
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF)
    results = runner.run(test, out=output.append)
    assert results.attempted and not results.failed, "".join(output)


RING_EXAMPLES = {
    **{f"portable {name}": test for name, test in examples(portable, portable._RingBufferBase)},
    **{f"package {name}": test for name, test in examples(pa_ringbuffer, pa_ringbuffer.RingBuffer)},
}


@pytest.mark.parametrize("name", RING_EXAMPLES)
def test_an_example_of_the_ring_prints_what_it_says(name, require):
    require(importlib.util.find_spec("cffi"), "the portable class needs CFFI")
    check(RING_EXAMPLES[name])


@pytest.mark.impossible(not HAS_EXTENSION, reason="there are no streams without the extension")
def test_the_examples_of_the_streams_print_what_they_say(require):
    require(importlib.util.find_spec("numpy"), "streams with arrays need NumPy")
    tests = list(examples(*map(importlib.import_module, STREAMS)))
    for _, test in tests:
        check(test)
    names = {name.rpartition(".")[2] for name, _ in tests}
    assert {"read", "write", "blocks", "play", "rec", "playrec", "Stats", "VirtualDevice"} <= names


@pytest.mark.impossible(not HAS_EXTENSION, reason="there are no streams without the extension")
def test_the_examples_of_the_streams_for_sound_cards_run_on_the_virtual_device(require):
    require(importlib.util.find_spec("numpy"), "streams with arrays need NumPy")
    try:
        from pa_ringbuffer import sounddevice
    except ImportError as error:
        require(False, str(error))
    tests = dict(examples(sounddevice))
    for test in tests.values():
        check(test)
    kinds = ("InputStream", "OutputStream", "Stream")
    streams = {prefix + kind for prefix in ("", "Raw", "Async") for kind in kinds}
    assert streams | {"CompiledStream"} <= set(tests)


def test_both_classes_have_the_same_documentation():
    native, python = pa_ringbuffer.RingBuffer, portable._RingBufferBase
    assert inspect.getdoc(native) == inspect.getdoc(python)
    for name in dir(python):
        if not name.startswith("_"):
            assert inspect.getdoc(getattr(native, name)) == inspect.getdoc(getattr(python, name))
