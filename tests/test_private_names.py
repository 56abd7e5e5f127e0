"""The private names that rtmixer and pastream use keep working, in the ways they use them."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ELEMENTS = b"".join(b"%04d" % n for n in range(8))


@pytest.fixture
def pastream_class(implementation, genuine):
    """As in pastream: a subclass by hand, which can be made for a struct that C owns."""
    ffi, lib = genuine

    class RingBuffer(implementation._RingBufferBase):
        _ffi = ffi
        _lib = lib
        __doc__ = implementation._RingBufferBase.__doc__

        @classmethod
        def for_struct(cls, pointer):
            class Proxy(cls):
                def __init__(self, ptr, data=None):
                    self._ptr = ptr
                    self._data = data

            return Proxy(pointer)

    return RingBuffer


@pytest.fixture
def linear_class(pastream_class, genuine):
    """As in pastream: a ring of any size, as long as it never wraps."""
    ffi, lib = genuine

    class Linear(pastream_class):
        def __new__(cls, elementsize, buffer):
            data = ffi.from_buffer(buffer)
            size = ffi.sizeof(data) // elementsize
            power = 1 << max(size - 1, 0).bit_length()
            if power == size:
                return pastream_class(elementsize, buffer=data)
            self = super().__new__(cls)
            self._data = data
            self._ptr = ffi.new("PaUtilRingBuffer*")
            assert lib.PaUtil_InitializeRingBuffer(self._ptr, elementsize, power, self._data) == 0
            self._ptr.bufferSize = size
            return self

        def __init__(self, elementsize, buffer):
            pass

    return Linear


def test_a_subclass_with_ffi_and_lib_set_by_hand(pastream_class):
    ring = pastream_class(4, 8)
    assert ring.write(ELEMENTS) == 8
    assert ring.read() == ELEMENTS


def test_ptr_is_a_pointer_to_the_struct_for_the_functions_in_lib(implementation, genuine):
    ffi, lib = genuine
    ring = implementation.init(ffi, lib)(4, 8)
    pointer = ring._ptr
    assert ffi.typeof(pointer) is ffi.typeof("PaUtilRingBuffer *")
    assert int(ffi.cast("uintptr_t", pointer)) == ring.address
    assert ring._ptr == pointer
    assert (pointer.bufferSize, pointer.elementSizeBytes) == (8, 4)
    assert lib.PaUtil_WriteRingBuffer(pointer, ffi.from_buffer(ELEMENTS), 8) == 8
    assert pointer.writeIndex == 8
    assert ring.read() == ELEMENTS
    assert ring.write(ELEMENTS) == 8
    assert lib.PaUtil_GetRingBufferReadAvailable(pointer) == 8


def test_ptr_can_be_stored_in_a_struct_and_cast(implementation, genuine):
    ffi, lib = genuine
    ring = implementation.init(ffi, lib)(4, 8)
    pointers = ffi.new(
        "PaUtilRingBuffer *[2]", [ring._ptr, ffi.cast("PaUtilRingBuffer*", ring._ptr)]
    )
    assert pointers[0] == pointers[1]
    assert lib.PaUtil_GetRingBufferWriteAvailable(pointers[0]) == 8


def test_ptr_stays_valid_as_long_as_the_ring_lives(implementation, genuine, collect):
    ffi, lib = genuine
    ring = implementation.init(ffi, lib)(4, 8)
    address = ring.address
    pointer = ffi.cast("PaUtilRingBuffer *", ring._ptr)
    collect()
    assert lib.PaUtil_WriteRingBuffer(pointer, ffi.from_buffer(ELEMENTS), 8) == 8
    assert ring.read() == ELEMENTS
    assert ring.address == address


def test_data_is_the_memory_of_the_elements(implementation, genuine):
    ffi, lib = genuine
    ring = implementation.init(ffi, lib)(4, 8)
    ring.write(ELEMENTS)
    assert (
        bytes(
            memoryview(ffi.buffer(ring._data) if isinstance(ring._data, ffi.CData) else ring._data)
        )
        == ELEMENTS
    )


def test_a_struct_can_be_assigned_and_initialised_afterwards(pastream_class, genuine):
    ffi, lib = genuine
    struct = ffi.new("PaUtilRingBuffer *")
    ring = pastream_class.for_struct(struct)
    assert ring._ptr is struct
    assert ring._data is None
    storage = ffi.new("char[32]")
    assert lib.PaUtil_InitializeRingBuffer(struct, 4, 8, storage) == 0
    assert (len(ring), ring.elementsize, ring.write_available) == (8, 4, 8)
    assert ring.write(ELEMENTS) == 8
    assert ffi.buffer(storage)[:] == ELEMENTS
    assert ring.read() == ELEMENTS
    other = ffi.new("char[64]")
    assert lib.PaUtil_InitializeRingBuffer(struct, 8, 8, other) == 0
    assert (len(ring), ring.elementsize, ring.write_available) == (8, 8, 8)
    assert ring.write(ELEMENTS) == 4
    assert ffi.buffer(other)[:32] == ELEMENTS


def test_a_struct_that_is_not_initialised_yet_does_no_harm(pastream_class, genuine):
    ffi, _ = genuine
    ring = pastream_class.for_struct(ffi.new("PaUtilRingBuffer *"))
    target = bytearray(b"?" * 8)
    for use in (
        lambda: ring.write(ELEMENTS),
        lambda: ring.read(),
        lambda: ring.readinto(target),
        lambda: ring.get_write_buffers(1),
        lambda: ring.get_read_buffers(1),
        lambda: ring.write_available,
    ):
        with pytest.raises(RuntimeError, match="the ring's field"):
            use()
    assert target == b"?" * 8
    assert repr(ring)


def test_another_struct_can_be_assigned(pastream_class, genuine):
    ffi, lib = genuine
    structs = [ffi.new("PaUtilRingBuffer *") for _ in range(2)]
    storages = [ffi.new("char[]", 4 * size) for size in (8, 16)]
    for struct, storage, size in zip(structs, storages, (8, 16)):
        assert lib.PaUtil_InitializeRingBuffer(struct, 4, size, storage) == 0
    ring = pastream_class.for_struct(structs[0])
    assert len(ring) == 8
    ring._ptr = structs[1]
    assert len(ring) == 16
    assert ring._ptr is structs[1]


@pytest.mark.parametrize("size", [3, 5, 6, 7, 100])
def test_a_size_that_is_no_power_of_two(linear_class, genuine, size):
    ffi, lib = genuine
    memory = bytearray(4 * size)
    data = bytes(n % 251 for n in range(4 * size))
    ring = linear_class(4, memory)
    assert (len(ring), ring.elementsize) == (size, 4)
    assert (ring.write_available, ring.read_available) == (size, 0)
    assert ring.write(data + data) == size
    assert memory == data
    assert ring.read(1) == data[:4]
    assert ring.read() == data[4:]
    ring.flush()
    count, first, second = ring.get_write_buffers(1000)
    assert (count, len(first), len(second)) == (size, 4 * size, 0)
    ring.advance_write_index(len(ring))
    assert lib.PaUtil_GetRingBufferReadAvailable(ring._ptr) == size
    target = ffi.new("char[]", 4 * size)
    assert lib.PaUtil_ReadRingBuffer(ring._ptr, target, size) == size
    assert ffi.buffer(target)[:] == data


def test_a_power_of_two_is_an_ordinary_ring(linear_class):
    memory = bytearray(32)
    ring = linear_class(4, memory)
    assert type(ring) is not linear_class
    ring.write(ELEMENTS)
    assert memory == ELEMENTS


def test_the_size_of_a_ring_of_our_own_can_be_lowered(implementation, genuine):
    ring = implementation.init(*genuine)(4, 8)
    ring._ptr.bufferSize = 5
    assert (len(ring), ring.write_available) == (5, 5)
    assert ring.write(ELEMENTS) == 5
    assert ring.read() == ELEMENTS[:20]


def test_new_takes_any_arguments(implementation):
    class Anything(implementation._RingBufferBase):
        def __new__(cls, *args, **kwargs):
            return super().__new__(cls, *args, **kwargs)

        def __init__(self, *args, **kwargs):
            self.arguments = args, kwargs

    assert Anything(1, "two", three=3).arguments == ((1, "two"), {"three": 3})
    base = implementation._RingBufferBase
    assert isinstance(base.__new__(base, object(), some="thing"), base)


def test_an_init_with_another_signature(implementation, genuine):
    class Seconds(implementation.init(*genuine)):
        def __init__(self, seconds, *, samplerate=8):
            super().__init__(4, seconds * samplerate)

    assert len(Seconds(2, samplerate=16)) == 32


def test_assigning_ptr_does_not_replace_a_ring_in_use(implementation, genuine):
    ffi, lib = genuine
    ring = implementation.init(ffi, lib)(4, 8)
    address = ring.address
    with pytest.raises(RuntimeError):
        ring._ptr = ffi.new("PaUtilRingBuffer *")
    assert ring.address == address


def test_a_ring_cannot_be_initialised_after_a_struct_was_assigned(pastream_class, genuine):
    ffi, _ = genuine
    struct = ffi.new("PaUtilRingBuffer *")
    ring = pastream_class.for_struct(struct)
    base = pastream_class.__mro__[1]
    with pytest.raises(RuntimeError):
        base.__init__(ring, 4, 8)
    assert ring._ptr is struct


def test_ptr_must_be_a_pointer(pastream_class, genuine):
    ffi, _ = genuine
    ring = pastream_class.__new__(pastream_class)
    with pytest.raises(ValueError, match="NULL"):
        ring._ptr = ffi.NULL
    for wrong in None, "pointer", b"\0" * 64, ffi.cast("int", 4096):
        with pytest.raises(TypeError):
            ring._ptr = wrong


def test_ptr_before_initialisation_is_missing(RingBuffer):
    ring = RingBuffer.__new__(RingBuffer)
    assert not hasattr(ring, "_ptr")
    assert not hasattr(ring, "_data")


def test_the_class_is_called_as_ever(implementation, genuine):
    cls = implementation.init(*genuine)
    assert cls.__name__ == "RingBuffer"
    assert cls.__module__ == "pa_ringbuffer"
    assert (cls._ffi, cls._lib) == genuine
    assert cls.__doc__ == implementation._RingBufferBase.__doc__


@pytest.fixture
def run(implementation, tmp_path):
    """Runs a program for which ``pa_ringbuffer`` is this implementation."""

    def run(program):
        path = [str(Path(sys.modules["pa_ringbuffer"].__file__).parents[1])]
        if implementation.__name__ == "pa_ringbuffer.portable":
            # As users do who copy the file.
            shutil.copy(implementation.__file__, tmp_path / "pa_ringbuffer.py")
            path.insert(0, str(tmp_path))
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path))
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def importable(name):
    """Whether a module with its libraries is there, found out without importing it here."""
    command = [sys.executable, "-c", f"import {name}"]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_rtmixer_can_be_imported_and_uses_the_class(run, genuine, require):
    require(importable("rtmixer"), "rtmixer or the PortAudio library is missing")
    program = """
import pa_ringbuffer, rtmixer
from _rtmixer import ffi
assert pa_ringbuffer.__version__ != "0.1.4"
assert issubclass(rtmixer.RingBuffer, pa_ringbuffer._RingBufferBase)
queue = rtmixer.RingBuffer(ffi.sizeof("struct action*"), 16)
action, slot = ffi.new("struct action *"), ffi.new("struct action **")
slot[0] = action
assert queue.write(slot) == 1
slot[0] = ffi.NULL
assert queue.readinto(slot) == 1 and slot[0] == action
assert not queue.readinto(slot)
print("done")
"""
    assert run(program) == "done\n"


@pytest.mark.impossible(
    sys.implementation.name == "pypy"
    or sys.version_info >= (3, 13)
    or (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="there are no wheels of pastream 0.2.0.post2",
)
def test_pastream_can_be_imported_and_uses_the_class(run, require):
    require(importable("pastream"), "pastream or the PortAudio library is missing")
    program = """
import pa_ringbuffer, pastream
assert pa_ringbuffer.__version__ != "0.1.4"
assert issubclass(pastream.RingBuffer, pa_ringbuffer._RingBufferBase)
ring = pastream.RingBuffer(4, 8)
assert ring.write(b"abcdefgh" * 5) == 8
assert ring.read() == b"abcdefgh" * 4
struct = pastream._ffi.new("PaUtilRingBuffer *")
proxy = pastream.RingBuffer._from_pointer(struct)
storage = pastream._ffi.new("char[32]")
assert pastream._lib.PaUtil_InitializeRingBuffer(struct, 4, 8, storage) == 0
assert proxy.write(b"abcd") == 1 and ring.read() == b"" and proxy.read() == b"abcd"
memory = bytearray(28)
linear = pastream._LinearBuffer(4, memory)
assert len(linear) == linear.write_available == 7
assert linear.write(bytes(range(40))) == 7
assert memory == bytes(range(28))
assert linear.get_read_buffers(9)[0] == 7
assert pastream._lib.PaUtil_GetRingBufferReadAvailable(linear._ptr) == 7
linear.advance_read_index(3)
assert linear.read() == bytes(range(12, 28))
assert len(pastream._LinearBuffer(4, bytearray(32))) == 8
print("done")
"""
    assert run(program) == "done\n"
