"""The C library as C and C++ programs see it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from built_for import EXE, HAS_SHARED, STANDALONE, SYSTEM, TARGET, UNDERSCORE

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
CRATE = PROJECT / "crates" / "pa-ringbuffer-capi"
VERSION = re.search(
    r'^version = "(.*)"', (CRATE / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE
)[1]
needs_shared_library = pytest.mark.impossible(
    not HAS_SHARED, reason="Cargo builds no shared library where C is linked statically"
)
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
    "pa_ringbuffer_callback_finish_reason",
    "pa_ringbuffer_callback_finished",
    "pa_ringbuffer_callback_init",
    "pa_ringbuffer_callback_is_finished",
    "pa_ringbuffer_callback_times",
    "pa_ringbuffer_callback_input_time",
    "pa_ringbuffer_callback_output_time",
    "pa_ringbuffer_callback_read_position",
    "pa_ringbuffer_callback_write_position",
    "pa_ringbuffer_callback_restart",
    "pa_ringbuffer_callback_set_mode",
    "pa_ringbuffer_callback_set_on_overflow",
    "pa_ringbuffer_callback_set_on_underflow",
    "pa_ringbuffer_callback_set_wake",
    "pa_ringbuffer_callback_sleep_for_data",
    "pa_ringbuffer_callback_sleep_for_room",
    "pa_ringbuffer_version",
}


def _names(listing, kinds):
    """The symbols of some kinds in what `nm` prints, as they are called in C."""
    pairs = [line.split()[-2:] for line in listing.splitlines() if len(line.split()) >= 2]
    names = {name.split("@")[0] for kind, name in pairs if kind in kinds}
    return {name.removeprefix("_") for name in names} if UNDERSCORE else names


@pytest.fixture(scope="module")
def nm(require, run):
    """`nm(option, file)` lists symbols."""
    require(shutil.which("nm"), "nm is needed to see what is in a library")
    return lambda *arguments: run("nm", *arguments)


@pytest.fixture(scope="module")
def shared_library(installed):
    """The shared library, by the name that the system gives it."""
    folder, name = {
        "windows": ("bin", "pa_ringbuffer.dll"),
        "darwin": ("lib", "libpa_ringbuffer.dylib"),
    }.get(SYSTEM, ("lib", "libpa_ringbuffer.so"))
    return installed / folder / name


@pytest.fixture(scope="module")
def seen_from_outside(require, run, nm):
    """`seen_from_outside(library)` returns the names that a shared library exports."""

    def seen_from_outside(library):
        if SYSTEM == "windows":
            require(shutil.which("objdump"), "objdump is needed to see what a DLL exports")
            table = run("objdump", "-p", library).split("[Ordinal/Name Pointer] Table", 1)[1]
            return set(re.findall(r"^\s*\[\s*\d+\](?: \+base\[.*?\]\s+\S+)? (\w+)$", table, re.M))
        options = ["-gU"] if SYSTEM == "darwin" else ["-D", "--defined-only"]
        return _names(nm(*options, library), "TDBRVW")

    return seen_from_outside


@pytest.fixture(scope="module")
def pkg_config(installed, require, run):
    """What the library's pkg-config file answers, as a list of words."""
    require(shutil.which("pkg-config"), "pkg-config is needed")

    def pkg_config(*question, prefix=installed):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
        return run("pkg-config", *question, "pa_ringbuffer", env=environment).split()

    return pkg_config


# What the library is made of.


def test_static_library_is_one_object_without_a_rust_runtime(static_library, require, run, nm):
    require(shutil.which("ar"), "ar is needed to see what is in an archive")
    members = run("ar", "t", static_library).split()
    assert [name for name in members if not name.startswith("__.SYMDEF")] == ["pa_ringbuffer.o"]
    listing = nm(static_library)
    assert _names(listing, "TDBRVW") == FUNCTIONS
    # Parts of the functions that the compiler was told to keep apart. (The others are names of
    # sections, and marks that say where there is code.)
    local = {name for name in _names(listing, "tdbr") if not name.startswith((".", "$", "ltmp"))}
    assert all("pa_ringbuffer" in name for name in local)
    # What the linker makes, and what ARM's compilers have in their own library, which they link
    # with every program.
    needed = _names(listing, "U") - {"_GLOBAL_OFFSET_TABLE_"}
    needed = {name for name in needed if not name.startswith(("__aarch64_", "__aeabi_"))}
    # What looks for, or makes, the call that wakes a thread.
    wake = {
        "linux": {"syscall"},
        "darwin": {"dlsym"},
        "windows": {
            *("GetModuleHandleA", "__imp_GetModuleHandleA"),
            *("GetProcAddress", "__imp_GetProcAddress"),
        },
    }[SYSTEM]
    assert needed <= {"memcpy", "memmove", "memset"} | wake


def test_nothing_in_the_static_library_can_panic(static_library, nm):
    assert "panic" not in nm(static_library)
    assert not re.search(rb"panic|rust_begin_unwind|\.rs\b", static_library.read_bytes())


@needs_shared_library
def test_nothing_in_the_shared_library_can_panic(shared_library, nm):
    assert "panic" not in nm(shared_library)
    assert not re.search(rb"panic|rust_begin_unwind|\.rs\b", shared_library.read_bytes())


def test_headers_declare_all_functions(installed):
    headers = "".join(path.read_text() for path in (installed / "include").iterdir())
    assert (
        set(re.findall(r"^(?:(?:unsigned )?int|void|\w+_t) (\w+)\(", headers, re.MULTILINE))
        == FUNCTIONS
    )


@needs_shared_library
def test_shared_library_exports_only_what_the_headers_declare(shared_library, seen_from_outside):
    assert seen_from_outside(shared_library) == FUNCTIONS


@needs_shared_library
def test_shared_library_is_asked_for_by_a_name_with_its_interface_version(
    cc, installed, shared_library, require, run, start, tmp_path
):
    program = tmp_path / f"ring{EXE}"
    # Windows, which has no such names, finds libraries beside the program; a MinGW linker takes
    # the archive before it takes the DLL.
    library = shared_library if SYSTEM == "windows" else "-lpa_ringbuffer"
    run(
        *(cc, f"-I{installed}/include", HERE / "ring.c", "-o", program),
        *(f"-L{installed}/lib", library),
    )
    question, answer = {
        "windows": (["objdump", "-p"], "DLL Name: pa_ringbuffer.dll"),
        "darwin": (["otool", "-L"], "@rpath/libpa_ringbuffer.0.dylib"),
    }.get(SYSTEM, (["readelf", "-d"], "[libpa_ringbuffer.so.0]"))
    require(shutil.which(question[0]), f"{question[0]} is needed to see what a program asks for")
    assert answer in run(*question, program)
    if SYSTEM == "windows":
        shutil.copy(shared_library, tmp_path)
    path = "DYLD_LIBRARY_PATH" if SYSTEM == "darwin" else "LD_LIBRARY_PATH"
    start(program, env={**os.environ, path: str(installed / "lib")})


def test_installing_without_a_prefix_is_refused_with_advice():
    environment = {key: value for key, value in os.environ.items() if key != "PREFIX"}
    result = subprocess.run(
        [sys.executable, PROJECT / "tools" / "install_c.py"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 2
    assert "PREFIX is missing" in result.stderr


def _refusal(**variables):
    """How the installation ends, and what it says."""
    result = subprocess.run(
        [sys.executable, PROJECT / "tools" / "install_c.py"],
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("install_c.py: ")
    return result.returncode, result.stderr


def test_installing_without_cargo_is_refused_with_advice(tmp_path):
    status, message = _refusal(PREFIX=tmp_path, PATH=tmp_path)
    assert status == 2
    assert "cargo is not on the PATH" in message
    assert 'sudo env "PATH=$PATH" make install-c' in message


def test_installing_where_no_folder_can_be_names_the_folder(tmp_path):
    (tmp_path / "file").touch()
    status, message = _refusal(PREFIX=tmp_path / "file" / "prefix")
    assert status == 1
    assert str(tmp_path / "file" / "prefix") in message


@pytest.mark.parametrize("absolute", [False, True], ids=["relative", "absolute"])
def test_libraries_are_installed_into_libdir(install, cc, run, require, tmp_path, absolute):
    require(shutil.which("pkg-config"), "pkg-config is needed")
    prefix = tmp_path / "prefix"
    lib = tmp_path / "elsewhere" if absolute else prefix / "lib" / "of-this-system"
    install(PREFIX=prefix, LIBDIR=lib if absolute else "lib/of-this-system")
    assert not list(prefix.glob("lib*/*pa_ringbuffer*"))
    assert list(lib.glob("*pa_ringbuffer*"))
    environment = {**os.environ, "PKG_CONFIG_PATH": str(lib / "pkgconfig")}
    options = run("pkg-config", "--cflags", "--libs", "pa_ringbuffer", env=environment).split()
    folders = {option[:2]: Path(option[2:]).resolve() for option in options}
    assert folders["-L"] == lib.resolve()
    assert folders["-I"] == (prefix / "include").resolve()
    run(cc, HERE / "layout.c", *options, "-o", tmp_path / "program")


def test_installing_into_destdir_keeps_the_tree_movable(install, static_library, cc, run, tmp_path):
    install(PREFIX="/opt/ring", DESTDIR=tmp_path / "a")
    (tmp_path / "a" / "opt" / "ring").rename(tmp_path / "b")
    files = {path.relative_to(tmp_path / "b") for path in (tmp_path / "b").rglob("*.*")}
    shared = {
        "windows": {"bin/pa_ringbuffer.dll"},
        "darwin": {
            "lib/libpa_ringbuffer.dylib",
            "lib/libpa_ringbuffer.0.dylib",
            f"lib/libpa_ringbuffer.{VERSION}.dylib",
        },
    }.get(
        SYSTEM,
        {
            "lib/libpa_ringbuffer.so",
            "lib/libpa_ringbuffer.so.0",
            f"lib/libpa_ringbuffer.so.{VERSION}",
        },
    )
    if SYSTEM == "windows":
        gnu = static_library.suffix == ".a"
        shared.add("lib/libpa_ringbuffer.dll.a" if gnu else "lib/pa_ringbuffer.dll.lib")
    assert {path.as_posix() for path in files} == {
        *(f"include/{path.name}" for path in (CRATE / "include").iterdir()),
        f"lib/{static_library.name}",
        "lib/cmake/pa_ringbuffer/pa_ringbuffer-config.cmake",
        "lib/cmake/pa_ringbuffer/pa_ringbuffer-config-version.cmake",
        "lib/pkgconfig/pa_ringbuffer.pc",
        *(shared if HAS_SHARED else ()),
    }


def test_pkg_config_finds_the_tree_wherever_it_was_moved(
    cc, installed, require, run, tmp_path, pkg_config
):
    moved = shutil.copytree(installed, tmp_path / "moved", symlinks=True)
    answer = pkg_config("--cflags", "--libs", prefix=moved)
    assert f"-L{moved.as_posix()}/lib/pkgconfig/../../lib" in answer
    run(cc, HERE / "ring.c", "-o", tmp_path / f"ring{EXE}", *answer)
    assert pkg_config("--modversion", prefix=moved) == [VERSION]


@pytest.mark.impossible(SYSTEM == "darwin", reason="Apple has no static C library")
def test_pkg_config_links_a_static_program(cc, run, start, tmp_path, pkg_config):
    program = tmp_path / f"ring{EXE}"
    run(
        *(cc, "-static", HERE / "ring.c", "-o", program),
        *pkg_config("--static", "--cflags", "--libs"),
    )
    start(program)


def test_program_that_divides_has_the_division_only_once(compile_c, start):
    start(compile_c("divide.c"))


# The headers.


@pytest.mark.parametrize("order", ["ALONE", "PORTAUDIO_FIRST", "OURS_FIRST"])
@pytest.mark.parametrize("standard", ["c89", "c99", "c11", "gnu17"])
def test_headers_go_with_those_of_portaudio_in_any_order(compile_c, start, order, standard):
    start(compile_c("header_beside_portaudio.c", f"-D{order}", standard=standard))


@pytest.fixture(scope="module")
def portaudio_include(require, cc, run, tmp_path_factory):
    """A folder with PortAudio's header, which is the same on all systems."""
    roots = [Path(run(cc, "-print-sysroot").strip() + "/usr")] if SYSTEM == "linux" else []
    roots += map(Path, ("/usr", "/usr/local", "/opt/homebrew"))
    found = next((h for root in roots if (h := root / "include" / "portaudio.h").exists()), None)
    require(found, "portaudio.h (portaudio19-dev) is needed")
    folder = tmp_path_factory.mktemp("portaudio")
    shutil.copy(found, folder)
    return folder


@pytest.mark.parametrize("order", ["ALONE", "PORTAUDIO_FIRST", "OURS_FIRST"])
def test_callback_is_a_portaudio_callback(portaudio_include, start, compile_c, order):
    options = (f"-D{order}", "-DWITH_PORTAUDIO_H", f"-I{portaudio_include}")
    start(compile_c("header_beside_portaudio.c", *options))


@pytest.fixture
def cplusplus(cc, require, run):
    """Whether the C compiler compiles C++."""
    # Clang has no program of that name: it compiles C++ by itself.
    compiler = Path(run(cc, "-print-prog-name=cc1plus").strip())
    clang = "clang" in run(cc, "--version")
    require(compiler.is_absolute() or clang, "a C++ compiler (g++) is needed")


@pytest.mark.parametrize("order", ["ALONE", "PORTAUDIO_FIRST", "OURS_FIRST"])
@pytest.mark.usefixtures("cplusplus")
def test_headers_are_valid_cplusplus(compile_c, start, order):
    start(compile_c("header_beside_portaudio.c", f"-D{order}", standard="c++11", language="c++"))


@pytest.mark.parametrize("standard", ["c++17", "c++20"])
@pytest.mark.usefixtures("cplusplus")
def test_ring_of_cplusplus(compile_c, start, standard):
    library = "-lc++" if SYSTEM == "darwin" else "-lstdc++"
    options = ("-Wconversion", "-Wshadow", library)
    headers = CRATE / "include"
    start(compile_c("ring.cpp", *options, standard=standard, language="c++", headers=headers))


def test_structs_have_the_layout_of_the_rust_ones(compile_c, start):
    start(compile_c("layout.c"))


# A folder for each version, with the headers that programs may have been compiled with.
OLDER = sorted((HERE / "headers").iterdir())


@pytest.mark.parametrize("headers", OLDER, ids=lambda headers: headers.name)
@pytest.mark.parametrize("source", ["ring.c", "callback.c"])
def test_a_program_compiled_with_older_headers_works_with_this_library(
    compile_c, start, headers, source
):
    start(compile_c(source, headers=headers))


def test_the_headers_of_this_version_are_kept_for_later_ones():
    for header in (CRATE / "include").glob("*.h"):
        kept = HERE / "headers" / VERSION / header.name
        assert kept.read_text(encoding="utf-8") == header.read_text(encoding="utf-8"), (
            f"copy {header.name} into tests/c/headers/{VERSION}"
        )


def test_the_header_names_the_version():
    major, minor, patch = map(int, VERSION.split("."))
    header = (CRATE / "include" / "pa_ringbuffer.h").read_text(encoding="utf-8")
    number = major << 16 | minor << 8 | patch
    assert f"#define PA_RINGBUFFER_VERSION {number:#08x}\n" in header


# What the functions do.


def test_every_function_keeps_its_promises(compile_c, start):
    start(compile_c("ring.c"))


def test_callback_plays_records_and_counts(compile_c, start):
    start(compile_c("callback.c"))


@pytest.mark.impossible(SYSTEM == "windows", reason="the test protects pages with mprotect()")
def test_corrupt_indices_never_lead_outside_the_storage(compile_c, start):
    start(compile_c("corrupt_indices.c"))


@pytest.mark.parametrize("reader", ["PaUtil_", "genuine_PaUtil_"], ids=["ours", "portaudio"])
@pytest.mark.parametrize("writer", ["PaUtil_", "genuine_PaUtil_"], ids=["ours", "portaudio"])
def test_two_threads_pass_a_sequence(compile_c, request, start, writer, reader):
    options = [f"-DWRITER={writer}", f"-DREADER={reader}"]
    if "genuine_PaUtil_" in (writer, reader):
        options.append(request.getfixturevalue("genuine"))
    start(compile_c("pass_sequence.c", *options))


def test_threads_that_only_sleep_are_woken_for_every_block(compile_c, start):
    start(compile_c("wake.c"))


def test_all_results_and_fields_are_those_of_portaudio(compile_c, genuine, start):
    steps = int(start(compile_c("differential.c", genuine)))
    assert steps >= 1_000_000


# Other Rust code in the same program.


@pytest.fixture(scope="module")
def second_library(require, run, static_library, tmp_path_factory):
    """A static library with Rust's standard library in it, and what it must be linked with."""
    require(shutil.which("rustc"), "rustc is needed")
    if static_library.suffix == ".lib":
        pytest.skip("only Microsoft's linker can link Rust's standard library for MSVC")
    archive = tmp_path_factory.mktemp("second") / "libsecond_library.a"
    command = ["rustc", "--crate-type=staticlib", "--edition=2021", "-O"]
    if TARGET:
        command.append(f"--target={TARGET}")
    command += ["--print=native-static-libs", HERE / "second_library.rs", "-o", archive]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    libraries = re.search(r"native-static-libs: (.*)", result.stderr)[1].split()
    if "musl" in TARGET:
        # The one that unwinds is where rustc keeps it for itself, and needs the program's table,
        # which musl-gcc leaves out.
        folder = run("rustc", "--print=target-libdir", f"--target={TARGET}").strip()
        libraries += [f"-L{folder}/self-contained", "-static", "-Wl,--eh-frame-hdr"]
    return [archive, *libraries]


@pytest.fixture(scope="module")
def link_two(cc, run, start, installed, tmp_path_factory):
    """`link_two(library, ...)` links a program with two Rust libraries, and starts it."""

    def link_two(*libraries):
        program = tmp_path_factory.mktemp("two") / f"two_libraries{EXE}"
        run(
            *(cc, f"-I{installed}/include", HERE / "two_libraries.c", "-o", program),
            *(*libraries, *STANDALONE),
        )
        start(program)

    return link_two


def _whole(library):
    """Options that make the linker take everything in an archive."""
    if SYSTEM == "darwin":
        return [f"-Wl,-force_load,{library}"]
    return ["-Wl,--whole-archive", library, "-Wl,--no-whole-archive"]


@pytest.mark.parametrize("first", ["ours", "other"])
@pytest.mark.parametrize("whole", [False, True], ids=["needed", "whole"])
def test_two_rust_libraries_live_in_one_program(
    link_two, static_library, second_library, first, whole
):
    other, *system = second_library
    ours, other = [static_library], [other]
    if whole:
        ours = _whole(*ours)
        # Rust's standard library for Windows contains import libraries, which go by the piece.
        other = other if SYSTEM == "windows" else _whole(*other)
    link_two(*(ours + other if first == "ours" else other + ours), *system)


@pytest.mark.parametrize("first", ["ours", "other"])
def test_what_cargo_builds_lives_beside_another_rust_library(
    link_two, static_library, second_library, first
):
    target = Path(os.environ.get("CARGO_TARGET_DIR", CRATE / "target"))
    ours = target / TARGET / "release" / static_library.name
    other, *system = second_library
    libraries = [ours, other] if first == "ours" else [other, ours]
    link_two(*libraries, *system)
