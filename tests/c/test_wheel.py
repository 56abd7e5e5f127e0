"""The wheel: its contents, and programs that are built with nothing else."""

import functools
import os
import shlex
import shutil
import subprocess
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
#: What the program consists of.
FILES = {"ring.c", "check.h"}
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
        "include/pa_ringbuffer_api.h",
        "__init__.pxd",
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


@pytest.fixture
def check(wheel, tmp_path):
    """`check(platform, without)` runs the tool on the wheel, changed in this way."""

    compressed = functools.partial(zipfile.ZipFile, mode="w", compression=zipfile.ZIP_DEFLATED)

    def check(platform=None, without=None):
        copy = tmp_path / wheel.name
        if platform:
            copy = tmp_path / f"{wheel.stem.rsplit('-', 1)[0]}-{platform}.whl"
        with zipfile.ZipFile(wheel) as source, compressed(copy) as target:
            for name in source.namelist():
                if name != without:
                    target.writestr(name, source.read(name))
        return subprocess.run(
            [sys.executable, PROJECT / "tools" / "check_contents.py", copy],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return check


def test_the_wheel_passes_its_check(check):
    result = check()
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    "name", ["include/pa_ringbuffer.h", "lib/libpa_ringbuffer.a", "lib/pkgconfig/pa_ringbuffer.pc"]
)
def test_what_a_wheel_lacks_is_named(check, name):
    result = check(without=f"pa_ringbuffer/{name}")
    assert result.returncode != 0
    assert f"{name} is missing" in result.stderr


@pytest.mark.parametrize("platform", ["manylinux2014_s390x", "macosx_11_0_arm64", "win_amd64"])
def test_a_library_for_another_platform_is_refused(check, platform):
    result = check(platform=platform)
    assert result.returncode != 0
    assert "is not for" in result.stderr or "pa_ringbuffer.lib is missing" in result.stderr


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
    moved = shutil.copytree(site / "pa_ringbuffer", tmp_path / "some where else")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(moved / "lib" / "pkgconfig")}
    answer = run("pkg-config", "--cflags", "--libs", "pa_ringbuffer", env=environment)
    run(cc, HERE / "ring.c", *shlex.split(answer), "-o", tmp_path / "ring")
    # Linked statically: it runs when there is no package any more.
    shutil.rmtree(moved)
    run(tmp_path / "ring")


CMAKE = """
cmake_minimum_required(VERSION 3.15)
project(program C)
find_package(pa_ringbuffer {version} CONFIG REQUIRED)
foreach(kind pa_ringbuffer static shared)
  add_executable(program_${{kind}} "{source}")
  target_link_libraries(program_${{kind}} PRIVATE pa_ringbuffer::${{kind}})
endforeach()
"""


@pytest.fixture
def cmake(require, cc, run, tmp_path):
    """`cmake(version, option, ...)` configures and builds programs; returns their folder."""
    require(shutil.which("cmake"), "cmake is needed")
    generator = ["-GNinja"] if shutil.which("ninja") else []
    require(generator or shutil.which("make"), "ninja or make is needed")

    def cmake(version, *options):
        source = (HERE / "ring.c").as_posix()
        (tmp_path / "CMakeLists.txt").write_text(CMAKE.format(version=version, source=source))
        build = tmp_path / "build"
        options = [*generator, f"-DCMAKE_C_COMPILER={cc}", *options]
        run("cmake", "-S", tmp_path, "-B", build, *options)
        run("cmake", "--build", build)
        return build

    return cmake


def test_cmake_finds_the_package(python, cmake, run):
    folder = python("-m", "pa_ringbuffer", "--cmakedir").strip()
    build = cmake("0.2", f"-Dpa_ringbuffer_DIR={folder}")
    for kind in "pa_ringbuffer", "static", "shared":
        run(build / f"program_{kind}")


@pytest.mark.parametrize("version", ["0.1", "0.3", "1.0"])
def test_cmake_refuses_another_interface(python, cmake, version):
    folder = python("-m", "pa_ringbuffer", "--cmakedir").strip()
    with pytest.raises(pytest.fail.Exception, match=r"compatible with requested\s+version"):
        cmake(version, f"-Dpa_ringbuffer_DIR={folder}")


def test_cmake_finds_the_installed_library(installed, cmake, run):
    build = cmake("0.2.0", f"-DCMAKE_PREFIX_PATH={installed}")
    for kind in "pa_ringbuffer", "static", "shared":
        run(build / f"program_{kind}")


def test_cmake_finds_the_installed_library_elsewhere(install, cmake, run, tmp_path):
    install(PREFIX=tmp_path / "prefix", LIBDIR=tmp_path / "apart")
    build = cmake("", f"-Dpa_ringbuffer_DIR={tmp_path}/apart/cmake/pa_ringbuffer")
    run(build / "program_static")


MESON = """
project('program', 'c')
executable('program', 'ring.c', dependencies: dependency('pa_ringbuffer'))
"""


def test_meson_finds_the_package(python, cc, run, require, tmp_path):
    for program in "meson", "ninja", "pkg-config":
        require(shutil.which(program), f"{program} is needed")
    shutil.copytree(HERE, tmp_path, dirs_exist_ok=True, ignore=lambda _, names: set(names) - FILES)
    (tmp_path / "meson.build").write_text(MESON)
    folder = python("-m", "pa_ringbuffer", "--pkgconfigdir").strip()
    environment = {**os.environ, "PKG_CONFIG_PATH": folder, "CC": cc}
    run("meson", "setup", "build", cwd=tmp_path, env=environment)
    run("ninja", "-C", "build", cwd=tmp_path)
    run(tmp_path / "build" / "program")


# For other systems.

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
