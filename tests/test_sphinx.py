"""Users can show the class in their own Sphinx documentation, in nitpicky mode."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ring_methods import METHODS, PUBLIC

CONF = """
import os, sys
sys.path.insert(0, os.path.abspath("."))
project = "user"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary"]
nitpicky = True
nitpick_ignore = [
    ("py:class", "optional"),
    ("py:class", "buffer"),
    ("py:class", "CData pointer"),
]
"""

REAL = """
import pa_ringbuffer
from cffi import FFI
ffi = FFI()
ffi.cdef(pa_ringbuffer.cdef())
RingBuffer = pa_ringbuffer.init(ffi, None)
"""

MOCKED = """
import pa_ringbuffer
ffi = NotImplemented
lib = type("", (), {})
RingBuffer = pa_ringbuffer.init(ffi, lib)
"""

PASTREAM = """
import pa_ringbuffer

class RingBuffer(pa_ringbuffer._RingBufferBase):
    __doc__ = pa_ringbuffer._RingBufferBase.__doc__
    _ffi = NotImplemented
    _lib = type("", (), {})
"""

READY = """
import pa_ringbuffer
RingBuffer = pa_ringbuffer.RingBuffer
"""


@pytest.fixture
def build(implementation, require, tmp_path):
    """Builds the documentation of a user's module and returns it as HTML."""
    try:
        import sphinx
    except ImportError:
        sphinx = None
    require(sphinx, "Sphinx is not installed")

    def build(module, options, conf=CONF):
        source = tmp_path / "doc"
        source.mkdir()
        path = [str(source), str(Path(sys.modules["pa_ringbuffer"].__file__).parents[1])]
        if implementation.__name__ == "pa_ringbuffer.portable":
            shutil.copy(implementation.__file__, source / "pa_ringbuffer.py")
        (source / "conf.py").write_text(conf)
        (source / "usermodule.py").write_text(module)
        (source / "index.rst").write_text(
            "User\n====\n\n.. module:: usermodule\n\n.. autosummary::\n   :nosignatures:\n\n"
            "   RingBuffer\n\n.. autoclass:: RingBuffer\n"
            + "".join(f"   {option}\n" for option in options)
        )
        output = tmp_path / "html"
        done = subprocess.run(
            [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", source, output],
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(path)),
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return (output / "index.html").read_text()

    return build


def plain(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


OPTIONS = {
    "inherited": [":inherited-members:"],
    "members": [":members:", ":inherited-members:"],
    "undocumented": [":members:", ":inherited-members:", ":undoc-members:"],
}
if sys.implementation.name == "pypy":
    # It takes ten seconds for each, and it is the same class.
    OPTIONS = {"undocumented": OPTIONS["undocumented"]}


@pytest.mark.parametrize(
    "module", [REAL, MOCKED, PASTREAM, READY], ids=["real", "mocked", "pastream", "ready"]
)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_autoclass_builds_without_a_warning(build, module, options):
    html = build(module, options)
    text = plain(html)
    assert re.search(r"RingBuffer\s*\(\s*elementsize\s*,\s*size=None\s*,\s*buffer=None", text)
    for name in PUBLIC:
        assert f'id="usermodule.RingBuffer.{name}"' in html
    assert "power of 2" in text


def test_the_class_alone_builds_without_a_warning(build):
    assert 'id="usermodule.RingBuffer"' in build(MOCKED, [])


def test_the_default_role_of_rtmixer_finds_everything(build):
    conf = CONF + 'default_role = "any"\n'
    assert "power of 2" in build(MOCKED, [":inherited-members:"], conf)


def test_documented_signatures_have_the_defaults(implementation):
    base = implementation._RingBufferBase
    assert str(inspect.signature(base)) == "(elementsize, size=None, buffer=None)"
    for name, method in METHODS.items():
        signature = str(inspect.signature(getattr(base, name)))
        # A compiled method takes self by position only.
        assert signature.replace("self, /", "self") == method.signature


@pytest.mark.impossible(sys.implementation.name == "pypy", reason="there is only one")
def test_both_implementations_have_the_same_documentation(require):
    import pa_ringbuffer
    from pa_ringbuffer import portable

    ours, other = portable._RingBufferBase, pa_ringbuffer._RingBufferBase
    require(ours is not other, "the extension module was not built")
    assert inspect.getdoc(ours) == inspect.getdoc(other)
    names = {name for name in dir(ours) if not name.startswith("_")}
    assert names == {name for name in dir(other) if not name.startswith("_")} == PUBLIC
    for name in names:
        assert inspect.getdoc(getattr(ours, name)) == inspect.getdoc(getattr(other, name)), name
