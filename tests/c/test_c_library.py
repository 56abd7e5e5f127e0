"""The C library as C and C++ programs see it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CRATE = HERE.parent.parent / "crates" / "pa-ringbuffer-capi"
RING_FUNCTIONS = {
    "PaUtil_AdvanceRingBufferReadIndex",
    "PaUtil_AdvanceRingBufferWriteIndex",
    "PaUtil_FlushRingBuffer",
    "PaUtil_GetRingBufferReadAvailable",
    "PaUtil_GetRingBufferReadRegions",
    "PaUtil_GetRingBufferWriteAvailable",
    "PaUtil_GetRingBufferWriteRegions",
    "PaUtil_InitializeRingBuffer",
    "PaUtil_ReadRingBuffer",
    "PaUtil_WriteRingBuffer",
}
FUNCTIONS = RING_FUNCTIONS | {
    "pa_ringbuffer_callback",
    "pa_ringbuffer_callback_end",
    "pa_ringbuffer_callback_finished",
    "pa_ringbuffer_callback_init",
    "pa_ringbuffer_callback_restart",
    "pa_ringbuffer_callback_set_mode",
    "pa_ringbuffer_callback_set_policy",
}


def _names(listing, kinds):
    """The symbols of some kinds in what `nm` prints."""
    pairs = [line.split()[-2:] for line in listing.splitlines() if len(line.split()) >= 2]
    return {name.split("@")[0] for kind, name in pairs if kind in kinds}


@pytest.fixture(scope="module")
def pkg_config(installed, require, run):
    """What the library's pkg-config file answers, as a list of options."""
    require(shutil.which("pkg-config"), "pkg-config is needed")

    def pkg_config(*question):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(installed / "lib" / "pkgconfig")}
        return run("pkg-config", *question, "pa_ringbuffer", env=environment).split()

    return pkg_config


# What the library is made of.


def test_static_library_is_one_object_without_a_rust_runtime(installed, run):
    archive = installed / "lib" / "libpa_ringbuffer.a"
    assert run("ar", "t", archive).split() == ["pa_ringbuffer.o"]
    listing = run("nm", archive)
    assert _names(listing, "TDBRVW") == FUNCTIONS
    # Parts of the functions that the compiler was told to keep apart.
    assert all("pa_ringbuffer" in name for name in _names(listing, "tdbr"))
    assert _names(listing, "U") <= {"memcpy", "memmove", "memset"}


def test_nothing_in_the_library_can_panic(installed, run):
    for file in ("libpa_ringbuffer.a", "libpa_ringbuffer.so"):
        library = installed / "lib" / file
        assert "panic" not in run("nm", library)
        assert not re.search(rb"panic|rust_begin_unwind|\.rs\b", library.read_bytes())


def test_shared_library_exports_only_what_the_headers_declare(installed, run):
    library = installed / "lib" / "libpa_ringbuffer.so"
    assert _names(run("nm", "-D", "--defined-only", library), "TDBRVW") == FUNCTIONS
    headers = "".join(path.read_text() for path in (installed / "include").iterdir())
    assert (
        set(re.findall(r"^(?:(?:unsigned )?int|void|\w+_t) (\w+)\(", headers, re.MULTILINE))
        == FUNCTIONS
    )


def test_shared_library_is_asked_for_by_a_name_with_its_interface_version(
    cc, installed, run, tmp_path
):
    program = tmp_path / "ring"
    run(
        *(cc, f"-I{installed}/include", HERE / "ring.c", "-o", program),
        *(f"-L{installed}/lib", "-lpa_ringbuffer"),
    )
    assert "[libpa_ringbuffer.so.0]" in run("readelf", "-d", program)
    run(program, env={**os.environ, "LD_LIBRARY_PATH": str(installed / "lib")})


def test_installing_without_a_prefix_is_refused_with_advice():
    script = CRATE.parent.parent / "tools" / "install_c.sh"
    environment = {key: value for key, value in os.environ.items() if key != "PREFIX"}
    result = subprocess.run(
        [script], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 2
    assert "PREFIX is missing" in result.stderr


def test_installing_into_destdir_keeps_the_tree_movable(run, installed, cc, tmp_path):
    script = CRATE.parent.parent / "tools" / "install_c.sh"
    run(script, env={**os.environ, "PREFIX": "/opt/ring", "DESTDIR": str(tmp_path / "a")})
    (tmp_path / "a" / "opt" / "ring").rename(tmp_path / "b")
    listing = {str(path.relative_to(tmp_path / "b")) for path in (tmp_path / "b").rglob("*.*")}
    version = re.search(r'^version = "(.*)"', (CRATE / "Cargo.toml").read_text(), re.MULTILINE)[1]
    assert listing == {
        "include/pa_ringbuffer.h",
        "include/pa_ringbuffer_callback.h",
        "lib/libpa_ringbuffer.a",
        "lib/libpa_ringbuffer.so",
        "lib/libpa_ringbuffer.so.0",
        f"lib/libpa_ringbuffer.so.{version}",
        "lib/pkgconfig/pa_ringbuffer.pc",
    }
    environment = {**os.environ, "PKG_CONFIG_PATH": str(tmp_path / "b" / "lib" / "pkgconfig")}
    answer = run("pkg-config", "--cflags", "--libs", "pa_ringbuffer", env=environment).split()
    run(cc, HERE / "ring.c", "-o", tmp_path / "ring", *answer)
    assert run("pkg-config", "--modversion", "pa_ringbuffer", env=environment).strip() == version


def test_pkg_config_links_a_static_program(cc, installed, run, tmp_path, pkg_config):
    program = tmp_path / "ring"
    run(
        *(cc, "-static", HERE / "ring.c", "-o", program),
        *pkg_config("--static", "--cflags", "--libs"),
    )
    run(program)


# The headers.


@pytest.mark.parametrize("order", ["ALONE", "PORTAUDIO_FIRST", "OURS_FIRST"])
@pytest.mark.parametrize("standard", ["c89", "c99", "c11", "gnu17"])
def test_headers_go_with_those_of_portaudio_in_any_order(compile_c, run, order, standard):
    run(compile_c("header_beside_portaudio.c", f"-D{order}", standard=standard))


@pytest.mark.parametrize("order", ["ALONE", "PORTAUDIO_FIRST", "OURS_FIRST"])
def test_callback_is_a_portaudio_callback(cc, require, run, compile_c, order):
    path = Path(run(cc, "-print-sysroot").strip() + "/usr/include/portaudio.h")
    require(path.exists(), "portaudio.h (portaudio19-dev) is needed")
    run(compile_c("header_beside_portaudio.c", f"-D{order}", "-DWITH_PORTAUDIO_H"))


@pytest.mark.parametrize("order", ["ALONE", "PORTAUDIO_FIRST", "OURS_FIRST"])
def test_headers_are_valid_cplusplus(cc, compile_c, require, run, order):
    compiler = Path(run(cc, "-print-prog-name=cc1plus").strip())
    require(compiler.is_absolute(), "a C++ compiler (g++) is needed")
    run(compile_c("header_beside_portaudio.c", f"-D{order}", standard="c++11", language="c++"))


def test_structs_have_the_layout_of_the_rust_ones(compile_c, run):
    run(compile_c("layout.c"))


# What the functions do.


def test_every_function_keeps_its_promises(compile_c, run):
    run(compile_c("ring.c"))


def test_callback_plays_records_and_counts(compile_c, run):
    run(compile_c("callback.c"))


def test_corrupt_indices_never_lead_outside_the_storage(compile_c, run):
    run(compile_c("corrupt_indices.c"))


@pytest.mark.parametrize("reader", ["PaUtil_", "genuine_PaUtil_"], ids=["ours", "portaudio"])
@pytest.mark.parametrize("writer", ["PaUtil_", "genuine_PaUtil_"], ids=["ours", "portaudio"])
def test_two_threads_pass_a_sequence(compile_c, genuine, run, writer, reader):
    run(compile_c("pass_sequence.c", f"-DWRITER={writer}", f"-DREADER={reader}", genuine))


def test_all_results_and_fields_are_those_of_portaudio(compile_c, genuine, run):
    steps = int(run(compile_c("differential.c", genuine)))
    assert steps >= 1_000_000


# Other Rust code in the same program.


@pytest.fixture(scope="module")
def second_library(installed, require, run, tmp_path_factory):
    """A static library with Rust's standard library in it, and what it must be linked with."""
    require(shutil.which("rustc"), "rustc is needed")
    archive = tmp_path_factory.mktemp("second") / "libsecond_library.a"
    run(
        *("rustc", "--crate-type=staticlib", "--edition=2021", "-O"),
        *(HERE / "second_library.rs", "-o", archive),
    )
    return [archive, "-lpthread", "-lm", "-ldl", "-lgcc_s"]


def _link_two(cc, run, installed, tmp_path, *libraries):
    program = tmp_path / "two_libraries"
    run(cc, f"-I{installed}/include", HERE / "two_libraries.c", "-o", program, *libraries)
    run(program)


@pytest.mark.parametrize("first", ["ours", "other"])
@pytest.mark.parametrize("whole", [False, True], ids=["needed", "whole"])
def test_two_rust_libraries_live_in_one_program(
    cc, run, installed, second_library, tmp_path, first, whole
):
    ours = installed / "lib" / "libpa_ringbuffer.a"
    other, *system = second_library
    libraries = [ours, other] if first == "ours" else [other, ours]
    if whole:
        libraries = ["-Wl,--whole-archive", *libraries, "-Wl,--no-whole-archive"]
    _link_two(cc, run, installed, tmp_path, *libraries, *system)


@pytest.mark.parametrize("first", ["ours", "other"])
def test_what_cargo_builds_lives_beside_another_rust_library(
    cc, run, installed, second_library, tmp_path, first
):
    target = Path(os.environ.get("CARGO_TARGET_DIR", CRATE / "target"))
    ours = target / "release" / "libpa_ringbuffer.a"
    other, *system = second_library
    libraries = [ours, other] if first == "ours" else [other, ours]
    _link_two(cc, run, installed, tmp_path, *libraries, *system)
