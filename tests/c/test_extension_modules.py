"""Extension modules of Python that are built with nothing but the wheel."""

import importlib.util
import shutil
import sysconfig
from pathlib import Path

import pa_ringbuffer
import pytest
from built_for import SYSTEM, TARGET

pytestmark = [
    pytest.mark.impossible(bool(TARGET), reason="the wheel is built for this Python"),
    pytest.mark.impossible(SYSTEM == "windows", reason="CC is not the compiler of this Python"),
]


# With the library.

DECLARATIONS = """
long put(PaUtilRingBuffer *ring, const void *data, long count);
size_t where(void);
"""
#: Static, because modules may be loaded so that they see each other's functions.
SOURCE = """
#include <pa_ringbuffer.h>

static long put(PaUtilRingBuffer *ring, const void *data, long count)
{
    return PaUtil_WriteRingBuffer(ring, data, count);
}

static size_t where(void)
{
    return (size_t)PaUtil_WriteRingBuffer;
}
"""
CFFI_BUILD = f"""
import pa_ringbuffer, sys
from cffi import FFI

shared = bool(int(sys.argv[1]))
ffi = FFI()
ffi.cdef(pa_ringbuffer.cdef() + '''{DECLARATIONS}''')
ffi.set_source("_module", '''{SOURCE}''', **pa_ringbuffer.build_arguments(shared=shared))
ffi.compile()
"""
CFFI_USE = """
import pa_ringbuffer
from _module import ffi, lib
ring = pa_ringbuffer.init(ffi, lib)(1, 8)
assert lib.put(ring._ptr, b"abc", 3) == 3
assert lib.PaUtil_WriteRingBuffer(ring._ptr, b"de", 2) == 2
assert bytes(ring.read()) == b"abcde"
"""


@pytest.mark.parametrize("shared", [0, 1], ids=["static", "shared"])
def test_the_arguments_build_a_module_with_cffi(
    python, python_headers, cc, require, tmp_path, shared
):
    python("-c", CFFI_BUILD, shared, cwd=tmp_path)
    python("-c", CFFI_USE, cwd=tmp_path, path=[tmp_path])


SETUP = """
import pa_ringbuffer
from setuptools import Extension, setup

setup(
    name="package", version="1",
    ext_modules=[Extension("_module", ["module.c"], **pa_ringbuffer.build_arguments())],
)
"""
MODULE = """
#include <Python.h>
#include <pa_ringbuffer_callback.h>

static PyObject *version(PyObject *self, PyObject *unused)
{
    return PyLong_FromLong((long)pa_ringbuffer_version());
}

static PyMethodDef methods[] = {{"version", version, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_module", NULL, -1, methods};

PyMODINIT_FUNC PyInit__module(void) { return PyModule_Create(&module); }
"""


def test_the_arguments_build_an_extension_with_setuptools(python, python_headers, cc, tmp_path):
    (tmp_path / "setup.py").write_text(SETUP)
    (tmp_path / "module.c").write_text(MODULE)
    python("setup.py", "-q", "build_ext", "--inplace", cwd=tmp_path)
    said = python("-c", "import _module; print(hex(_module.version()))", cwd=tmp_path)
    assert said.strip() == "0x200"


# Linked with nothing.

TABLE = """
#define PY_SSIZE_T_CLEAN
#include <pa_ringbuffer_api.h>

static PyObject *put(PyObject *self, PyObject *arguments)
{
    Py_ssize_t address, length;
    const char *data;

    (void)self;
    if (!PyArg_ParseTuple(arguments, "ny#", &address, &data, &length))
        return NULL;
    return PyLong_FromLong((long)PaUtil_WriteRingBuffer(
        (PaUtilRingBuffer *)address, data, (ring_buffer_size_t)length));
}

static PyObject *addresses(PyObject *self, PyObject *unused)
{
    PyObject *result = PyDict_New();

    (void)self;
    (void)unused;
%s
    return result;
}

static PyMethodDef methods[] = {
    {"put", put, METH_VARARGS, NULL},
    {"addresses", addresses, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_module", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__module(void)
{
    if (import_pa_ringbuffer() < 0)
        return NULL;
    return PyModule_Create(&module);
}

/* From here on, the names stand for what the other headers declare. */
%s
"""
ADD = '    PyDict_SetItemString(result, "{0}", PyLong_FromVoidPtr((void *)(size_t){0}));'
SAME = """
#undef {0}
_Static_assert(__builtin_types_compatible_p(
    __typeof__(&{0}), __typeof__(((pa_ringbuffer_api *)0)->{0})), "{0}");
"""


@pytest.fixture(scope="module", params=["c", "c++"])
def table_module(request, python, python_headers, cc, require, run, tmp_path_factory):
    """The folder of a module that was built with nothing but `get_include()`."""
    cplusplus = request.param == "c++"
    names = pa_ringbuffer.function_names
    same = [] if cplusplus else map(SAME.format, names)
    source = TABLE % ("\n".join(map(ADD.format, names)), "".join(same))
    folder = tmp_path_factory.mktemp("table")
    (folder / "module.c").write_text(source)
    if cplusplus:
        compiler = Path(run(cc, "-print-prog-name=cc1plus").strip())
        clang = "clang" in run(cc, "--version")
        require(compiler.is_absolute() or clang, "a C++ compiler (g++) is needed")
    include = python("-c", "import pa_ringbuffer; print(pa_ringbuffer.get_include())").strip()
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    undefined = ["-undefined", "dynamic_lookup"] if SYSTEM == "darwin" else []
    run(
        *(cc, "-x", request.param, "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"),
        *(f"-I{sysconfig.get_paths()['include']}", f"-I{include}", folder / "module.c"),
        *("-o", folder / f"_module{suffix}", *undefined),
    )
    return folder


def test_a_module_with_the_table_is_linked_with_nothing(table_module, python):
    program = (
        "import _module, pa_ringbuffer as p\n"
        "ring = p.RingBuffer(1, 8)\n"
        "assert _module.put(ring.address, b'abc') == 3\n"
        "assert bytes(ring.read()) == b'abc'\n"
        "assert _module.addresses() == {n: p.function_address(n) for n in p.function_names}\n"
    )
    python("-c", program, path=[table_module])


REPLACED = """
import ctypes, pa_ringbuffer
table = (ctypes.c_uint * 64)({version}, {count})
new = ctypes.pythonapi.PyCapsule_New
new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
pa_ringbuffer._C_API = new(ctypes.addressof(table), b"pa_ringbuffer._C_API", None)
"""
UNLOADABLE = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == 'pa_ringbuffer':
            raise ImportError('the reason')
sys.meta_path.insert(0, Finder())
"""
COUNT = len(pa_ringbuffer.function_names)


@pytest.mark.parametrize(
    ("prelude", "said"),
    [
        (REPLACED.format(version=0x000301, count=COUNT), "0.3.1 is installed"),
        (REPLACED.format(version=0x010200, count=COUNT), "1.2.0 is installed"),
        (REPLACED.format(version=0x000200, count=COUNT - 1), "pip install 'pa-ringbuffer~=0.2.0'"),
        ("import pa_ringbuffer; del pa_ringbuffer._C_API", "pip install --upgrade pa-ringbuffer"),
        ("import sys; sys.modules['pa_ringbuffer._native'] = None", "has no C functions"),
        ("import sys; sys.modules['pa_ringbuffer'] = None", "import of pa_ringbuffer halted"),
        (UNLOADABLE, "the reason"),
    ],
    ids=["minor", "major", "older", "0.1.4", "pure", "missing", "unloadable"],
)
def test_a_module_with_the_table_refuses_another_package(table_module, python, prelude, said):
    program = f"{prelude}\ntry:\n    import _module\nexcept ImportError as error:\n    print(error)"
    assert said in python("-c", program, path=[table_module])


def test_a_module_with_the_table_takes_a_newer_package(table_module, python):
    newer = REPLACED.format(version=0x0002FF, count=COUNT + 5)
    python("-c", f"{newer}\nimport _module", path=[table_module])


CYTHON = """
# cython: language_level=3
from pa_ringbuffer cimport *

def write(size_t ring, bytes data):
    return PaUtil_WriteRingBuffer(<PaUtilRingBuffer *>ring, <const char *>data, len(data))

def elements(size_t ring):
    return (<PaUtilRingBuffer *>ring).bufferSize

def version():
    return PA_RINGBUFFER_VERSION, pa_ringbuffer_version()

cdef int callback(const void *input, void *output, unsigned long frames,
                  const PaStreamCallbackTimeInfo *times, unsigned long flags,
                  void *data) noexcept nogil:
    return pa_ringbuffer_callback(input, output, frames, times, flags, data)

def play(size_t ring):
    cdef pa_ringbuffer_callback_state state
    cdef char block[4]
    pa_ringbuffer_callback_init(&state, sizeof(state), NULL, 0, <PaUtilRingBuffer *>ring, 1, 0)
    pa_ringbuffer_callback_set_mode(&state, PA_RINGBUFFER_COMPLETE)
    result = callback(NULL, block, 4, NULL, 0, &state)
    return result, block[:4], state.blocks
"""
CYTHON_SETUP = """
import pa_ringbuffer
from Cython.Build import cythonize
from setuptools import Extension, setup

module = Extension("_module", ["_module.pyx"], **pa_ringbuffer.build_arguments())
setup(name="package", version="1", ext_modules=cythonize([module]))
"""


def test_cython_finds_the_functions(python, python_headers, cc, require, tmp_path):
    require(importlib.util.find_spec("Cython"), "Cython is needed: pip install cython")
    (tmp_path / "_module.pyx").write_text(CYTHON)
    (tmp_path / "setup.py").write_text(CYTHON_SETUP)
    python("setup.py", "-q", "build_ext", "--inplace", cwd=tmp_path)
    program = (
        "import _module, pa_ringbuffer\n"
        "ring = pa_ringbuffer.RingBuffer(1, 8)\n"
        "assert _module.write(ring.address, b'abc') == 3\n"
        "assert _module.elements(ring.address) == 8\n"
        "assert _module.version() == (0x200, 0x200)\n"
        "assert _module.play(ring.address) == (1, b'abc\\0', 1)\n"
    )
    python("-c", program, cwd=tmp_path, path=[tmp_path])


# Names that others could see.


def exported(run, require, library):
    require(shutil.which("nm"), "nm is needed to see what is in a library")
    options = ["-gU"] if SYSTEM == "darwin" else ["-D", "--defined-only"]
    names = {line.split()[-1] for line in run("nm", *options, library).splitlines()}
    return {name.removeprefix("_") for name in names} if SYSTEM == "darwin" else names


def test_the_extension_exports_no_functions_of_the_ring(site, run, require):
    (extension,) = (site / "pa_ringbuffer").glob("_native*.so")
    assert exported(run, require, extension) == {"PyInit__native"}


def test_a_module_that_links_statically_exports_none_either(
    python, python_headers, cc, run, require, tmp_path
):
    python("-c", CFFI_BUILD, 0, cwd=tmp_path)
    (module,) = tmp_path.glob("_module*.so")
    names = exported(run, require, module)
    assert any("PyInit" in name or "cffi" in name for name in names)
    assert not [name for name in names if "PaUtil" in name or "pa_ringbuffer" in name]


# Several of them in one process.

RECIPE = f"""
import pa_ringbuffer, sys
from cffi import FFI

name, library = sys.argv[1:]
ffi = FFI()
ffi.cdef(pa_ringbuffer.cdef() + '''{DECLARATIONS}''')
ffi.set_source(
    name, '''{SOURCE}''', include_dirs=[pa_ringbuffer.get_include()], extra_objects=[library]
)
ffi.compile()
"""
#: The functions of each module must be those that it was linked with, for Python and for its own C;
#: and each module's ring can be used by all others.
TOGETHER = """
import ctypes, importlib, os, sys

sys.setdlopenflags(os.RTLD_NOW | {flags})
names, ours = {names}, ["_first", "_second"]
modules = {{name: importlib.import_module(name) for name in names}}
import pa_ringbuffer
from pa_ringbuffer import _native


class Info(ctypes.Structure):
    _fields_ = [("file", ctypes.c_char_p), ("base", ctypes.c_void_p),
                ("name", ctypes.c_char_p), ("symbol", ctypes.c_void_p)]


def file_of(address):
    info = Info()
    assert ctypes.CDLL(None).dladdr(ctypes.c_void_p(address), ctypes.byref(info))
    return os.path.basename(info.file.decode())


for name in ours:
    found = file_of(modules[name].lib.where())
    assert found == os.path.basename(modules[name].__file__), (name, found)
for name in pa_ringbuffer.function_names:
    found = file_of(pa_ringbuffer.function_address(name))
    assert found == os.path.basename(_native.__file__), (name, found)

for name, module in modules.items():
    ring = pa_ringbuffer.init(module.ffi, module.lib)(1, 16)
    for other in modules.values():
        pointer = other.ffi.cast("PaUtilRingBuffer *", ring.address)
        assert other.lib.PaUtil_WriteRingBuffer(pointer, b"ab", 2) == 2
    assert bytes(ring.read()) == b"ab" * len(modules)
    if name in ours:
        # PortAudio's C does not check that.
        assert module.lib.put(ring._ptr, b"abc", -1) == 0
"""


@pytest.fixture(scope="module")
def neighbours(site, python, python_headers, cc, require, run, portaudio_archive, tmp_path_factory):
    """A folder with two modules that link our library, and one with PortAudio's C."""
    require(importlib.util.find_spec("_rtmixer"), "rtmixer is not installed")
    require(shutil.which("ar"), "ar is needed to take PortAudio's library apart")
    folder = tmp_path_factory.mktemp("neighbours")
    run("ar", "x", portaudio_archive, "pa_ringbuffer.o", cwd=folder)
    ours = site / "pa_ringbuffer" / "lib" / "libpa_ringbuffer.a"
    theirs = folder / "pa_ringbuffer.o"
    for name, library in {"_first": ours, "_second": ours, "_portaudio": theirs}.items():
        python("-c", RECIPE, name, library, cwd=folder)
    return folder


@pytest.mark.parametrize(
    "names",
    [
        ["_first", "_second", "_portaudio", "_rtmixer"],
        ["_rtmixer", "_portaudio", "_second", "_first"],
        ["_portaudio", "_first", "_rtmixer", "_second"],
    ],
    ids=["ours-first", "ours-last", "between"],
)
@pytest.mark.parametrize("flags", ["os.RTLD_LOCAL", "os.RTLD_GLOBAL"], ids=["local", "global"])
def test_modules_that_link_ours_do_not_clash(neighbours, python, names, flags):
    """Not even if everything may use the names of everything (RTLD_GLOBAL)."""
    python("-c", TOGETHER.format(names=names, flags=flags), path=[neighbours])


def test_a_module_that_links_the_shared_library_uses_that_one(
    site, python, python_headers, cc, tmp_path
):
    python("-c", CFFI_BUILD, 1, cwd=tmp_path)
    program = TOGETHER.partition("for name in ours")[0].format(names=["_module"], flags=0)
    program += "print(file_of(modules['_module'].lib.where()))"
    name = python("-c", program, path=[tmp_path]).strip()
    assert name in {"libpa_ringbuffer.so.0", "libpa_ringbuffer.0.dylib"}
