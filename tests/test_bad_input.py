"""Wrong arguments raise errors, and the contents of the ring stay.

There is one test (or a few) for each case where version 0.1.4 of this package did something else;
the comments with a bar in front give the case and what must happen.
"""

import copy
import ctypes
import mmap
import pickle
import sys
import threading
from array import array

import pytest
from ring_methods import CALLS

CONTENT = b"".join(b"%04d" % n for n in range(6))

needs_buffer_method = pytest.mark.impossible(
    sys.version_info < (3, 12), reason="classes with __buffer__() need Python 3.12"
)


@pytest.fixture
def ring(RingBuffer, fields):
    """A ring whose elements go across the end of its memory, and which must not change."""
    ring = RingBuffer(4, 8)
    ring.advance_write_index(5)
    ring.advance_read_index(5)
    ring.write(CONTENT)
    before = bytes(fields(ring))
    yield ring
    assert bytes(fields(ring)) == before
    assert ring.read() == CONTENT
    assert ring.write(CONTENT) == 6
    assert ring.read() == CONTENT


@pytest.fixture(params=["integer", "void *", "PaUtilRingBuffer *", "_ptr"])
def foreign_ring(request, ring, RingBuffer, new_ffi):
    """The same ring, for code that has not made it."""
    if request.param == "integer":
        return RingBuffer.from_pointer(ring.address)
    if request.param == "_ptr":
        other = RingBuffer.__new__(RingBuffer)
        other._ptr = ring._ptr
        return other
    return RingBuffer.from_pointer(new_ffi().cast(request.param, ring.address))


@pytest.fixture
def backed_by(RingBuffer):
    """Makes rings over read-only memory that are filled with it."""

    def backed_by(buffer):
        ring = RingBuffer(4, buffer=buffer)
        ring.advance_write_index(len(ring))
        return ring

    return backed_by


# | write(data, size) with size beyond data (buffer or CData array) | ValueError
@pytest.mark.parametrize("size", [2, 3, 10**6, 10**10, 2**62, 2**64, 2**100])
@pytest.mark.parametrize(
    "make",
    [
        lambda ffi: b"abcd",
        lambda ffi: b"abcdefg",
        lambda ffi: bytearray(4),
        lambda ffi: memoryview(b"abcdefgh")[:4],
        lambda ffi: array("f", [1]),
        lambda ffi: ffi.new("char[]", 4),
        lambda ffi: ffi.new("float[1]"),
        lambda ffi: ffi.buffer(ffi.new("char[]", 7)),
        lambda ffi: ffi.from_buffer(b"abcd"),
    ],
    ids=["bytes", "odd", "bytearray", "slice", "array", "chars", "floats", "buffer", "from_buffer"],
)
def test_size_beyond_data_is_refused(ring, new_ffi, make, size):
    data = make(new_ffi())
    with pytest.raises(ValueError, match="size"):
        ring.write(data, size)


def test_size_beyond_no_data_is_refused(ring):
    with pytest.raises(ValueError, match="size"):
        ring.write(b"", 1)


# | readinto(b'...'), any read-only target | the exporter's own error (BufferError; numpy:
#   ValueError)
@pytest.mark.parametrize(
    "make",
    [
        lambda: b"?" * 8,
        lambda: memoryview(b"?" * 8),
        lambda: memoryview(bytearray(b"?" * 8)).toreadonly(),
        lambda: memoryview(array("i", [0x3F3F3F3F] * 2)).toreadonly(),
    ],
    ids=["bytes", "memoryview", "toreadonly", "array"],
)
def test_readinto_does_not_overwrite_what_is_read_only(ring, make):
    target = make()
    with pytest.raises(BufferError):
        ring.readinto(target)
    assert bytes(target) == b"?" * 8


def test_readinto_does_not_overwrite_a_read_only_mmap(ring):
    target = mmap.mmap(-1, mmap.PAGESIZE, access=mmap.ACCESS_READ)
    with pytest.raises(BufferError):
        ring.readinto(target)
    target.close()


def test_readinto_does_not_overwrite_a_read_only_numpy_array(ring, numpy):
    target = numpy.zeros(2, numpy.float32)
    target.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        ring.readinto(target)
    assert not target.any()


# | negative size to get_*_buffers, advance_* | ValueError
@pytest.mark.parametrize("size", [-1, -2, -8, -(2**31), -(2**63), -(2**100)])
@pytest.mark.parametrize("method", [m.name for m in CALLS.values() if m.needs_size])
def test_negative_sizes_are_refused(ring, foreign_ring, method, size):
    for each in ring, foreign_ring:
        with pytest.raises(ValueError, match="size"):
            getattr(each, method)(size)


# | advance_* past what is available | ValueError
@pytest.mark.parametrize("beyond", [1, 2, 8, 2**31, 2**32, 2**63, 2**64, 2**100])
def test_advancing_past_what_is_available_is_refused(ring, foreign_ring, beyond):
    for each in ring, foreign_ring:
        with pytest.raises(ValueError, match="size"):
            each.advance_write_index(each.write_available + beyond)
        with pytest.raises(ValueError, match="size"):
            each.advance_read_index(each.read_available + beyond)


# | elementsize 0 or negative | ValueError
@pytest.mark.parametrize("elementsize", [0, -1, -4, -(2**63), -(2**100)])
@pytest.mark.parametrize("rest", [{"size": 8}, {"buffer": bytearray(8)}, {"buffer": b""}])
def test_an_elementsize_that_is_not_positive_is_refused(RingBuffer, elementsize, rest):
    with pytest.raises(ValueError, match="elementsize"):
        RingBuffer(elementsize, **rest)


# | size 0, empty `buffer` | ValueError ('size must be a power of 2')
@pytest.mark.parametrize("size", [0, -1, -2, -8, 3, 6, 7, 1000, 2**20 + 1, -(2**63), -(2**100)])
def test_a_size_that_is_no_power_of_2_is_refused(RingBuffer, size):
    with pytest.raises(ValueError, match="size must be a power of 2"):
        RingBuffer(4, size)


@pytest.mark.parametrize("buffer", [b"", bytearray(), memoryview(b"abcd")[2:2], array("f")])
def test_an_empty_buffer_is_refused(RingBuffer, buffer):
    with pytest.raises(ValueError, match="size must be a power of 2"):
        RingBuffer(4, buffer=buffer)


def test_a_buffer_for_a_number_of_elements_that_is_no_power_of_2_is_refused(RingBuffer, new_ffi):
    for buffer in bytearray(12), new_ffi().new("float[3]"):
        with pytest.raises(ValueError, match="size must be a power of 2"):
            RingBuffer(4, buffer=buffer)


@pytest.mark.parametrize("elementsize", [3, 5, 17, 2**62])
def test_a_buffer_that_is_no_multiple_of_elementsize_is_refused(RingBuffer, elementsize, new_ffi):
    for buffer in bytearray(16), new_ffi().new("float[4]"):
        with pytest.raises(ValueError, match="elementsize"):
            RingBuffer(elementsize, buffer=buffer)


@pytest.mark.parametrize(
    "arguments", [{}, {"size": 8, "buffer": bytearray(32)}, {"size": None, "buffer": None}]
)
def test_exactly_one_of_size_and_buffer_is_needed(RingBuffer, arguments):
    with pytest.raises(TypeError, match="size"):
        RingBuffer(4, **arguments)


# | elementsize x size too large | OverflowError; MemoryError if the allocation itself fails
@pytest.mark.parametrize(
    ("elementsize", "size"),
    [
        (4, 2**62),
        (2**62, 4),
        (2**40, 2**40),
        (2**31, 2**32),
        (1, 2**63),
        (1, 2**64),
        (4, 2**100),
        (2**63, 1),
        (2**64, 1),
        (2**100, 8),
        (2**100, 2**100),
    ],
)
def test_what_cannot_be_addressed_is_an_overflow(RingBuffer, elementsize, size):
    with pytest.raises(OverflowError):
        RingBuffer(elementsize, size)


@pytest.mark.impossible(sys.maxsize < 2**32, reason="with 32 bits, addresses are the smaller limit")
def test_memory_that_nobody_has_is_a_memory_error(RingBuffer):
    # Each number is small enough for the struct, even where its fields have 32 bits.
    for elementsize, size in ((2**30, 2**29), (2**29, 2**30), (2**30, 2**30), (2**30 + 1, 2**30)):
        with pytest.raises(MemoryError):
            RingBuffer(elementsize, size)


# | `read(10**10)` | clamped to what is available
@pytest.mark.parametrize("size", [7, 10**10, 2**62, 2**63, 2**64, 2**100])
def test_read_allocates_only_what_is_available(RingBuffer, size):
    ring = RingBuffer(4, 8)
    ring.write(CONTENT)
    assert ring.read(size) == CONTENT
    assert ring.read(size) == b""


# | size that is no integer (2.5) | TypeError
@pytest.mark.parametrize("size", [2.5, 2.0, "2", None, b"2", (2,), 1j])
@pytest.mark.parametrize(
    "method", [m for m in CALLS.values() if "size" in m.parameters], ids=lambda m: m.name
)
def test_a_size_that_is_no_integer_is_refused(ring, method, size):
    with pytest.raises(TypeError):
        getattr(ring, method.name)(**method.arguments(data=b"abcdefgh", size=size))


@pytest.mark.parametrize("number", [2.5, 2.0, "2", b"2", (2,), 1j])
def test_numbers_for_the_constructor_must_be_integers(RingBuffer, number):
    with pytest.raises(TypeError):
        RingBuffer(number, 8)
    with pytest.raises(TypeError):
        RingBuffer(4, number)
    with pytest.raises(TypeError):
        RingBuffer(number, buffer=bytearray(8))


# | writing from Python into a ring on a read-only `buffer=` | TypeError from `write` and
#   `get_write_buffers`; constructing it and `advance_write_index` work
def test_a_ring_on_read_only_memory_can_be_played_but_not_written(RingBuffer):
    data = b"0000111122223333"
    ring = RingBuffer(4, buffer=data)
    with pytest.raises(TypeError):
        ring.write(b"abcd")
    with pytest.raises(TypeError):
        ring.get_write_buffers(1)
    assert ring.advance_write_index(4) == 4
    with pytest.raises(TypeError):
        ring.write(b"abcd")
    assert ring.get_read_buffers(4)[1].readonly
    assert ring.read(1) == b"0000"
    with pytest.raises(TypeError):
        ring.write(b"abcd")
    with pytest.raises(TypeError):
        ring.get_write_buffers(1)
    target = bytearray(12)
    assert ring.readinto(target) == 3
    assert target == b"111122223333"
    assert data == b"0000111122223333"
    ring.flush()
    assert ring.write_available == 4


def test_a_ring_on_a_read_only_mmap_survives(backed_by, collect):
    with mmap.mmap(-1, mmap.PAGESIZE, access=mmap.ACCESS_READ) as memory:
        ring = backed_by(memory)
        ring.read(1)
        with pytest.raises(TypeError):
            ring.write(b"abcd")
        with pytest.raises(TypeError):
            ring.get_write_buffers(1)
        assert ring.read() == bytes(mmap.PAGESIZE - 4)
        # Until then, its memory cannot be closed.
        del ring
        collect()


def test_a_ring_on_a_read_only_numpy_array_can_be_played(backed_by, numpy):
    data = numpy.arange(8, dtype=numpy.float32).reshape(4, 2)
    data.flags.writeable = False
    ring = backed_by(data)
    assert ring.read(2) == data[:1].tobytes()
    with pytest.raises(TypeError):
        ring.write(data[:1])
    with pytest.raises(TypeError):
        ring.get_write_buffers(1)


# | non-contiguous array | same error kinds (numpy ValueError, memoryview BufferError)
def test_memoryviews_that_are_not_contiguous_are_refused(ring, RingBuffer):
    with pytest.raises(BufferError):
        ring.write(memoryview(b"abcdefgh")[::2])
    with pytest.raises(BufferError):
        ring.write(memoryview(b"abcdefgh")[::-1])
    target = bytearray(8)
    with pytest.raises(BufferError):
        ring.readinto(memoryview(target)[::2])
    with pytest.raises(BufferError):
        RingBuffer(4, buffer=memoryview(bytearray(32))[::2])
    assert not any(target)


def test_numpy_arrays_that_are_not_contiguous_are_refused(ring, RingBuffer, numpy):
    array = numpy.zeros((4, 4), numpy.float32)
    for view in array[:, :2], array[::2], array.T[:2], numpy.asfortranarray(array)[1:], array.T:
        with pytest.raises(ValueError, match="contiguous"):
            ring.write(view)
        with pytest.raises(ValueError, match="contiguous"):
            ring.readinto(view)
        with pytest.raises(ValueError, match="contiguous"):
            RingBuffer(4, buffer=view)
    assert not array.any()


# | `float *` CData without size | pointee size; ValueError if no multiple of elementsize
def test_a_pointer_without_size_is_as_large_as_what_it_points_to(RingBuffer, new_ffi):
    ffi = new_ffi()
    ring = RingBuffer(4, 8)
    array = ffi.new("float[3]", [1, 2, 3])
    assert ring.write(ffi.cast("float *", array)) == 1
    assert ring.write(ffi.cast("double *", array)) == 2
    assert ring.read() == ffi.buffer(array)[0:4] + ffi.buffer(array)[0:8]
    ring.write(ffi.buffer(array))
    target = ffi.new("float[3]")
    assert ring.readinto(ffi.cast("float *", target)) == 1
    assert list(target) == [1, 0, 0]


@pytest.mark.parametrize("ctype", ["char *", "short *", "char(*)[6]", "char(*)[3]"])
def test_a_pointer_to_a_part_of_an_element_is_refused(ring, new_ffi, ctype):
    ffi = new_ffi()
    memory = ffi.new("char[]", b"?" * 15)
    for call in ring.write, ring.readinto:
        with pytest.raises(ValueError, match="elementsize"):
            call(ffi.cast(ctype, memory))
    assert ffi.buffer(memory)[:] == b"?" * 15 + b"\0"


# | `void *` without size | TypeError
@pytest.mark.parametrize("ctype", ["void *", "struct opaque *"])
def test_a_pointer_to_something_without_a_size_is_refused(ring, new_ffi, ctype):
    ffi = new_ffi("struct opaque;")
    memory = ffi.new("char[]", 16)
    pointer = ffi.cast(ctype, memory)
    for call in (
        lambda: ring.write(pointer),
        lambda: ring.write(pointer, -1),
        lambda: ring.readinto(pointer),
    ):
        with pytest.raises(TypeError):
            call()
    assert not any(ffi.buffer(memory)[:])


# | NULL pointer with size | ValueError
@pytest.mark.parametrize("ctype", ["void *", "char *", "int *", "int(*)[4]"])
def test_null_is_refused(ring, new_ffi, ctype):
    ffi = new_ffi()
    null = ffi.cast(ctype, 0)
    with pytest.raises(ValueError, match="NULL"):
        ring.write(null, 1)
    with pytest.raises(ValueError, match="NULL"):
        ring.write(null, 10**6)
    if ctype != "void *":
        with pytest.raises(ValueError, match=r"NULL|elementsize"):
            ring.readinto(null)


# | `readinto` of an object array | TypeError
def test_arrays_of_python_objects_are_refused(ring, numpy):
    marker = object()
    target = numpy.array([marker, marker], dtype=object)
    structured = numpy.zeros(2, dtype=[("a", "i4"), ("b", object)])
    for data in target, structured:
        with pytest.raises(TypeError):
            ring.readinto(data)
        with pytest.raises(TypeError):
            ring.write(data)
    assert all(item is marker for item in target)
    assert structured["b"].tolist() == [0, 0]


@pytest.mark.impossible(
    sys.implementation.name == "pypy", reason="on PyPy, there are no pointers in such arrays"
)
def test_ctypes_arrays_of_python_objects_are_refused(ring):
    marker = object()
    target = (ctypes.py_object * 2)(marker, marker)
    with pytest.raises(TypeError):
        ring.readinto(target)
    with pytest.raises(TypeError):
        ring.write(target)
    assert all(item is marker for item in target)


def test_memory_of_python_objects_cannot_become_a_ring(RingBuffer, numpy):
    with pytest.raises(TypeError):
        RingBuffer(8, buffer=numpy.array([None] * 4, dtype=object))


def test_field_names_are_not_mistaken_for_python_objects(RingBuffer, numpy):
    ring = RingBuffer(8, 4)
    data = numpy.array([(1, 2)], dtype=[("O", "i4"), ("LOUD", "i4")])
    assert ring.write(data) == 1
    target = numpy.zeros_like(data)
    assert ring.readinto(target) == 1
    assert target == data


# | `write('abc')`, None, int | TypeError
@pytest.mark.parametrize("data", ["abcd", None, 4, 4.0, [1, 2, 3, 4], object(), {}])
def test_what_is_neither_buffer_nor_cdata_is_refused(ring, RingBuffer, data):
    with pytest.raises(TypeError):
        ring.write(data)
    with pytest.raises(TypeError):
        ring.write(data, 1)
    with pytest.raises(TypeError):
        ring.readinto(data)
    if data is not None:
        with pytest.raises(TypeError):
            RingBuffer(4, buffer=data)


def test_cdata_that_is_neither_array_nor_pointer_is_refused(ring, RingBuffer, new_ffi):
    ffi = new_ffi("struct pair { int a, b; };")
    pair = ffi.new("struct pair *")
    function = ffi.callback("void(void)", lambda: None)
    for data in ffi.cast("int", 4), pair[0], function:
        with pytest.raises(TypeError):
            ring.write(data)
        with pytest.raises(TypeError):
            ring.readinto(data)
        with pytest.raises(TypeError):
            RingBuffer(4, buffer=data)
    with pytest.raises(TypeError):
        RingBuffer(4, buffer=pair)


@pytest.mark.parametrize("data", [b"a", b"abcde", array("h", [1])])
def test_part_of_an_element_is_refused(ring, data):
    with pytest.raises(ValueError, match="elementsize"):
        ring.write(data)
    with pytest.raises(ValueError, match="elementsize"):
        ring.readinto(bytearray(data))


@needs_buffer_method
def test_an_error_while_asking_for_memory_reaches_the_caller(ring):
    class Broken:
        def __buffer__(self, flags):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ring.write(Broken())
    with pytest.raises(ZeroDivisionError):
        ring.readinto(Broken())


# | two Python threads on the same side | intact under the GIL; on free-threaded builds intact or a
#   clear RuntimeError
@pytest.mark.parametrize(("elementsize", "count", "rounds"), [(64, 256, 4), (2**18, 8, 20)])
def test_two_threads_on_the_same_side_lose_and_tear_nothing(RingBuffer, elementsize, count, rounds):
    # Large elements: copying them takes long enough for two threads to meet.
    free_threaded = not getattr(sys, "_is_gil_enabled", lambda: True)()
    allowed = RuntimeError if free_threaded else ()
    ring = RingBuffer(elementsize, 2 * count)
    sources = [[bytes([who, n]) * (elementsize // 2) for n in range(count)] for who in range(2)]
    start = threading.Barrier(2)
    received = []
    errors = []

    def write(elements):
        for element in elements:
            while True:
                try:
                    written = ring.write(element)
                except allowed:
                    continue
                assert written == 1
                break

    def read(elements):
        while True:
            try:
                element = ring.read(1)
            except allowed:
                continue
            if not element:
                break
            received.append(element)

    def run(function, elements):
        try:
            start.wait()
            function(elements)
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(rounds):
            for function in write, read:
                threads = [threading.Thread(target=run, args=(function, s)) for s in sources]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            assert errors == []
            # Not compared directly: the message would contain all of them if they differ.
            same = sorted(received) == sorted(sources[0] + sources[1])
            assert same, "elements are lost or torn"
            received.clear()
    finally:
        sys.setswitchinterval(interval)


@needs_buffer_method
def test_a_buffer_that_uses_the_ring_it_is_written_to_does_no_harm(RingBuffer):
    ring = RingBuffer(4, 8)

    class Nested:
        def __buffer__(self, flags):
            ring.write(b"1111")
            ring.read(0)
            return memoryview(bytearray(b"2222"))

    assert ring.write(Nested()) == 1
    assert ring.read() == b"11112222"
    ring.write(b"3333")
    assert ring.readinto(Nested()) == 1
    assert ring.read() == b"1111"


def test_a_number_that_uses_the_ring_it_is_passed_to_does_no_harm(RingBuffer):
    ring = RingBuffer(4, 8)

    class Nested:
        def __index__(self):
            ring.write(b"1111")
            return 1

    assert ring.write(b"2222", Nested()) == 1
    assert ring.read(Nested()) == b"1111"
    assert ring.advance_read_index(Nested()) == 2
    assert ring.read() == b"11111111"


# | `__init__` called twice / never called | RuntimeError
def test_a_second_initialisation_is_refused(ring):
    address = ring.address
    for arguments in (4, 8), (4, 16), (4, None, bytearray(32)):
        with pytest.raises(RuntimeError):
            ring.__init__(*arguments)
    assert ring.address == address


def test_an_initialisation_that_failed_can_be_repeated(RingBuffer):
    ring = RingBuffer.__new__(RingBuffer)
    with pytest.raises(ValueError, match="power of 2"):
        ring.__init__(4, 7)
    ring.__init__(4, 8)
    assert len(ring) == 8


@pytest.mark.parametrize(
    "use",
    [
        len,
        lambda ring: ring.elementsize,
        lambda ring: ring.address,
        lambda ring: ring.write_available,
        lambda ring: ring.read_available,
        lambda ring: ring.flush(),
        lambda ring: ring.write(b"abcd"),
        lambda ring: ring.read(),
        lambda ring: ring.readinto(bytearray(4)),
        lambda ring: ring.get_write_buffers(1),
        lambda ring: ring.get_read_buffers(1),
        lambda ring: ring.advance_write_index(0),
        lambda ring: ring.advance_read_index(0),
    ],
)
def test_use_before_initialisation_is_refused(RingBuffer, use):
    class Forgotten(RingBuffer):
        def __init__(self):
            pass

    for ring in RingBuffer.__new__(RingBuffer), Forgotten():
        with pytest.raises(RuntimeError):
            use(ring)
        assert "not initialised" in repr(ring)


# | pickle, copy | TypeError
@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy]
    + [lambda ring, n=n: pickle.dumps(ring, n) for n in range(pickle.HIGHEST_PROTOCOL + 1)],
)
def test_rings_can_be_neither_copied_nor_pickled(ring, duplicate):
    with pytest.raises(TypeError):
        duplicate(ring)


@pytest.mark.parametrize("null", [0, "void *", "PaUtilRingBuffer *"])
def test_from_pointer_refuses_null(RingBuffer, new_ffi, null):
    pointer = new_ffi().cast(null, 0) if null else 0
    with pytest.raises(ValueError, match="NULL"):
        RingBuffer.from_pointer(pointer)


@pytest.mark.parametrize("address", [-1, -8, -(2**63), 2**64, 2**100])
def test_from_pointer_refuses_numbers_that_are_no_addresses(RingBuffer, address):
    with pytest.raises((ValueError, OverflowError)):
        RingBuffer.from_pointer(address)


def test_from_pointer_refuses_addresses_that_are_not_aligned(ring, RingBuffer):
    for offset in 1, 2, 4:
        with pytest.raises(ValueError, match="pointer"):
            RingBuffer.from_pointer(ring.address + offset)


@pytest.mark.parametrize("pointer", [None, "4096", 4096.0, b"\0" * 64, object()])
def test_from_pointer_refuses_what_is_no_pointer(RingBuffer, pointer):
    with pytest.raises(TypeError):
        RingBuffer.from_pointer(pointer)


@pytest.mark.parametrize("ctype", ["int *", "char *", "PaUtilRingBuffer **", "struct other *"])
def test_from_pointer_refuses_pointers_to_something_else(ring, RingBuffer, new_ffi, ctype):
    pointer = new_ffi("struct other;").cast(ctype, ring.address)
    with pytest.raises(TypeError):
        RingBuffer.from_pointer(pointer)


def test_from_pointer_refuses_a_struct_of_zeros(RingBuffer, new_ffi):
    struct = new_ffi().new("PaUtilRingBuffer *")
    with pytest.raises(ValueError, match=r"buffer|elementSizeBytes|Mask"):
        RingBuffer.from_pointer(struct)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("bufferSize", 0, "bufferSize"),
        ("bufferSize", -1, "bufferSize"),
        ("bufferSize", 9, "bufferSize"),
        ("bufferSize", 2**31 - 1, "bufferSize"),
        ("bigMask", 0, "bigMask"),
        ("bigMask", -1, "bigMask"),
        ("bigMask", 7, "bigMask"),
        ("smallMask", -1, "Mask|bufferSize"),
        ("smallMask", 6, "smallMask"),
        ("smallMask", 3, "Mask|bufferSize"),
        ("smallMask", 2**31 - 1, "Mask"),
        ("elementSizeBytes", 0, "elementSizeBytes"),
        ("elementSizeBytes", -4, "elementSizeBytes"),
        ("buffer", 0, "buffer"),
    ],
)
def test_from_pointer_refuses_inconsistent_structs_and_names_the_field(
    ring, RingBuffer, fields, field, value, named
):
    struct = type(fields(ring))()
    ctypes.memmove(ctypes.addressof(struct), ring.address, ctypes.sizeof(struct))
    setattr(struct, field, value)
    with pytest.raises(ValueError, match=named):
        RingBuffer.from_pointer(ctypes.addressof(struct))
