"""Memory lives as long as code can reach it, and no longer."""

import contextlib
import sys
import weakref

import pytest

ELEMENTS = bytes(range(1, 33))


class Memory(bytearray):
    """A buffer that weak references can watch."""


@pytest.fixture(params=["own memory", "given memory"])
def filled(request, RingBuffer):
    """Makes rings that are full of ELEMENTS and whose elements go across the end of the memory."""

    def filled():
        if request.param == "own memory":
            ring = RingBuffer(4, 8)
        else:
            ring = RingBuffer(4, buffer=Memory(32))
        ring.advance_write_index(5)
        ring.advance_read_index(5)
        ring.write(ELEMENTS)
        return ring

    return filled


def use_memory(collect):
    """Free what is free, and let something else take its place."""
    collect()
    return [bytearray(b"?" * 32) for _ in range(1000)], [bytearray(b"?" * 64) for _ in range(1000)]


def test_regions_outlive_their_ring(filled, collect):
    ring = filled()
    _, first, second = ring.get_read_buffers(8)
    del ring
    others = use_memory(collect)
    assert bytes(first) + bytes(second) == ELEMENTS
    first[:] = b"x" * len(first)
    second[:] = b"y" * len(second)
    assert bytes(first) + bytes(second) == b"x" * 12 + b"y" * 20
    assert all(set(other) == {ord("?")} for group in others for other in group)


def test_write_regions_outlive_their_ring(filled, collect):
    ring = filled()
    ring.read()
    _, first, second = ring.get_write_buffers(8)
    del ring
    others = use_memory(collect)
    first[:] = ELEMENTS[:12]
    second[:] = ELEMENTS[12:]
    assert bytes(first) + bytes(second) == ELEMENTS
    assert all(set(other) == {ord("?")} for group in others for other in group)


def test_parts_of_regions_outlive_regions_and_ring(filled, collect):
    part = filled().get_read_buffers(8)[2][4:8]
    others = use_memory(collect)
    assert bytes(part) == ELEMENTS[16:20]
    assert others


def test_numpy_arrays_outlive_regions_and_ring(filled, collect, numpy):
    array = numpy.frombuffer(filled().get_read_buffers(8)[1], "u1")
    others = use_memory(collect)
    assert array.tobytes() == ELEMENTS[:12]
    assert others


def test_the_struct_outlives_its_ring_as_long_as_there_is_a_pointer(
    implementation, genuine, collect
):
    ffi, lib = genuine
    ring = implementation.init(ffi, lib)(4, 8)
    ring.write(ELEMENTS)
    pointer = ring._ptr
    del ring
    others = use_memory(collect)
    assert lib.PaUtil_GetRingBufferReadAvailable(pointer) == 8
    target = ffi.new("char[32]")
    assert lib.PaUtil_ReadRingBuffer(pointer, target, 8) == 8
    assert ffi.buffer(target)[:] == ELEMENTS
    assert lib.PaUtil_WriteRingBuffer(pointer, target, 8) == 8
    assert others


def test_given_memory_outlives_its_ring_as_long_as_there_is_a_pointer(
    implementation, genuine, collect
):
    memory = Memory(32)
    alive = weakref.ref(memory)
    pointer = implementation.init(*genuine)(4, buffer=memory)._ptr
    del memory
    collect()
    assert alive() is not None
    assert genuine[1].PaUtil_WriteRingBuffer(pointer, ELEMENTS, 8) == 8
    assert alive() == ELEMENTS
    del pointer
    collect()
    assert alive() is None


def test_a_ring_is_gone_with_its_last_reference(filled, collect):
    ring = filled()
    gone = weakref.ref(ring)
    assert gone() is ring
    ring.get_read_buffers(3)
    ring._ptr  # noqa: B018
    del ring
    collect()
    assert gone() is None


def test_given_memory_lives_as_long_as_the_ring(RingBuffer, collect):
    memory = Memory(32)
    alive = weakref.ref(memory)
    ring = RingBuffer(4, buffer=memory)
    del memory
    collect()
    assert alive() is not None
    ring.write(ELEMENTS)
    assert ring.read() == ELEMENTS
    del ring
    collect()
    assert alive() is None


def test_given_memory_lives_as_long_as_a_region(RingBuffer, collect):
    memory = Memory(32)
    alive = weakref.ref(memory)
    region = RingBuffer(4, buffer=memory).get_write_buffers(1)[1]
    del memory
    collect()
    assert alive() is not None
    region[:] = b"abcd"
    assert alive()[:5] == b"abcd\0"
    del region
    collect()
    assert alive() is None


def test_given_cdata_lives_as_long_as_the_ring(RingBuffer, new_ffi, collect):
    memory = new_ffi().new("char[32]")
    alive = weakref.ref(memory)
    ring = RingBuffer(4, buffer=memory)
    del memory
    others = use_memory(collect)
    assert alive() is not None
    ring.write(ELEMENTS)
    assert ring.read() == ELEMENTS
    del ring
    collect()
    assert alive() is None
    assert others


@pytest.mark.impossible(sys.implementation.name == "pypy", reason="PyPy never refuses to resize")
def test_a_bytearray_cannot_be_resized_while_it_is_the_memory_of_a_ring(RingBuffer, collect):
    memory = bytearray(32)
    ring = RingBuffer(4, buffer=memory)
    with pytest.raises(BufferError):
        memory.append(0)
    region = ring.get_read_buffers(1)[1]
    del ring
    collect()
    if len(region):
        with pytest.raises(BufferError):
            memory.clear()
    del region
    collect()
    memory.append(0)


def test_a_struct_that_cffi_owns_lives_as_long_as_a_ring_from_its_pointer(
    RingBuffer, genuine, collect
):
    ffi, lib = genuine
    struct = ffi.new("PaUtilRingBuffer *")
    storage = ffi.new("char[32]")
    assert lib.PaUtil_InitializeRingBuffer(struct, 4, 8, storage) == 0
    alive = weakref.ref(struct)
    ring = RingBuffer.from_pointer(struct)
    del struct
    others = use_memory(collect)
    assert alive() is not None
    assert ring.write(ELEMENTS) == 8
    assert ring.read() == ELEMENTS
    region = ring.get_write_buffers(8)[1]
    del ring
    collect()
    assert alive() is not None
    del region
    collect()
    assert alive() is None
    assert others


def test_an_assigned_struct_and_its_data_live_as_long_as_ring_and_regions(
    implementation, genuine, collect
):
    ffi, lib = genuine

    class Assigned(implementation._RingBufferBase):
        _ffi = ffi
        _lib = lib

        def __init__(self):
            self._ptr = ffi.new("PaUtilRingBuffer *")
            self._data = ffi.new("char[32]")
            lib.PaUtil_InitializeRingBuffer(self._ptr, 4, 8, self._data)

    ring = Assigned()
    alive = weakref.ref(ring._ptr), weakref.ref(ring._data)
    collect()
    ring.write(ELEMENTS)
    region = ring.get_read_buffers(8)[1]
    del ring
    others = use_memory(collect)
    assert bytes(region) == ELEMENTS
    assert alive[1]() is not None
    del region
    collect()
    assert [reference() for reference in alive] == [None, None]
    assert others


def test_a_ring_that_its_own_memory_refers_to_is_collected(RingBuffer, collect):
    memory = Memory(32)
    memory.ring = RingBuffer(4, buffer=memory)
    memory.region = memory.ring.get_write_buffers(1)[1]
    gone = weakref.ref(memory.ring), weakref.ref(memory)
    del memory
    collect()
    assert [reference() for reference in gone] == [None, None]


def test_a_ring_that_refers_to_itself_is_collected(RingBuffer, collect):
    class Node(RingBuffer):
        pass

    ring = Node(4, 8)
    ring.itself = ring
    ring.pointer = ring._ptr
    ring.regions = ring.get_write_buffers(3)
    gone = weakref.ref(ring)
    del ring
    collect()
    assert gone() is None


def test_weak_references_tell_when_a_ring_is_gone(RingBuffer, collect):
    calls = []
    ring = RingBuffer(4, 8)
    reference = weakref.ref(ring, calls.append)
    finalizer = weakref.finalize(ring, calls.append, "finalized")
    del ring
    collect()
    assert reference() is None
    assert not finalizer.alive
    assert len(calls) == 2


def test_failed_constructions_keep_nothing(RingBuffer, collect):
    memory = Memory(33)
    alive = weakref.ref(memory)
    with pytest.raises(ValueError, match="elementsize"):
        RingBuffer(4, buffer=memory)
    collect()
    memory.append(0)
    del memory
    collect()
    assert alive() is None


@pytest.mark.impossible(
    not hasattr(sys, "getallocatedblocks"), reason="this interpreter does not count its blocks"
)
def test_refused_calls_keep_nothing(RingBuffer):
    ring = RingBuffer(4, 16)
    calls = [
        lambda: ring.read(None),
        lambda: ring.write("no"),
        lambda: ring.write(bytes(3)),
        lambda: ring.write(bytes(4), size="1"),
        lambda: ring.readinto(bytes(4)),
        lambda: ring.get_read_buffers(-1),
        lambda: ring.advance_write_index(17),
        lambda: ring.read(size=1, count=1),
    ]

    def refuse(count):
        for _ in range(count):
            for call in calls:
                with contextlib.suppress(TypeError, ValueError, BufferError):
                    call()

    refuse(100)
    before = sys.getallocatedblocks()
    refuse(1000)
    assert sys.getallocatedblocks() < before + 500
