"""The operations do what PortAudio's do."""

import platform
import subprocess
import sys
from xml.etree import ElementTree

import pytest


def numbered(start, count, elementsize=4):
    return b"".join(n.to_bytes(elementsize, "big") for n in range(start, start + count))


@pytest.fixture
def ring(RingBuffer):
    return RingBuffer(4, 8)


def shifted(RingBuffer, position, elementsize=4, size=8):
    """An empty ring whose indices are at the given position."""
    ring = RingBuffer(elementsize, size)
    ring.advance_write_index(position)
    ring.advance_read_index(position)
    return ring


@pytest.mark.parametrize(
    "make",
    [
        lambda cls: cls(4, 8),
        lambda cls: cls(4, size=8),
        lambda cls: cls(elementsize=4, size=8),
        lambda cls: cls(4, 8, None),
        lambda cls: cls(4, None, bytearray(32)),
        lambda cls: cls(4, buffer=bytearray(32)),
        lambda cls: cls(buffer=bytearray(32), elementsize=4),
    ],
)
def test_a_new_ring_is_empty_and_has_the_given_size(RingBuffer, make):
    ring = make(RingBuffer)
    assert len(ring) == 8
    assert ring.elementsize == 4
    assert ring.write_available == 8
    assert ring.read_available == 0
    assert ring


def test_new_memory_is_filled_with_zeros(RingBuffer):
    ring = RingBuffer(4, 8)
    ring.advance_write_index(8)
    assert ring.read() == bytes(32)


@pytest.mark.parametrize("elementsize", [1, 2, 3, 4, 7, 8, 24, 1000])
@pytest.mark.parametrize("size", [1, 2, 4, 1024])
def test_all_elements_can_be_used(RingBuffer, elementsize, size):
    ring = RingBuffer(elementsize, size)
    data = bytes(i % 251 for i in range(elementsize * size))
    assert ring.write(data) == size
    assert (ring.write_available, ring.read_available) == (0, size)
    assert ring.write(data) == 0
    assert ring.read() == data
    assert (ring.write_available, ring.read_available) == (size, 0)


@pytest.mark.parametrize("position", range(17))
@pytest.mark.parametrize("count", [0, 1, 5, 8])
def test_elements_come_out_as_they_went_in_across_the_end_of_the_memory(
    RingBuffer, position, count
):
    ring = RingBuffer(4, 8)
    for _ in range(position):
        ring.advance_write_index(1)
        ring.advance_read_index(1)
    data = numbered(1, count)
    assert ring.write(data) == count
    target = bytearray(data)
    assert ring.readinto(target) == count
    assert target == data
    assert ring.write(data) == count
    assert ring.read() == data


def test_write_takes_only_as_much_as_fits(ring):
    assert ring.write(numbered(0, 5)) == 5
    assert ring.write(numbered(5, 5)) == 3
    assert ring.write(numbered(8, 5)) == 0
    assert ring.read() == numbered(0, 8)


@pytest.mark.parametrize(
    ("call", "count"),
    [
        (lambda ring, data: ring.write(data), 5),
        (lambda ring, data: ring.write(data, 3), 3),
        (lambda ring, data: ring.write(data, size=3), 3),
        (lambda ring, data: ring.write(data=data, size=3), 3),
        (lambda ring, data: ring.write(data, 0), 0),
        (lambda ring, data: ring.write(data, -1), 5),
        (lambda ring, data: ring.write(data, -17), 5),
        (lambda ring, data: ring.write(data, size=-(2**100)), 5),
        (lambda ring, data: ring.write(data + b"?", 5), 5),
    ],
)
def test_write_with_a_size_takes_so_many_and_a_negative_one_means_all(ring, call, count):
    assert call(ring, numbered(0, 5)) == count
    assert ring.read() == numbered(0, count)


@pytest.mark.parametrize(
    ("call", "count"),
    [
        (lambda ring: ring.read(), 5),
        (lambda ring: ring.read(3), 3),
        (lambda ring: ring.read(size=3), 3),
        (lambda ring: ring.read(0), 0),
        (lambda ring: ring.read(6), 5),
        (lambda ring: ring.read(-1), 5),
        (lambda ring: ring.read(size=-17), 5),
        (lambda ring: ring.read(-(2**100)), 5),
    ],
)
def test_read_with_a_size_takes_at_most_so_many_and_a_negative_one_means_all(ring, call, count):
    ring.write(numbered(0, 5))
    assert call(ring) == numbered(0, count)
    assert ring.read() == numbered(count, 5 - count)


def test_readinto_leaves_the_rest_of_its_target_alone(ring):
    ring.write(numbered(0, 3))
    target = bytearray(b"?" * 20)
    assert ring.readinto(data=target) == 3
    assert target == numbered(0, 3) + b"?" * 8
    assert ring.readinto(target) == 0
    assert target == numbered(0, 3) + b"?" * 8


def test_readinto_takes_only_as_much_as_fits(ring):
    ring.write(numbered(0, 5))
    target = bytearray(8)
    assert ring.readinto(target) == 2
    assert target == numbered(0, 2)
    assert ring.read() == numbered(2, 3)


def test_no_data_is_no_error(ring):
    assert ring.write(b"") == 0
    assert ring.readinto(bytearray()) == 0
    assert ring.read() == b""
    assert (ring.write_available, ring.read_available) == (8, 0)


@pytest.mark.parametrize("position", range(8))
@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 2**31, 2**64, 2**100])
def test_discard_drops_the_oldest_elements_that_there_are(RingBuffer, position, count):
    ring = shifted(RingBuffer, position)
    ring.write(numbered(0, 5))
    dropped = min(count, 5)
    assert ring.discard(size=count) == dropped
    assert (ring.read_available, ring.write_available) == (5 - dropped, 3 + dropped)
    assert ring.write(numbered(5, 3)) == 3
    assert ring.read() == numbered(dropped, 8 - dropped)
    assert ring.discard(count) == 0


def test_elements_that_are_discarded_make_room_for_c_and_those_of_c_can_be_discarded(
    RingBuffer, genuine
):
    ffi, lib = genuine
    ring = RingBuffer(2, 4)
    pointer = ffi.cast("PaUtilRingBuffer *", ring.address)
    assert lib.PaUtil_WriteRingBuffer(pointer, b"aabbccdd", 4) == 4
    assert ring.discard(3) == 3
    assert lib.PaUtil_WriteRingBuffer(pointer, b"eeffgghh", 4) == 3
    assert ring.read() == b"ddeeffgg"


def test_objects_with_index_are_integers(RingBuffer):
    class Two:
        def __index__(self):
            return 2

    ring = RingBuffer(Two(), Two())
    assert (ring.elementsize, len(ring)) == (2, 2)
    assert ring.write(b"abcd", Two()) == 2
    assert ring.get_read_buffers(Two())[0] == 2
    assert ring.advance_read_index(Two()) == 2
    assert ring.get_write_buffers(Two())[0] == 2
    assert ring.advance_write_index(Two()) == 0
    assert ring.read(Two()) == b"abcd"


def test_flush_makes_the_ring_empty_and_starts_at_the_beginning(ring, fields):
    ring.write(numbered(0, 5))
    ring.read(2)
    ring.flush()
    assert (ring.write_available, ring.read_available) == (8, 0)
    assert (fields(ring).writeIndex, fields(ring).readIndex) == (0, 0)
    ring.write(numbered(0, 8))
    assert ring.read() == numbered(0, 8)


def test_advancing_returns_the_new_index_modulo_twice_the_size(ring):
    for turn in range(40):
        assert ring.advance_write_index(3) == 3 * (turn + 1) % 16
        assert ring.advance_read_index(size=3) == 3 * (turn + 1) % 16


def test_advancing_by_nothing_returns_the_index(ring):
    ring.advance_write_index(size=5)
    assert ring.advance_write_index(0) == 5
    assert ring.advance_read_index(0) == 0


@pytest.mark.parametrize("position", range(8))
@pytest.mark.parametrize("count", range(10))
def test_write_buffers_are_the_free_memory_in_order(RingBuffer, position, count):
    ring = shifted(RingBuffer, position)
    got, first, second = ring.get_write_buffers(count)
    assert got == min(count, 8)
    assert len(first) == 4 * min(got, 8 - position)
    assert len(first) + len(second) == 4 * got
    data = numbered(7, got)
    first[:] = data[: len(first)]
    second[:] = data[len(first) :]
    assert ring.read_available == 0
    ring.advance_write_index(got)
    assert ring.read() == data


@pytest.mark.parametrize("position", range(8))
@pytest.mark.parametrize("count", range(10))
def test_read_buffers_are_the_filled_memory_in_order(RingBuffer, position, count):
    ring = shifted(RingBuffer, position)
    ring.write(numbered(0, 6))
    got, first, second = ring.get_read_buffers(size=count)
    assert got == min(count, 6)
    assert len(first) == 4 * min(got, 8 - position)
    assert bytes(first) + bytes(second) == numbered(0, got)
    assert ring.read_available == 6
    ring.advance_read_index(got)
    assert ring.read() == numbered(got, 6 - got)


def test_a_full_ring_has_no_room_and_an_empty_one_no_elements(ring):
    for position in range(9):
        count, first, second = ring.get_read_buffers(8)
        assert (count, len(first), len(second)) == (0, 0, 0)
        assert not first
        assert not second
        ring.write(bytes(32))
        count, first, second = ring.get_write_buffers(size=8)
        assert (count, len(first), len(second)) == (0, 0, 0)
        assert not first
        assert not second
        ring.read()
        ring.advance_write_index(position % 2)
        ring.advance_read_index(position % 2)


def test_any_request_beyond_the_ring_gets_what_is_there(ring):
    assert ring.get_write_buffers(2**100)[0] == 8
    ring.write(numbered(0, 8))
    assert ring.get_read_buffers(2**63)[0] == 8
    assert ring.read(2**64 + 1) == numbered(0, 8)


def test_part_of_the_buffers_can_be_used(ring):
    _, first, _ = ring.get_write_buffers(8)
    first[:12] = numbered(0, 3)
    ring.advance_write_index(3)
    _, first, _ = ring.get_read_buffers(3)
    assert bytes(first[:8]) == numbered(0, 2)
    ring.advance_read_index(2)
    assert ring.read() == numbered(2, 1)


def test_address_is_that_of_the_struct(ring, fields):
    ring.write(numbered(0, 5))
    struct = fields(ring)
    assert isinstance(ring.address, int)
    assert (struct.bufferSize, struct.elementSizeBytes) == (8, 4)
    assert (struct.writeIndex, struct.readIndex) == (5, 0)
    assert (struct.bigMask, struct.smallMask) == (15, 7)


def test_from_pointer_is_the_same_ring(RingBuffer):
    ring = RingBuffer(4, 8)
    other = RingBuffer.from_pointer(ring.address)
    assert isinstance(other, RingBuffer)
    assert other.address == ring.address
    assert (len(other), other.elementsize) == (8, 4)
    ring.write(numbered(0, 7))
    assert other.read(6) == numbered(0, 6)
    other.write(numbered(7, 6))
    assert ring.read() == numbered(6, 7)


def test_from_pointer_takes_pointers_of_any_cffi_instance(RingBuffer, new_ffi):
    ring = RingBuffer(4, 8)
    ring.write(b"abcd")
    ffi = new_ffi()
    for ctype in "PaUtilRingBuffer *", "struct PaUtilRingBuffer *", "void *":
        pointer = ffi.cast(ctype, ring.address)
        other = RingBuffer.from_pointer(pointer=pointer)
        assert other.address == ring.address
        assert other.read_available == 1


def test_repr_says_how_full_the_ring_is(ring):
    assert repr(ring) == "<RingBuffer: 0 of 8 elements of 4 bytes>"
    ring.write(numbered(0, 3))
    assert repr(ring) == "<RingBuffer: 3 of 8 elements of 4 bytes>"


def test_subclasses_are_named_in_repr(RingBuffer):
    class Queue(RingBuffer):
        pass

    assert repr(Queue(2, 4)) == "<Queue: 0 of 4 elements of 2 bytes>"


SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("method", ["_repr_svg_", "_repr_html_"])
def test_notebooks_show_the_ring_and_both_indices(RingBuffer, method):
    ring = RingBuffer(4, 8)
    ring.write(numbered(0, 6))
    ring.read(5)
    ring.write(numbered(6, 4))
    picture = ElementTree.fromstring(getattr(ring, method)())
    assert picture.find(f"{SVG}title").text == "RingBuffer: 5 of 8 elements of 4 bytes"
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts == ["read 5", "write 2", "5 of 8", "4 bytes each"]
    # From the read index, which is 5 eighths of a turn from the top, five eighths are filled.
    _, filled = picture.iter(f"{SVG}circle")
    assert filled.get("pathLength") == "8"
    assert filled.get("stroke-dasharray") == "5 3"
    assert filled.get("transform") == "rotate(135.00)"
    # The page decides about its colour, where there is one.
    assert (picture.get("color") is None) == (method == "_repr_html_")


def test_pictures_of_empty_and_full_rings_differ(RingBuffer):
    ring = RingBuffer(1, 16)
    empty = ring._repr_svg_()
    ring.write(bytes(16))
    full = ring._repr_svg_()
    assert 'stroke-dasharray="0 16"' in empty
    assert 'stroke-dasharray="16 0"' in full


def test_names_in_a_picture_are_text(RingBuffer):
    odd = type("<Queue & co>", (RingBuffer,), {})
    picture = ElementTree.fromstring(odd(1, 2)._repr_svg_())
    assert picture.find(f"{SVG}title").text.startswith("<Queue & co>: 0 of 2")


def test_pictures_show_the_ring_whatever_a_subclass_says(RingBuffer):
    class Odd(RingBuffer):
        address = 8
        elementsize = "<script>&"

        def __len__(self):
            return 3

        def __repr__(self):
            return "<odd\0\ud800>"

    for method in "_repr_svg_", "_repr_html_":
        picture = ElementTree.fromstring(getattr(Odd(4, 8), method)())
        assert picture.find(f"{SVG}title").text == "odd??"
        texts = [text.text for text in picture.iter(f"{SVG}text")]
        assert texts == ["read 0", "write 0", "0 of 8", "4 bytes each"]


def test_what_cannot_be_drawn_is_not(RingBuffer, fields):
    assert RingBuffer.__new__(RingBuffer)._repr_svg_() is None
    foreign = RingBuffer.from_pointer((ring := RingBuffer(4, 8)).address)
    fields(ring).elementSizeBytes = 0
    assert foreign._repr_html_() is None


def test_objects_take_attributes(RingBuffer):
    class Named(RingBuffer):
        pass

    ring = Named(4, 8)
    ring.name = "left"
    assert ring.name == "left"


def test_init_does_not_touch_its_arguments(implementation):
    cls = implementation.init(NotImplemented, type("", (), {}))
    assert cls.__name__ == "RingBuffer"
    assert cls.__doc__ == implementation._RingBufferBase.__doc__
    assert issubclass(cls, implementation._RingBufferBase)
    assert cls._ffi is NotImplemented


def test_classes_of_several_cffi_modules_are_independent(implementation, genuine, new_ffi):
    a = implementation.init(*genuine)
    b = implementation.init(new_ffi(), None)
    assert a is not b
    one, two = a(4, 8), b(4, 8)
    one.write(b"1111")
    two.write(b"2222")
    assert (one.read(), two.read()) == (b"1111", b"2222")


@pytest.mark.impossible(
    platform.python_implementation() == "PyPy", reason="there is no extension module"
)
def test_the_extension_module_can_be_imported_again():
    program = """
import sys
import pa_ringbuffer
before = pa_ringbuffer.RingBuffer(8, 8)
for name in [name for name in sys.modules if name.startswith("pa_ringbuffer")]:
    del sys.modules[name]
import pa_ringbuffer
for ring in before, pa_ringbuffer.RingBuffer(8, 8):
    assert ring.write(bytes(8)) == ring.write(data=bytes(8)) == 1
    assert ring.read_available == 2
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
