"""Results of reading and of getting buffers work in the ways that audio programs use them."""

import io

import pytest

ELEMENTS = bytes(range(1, 25))


@pytest.fixture
def ring(RingBuffer):
    ring = RingBuffer(4, 8)
    ring.advance_write_index(4)
    ring.advance_read_index(4)
    ring.write(ELEMENTS)
    return ring


@pytest.fixture(params=["read", "get_read_buffers", "get_write_buffers"])
def buffer(request, ring):
    """Four elements, obtained in one of the possible ways."""
    if request.param == "read":
        return ring.read(4)
    if request.param == "get_read_buffers":
        return ring.get_read_buffers(8)[1]
    ring.flush()
    buffer = ring.get_write_buffers(4)[1]
    buffer[:] = ELEMENTS[:16]
    return buffer


@pytest.fixture(params=["read", "get_read_buffers", "get_write_buffers"])
def empty(request, ring):
    if request.param == "read":
        ring.flush()
        return ring.read()
    return getattr(ring, request.param)(1)[2]


def test_length_is_in_bytes_and_a_buffer_with_elements_is_true(buffer):
    assert len(buffer) == 16
    assert buffer


def test_an_empty_buffer_is_false(empty):
    assert len(empty) == 0
    assert not empty
    assert bytes(empty) == b""
    assert empty[:] == b""


def test_it_compares_and_converts_like_bytes(buffer):
    assert buffer == ELEMENTS[:16]
    assert bytes(buffer) == ELEMENTS[:16]
    assert buffer[:] == ELEMENTS[:16]
    assert buffer[4:8] == ELEMENTS[4:8]
    assert list(buffer) == list(ELEMENTS[:16])
    assert buffer[0] == 1


def test_it_is_a_writable_buffer_of_bytes(buffer):
    view = memoryview(buffer)
    assert not view.readonly
    assert (view.format, view.itemsize, view.ndim) == ("B", 1, 1)
    assert view.c_contiguous


def test_slices_can_be_assigned(buffer):
    buffer[:4] = b"abcd"
    buffer[4:8] = bytearray(b"efgh")
    buffer[-4:] = memoryview(b"wxyz")
    assert bytes(buffer) == b"abcdefgh" + ELEMENTS[8:12] + b"wxyz"


def test_writing_to_a_read_buffer_changes_the_ring(ring):
    ring.get_read_buffers(1)[1][:] = b"abcd"
    assert ring.read(1) == b"abcd"


def test_what_read_returns_is_independent_of_the_ring(ring):
    elements = ring.read()
    ring.write(b"?" * 32)
    assert elements == ELEMENTS
    assert isinstance(elements, bytearray)


def test_it_can_be_appended_to_a_bytearray(buffer, empty):
    collected = bytearray(b"start")
    collected.extend(buffer)
    collected.extend(empty)
    collected += buffer
    assert collected == b"start" + 2 * ELEMENTS[:16]
    assert b"".join([buffer, empty, buffer]) == 2 * ELEMENTS[:16]


def test_it_can_be_written_to_a_file(buffer):
    file = io.BytesIO()
    assert file.write(buffer) == 16
    assert file.getvalue() == ELEMENTS[:16]


def test_a_file_can_be_read_into_it(buffer):
    assert io.BytesIO(b"x" * 100).readinto(buffer) == 16
    assert bytes(buffer) == b"x" * 16


def test_numpy_uses_it_in_place(buffer, numpy):
    frames = numpy.frombuffer(buffer, "<f4").reshape(2, 2)
    assert frames.tobytes() == ELEMENTS[:16]
    assert frames.flags.writeable
    frames[:] = 0
    assert bytes(buffer) == bytes(16)


def test_numpy_takes_it_on_both_sides_of_an_assignment(buffer, numpy):
    block = numpy.zeros((4, 4), "u1")
    block.ravel()[:] = buffer
    assert block.tobytes() == ELEMENTS[:16]
    numpy.frombuffer(buffer, "u1").reshape(4, 4)[:] = 7
    assert bytes(buffer) == b"\7" * 16


def test_cffi_uses_it_in_place(buffer, new_ffi):
    ffi = new_ffi()
    pointer = ffi.from_buffer(buffer)
    assert ffi.sizeof(pointer) == 16
    assert ffi.buffer(pointer)[:] == ELEMENTS[:16]
    ffi.memmove(buffer, b"abcd", 4)
    assert bytes(buffer[:4]) == b"abcd"
    assert ffi.cast("char *", pointer)[0] == b"a"
    ffi.release(pointer)


def test_cffi_takes_an_empty_one(empty, new_ffi):
    assert new_ffi().sizeof(new_ffi().from_buffer(empty)) == 0


def test_it_can_be_written_to_another_ring(buffer, RingBuffer):
    other = RingBuffer(8, 8)
    assert other.write(buffer) == 2
    assert other.read() == ELEMENTS[:16]


def test_a_ring_can_be_read_into_it(buffer, RingBuffer):
    other = RingBuffer(8, 8)
    other.write(b"abcdefgh" * 3)
    assert other.readinto(buffer) == 2
    assert bytes(buffer) == b"abcdefgh" * 2


def test_soundfile_writes_from_it_and_reads_into_it(buffer, soundfile):
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 44100, 1, "FLOAT", format="RAW", endian="CPU") as sound:
        sound.buffer_write(buffer, "float32")
    assert file.getvalue() == ELEMENTS[:16]
    file = io.BytesIO(ELEMENTS[::-1])
    with soundfile.SoundFile(file, "r", 44100, 1, "FLOAT", format="RAW", endian="CPU") as sound:
        assert sound.buffer_read_into(buffer, "float32") == 4
    assert bytes(buffer) == ELEMENTS[::-1][:16]


def test_soundfile_takes_both_buffers_as_in_the_documentation_of_rtmixer(ring, soundfile):
    file = io.BytesIO(ELEMENTS)
    ring.flush()
    ring.advance_write_index(6)
    ring.advance_read_index(6)
    with soundfile.SoundFile(file, "r", 44100, 1, "FLOAT", format="RAW", endian="CPU") as sound:
        _, first, second = ring.get_write_buffers(8)
        written = sound.buffer_read_into(first, "float32")
        if second:
            written += sound.buffer_read_into(second, "float32")
        ring.advance_write_index(written)
    assert ring.read() == ELEMENTS
