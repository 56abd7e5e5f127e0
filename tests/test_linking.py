"""Files of an installation for compilers and linkers, and the addresses of the C functions.

`tests/c/test_wheel.py` compiles and links with it.
"""

import ctypes
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from struct_fields import Fields

if importlib.util.find_spec("pa_ringbuffer._native") is None:
    pytest.skip("the extension module was not built", allow_module_level=True)

import pa_ringbuffer

#: On Windows, what is printed is for another shell.
posix = pytest.mark.impossible(sys.platform == "win32", reason="paths are quoted in another way")
SIZE = ctypes.c_int32 if sys.platform == "darwin" else ctypes.c_long


def test_headers_are_in_the_folder():
    folder = Path(pa_ringbuffer.get_include())
    assert {"pa_ringbuffer.h", "pa_ringbuffer_callback.h"} <= {
        path.name for path in folder.iterdir()
    }


def test_the_static_library_is_an_archive_of_one_object():
    content = Path(pa_ringbuffer.get_library()).read_bytes()
    assert content.startswith(b"!<arch>\n")
    assert content.count(b"pa_ringbuffer.o") == 1


def test_arguments_for_a_build_are_lists_of_what_exists():
    arguments = pa_ringbuffer.build_arguments()
    assert arguments == {
        "include_dirs": [pa_ringbuffer.get_include()],
        "extra_objects": [pa_ringbuffer.get_library()],
    }
    shared = pa_ringbuffer.build_arguments(shared=True)
    assert shared["include_dirs"] == arguments["include_dirs"]
    if sys.platform == "win32":
        (library,) = shared["extra_objects"]
        assert Path(library).exists()
    else:
        assert "extra_objects" not in shared
        assert shared["libraries"] == ["pa_ringbuffer"]
        (folder,) = shared["library_dirs"]
        assert shared["runtime_library_dirs"] == [folder]
        assert list(Path(folder).glob("libpa_ringbuffer.*"))


def test_who_changes_the_arguments_changes_no_others():
    pa_ringbuffer.build_arguments()["include_dirs"].append("elsewhere")
    assert "elsewhere" not in pa_ringbuffer.build_arguments()["include_dirs"]


def declared(folder):
    """The names of the functions in the headers."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.h")))
    return re.findall(r"^(?:(?:unsigned )?int|void|\w+_t) (\w+)\(", text, re.MULTILINE)


def test_every_function_of_the_headers_has_an_address():
    assert sorted(pa_ringbuffer.function_names) == sorted(
        declared(Path(pa_ringbuffer.get_include()))
    )
    addresses = [pa_ringbuffer.function_address(name) for name in pa_ringbuffer.function_names]
    assert all(isinstance(address, int) and address > 0 for address in addresses)
    assert len(set(addresses)) == len(addresses)


def test_cython_is_given_every_function_and_constant_of_the_headers():
    folder = Path(pa_ringbuffer.get_include())
    given = Path(pa_ringbuffer.__file__).with_name("__init__.pxd").read_text(encoding="utf-8")
    functions = re.findall(r"^    (?:(?:unsigned )?int|void|\w+_t) (\w+)\(", given, re.MULTILINE)
    assert sorted(functions) == sorted(declared(folder))
    header = (folder / "pa_ringbuffer_callback.h").read_text(encoding="utf-8")
    constants = re.findall(r"^    (PA_RINGBUFFER_\w+) = ", header, re.MULTILINE)
    assert constants
    assert sorted(re.findall(r"^        (PA_RINGBUFFER_\w+)$", given, re.MULTILINE)) == sorted(
        constants
    )


def test_functions_called_by_address_write_and_read_a_ring():
    ring = pa_ringbuffer.RingBuffer(1, 8)
    transfer = ctypes.CFUNCTYPE(SIZE, ctypes.c_void_p, ctypes.c_char_p, SIZE)
    write = transfer(pa_ringbuffer.function_address("PaUtil_WriteRingBuffer"))
    read = transfer(pa_ringbuffer.function_address("PaUtil_ReadRingBuffer"))
    available = ctypes.CFUNCTYPE(SIZE, ctypes.c_void_p)(
        pa_ringbuffer.function_address("PaUtil_GetRingBufferReadAvailable")
    )
    assert write(ring.address, b"abcde", 5) == 5
    assert available(ring.address) == ring.read_available == 5
    data = ctypes.create_string_buffer(3)
    assert read(ring.address, ctypes.cast(data, ctypes.c_char_p), 3) == 3
    assert (data.raw, bytes(ring.read())) == (b"abc", b"de")


def test_a_ring_made_by_address_is_one():
    initialize = ctypes.CFUNCTYPE(SIZE, ctypes.c_void_p, SIZE, SIZE, ctypes.c_void_p)(
        pa_ringbuffer.function_address("PaUtil_InitializeRingBuffer")
    )
    fields, storage = Fields(), ctypes.create_string_buffer(32)
    address = ctypes.addressof(fields)
    assert initialize(address, 4, 7, ctypes.addressof(storage)) == -1
    assert initialize(address, 4, 8, ctypes.addressof(storage)) == 0
    ring = pa_ringbuffer.RingBuffer.from_pointer(address)
    assert (len(ring), ring.elementsize, ring.write(b"abcdefgh")) == (8, 4, 2)


def test_the_version_is_that_of_the_package():
    version = ctypes.CFUNCTYPE(ctypes.c_uint)(
        pa_ringbuffer.function_address("pa_ringbuffer_version")
    )()
    parts = version >> 16, version >> 8 & 255, version & 255
    assert ".".join(map(str, parts)) == pa_ringbuffer.__version__


def test_the_callback_called_by_address_plays():
    ring = pa_ringbuffer.RingBuffer(4, 8)
    ring.write(b"abcdefgh")
    # Larger than the state of any version.
    state = (ctypes.c_uint64 * 1024)()
    initialize = ctypes.CFUNCTYPE(
        ctypes.c_int,
        *(ctypes.c_void_p, ctypes.c_size_t),
        *(ctypes.c_void_p, ctypes.c_size_t),
        *(ctypes.c_void_p, ctypes.c_size_t),
        ctypes.c_ubyte,
    )(pa_ringbuffer.function_address("pa_ringbuffer_callback_init"))
    state_address = ctypes.addressof(state)
    assert initialize(state_address, ctypes.sizeof(state), None, 0, ring.address, 4, 0) == 0
    callback = pa_ringbuffer.function_address("pa_ringbuffer_callback")
    from pa_ringbuffer.testing import VirtualDevice

    device = VirtualDevice(callback, state_address, channels=(0, 1))
    assert bytes(device.process(frames=3)) == b"abcdefgh\0\0\0\0"
    device.close()


@pytest.mark.parametrize("name", ["PaUtil_Write", "", "pa_ringbuffer_callback\0"])
def test_an_unknown_function_is_refused_with_the_names_of_all(name):
    with pytest.raises(ValueError) as caught:
        pa_ringbuffer.function_address(name)
    assert repr(name) in str(caught.value)
    assert all(known in str(caught.value) for known in pa_ringbuffer.function_names)


def test_a_function_is_named_by_a_str():
    with pytest.raises(TypeError, match="name must be a str, not bytes"):
        pa_ringbuffer.function_address(b"PaUtil_WriteRingBuffer")


def command_line(*arguments, prelude=None):
    command = ["-m", "pa_ringbuffer"]
    if prelude:
        command = [
            "-c",
            f"import sys\n{prelude}\nfrom pa_ringbuffer.__main__ import main\nsys.exit(main())",
        ]
    result = subprocess.run(
        [sys.executable, *command, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


def test_the_command_line_names_folders_and_files():
    include, library = pa_ringbuffer.get_include(), pa_ringbuffer.get_library()
    assert command_line("--include-dir") == (0, f"{include}\n", "")
    assert command_line("--library") == (0, f"{library}\n", "")
    status, output, _ = command_line("--cmakedir", "--pkgconfigdir")
    cmake, pkg_config = map(Path, output.splitlines())
    assert status == 0
    assert (cmake / "pa_ringbuffer-config.cmake").exists()
    assert (pkg_config / "pa_ringbuffer.pc").exists()


@posix
def test_the_command_line_prints_what_a_compiler_is_given():
    include, library = pa_ringbuffer.get_include(), pa_ringbuffer.get_library()
    status, output, _ = command_line("--cflags", "--libs")
    assert (status, shlex.split(output)) == (0, [f"-I{include}", library])
    status, output, _ = command_line("--libs", "--shared")
    folder = str(Path(library).parent)
    assert status == 0
    assert shlex.split(output) == [f"-L{folder}", "-lpa_ringbuffer", f"-Wl,-rpath,{folder}"]


@posix
@pytest.mark.parametrize("shared", [[], ["--shared"]], ids=["static", "shared"])
def test_what_the_command_line_prints_is_right_for_a_path_with_spaces_in_eval(shared):
    moved = (
        "import pa_ringbuffer._linking as linking\n"
        "linking._existing = lambda *parts: '/a päth/of  it'\n"
    )
    _, output, _ = command_line("--cflags", "--libs", *shared, prelude=moved)
    read = subprocess.run(
        ["sh", "-c", "eval \"printf '%s\\n' $1\"", "sh", output.strip()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert read.stdout.splitlines()[0] == "-I/a päth/of  it"
    assert read.stdout.splitlines() == shlex.split(output)


@pytest.mark.parametrize("arguments", [[], ["--shared"]])
def test_the_command_line_refuses_what_asks_nothing(arguments):
    status, output, errors = command_line(*arguments)
    assert (status, output) == (2, "")
    assert "error: " in errors


MOVED = (
    "import os, pa_ringbuffer._linking as linking\n"
    "linking._FOLDER = os.path.join(linking._FOLDER, 'nowhere')\n"
)


@pytest.mark.parametrize("option", ["--cflags", "--libs", "--library", "--cmakedir"])
def test_where_the_files_are_missing_the_command_that_makes_them_is_named(option):
    status, output, errors = command_line(option, prelude=MOVED)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert "nowhere" in errors and "python tools/wheel_contents.py" in errors


def test_without_the_extension_the_command_line_says_what_has_them():
    status, output, errors = command_line(
        "--cflags", prelude="sys.modules['pa_ringbuffer._native'] = None"
    )
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert "headers and libraries come with the extension module" in errors
