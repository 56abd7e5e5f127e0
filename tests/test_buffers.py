"""Data can be in any C-contiguous buffer, and in any memory of CFFI.

Only its bytes matter, whatever their type and shape.
"""

import ctypes
import mmap
from array import array

import pytest

ELEMENTS = bytes(range(1, 25))


class Subclass(bytearray):
    pass


SOURCES = {
    "bytes": lambda: ELEMENTS,
    "bytearray": lambda: bytearray(ELEMENTS),
    "subclass": lambda: Subclass(ELEMENTS),
    "memoryview": lambda: memoryview(ELEMENTS),
    "slice": lambda: memoryview(b"??" + ELEMENTS + b"?")[2:-1],
    "slice of writable": lambda: memoryview(bytearray(b"??" + ELEMENTS + b"?"))[2:-1],
    "2-d": lambda: memoryview(ELEMENTS).cast("B", (4, 6)),
    "3-d": lambda: memoryview(ELEMENTS).cast("H", (2, 3, 2)),
    "format c": lambda: memoryview(ELEMENTS).cast("c"),
    "format b": lambda: memoryview(ELEMENTS).cast("b"),
    "format i": lambda: memoryview(ELEMENTS).cast("i"),
    "format d": lambda: memoryview(ELEMENTS).cast("d"),
    "format ?": lambda: memoryview(ELEMENTS).cast("?"),
    "array B": lambda: array("B", ELEMENTS),
    "array h": lambda: array("h", ELEMENTS),
    "array f": lambda: array("f", ELEMENTS),
    "array q": lambda: array("q", ELEMENTS),
    "ctypes bytes": lambda: (ctypes.c_ubyte * 24)(*ELEMENTS),
    "ctypes floats": lambda: (ctypes.c_float * 6).from_buffer_copy(ELEMENTS),
    "ctypes 2-d": lambda: ((ctypes.c_int16 * 2) * 6).from_buffer_copy(ELEMENTS),
    "ctypes string": lambda: ctypes.create_string_buffer(ELEMENTS, 24),
}


@pytest.fixture
def ring(RingBuffer):
    """Positions are such that each transfer goes across the end of the memory."""
    ring = RingBuffer(4, 8)
    ring.advance_write_index(6)
    ring.advance_read_index(6)
    return ring


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_written_from_a_buffer(ring, make):
    assert ring.write(make()) == 6
    assert ring.read() == ELEMENTS
    assert ring.write(make(), 5) == 5
    assert ring.read() == ELEMENTS[:20]


WRITABLE = [
    name
    for name in SOURCES
    if name not in ("bytes", "memoryview", "slice")
    and not name.startswith(("format", "2-d", "3-d"))
]


@pytest.mark.parametrize("make", [SOURCES[name] for name in WRITABLE], ids=WRITABLE)
def test_read_into_a_buffer(ring, make):
    target = make()
    ring.write(ELEMENTS[::-1])
    assert ring.readinto(target) == 6
    assert memoryview(target).tobytes() == ELEMENTS[::-1]


@pytest.mark.parametrize("format", ["B", "b", "c", "h", "i", "f", "d", "?"])
def test_read_into_a_memoryview_of_any_format(ring, format):
    memory = bytearray(24)
    ring.write(ELEMENTS)
    assert ring.readinto(memoryview(memory).cast(format)) == 6
    assert memory == ELEMENTS


def test_slices_leave_their_surroundings_alone(ring):
    memory = bytearray(b"?" * 20)
    ring.write(ELEMENTS)
    assert ring.readinto(memoryview(memory)[3:15]) == 3
    assert memory == b"???" + ELEMENTS[:12] + b"?????"


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_a_buffer_can_be_the_memory_of_the_ring(RingBuffer, make):
    buffer = make()
    ring = RingBuffer(3, buffer=buffer)
    assert (len(ring), ring.elementsize) == (8, 3)
    assert ring.advance_write_index(8) == 8
    assert ring.read() == ELEMENTS
    if not memoryview(buffer).readonly:
        ring.write(b"abcdef")
        assert memoryview(buffer).tobytes()[:6] == b"abcdef"


def test_mmap(ring, RingBuffer, collect):
    with mmap.mmap(-1, 4096) as memory:
        memory[:4] = b"abcd"
        assert ring.write(memory, 1) == 1
        assert ring.read() == b"abcd"
        with memoryview(memory) as view, view[:8] as part:
            ring.write(b"01234567")
            assert ring.readinto(part) == 2
            assert memory[:9] == b"01234567\0"
        mapped = RingBuffer(4, buffer=memory)
        assert len(mapped) == 1024
        mapped.write(b"wxyz")
        assert memory[:8] == b"wxyz4567"
        # On PyPy, exports end with the next collection.
        del mapped
        collect()


@pytest.mark.parametrize(
    "dtype", ["i1", "u2", "<i4", ">i4", "f4", "<f4", ">f8", "f2", "i8", "c8", "?", "S4", "U1", "V4"]
)
def test_numpy_arrays_of_any_type(ring, numpy, dtype):
    source = numpy.frombuffer(
        ELEMENTS[: 24 // numpy.dtype(dtype).itemsize * numpy.dtype(dtype).itemsize], dtype
    )
    count = source.nbytes // 4
    assert ring.write(source) == count
    target = numpy.zeros_like(source)
    assert ring.readinto(target) == count
    assert target.tobytes() == source.tobytes()


def test_structured_numpy_arrays(ring, numpy):
    source = numpy.array([(1, 2.5), (3, 4.5)], dtype=[("left", "<i4"), ("right", "<f8")])
    assert ring.write(source) == 6
    target = numpy.zeros_like(source)
    assert ring.readinto(target) == 6
    assert (target == source).all()


def test_numpy_dates(RingBuffer, numpy):
    dates = numpy.array(["1999-12-31", "2000-01-01"], "M8[s]")
    ring = RingBuffer(8, 4)
    assert ring.write(dates) == 2
    target = numpy.zeros(2, "M8[s]")
    assert ring.readinto(target) == 2
    assert (target == dates).all()
    ring = RingBuffer(8, buffer=dates)
    ring.advance_write_index(2)
    assert ring.read() == dates.tobytes()
    dates.setflags(write=False)
    with pytest.raises((BufferError, ValueError)):
        ring.readinto(dates)
    with pytest.raises((BufferError, ValueError)):
        ring.write(numpy.zeros((4, 4), "M8[s]")[:, ::2])


def test_numpy_arrays_of_any_shape_in_c_order(ring, numpy):
    block = numpy.arange(24, dtype="u1")
    for shape in (24,), (6, 4), (2, 3, 4), (1, 24), (24, 1), (1, 1, 24, 1):
        assert ring.write(block.reshape(shape)) == 6
        target = numpy.zeros(shape, "u1")
        assert ring.readinto(target) == 6
        assert target.tobytes() == block.tobytes()


def test_parts_of_numpy_arrays_that_are_contiguous(ring, numpy):
    block = numpy.arange(32, dtype="f4").reshape(8, 4)
    assert ring.write(block[2:4]) == 8
    target = numpy.zeros((4, 4), "f4")
    assert ring.readinto(target[1:3]) == 8
    assert (target[1:3] == block[2:4]).all()
    assert not target[0].any()
    assert not target[3].any()


def test_numpy_scalars_and_arrays_without_dimensions(ring, numpy):
    assert ring.write(numpy.float32(1.5)) == 1
    target = numpy.zeros((), "f4")
    assert ring.readinto(target) == 1
    assert target == 1.5


def test_numpy_integers_as_sizes(RingBuffer, numpy):
    ring = RingBuffer(numpy.int64(4), numpy.int32(8))
    assert ring.write(bytes(16), numpy.uint8(3)) == 3
    assert ring.read(numpy.int16(2)) == bytes(8)


def test_numpy_memory_of_a_ring(RingBuffer, numpy):
    memory = numpy.zeros((8, 2), "f4")
    ring = RingBuffer(8, buffer=memory)
    ring.write(numpy.ones((3, 2), "f4"))
    assert memory[:3].all()
    assert not memory[3:].any()


CDATA = {
    "char[]": ("char[]", 24),
    "unsigned char[24]": ("unsigned char[24]", None),
    "float[]": ("float[]", 6),
    "short[2][6]": ("short[2][6]", None),
    "struct array": ("struct frame[3]", None),
    "pointer array": ("void *[3]", None),
    "struct pointer": ("struct block *", None),
    "array pointer": ("char(*)[24]", None),
}


@pytest.mark.parametrize(("ctype", "length"), CDATA.values(), ids=CDATA)
def test_cdata_of_any_cffi_instance(ring, new_ffi, ctype, length):
    ffi = new_ffi("struct frame { float left, right; }; struct block { char data[24]; };")
    source, target = ffi.new(ctype, length), ffi.new(ctype, length)
    ffi.memmove(source, ELEMENTS, 24)
    assert ring.write(source) == 6
    assert ring.readinto(target) == 6
    assert ffi.buffer(target, 24)[:] == ELEMENTS
    assert ring.write(source, 4) == 4
    assert ring.read() == ELEMENTS[:16]


def test_cdata_from_elsewhere(ring, new_ffi):
    ffi = new_ffi()
    memory = bytearray(24)
    assert ring.write(ffi.from_buffer(ELEMENTS)) == 6
    assert ring.readinto(ffi.from_buffer(memory)) == 6
    assert memory == ELEMENTS
    assert ring.write(ffi.buffer(ffi.from_buffer(memory))) == 6
    target = ffi.new("char[24]")
    assert ring.readinto(ffi.buffer(target)) == 6
    assert ffi.buffer(target)[:] == ELEMENTS
    assert ring.write(ffi.buffer(target, 8)) == 2
    assert ring.read() == ELEMENTS[:8]


@pytest.mark.parametrize("ctype", ["void *", "char *", "short *", "double *", "struct opaque *"])
def test_a_pointer_with_a_size_is_trusted(ring, new_ffi, ctype):
    ffi = new_ffi("struct opaque;")
    memory = ffi.new("char[]", ELEMENTS)
    pointer = ffi.cast(ctype, memory)
    assert ring.write(pointer, 6) == 6
    assert ring.read() == ELEMENTS
    assert ring.write(pointer, size=1) == 1
    assert ring.read() == ELEMENTS[:4]
    assert ring.write(pointer, 0) == 0


def test_a_pointer_is_only_read_as_far_as_there_is_room(ring, new_ffi):
    ffi = new_ffi()
    ring.write(bytes(20))
    memory = ffi.new("char[]", ELEMENTS)
    assert ring.write(ffi.cast("char *", memory), 1000) == 3
    ring.read(5)
    assert ring.read() == ELEMENTS[:12]


def test_pointers_to_actions_are_passed_through_the_ring_as_rtmixer_does(implementation, genuine):
    ffi, lib = genuine
    ring = implementation.init(ffi, lib)(ffi.sizeof("struct action*"), 4)
    actions = [ffi.new("struct action *") for _ in range(3)]
    slot = ffi.new("struct action **")
    for action in actions:
        slot[0] = action
        assert ring.write(slot) == 1
    for action in actions:
        slot[0] = ffi.NULL
        assert ring.readinto(slot) == 1
        assert slot[0] == action
    assert ring.readinto(slot) == 0


@pytest.mark.parametrize("ctype", ["char[32]", "float[8]", "struct frame[4]", "short[4][4]"])
def test_a_cdata_array_can_be_the_memory_of_the_ring(RingBuffer, new_ffi, ctype):
    ffi = new_ffi("struct frame { float left, right; };")
    memory = ffi.new(ctype)
    ring = RingBuffer(4, buffer=memory)
    assert len(ring) == 8
    ring.write(ELEMENTS)
    assert ffi.buffer(memory)[:24] == ELEMENTS
    assert ring.read() == ELEMENTS


def test_memory_from_cffi_can_be_the_memory_of_the_ring(RingBuffer, new_ffi):
    ffi = new_ffi()
    memory = bytearray(32)
    array = ffi.new("char[32]")
    for buffer in ffi.from_buffer(memory), ffi.buffer(array):
        ring = RingBuffer(4, buffer=buffer)
        ring.write(ELEMENTS)
        assert ring.read() == ELEMENTS
    assert memory[:24] == ELEMENTS
    assert ffi.buffer(array)[:24] == ELEMENTS


def test_data_may_be_a_part_of_the_ring_itself(RingBuffer):
    ring = RingBuffer(4, 8)
    ring.write(ELEMENTS[:16])
    count, first, _ = ring.get_read_buffers(4)
    assert ring.write(first) == 4
    ring.advance_read_index(count)
    assert ring.read() == ELEMENTS[:16]


def test_a_bytearray_can_be_resized_after_a_transfer(ring, collect):
    data = bytearray(ELEMENTS)
    ring.write(data)
    ring.readinto(data)
    ring.write(memoryview(data))
    collect()
    data.extend(b"more")
    assert ring.read() == ELEMENTS
