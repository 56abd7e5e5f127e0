"""Whatever foreign code writes into the struct, no memory outside the ring is accessed.

Data may be wrong then, or a RuntimeError may name the field.
"""

import ctypes

import pytest

CANARY = 0xA5
BEFORE = AFTER = 4096
ELEMENT, SIZE = 4, 8
NBYTES = ELEMENT * SIZE

INDICES = ("writeIndex", "readIndex")
SIZES = ("bufferSize", "bigMask", "smallMask", "elementSizeBytes")
FIELDS = (*INDICES, *SIZES, "buffer")

BITS = 8 * ctypes.sizeof(ctypes.c_long)
VALUES = sorted(
    {
        0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 63, 64, 255, 1023, 4095,
        2**15, 2**16 - 1, 2**20 - 1, 2**30, 2**31 - 1,
        2 ** (BITS - 2), 2 ** (BITS - 2) - 1, 2 ** (BITS - 1) - 8, 2 ** (BITS - 1) - 1,
        -1, -2, -3, -4, -7, -8, -9, -16, -32, -64, -1024, -(2**16), -(2**31),
        -(2 ** (BITS - 2)), -(2 ** (BITS - 1)), -(2 ** (BITS - 1)) + 7,
    }
)  # fmt: skip


class Surrounded:
    """A ring whose memory lies between canaries."""

    def __init__(self, make, fields):
        self._memory = bytearray([CANARY]) * (BEFORE + NBYTES + AFTER)
        view = memoryview(self._memory)
        self.storage = view[BEFORE : BEFORE + NBYTES]
        self.storage[:] = bytes(NBYTES)
        self.ring = make(self.storage)
        self.struct = fields(self.ring)
        self._initial = bytes(self.struct)

    def reset(self):
        ctypes.memmove(ctypes.addressof(self.struct), self._initial, len(self._initial))
        self.ring.advance_write_index(5)
        self.ring.advance_read_index(3)

    def use(self):
        """Try everything; return what the errors said."""
        ring = self.ring
        messages = []
        target = bytearray([CANARY]) * (BEFORE + NBYTES + AFTER)
        part = memoryview(target)[BEFORE : BEFORE + NBYTES]

        def region(method):
            count, first, second = method(SIZE)
            assert 0 <= count <= SIZE
            assert len(first) + len(second) <= NBYTES
            if method == ring.get_write_buffers:
                first[:] = b"x" * len(first)
                second[:] = b"y" * len(second)
            return bytes(first) + bytes(second)

        for call in (
            lambda: ring.write(b"w" * NBYTES),
            lambda: ring.write(b"w" * ELEMENT),
            lambda: region(ring.get_write_buffers),
            lambda: ring.advance_write_index(min(ring.write_available, 3)),
            lambda: region(ring.get_read_buffers),
            lambda: ring.advance_read_index(min(ring.read_available, 2)),
            lambda: ring.readinto(part),
            lambda: ring.readinto(part[:ELEMENT]),
            lambda: ring.read(1),
            lambda: ring.read(),
            lambda: ring.write(b"w" * NBYTES, 3),
            lambda: ring.write_available,
            lambda: ring.read_available,
            lambda: ring.elementsize,
            lambda: len(ring),
        ):
            try:
                call()
            except RuntimeError as error:
                messages.append(str(error))
        assert isinstance(repr(ring), str)
        canaries = bytes([CANARY]) * BEFORE
        for memory in self._memory, target:
            assert memory[:BEFORE] == canaries
            assert memory[BEFORE + NBYTES :] == canaries
        return messages


@pytest.fixture
def own(RingBuffer, fields):
    return Surrounded(lambda storage: RingBuffer(ELEMENT, buffer=storage), fields)


@pytest.fixture(params=["from_pointer", "_ptr"])
def foreign(request, RingBuffer, genuine, fields):
    ffi, lib = genuine

    def make(storage):
        struct = ffi.new("PaUtilRingBuffer *")
        data = ffi.from_buffer(storage)
        assert lib.PaUtil_InitializeRingBuffer(struct, ELEMENT, SIZE, data) == 0
        if request.param == "from_pointer":
            ring = RingBuffer.from_pointer(struct)
        else:
            ring = RingBuffer.__new__(RingBuffer)
            ring._ptr = ffi.cast("void *", struct)
        ring._data = struct, data
        return ring

    return Surrounded(make, fields)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_a_ring_of_our_own_is_overwritten(own, field):
    for value in VALUES:
        own.reset()
        setattr(own.struct, field, value)
        own.use()


@pytest.mark.parametrize("field", [*INDICES, "bufferSize", "bigMask", "smallMask"])
def test_a_field_of_a_foreign_ring_is_overwritten(foreign, field):
    """Its element size and its memory are only known from the struct."""
    for value in VALUES:
        foreign.reset()
        setattr(foreign.struct, field, value)
        foreign.use()


@pytest.mark.parametrize(
    ("field", "value"),
    [("buffer", 0), ("elementSizeBytes", 0), ("elementSizeBytes", -1), ("elementSizeBytes", -4)],
)
def test_a_foreign_ring_without_elements_is_not_used(foreign, field, value):
    foreign.reset()
    setattr(foreign.struct, field, value)
    messages = foreign.use()
    assert messages
    assert all(field in message for message in messages)


def test_both_indices_are_overwritten(own, foreign):
    for each in own, foreign:
        for write_index in VALUES:
            for read_index in VALUES[::3]:
                each.reset()
                each.struct.writeIndex = write_index
                each.struct.readIndex = read_index
                assert each.use() == []


def test_all_fields_are_overwritten(own):
    for value in VALUES:
        own.reset()
        for field in FIELDS:
            setattr(own.struct, field, value)
        own.use()


def test_masks_and_size_that_fit_together_are_overwritten(own):
    for size in 1, 2, 4, 16, 64, 1024, 2**20, 2**30:
        own.reset()
        own.struct.bufferSize = size
        own.struct.bigMask = 2 * size - 1
        own.struct.smallMask = size - 1
        messages = own.use()
        assert messages
        assert all("Mask" in message for message in messages)


@pytest.mark.parametrize("field", ["bigMask", "smallMask", "elementSizeBytes", "buffer"])
@pytest.mark.parametrize("value", [0, 1, 3, 31, 64, -1, 2**31 - 1])
def test_a_field_that_must_not_change_is_named(own, field, value):
    own.reset()
    setattr(own.struct, field, value)
    messages = own.use()
    assert messages
    # If two masks do not fit together, either may be the wrong one.
    named = "Mask" if field.endswith("Mask") else field
    assert all(named in message for message in messages)


def test_another_address_of_the_elements_is_not_used(own):
    own.reset()
    elsewhere = (ctypes.c_char * NBYTES)()
    own.struct.buffer = ctypes.addressof(elsewhere)
    messages = own.use()
    assert messages
    assert all("buffer" in message for message in messages)
    assert elsewhere.raw == bytes(NBYTES)


@pytest.mark.parametrize("size", range(1, SIZE))
def test_a_lowered_size_is_used(own, size):
    own.reset()
    own.ring.flush()
    own.struct.bufferSize = size
    data = bytes(range(NBYTES))
    assert len(own.ring) == size
    assert own.ring.write(data) == size
    assert own.storage[: ELEMENT * size] == data[: ELEMENT * size]
    assert own.ring.read() == data[: ELEMENT * size]
    for write_index in VALUES:
        own.struct.writeIndex = write_index
        own.use()


@pytest.mark.parametrize("field", FIELDS)
def test_a_repaired_ring_works_again(own, field):
    for value in VALUES:
        own.reset()
        setattr(own.struct, field, value)
        own.use()
        own.reset()
        own.ring.flush()
        assert own.ring.write(b"abcd" * SIZE) == SIZE
        assert own.ring.read() == b"abcd" * SIZE


def test_a_size_that_grows_while_memory_is_in_use_is_not_believed(foreign):
    foreign.reset()
    _, first, _ = foreign.ring.get_read_buffers(2)
    foreign.struct.bufferSize = 2**20
    foreign.use()
    assert len(first) == 2 * ELEMENT
