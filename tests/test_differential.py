"""The same program on our ring and on PortAudio's own: every step must have the same effect.

Programs are random, but the same each time. PA_RINGBUFFER_DIFFERENTIAL_STEPS sets the number of
steps of all programs together.
"""

import os
import random

import pytest

GEOMETRIES = [
    # Element size, number of elements, bufferSize afterwards.
    (1, 1, 1),
    (1, 2, 2),
    (1, 16, 16),
    (2, 8, 8),
    (3, 4, 4),
    (4, 1, 1),
    (4, 8, 8),
    (4, 64, 64),
    (7, 2, 2),
    (8, 16, 16),
    (12, 4, 4),
    (64, 2, 2),
    (1, 4, 3),
    (4, 8, 5),
    (4, 8, 7),
    (3, 16, 9),
]

# The producer and the consumer; the other ring is always PortAudio's alone.
SIDES = {
    "both sides ours": (True, True),
    "we write, C reads": (True, False),
    "C writes, we read": (False, True),
}

DEFAULT_STEPS = {"native": 1_000_000, "portable": 100_000}


class Program:
    """Runs random steps on two rings and compares them after each."""

    def __init__(self, RingBuffer, ffi, lib, geometry, sides, seed):
        self.ffi, self.lib = ffi, lib
        self.element_size, self.size, self.end = geometry
        self.we_write, self.we_read = sides
        self.random = random.Random(seed)
        nbytes = self.element_size * self.size
        self.pool = self.random.getrandbits(8 * 8 * (nbytes + 64)).to_bytes(
            8 * (nbytes + 64), "little"
        )
        self.storage = bytearray(nbytes)
        self.ring = RingBuffer(self.element_size, buffer=self.storage)
        self.pointer = ffi.cast("PaUtilRingBuffer *", self.ring.address)
        self.reference = ffi.new("PaUtilRingBuffer *")
        self.reference_storage = ffi.new("char[]", nbytes)
        failed = lib.PaUtil_InitializeRingBuffer(
            self.reference, self.element_size, self.size, self.reference_storage
        )
        assert not failed
        self.pointer.bufferSize = self.reference.bufferSize = self.end
        # All fields but the last one, which is an address.
        nbytes = ffi.offsetof("PaUtilRingBuffer", "buffer")
        self.fields = ffi.buffer(self.pointer, nbytes)
        self.reference_fields = ffi.buffer(self.reference, nbytes)
        self.reference_elements = ffi.buffer(self.reference_storage)
        self.out = [ffi.new(t) for t in ("void *[2]", "ring_buffer_size_t[2]")]
        self.log = []

    def run(self, steps):
        methods = self.write, self.read, self.write_in_place, self.read_in_place
        randrange = self.random.randrange
        limit = 2 * self.size + 3
        for step in range(steps):
            kind = randrange(65)
            count = randrange(limit)
            if kind == 64:
                self.flush()
            else:
                if self.end != self.size and kind % 2 == 0:
                    # Such a ring is only defined as long as it does not wrap.
                    room = self.end - self.reference.writeIndex
                    if count > room:
                        if room == 0:
                            self.flush()
                        count = room
                methods[kind % 4](count, kind // 4)
            self.compare(step)

    def compare(self, step):
        if (
            self.fields[:] != self.reference_fields[:]
            or self.storage != self.reference_elements[:]
            or self.ring.write_available
            != self.lib.PaUtil_GetRingBufferWriteAvailable(self.reference)
            or self.ring.read_available
            != self.lib.PaUtil_GetRingBufferReadAvailable(self.reference)
        ):
            raise AssertionError(
                f"different after step {step}: {self.state(self.pointer)} {bytes(self.storage)!r}, "
                f"but in C {self.state(self.reference)} {self.reference_elements[:]!r}"
            )

    def state(self, pointer):
        return {
            name: getattr(pointer, name)
            for name in (
                "bufferSize",
                "writeIndex",
                "readIndex",
                "bigMask",
                "smallMask",
                "elementSizeBytes",
            )
        }

    @staticmethod
    def same(what, ours, theirs):
        if ours != theirs:
            raise AssertionError(f"{what}: {ours!r}, but in C {theirs!r}")

    def some_data(self, count):
        nbytes = count * self.element_size
        start = self.random.randrange(len(self.pool) - nbytes)
        return self.pool[start : start + nbytes]

    def flush(self):
        self.ring.flush()
        self.lib.PaUtil_FlushRingBuffer(self.reference)

    def write(self, count, variant):
        data = self.some_data(count)
        theirs = self.lib.PaUtil_WriteRingBuffer(self.reference, data, count)
        if not self.we_write:
            ours = self.lib.PaUtil_WriteRingBuffer(self.pointer, data, count)
        elif variant < 8:
            ours = self.ring.write(data)
        elif variant < 10:
            ours = self.ring.write(data + b"behind", count)
        elif variant < 12:
            ours = self.ring.write(memoryview(bytearray(data)))
        elif variant < 14:
            ours = self.ring.write(self.ffi.from_buffer(data), count)
        else:
            ours = self.ring.write(self.ffi.cast("void *", self.ffi.from_buffer(data)), count)
        self.same("written", ours, theirs)

    def read(self, count, variant):
        nbytes = count * self.element_size
        target = bytearray(nbytes)
        theirs = self.lib.PaUtil_ReadRingBuffer(self.reference, self.ffi.from_buffer(target), count)
        if not self.we_read:
            other = bytearray(nbytes)
            ours = self.lib.PaUtil_ReadRingBuffer(self.pointer, self.ffi.from_buffer(other), count)
        elif variant < 6:
            other = bytearray(nbytes)
            ours = self.ring.readinto(other)
        elif variant < 8:
            cdata = self.ffi.new("char[]", nbytes)
            ours = self.ring.readinto(cdata)
            other = self.ffi.buffer(cdata)[:]
        else:
            other = self.ring.read(count)
            ours = len(other) // self.element_size
            self.same("length", len(other), theirs * self.element_size)
            target = target[: len(other)]
        self.same("read", ours, theirs)
        self.same("elements", other, target)

    def regions(self, get, pointer, count):
        """What C gives: a number of elements and two CFFI buffers."""
        addresses, sizes = self.out
        count = get(pointer, count, addresses, sizes, addresses + 1, sizes + 1)
        buffers = []
        for address, size in zip(addresses, sizes):
            assert (address == self.ffi.NULL) == (size == 0 and address == addresses[1])
            buffers.append(
                self.ffi.buffer(address, size * self.element_size) if size else bytearray()
            )
        return count, *buffers

    def write_in_place(self, count, variant):
        lib = self.lib
        data = self.some_data(count)
        get, advance = lib.PaUtil_GetRingBufferWriteRegions, lib.PaUtil_AdvanceRingBufferWriteIndex
        theirs, *their_regions = self.regions(get, self.reference, count)
        if self.we_write:
            ours, *our_regions = self.ring.get_write_buffers(count)
        else:
            ours, *our_regions = self.regions(get, self.pointer, count)
        self.same("room", ours, theirs)
        self.same("regions", [*map(len, our_regions)], [*map(len, their_regions)])
        for first, second in (our_regions, their_regions):
            middle = len(first)
            first[:] = data[:middle]
            if second:
                second[:] = data[middle : middle + len(second)]
        # Now and then, only a part is used.
        used = theirs if variant < 8 else self.random.randrange(theirs + 1)
        theirs = advance(self.reference, used)
        mine = self.ring.advance_write_index
        ours = mine(used) if self.we_write else advance(self.pointer, used)
        self.same("write index", ours, theirs)

    def read_in_place(self, count, variant):
        lib = self.lib
        get, advance = lib.PaUtil_GetRingBufferReadRegions, lib.PaUtil_AdvanceRingBufferReadIndex
        theirs, *their_regions = self.regions(get, self.reference, count)
        if self.we_read:
            ours, *our_regions = self.ring.get_read_buffers(count)
        else:
            ours, *our_regions = self.regions(get, self.pointer, count)
        self.same("available", ours, theirs)
        self.same("elements", [*map(bytes, our_regions)], [*map(bytes, their_regions)])
        used = theirs if variant < 8 else self.random.randrange(theirs + 1)
        theirs = advance(self.reference, used)
        mine = self.ring.advance_read_index
        ours = mine(used) if self.we_read else advance(self.pointer, used)
        self.same("read index", ours, theirs)


@pytest.mark.parametrize("sides", SIDES.values(), ids=SIDES)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: f"{g[0]}x{g[1]}, {g[2]} used")
def test_every_step_has_the_same_effect_as_in_c(implementation, genuine, geometry, sides):
    kind = "portable" if implementation.__name__.endswith("portable") else "native"
    steps = int(os.environ.get("PA_RINGBUFFER_DIFFERENTIAL_STEPS", DEFAULT_STEPS[kind]))
    steps = -(-steps // (2 * len(GEOMETRIES) * len(SIDES)))
    for seed, cls in enumerate((implementation.RingBuffer, implementation.init(*genuine))):
        program = Program(cls, *genuine, geometry, sides, seed)
        try:
            program.run(steps)
        except AssertionError as error:
            raise AssertionError(
                f"{error} (program for {geometry}, {sides}, seed {seed})"
            ) from error
