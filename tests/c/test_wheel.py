"""Programs and extension modules that are built with nothing but the wheel."""

import os
import shlex
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import c_library
import pa_ringbuffer
import pytest
import ring_object
from built_for import EXE, SYSTEM, TARGET

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
pytestmark = [
    pytest.mark.impossible(bool(TARGET), reason="the wheel is built for this Python"),
    pytest.mark.impossible(SYSTEM == "windows", reason="CC is not the compiler of this Python"),
]
SHARED = {
    "darwin": {"lib/libpa_ringbuffer.dylib", "lib/libpa_ringbuffer.0.dylib"},
}.get(SYSTEM, {"lib/libpa_ringbuffer.so", "lib/libpa_ringbuffer.so.0"})


@pytest.fixture(scope="module")
def contents(wheel):
    """What is in the wheel: names and sizes."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            info.filename.removeprefix("pa_ringbuffer/"): info.file_size
            for info in archive.infolist()
        }


# What it carries.


def test_the_wheel_carries_what_one_links_with(contents):
    assert contents.keys() >= {
        "include/pa_ringbuffer.h",
        "include/pa_ringbuffer_callback.h",
        "lib/libpa_ringbuffer.a",
        "lib/pkgconfig/pa_ringbuffer.pc",
        "lib/cmake/pa_ringbuffer/pa_ringbuffer-config.cmake",
        "lib/cmake/pa_ringbuffer/pa_ringbuffer-config-version.cmake",
        *SHARED,
    }


def test_the_wheel_is_below_a_megabyte(wheel, contents):
    assert wheel.stat().st_size < 1_000_000
    # It is one object file, and not rustc's archive of 20 MB.
    assert contents["lib/libpa_ringbuffer.a"] < 50_000


def test_the_headers_in_the_wheel_are_those_of_the_c_library(site):
    source = PROJECT / "crates" / "pa-ringbuffer-capi" / "include"
    for header in source.iterdir():
        assert (site / "pa_ringbuffer/include" / header.name).read_bytes() == header.read_bytes()


def test_an_editable_installation_has_them(run, wheel, require, tmp_path):
    # The wheel has been built: everything is compiled.
    require(shutil.which("cargo"), "cargo is needed")
    target = tmp_path / "site"
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "MATURIN_PEP517_ARGS": "--features abi3" if "abi3" in wheel.name else "",
    }
    run(
        *(sys.executable, "-m", "pip", "install", "--no-index", "--no-deps"),
        *("--no-build-isolation", "--target", target, "--editable", PROJECT),
        env=environment,
        timeout=900,
    )
    program = f"import site; site.addsitedir({str(target)!r}); import pa_ringbuffer as p; "
    program += "print(p.__file__); print(p.get_library())"
    module, library = run(sys.executable, "-S", "-c", program, cwd=tmp_path).splitlines()
    assert Path(module).parent == PROJECT / "python" / "pa_ringbuffer"
    assert Path(library).parent.parent == Path(module).parent and Path(library).exists()


@pytest.fixture(scope="module")
def sources(run, wheel, tmp_path_factory):
    """The source package, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "maturin", "sdist", "--out", folder, cwd=PROJECT)
    (archive,) = folder.iterdir()
    with tarfile.open(archive) as file:
        if hasattr(tarfile, "data_filter"):
            file.extraction_filter = tarfile.data_filter
        file.extractall(folder)
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


def test_the_source_package_installs_the_c_library(sources, run, require, cc, tmp_path):
    require(shutil.which("make"), "make is needed")
    run(
        *("make", "install-c", f"PREFIX={tmp_path}", f"PYTHON={sys.executable}"),
        cwd=sources,
        timeout=900,
    )
    library = tmp_path / "lib" / "libpa_ringbuffer.a"
    run(cc, f"-I{tmp_path}/include", HERE / "ring.c", library, "-o", tmp_path / "ring")
    run(tmp_path / "ring")


def test_the_source_package_holds_what_the_build_backend_needs(sources):
    names = {path.relative_to(sources).as_posix() for path in sources.rglob("*")}
    assert names >= {
        "Makefile",
        "crates/pa-ringbuffer-capi/Cargo.lock",
        "crates/pa-ringbuffer-capi/build.rs",
        "tools/build_backend.py",
        "tools/c_library.py",
        "tools/ring_object.py",
        "tools/wheel_contents.py",
    }
    # They are made for one system.
    assert not (sources / "python" / "pa_ringbuffer" / "lib").exists()


# Programs.


@pytest.mark.parametrize("shared", [False, True], ids=["static", "shared"])
def test_what_the_command_line_prints_compiles_a_program(python, cc, run, tmp_path, shared):
    question = ["--cflags", "--libs", *(["--shared"] if shared else [])]
    options = shlex.split(python("-m", "pa_ringbuffer", *question))
    program = tmp_path / f"ring{EXE}"
    run(cc, HERE / "ring.c", *options, "-o", program)
    run(program)


def test_pkg_config_finds_the_package_wherever_it_lands(site, cc, run, require, tmp_path):
    require(shutil.which("pkg-config"), "pkg-config is needed")
    moved = shutil.copytree(site / "pa_ringbuffer", tmp_path / "elsewhere")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(moved / "lib" / "pkgconfig")}
    answer = run("pkg-config", "--cflags", "--libs", "pa_ringbuffer", env=environment)
    run(cc, HERE / "ring.c", *shlex.split(answer), "-o", tmp_path / "ring")
    # Linked statically: it runs when there is no package any more.
    shutil.rmtree(moved)
    run(tmp_path / "ring")


# Extension modules.

SOURCE = """
#include <pa_ringbuffer.h>

long put(PaUtilRingBuffer *ring, const void *data, long count)
{
    return PaUtil_WriteRingBuffer(ring, data, count);
}
"""
CFFI_BUILD = f"""
import pa_ringbuffer, sys
from cffi import FFI

shared = bool(int(sys.argv[1]))
ffi = FFI()
ffi.cdef(pa_ringbuffer.cdef() + "long put(PaUtilRingBuffer *ring, const void *data, long count);")
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


#: Where the visibility of a symbol is in its byte: mask and value. Windows has none.
HIDDEN = {
    "aarch64-apple-darwin": (0x10, 0x10),
    "x86_64-apple-darwin": (0x10, 0x10),
    "aarch64-unknown-linux-gnu": (0x03, 0x02),
    "i686-unknown-linux-gnu": (0x03, 0x02),
    "x86_64-unknown-linux-musl": (0x03, 0x02),
    "aarch64-pc-windows-msvc": None,
    "i686-pc-windows-msvc": None,
    "x86_64-pc-windows-msvc": None,
}


@pytest.mark.parametrize("target", HIDDEN)
def test_the_library_for_other_systems_is_one_object_with_hidden_functions(
    target, run, tmp_path, require
):
    """Object files of all systems are read and written here, so this needs only their compiler."""
    require(shutil.which("cargo") and shutil.which("rustc"), "cargo and rustc are needed")
    sysroot = Path(run("rustc", "--print=sysroot").strip())
    if not (sysroot / "lib" / "rustlib" / target / "lib").exists():
        pytest.skip(f"needs rustup target add {target}")
    run(
        *("cargo", "rustc", "--release", "--locked", "--target", target),
        *("--crate-type", "staticlib"),
        cwd=PROJECT / "crates" / "pa-ringbuffer-capi",
        env={**os.environ, "CARGO_TARGET_DIR": str(PROJECT / "build" / "platforms" / "static")},
    )
    folder = PROJECT / "build" / "platforms" / "static" / target / "release"
    (archive,) = (path for name in c_library.STATIC if (path := folder / name).exists())
    data = ring_object.hidden(ring_object.cut_out(archive.read_bytes()))
    defined = {name for name, here, _ in ring_object.entries(data) if here}
    # What begins with two underscores are constants, of which a linker keeps one of each.
    functions = {name.lstrip("_") for name in defined if not name.startswith("__")}
    assert functions == set(pa_ringbuffer.function_names)
    if HIDDEN[target]:
        mask, value = HIDDEN[target]
        positions = [position for _, here, position in ring_object.entries(data) if here]
        assert all(data[position] & mask == value for position in positions)
