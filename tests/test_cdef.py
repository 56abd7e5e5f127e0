"""CFFI and C compilers understand what ``cdef()`` returns, and it means what PortAudio means."""

import platform
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

# Assigning a function to a pointer makes the compiler compare the types.
SIGNATURES = """
typedef ring_buffer_size_t size;
typedef PaUtilRingBuffer ring;
size (*initialize)(ring *, size, size, void *) = PaUtil_InitializeRingBuffer;
void (*flush)(ring *) = PaUtil_FlushRingBuffer;
size (*write_available)(const ring *) = PaUtil_GetRingBufferWriteAvailable;
size (*read_available)(const ring *) = PaUtil_GetRingBufferReadAvailable;
size (*write)(ring *, const void *, size) = PaUtil_WriteRingBuffer;
size (*read)(ring *, void *, size) = PaUtil_ReadRingBuffer;
size (*write_regions)(ring *, size, void **, size *, void **, size *)
    = PaUtil_GetRingBufferWriteRegions;
size (*advance_write)(ring *, size) = PaUtil_AdvanceRingBufferWriteIndex;
size (*read_regions)(ring *, size, void **, size *, void **, size *)
    = PaUtil_GetRingBufferReadRegions;
size (*advance_read)(ring *, size) = PaUtil_AdvanceRingBufferReadIndex;

struct same {
    ring_buffer_size_t a;
    volatile ring_buffer_size_t b, c;
    ring_buffer_size_t d, e, f;
    char *buffer;
};
char as_large_as_it_should_be[sizeof(ring) == sizeof(struct same) ? 1 : -1];
"""


@pytest.fixture
def compile_c(require, tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    require(compiler, "there is no C compiler")

    def compile_c(source, *options):
        file = tmp_path / "ring.c"
        file.write_text(source)
        command = [compiler, "-fsyntax-only", *options, str(file)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    return compile_c


STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")


@pytest.fixture
def on_darwin(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")


@pytest.fixture
def elsewhere(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")


def test_cffi_understands_it(implementation, genuine, new_ffi):
    declared, expected = (ffi.typeof("PaUtilRingBuffer") for ffi in (new_ffi(), genuine[0]))
    for (name, field), (expected_name, expected_field) in zip(declared.fields, expected.fields):
        assert name == expected_name
        assert field.offset == expected_field.offset
        assert field.type.cname == expected_field.type.cname
    assert len(declared.fields) == len(expected.fields) == 7


def test_it_can_be_followed_by_other_declarations(new_ffi):
    ffi = new_ffi("struct player { PaUtilRingBuffer *queue; ring_buffer_size_t frames; };")
    assert ffi.sizeof("struct player") == ffi.sizeof("void *") + max(
        ffi.sizeof("ring_buffer_size_t"), ffi.alignof("void *")
    )


@pytest.mark.parametrize("standard", ["-std=c99", "-std=c11", "-std=gnu99"])
def test_a_c_compiler_understands_it_on_its_own(implementation, elsewhere, compile_c, standard):
    compile_c(implementation.cdef(), standard, *STRICT)


def test_it_declares_what_portaudio_declares(implementation, elsewhere, compile_c):
    compile_c(implementation.cdef() + SIGNATURES, "-std=c99", *STRICT)


def test_it_declares_what_portaudio_declares_on_darwin(implementation, on_darwin, compile_c):
    # Which CFFI includes as well.
    preamble = "#include <stdint.h>\n"
    compile_c(preamble + implementation.cdef() + SIGNATURES, "-std=c99", *STRICT)


def test_indices_have_32_bits_on_darwin(implementation, on_darwin):
    assert "typedef int32_t ring_buffer_size_t;" in implementation.cdef()


def test_indices_are_long_elsewhere(implementation, elsewhere):
    assert "typedef long ring_buffer_size_t;" in implementation.cdef()


def test_it_can_be_source_code_of_a_cffi_module_as_in_rtmixer(
    implementation, new_ffi, compile_c, tmp_path, require
):
    include = sysconfig.get_paths()["include"]
    require((Path(include) / "Python.h").exists(), "Python's header files are missing")
    builder = new_ffi("struct player { PaUtilRingBuffer *queue; };")
    source = implementation.cdef() + "struct player { PaUtilRingBuffer *queue; };"
    builder.set_source("_player", source)
    file = tmp_path / "player.c"
    builder.emit_c_code(str(file))
    compile_c(file.read_text(), "-std=c99", "-I", include, "-Werror")
