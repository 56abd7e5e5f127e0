"""A state machine that misuses rings in every way, and checks the guarantees that still hold."""

import collections
import contextlib
import ctypes
import gc
import importlib.util
import random
import threading

import hypothesis
from hostile_values import FIELD_VALUES, TIMEOUTS, Index, Surprise, values
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ring_methods import CALLS, METHODS, PROPERTIES, TRANSFERS

GUARD = 256
CANARY = bytes([0xA5]) * GUARD
#: The most elements times bytes; pointers lead to so much.
LARGEST = 64 * 17
FIELDS = (
    "bufferSize", "writeIndex", "readIndex", "bigMask", "smallMask", "elementSizeBytes", "buffer",
)  # fmt: skip
INDICES = ("writeIndex", "readIndex")

#: What calls raise. What is in a value's own methods comes through as it is.
EXPECTED = (
    TypeError,
    ValueError,
    BufferError,
    RuntimeError,
    Surprise,
    KeyboardInterrupt,
    # What Python says to an __index__() that returns a bool; an error in these tests.
    DeprecationWarning,
)
#: What making a ring may raise, too.
MAKING = (*EXPECTED, OverflowError, MemoryError)

#: What takes elements out, or shows them.
TAKING = sorted(name for name, method in TRANSFERS.items() if not method.writes)
WAITING = sorted(name for name, method in METHODS.items() if method.waits)

#: What was done how often, in all examples.
done = collections.Counter()


def one_of(objects):
    """One of them, as they are now. Hypothesis itself does not look at them."""
    return st.integers(0, len(objects) - 1).map(objects.__getitem__)


def no_address(value):
    """The same, unless it is a number that leads anywhere: it cannot be told from a correct one."""
    if isinstance(value, Index):
        return None
    return min(value, 0) if isinstance(value, int) else value


class Struct:
    """A ring's struct and memory, and what should be in there."""

    def __init__(self, ring, fields, memory=None):
        self.fields = fields.from_address(ring.address)
        self.element, self.size = ring.elementsize, len(ring)
        self.memory = memory
        self.content = bytearray()
        #: Objects that stand for this ring. Those but the first one believe the struct.
        self.rings = [ring]
        self.corrupt = False
        self._intact = bytes(self.fields)

    def repair(self):
        ctypes.memmove(ctypes.addressof(self.fields), self._intact, len(self._intact))
        self.rings[0].flush()
        self.content.clear()
        self.corrupt = False

    def look(self):
        """The contents of the ring are unknown after a call during which other code ran."""
        if not self.corrupt:
            self.content[:] = self.rings[0].peek()

    def check_guards(self):
        if self.memory is not None:
            assert self.memory[:GUARD] == CANARY
            assert self.memory[-GUARD:] == CANARY


class HostileMachine(RuleBasedStateMachine):
    """A subclass says which class is used badly, and what there is to do so."""

    RingBuffer = Fields = ffi = numpy = None

    def __init__(self):
        super().__init__()
        self.structs = []
        self.views = []
        self.bytearrays = [bytearray(24) for _ in range(2)]
        self.memoryviews = []
        self.random = random.Random(0)

    @initialize(data=st.data())
    def begin(self, data):
        self._values = values(self.numpy, self.ffi, 4 * LARGEST, st.sampled_from(self._actions()))
        self.make_a_ring(4, 3, "size", 1)

    def teardown(self):
        self.structs.clear()
        self.views.clear()
        gc.collect()

    # Actions that run while a call reads its argument.

    def _actions(self):
        def any_ring():
            return self.random.choice(self.random.choice(self.structs).rings)

        def resize():
            for array in self.bytearrays:
                try:
                    array.extend(bytes(4096))
                    del array[self.random.randrange(30) :]
                except BufferError:
                    pass

        def release():
            for view in self.memoryviews:
                view.release()
            self.memoryviews.clear()

        def forget():
            self.views.clear()
            gc.collect()

        def again():
            any_ring().__init__(4, 8)

        def quietly(action):
            def act():
                done["re-entered"] += 1
                if self.structs:
                    with contextlib.suppress(*EXPECTED):
                        action()

            return act

        return [
            None,
            quietly(lambda: any_ring().write(bytes(any_ring().elementsize))),
            quietly(lambda: any_ring().read()),
            quietly(lambda: any_ring().flush()),
            quietly(lambda: any_ring().readinto(self.bytearrays[0])),
            quietly(lambda: self.views.extend(any_ring().get_read_buffers(3)[1:])),
            quietly(lambda: any_ring().advance_write_index(1)),
            quietly(again),
            quietly(resize),
            quietly(release),
            quietly(forget),
            quietly(lambda: any_ring()._ptr),
        ]

    def _finish(self):
        """After a call that may have done anything: see to what there is now."""
        done["hostile calls"] += 1
        for struct in self.structs:
            struct.look()

    def _arguments(self, data, most):
        """Up to this many, by position; other code changes some of them."""
        own = one_of(self.bytearrays)
        view = own.map(self._view_of)
        kept = one_of(self.views) if self.views else st.nothing()
        anything = st.one_of(self._values, own, view, kept)
        return data.draw(st.lists(anything, max_size=most))

    def _view_of(self, array):
        view = memoryview(array)
        self.memoryviews.append(view)
        return view

    # Rings come and go.

    @precondition(lambda self: len(self.structs) < 5)
    @rule(
        element=st.sampled_from([1, 2, 3, 4, 8, 12, 17]),
        power=st.integers(0, 6),
        how=st.sampled_from(["size", "buffer", "cdata"]),
        offset=st.integers(0, 7),
    )
    def make_a_ring(self, element, power, how, offset):
        count = 2**power
        memory = None
        if how == "size" or (how == "cdata" and self.ffi is None):
            ring = self.RingBuffer(element, count)
        else:
            memory = bytearray(CANARY + bytes(element * count) + CANARY)
            view = memoryview(memory)[GUARD:-GUARD]
            # An array that keeps its memory.
            storage = view if how == "buffer" else self.ffi.from_buffer(view)
            ring = self.RingBuffer(element, buffer=storage)
        self.structs.append(Struct(ring, self.Fields, memory))
        done["rings"] += 1

    @rule(data=st.data())
    def make_a_ring_badly(self, data):
        arguments = self._arguments(data, 3)
        names = data.draw(st.permutations(["elementsize", "size", "buffer"]))
        try:
            if data.draw(st.booleans()):
                ring = self.RingBuffer(*arguments)
            else:
                ring = self.RingBuffer(**dict(zip(names, arguments)))
        except MAKING:
            pass
        else:
            assert len(ring).bit_count() == 1 if hasattr(int, "bit_count") else len(ring)
            assert ring.elementsize > 0
        self._finish()

    @precondition(lambda self: self.structs)
    @rule(data=st.data(), cast=st.sampled_from(["address", "_ptr", "assigned"]))
    def make_another_object_for_a_ring(self, data, cast):
        struct = data.draw(one_of(self.structs))
        struct.repair()
        first = struct.rings[0]
        if cast == "assigned" and self.ffi is not None:
            other = self.RingBuffer.__new__(self.RingBuffer)
            other._ptr = self.ffi.cast("void *", first.address)
        else:
            other = self.RingBuffer.from_pointer(first.address)
        other._data = first
        struct.rings.append(other)

    @precondition(lambda self: self.structs)
    @rule(data=st.data())
    def drop_a_ring(self, data):
        struct = data.draw(one_of(self.structs))
        self.structs.remove(struct)
        struct.check_guards()
        if data.draw(st.booleans()):
            # With a cycle through its memory.
            struct.rings[0]._data = [struct.rings[0], struct]
        del struct
        if data.draw(st.booleans()):
            gc.collect()

    @rule(data=st.data())
    def use_what_was_never_initialised(self, data):
        ring = self.RingBuffer.__new__(self.RingBuffer)
        name = data.draw(st.sampled_from(sorted(CALLS)))
        try:
            getattr(ring, name)(*self._arguments(data, 2))
        except EXPECTED:
            pass
        else:
            raise AssertionError(f"{name} has done something")
        assert "not initialised" in repr(ring)
        self._finish()

    # Usual calls, whose results are known.

    @precondition(lambda self: self.structs)
    @rule(data=st.data(), count=st.integers(0, 70))
    def write(self, data, count):
        struct = data.draw(one_of(self.structs))
        ring = data.draw(one_of(struct.rings))
        elements = self.random.randbytes(count * struct.element)
        source = data.draw(st.sampled_from([bytes, bytearray, memoryview]))(elements)
        if struct.corrupt:
            return self._whatever(ring.write, source)
        room = struct.size - len(struct.content) // struct.element
        assert ring.write(source) == min(count, room)
        struct.content += elements[: min(count, room) * struct.element]

    @precondition(lambda self: self.structs)
    @rule(data=st.data(), count=st.integers(-1, 70), how=st.sampled_from(TAKING))
    def take(self, data, count, how):
        struct = data.draw(one_of(self.structs))
        ring = data.draw(one_of(struct.rings))
        if struct.corrupt:
            return self._whatever(getattr(ring, how), count)
        content, element = struct.content, struct.element
        available = len(content) // element
        expected = available if count < 0 else min(count, available)
        first = bytes(content[: expected * element])
        if how == "read_latest":
            if count >= 0:
                assert ring.read_latest(count) == content[len(content) - expected * element :]
                content.clear()
        elif how == "peek":
            assert ring.peek(count) == first
        elif how == "readinto":
            target = bytearray(CANARY + bytes(max(count, 0) * element) + CANARY)
            with memoryview(target)[GUARD : len(target) - GUARD] as inside:
                got = ring.readinto(inside)
            assert got == (expected if count >= 0 else 0)
            assert target[:GUARD] == target[-GUARD:] == CANARY
            assert target[GUARD:][: got * element] == content[: got * element]
            del content[: got * element]
        elif how == "read":
            assert ring.read(count) == first
            del content[: len(first)]
        elif how == "discard":
            if count >= 0:
                assert ring.discard(count) == expected
                del content[: len(first)]
        elif how in ("get_read_buffers", "advance_read_index"):
            number, one, two = ring.get_read_buffers(max(count, 0))
            assert bytes(one) + bytes(two) == bytes(content[: number * element])
            self.views += [one, two]
            ring.advance_read_index(number)
            del content[: number * element]
        else:
            raise AssertionError(f"what {how}() should do is not written here")

    @precondition(lambda self: self.structs)
    @rule(data=st.data(), count=st.integers(0, 70))
    def write_in_place(self, data, count):
        struct = data.draw(one_of(self.structs))
        ring = data.draw(one_of(struct.rings))
        if struct.corrupt:
            return self._whatever(ring.get_write_buffers, count)
        number, one, two = ring.get_write_buffers(count)
        elements = self.random.randbytes(number * struct.element)
        one[:] = elements[: len(one)]
        two[:] = elements[len(one) :]
        self.views += [one, two]
        ring.advance_write_index(number)
        struct.content += elements

    def _whatever(self, call, *arguments):
        with contextlib.suppress(*EXPECTED):
            call(*arguments)

    # Everything else.

    @precondition(lambda self: self.structs)
    @rule(data=st.data(), name=st.sampled_from(sorted(CALLS)))
    def call_badly(self, data, name):
        struct = data.draw(one_of(self.structs))
        ring = data.draw(one_of(struct.rings))
        arguments = self._arguments(data, 3)
        try:
            if data.draw(st.integers(0, 3)):
                result = getattr(ring, name)(*arguments)
            else:
                result = getattr(ring, name)(**dict(zip(["data", "size", "surprise"], arguments)))
        except EXPECTED:
            result = None
        if isinstance(result, tuple):
            self.views += result[1:]
        self._finish()

    @precondition(lambda self: self.structs)
    @rule(data=st.data(), name=st.sampled_from(WAITING), timeout=TIMEOUTS)
    def wait_badly(self, data, name, timeout):
        ring = data.draw(st.sampled_from(data.draw(one_of(self.structs)).rings))
        size = data.draw(self._values)
        try:
            result = getattr(ring, name)(size, timeout=timeout)
            if METHODS[name].is_coroutine:
                result.close()
        except EXPECTED:
            pass
        self._finish()

    @precondition(lambda self: self.structs)
    @rule(data=st.data(), name=st.sampled_from(["_ptr", "_data", "write_available", "len"]))
    def assign_badly(self, data, name):
        ring = data.draw(one_of(self.structs)).rings[0]
        value = no_address(data.draw(self._values))
        try:
            setattr(ring, name, value)
        except (*EXPECTED, AttributeError):
            pass
        self._finish()

    @rule(data=st.data())
    def believe_no_pointer(self, data):
        value = no_address(data.draw(self._values))
        try:
            self.RingBuffer.from_pointer(value)
        except EXPECTED:
            pass
        except OverflowError:
            pass
        self._finish()

    @precondition(lambda self: self.structs)
    @rule(data=st.data())
    def ask(self, data):
        struct = data.draw(one_of(self.structs))
        for ring in struct.rings:
            assert isinstance(repr(ring), str)
            for name in PROPERTIES:
                try:
                    getattr(ring, name)
                except (RuntimeError, AttributeError):
                    assert struct.corrupt or name == "_data"

    @precondition(lambda self: self.views)
    @rule(data=st.data())
    def use_a_view(self, data):
        """Of a ring that may be gone."""
        number = data.draw(st.integers(0, len(self.views) - 1))
        view = self.views[number]
        bytes(view)
        if not view.readonly:
            view[:] = bytes(view)
        if data.draw(st.booleans()):
            del self.views[number]
            view.release()

    @rule()
    def forget_views(self):
        self.views.clear()

    @rule()
    def collect(self):
        gc.collect()

    # The other side goes mad.

    @precondition(lambda self: self.structs)
    @rule(data=st.data(), name=st.sampled_from(FIELDS), value=FIELD_VALUES)
    def corrupt(self, data, name, value):
        struct = data.draw(one_of(self.structs))
        if name not in INDICES and len(struct.rings) > 1:
            # These believe the struct if it makes sense.
            del struct.rings[1:]
        setattr(struct.fields, name, value & (2**64 - 1) if name == "buffer" else value)
        struct.corrupt = True
        done["corrupted fields"] += 1

    @precondition(lambda self: any(struct.corrupt for struct in self.structs))
    @rule()
    def repair(self):
        for struct in self.structs:
            if struct.corrupt:
                struct.repair()

    @precondition(lambda self: self.structs)
    @rule(data=st.data())
    def use_from_two_threads(self, data):
        struct = data.draw(one_of(self.structs))
        ring, element = struct.rings[0], struct.element
        unexpected = []

        def work(seed):
            rng = random.Random(seed)
            try:
                for _ in range(20):
                    method = rng.choice(list(TRANSFERS.values()))
                    # Only as far as what another thread cannot take away.
                    size = 0 if method.name.startswith("advance") else rng.randrange(9)
                    arguments = method.arguments(data=bytearray(element * size), size=size)
                    # Two on one side, or a field that is not what it was.
                    with contextlib.suppress(RuntimeError):
                        result = getattr(ring, method.name)(**arguments)
                        if isinstance(result, tuple):
                            bytes(result[1])
            except BaseException as error:
                unexpected.append(error)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert unexpected == []
        self._finish()

    # What always holds.

    @invariant()
    def nothing_but_the_rings_memory_is_written(self):
        for struct in self.structs:
            struct.check_guards()

    @invariant()
    def intact_rings_hold_what_was_written(self):
        for struct in self.structs:
            if not struct.corrupt:
                full = len(struct.content) // struct.element
                for ring in struct.rings:
                    assert ring.peek() == struct.content
                    assert (ring.read_available, ring.write_available) == (full, struct.size - full)
        done["steps"] += 1


def run(RingBuffer, Fields, seed=None, **options):
    """Use a class badly, as the options for Hypothesis say."""

    class Machine(HostileMachine):
        pass

    cffi = module("cffi")
    Machine.RingBuffer, Machine.Fields = RingBuffer, Fields
    Machine.numpy, Machine.ffi = module("numpy"), cffi and cffi.FFI()
    if seed is not None:
        hypothesis.seed(seed)(Machine)
    # What is there already need not be looked at in each collection.
    gc.freeze()
    try:
        run_state_machine_as_test(
            Machine,
            # Nothing that depends on how fast the machine is.
            settings=settings(
                database=None, deadline=None, suppress_health_check=list(HealthCheck), **options
            ),
        )
    finally:
        gc.unfreeze()


def module(name):
    return importlib.import_module(name) if importlib.util.find_spec(name) else None
