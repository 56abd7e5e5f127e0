"""The native and the portable class raise the same errors, with the same type and text.

Each attribute and method of the class has a list of calls here, most of which are wrong. Both
classes make each of them with a new ring in each of some states; the outcome must be the same.
"""

import array
import ast
import asyncio
import ctypes
import importlib.util
import mmap
import re
import sys

import pytest
import ring_methods
from pa_ringbuffer import portable
from struct_fields import Fields

if importlib.util.find_spec("pa_ringbuffer._native") is None:
    pytest.skip("the extension module was not built", allow_module_level=True)

import pa_ringbuffer

CONTENT = b"".join(b"%04d" % n for n in range(6))


class Index:
    """A number, or something that fails when it is asked for one."""

    def __init__(self, answer):
        self.answer = answer

    def __index__(self):
        if isinstance(self.answer, type) and issubclass(self.answer, BaseException):
            raise self.answer("raised by the object")
        return self.answer

    def __repr__(self):
        return f"Index({getattr(self.answer, '__name__', repr(self.answer))})"


class Float(Index):
    """The same for a float."""

    __index__ = None
    __float__ = Index.__index__


class Number(int):
    """Shows itself, and compares, in its own way."""

    __str__ = __repr__ = lambda self: "Number"
    __lt__ = __gt__ = __le__ = __ge__ = lambda self, other: True


# What is in the names of the tests must be the same in each run: no addresses of objects.
INTEGERS = [
    *(
        sign * 2**bits + more
        for bits in (31, 32, 62, 63, 64)
        for sign in (1, -1)
        for more in (-1, 0, 1)
    ),
    *(sign * 10**digits for digits in (30, 5000) for sign in (1, -1)),
    *range(-9, 10),
]
NO_INTEGERS = [
    "None",
    "2.5",
    "2.0",
    "float('nan')",
    "float('inf')",
    "1j",
    "''",
    "'1'",
    "'abc'",
    "b'1'",
    "()",
    "[]",
    "{}",
    "...",
    "int",
    "object()",
    "True",
    "False",
    "Number(3)",
    "Number(-1)",
    "Number(99)",
    "Index(1)",
    "Index(-1)",
    "Index(2**70)",
    "Index(True)",
    "Index('1')",
    "Index(None)",
    "Index(TypeError)",
    "Index(ValueError)",
    "Index(OverflowError)",
    "Index(KeyError)",
    "Float(1.0)",
    "Float(1)",
    "Float('1')",
    "Float(TypeError)",
    "Float(OverflowError)",
    "ffi.cast('int', 3)",
    "ffi.cast('double', 3)",
    "ffi.NULL",
    "numpy.int64(-1)",
    "numpy.float32(1)",
    "numpy.zeros(2, int)",
]


def shown(number):
    """An expression for an integer; the digits of large ones are too many even for Python."""
    if abs(number) < 10**20:
        return str(number)
    digits = 30 if abs(number) < 10**31 else 5000
    return f"{'-' if number < 0 else ''}10**{digits}"


NUMBERS = [shown(number) for number in INTEGERS] + NO_INTEGERS

#: Not those for which a large machine has the memory.
UNFIT = [shown(number) for number in INTEGERS if not 2**30 < number < 2**34] + NO_INTEGERS

NO_MEMORY = [
    "None",
    "4",
    "4.0",
    "True",
    "''",
    "'abcd'",
    "()",
    "[1, 2, 3, 4]",
    "{}",
    "...",
    "object()",
    "int",
    "Index(1)",
    "numpy.zeros(2, object)",
    "numpy.zeros(2, [('O:', 'i4'), ('b', 'O')])",
    "(ctypes.py_object * 2)()",
    "ffi.cast('int', 4)",
    "ffi.new('struct pair *')[0]",
    "ffi.cast('void(*)(void)', 0)",
    "ffi.cast('void(*)(void)', 8)",
]
MEMORY = [
    "bytes(3)",
    "bytes(4)",
    "bytes(8)",
    "b''",
    "bytearray(0)",
    "bytearray(5)",
    "bytearray(8)",
    "memoryview(bytearray(16))[::2]",
    "memoryview(bytearray(16))[::-1]",
    "memoryview(bytes(16))[::2]",
    "memoryview(bytes(8))",
    "memoryview(bytearray(8)).toreadonly()",
    "memoryview(bytearray(12)).cast('B', (3, 2, 2))",
    "released()",
    "closed()",
    "mmap.mmap(-1, mmap.PAGESIZE, access=mmap.ACCESS_READ)",
    "array.array('h', [1])",
    "array.array('f', [1, 2])",
    "array.array('d')",
    "(ctypes.c_char * 3)()",
    "(ctypes.c_char * 4)()",
    "ctypes.c_double()",
    "ctypes.pointer(ctypes.c_int())",
    "numpy.zeros(3, 'u1')",
    "numpy.zeros((4, 2), 'f4').T",
    "numpy.zeros(8, 'u1')[::2]",
    "numpy.zeros(2, 'M8[s]')",
    "numpy.zeros(8, 'M8[s]')[::2]",
    "numpy.broadcast_to(numpy.zeros(1, 'u1'), (8,))",
    "numpy.frombuffer(bytes(8), 'u1')",
    "numpy.float32(1)",
    "ffi.new('char[]', 3)",
    "ffi.new('char[]', 8)",
    "ffi.new('char[0]')",
    "ffi.new('float[2]')",
    "ffi.new('short *')",
    "ffi.new('float *')",
    "ffi.new('struct pair *')",
    "ffi.new('void *[2]')",
    "ffi.new('void(*[1])(void)')",
    "ffi.cast('void(**)(void)', ffi.new('char[]', 8))",
    "ffi.cast('void *', ffi.new('char[]', 8))",
    "ffi.cast('struct opaque *', ffi.new('char[]', 8))",
    "ffi.NULL",
    "ffi.cast('char *', 0)",
    "ffi.cast('float *', 0)",
    "ffi.from_buffer(bytes(8))",
    "ffi.buffer(ffi.new('char[]', 7))",
]

POINTERS = [
    "None",
    "''",
    "'4096'",
    "4096.0",
    "bytes(64)",
    "object()",
    "...",
    "0",
    "1",
    "7",
    "-1",
    "-8",
    "-(2**63)",
    "-(2**63) - 1",
    "2**64 - 1",
    "2**64",
    "2**64 + 1",
    "-(2**100)",
    "2**100",
    "10**5000",
    "-10**5000",
    "False",
    "True",
    "Index(0)",
    "Index(-1)",
    "Index(3)",
    "Index(TypeError)",
    "Index(OverflowError)",
    "Index('1')",
    "Float(8)",
    "ffi.NULL",
    "ffi.cast('PaUtilRingBuffer *', 0)",
    "ffi.cast('PaUtilRingBuffer *', 12)",
    "ffi.cast('void *', 12)",
    "ffi.cast('int', 8)",
    "ffi.cast('int *', 8)",
    "ffi.cast('char *', 8)",
    "ffi.cast('struct opaque *', 8)",
    "ffi.cast('PaUtilRingBuffer **', 8)",
    "ffi.cast('void(*)(void)', 8)",
    "ffi.new('char[64]')",
    "ffi.new('struct pair *')[0]",
    "ffi.new('PaUtilRingBuffer *')",
    "ffi.new('PaUtilRingBuffer[1]')",
    "numpy.zeros(64, 'u1')",
]
FIELDS = {
    "bufferSize": [0, -1, 1, 7, 9, 2**31 - 1],
    "bigMask": [0, -1, 7, 2**31 - 1],
    "smallMask": [-1, 0, 3, 6, 2**31 - 1],
    "elementSizeBytes": [0, -4, 1, 3, 2**31 - 1],
    "buffer": [0, 8],
}
if ctypes.sizeof(ctypes.c_long) == 8 and sys.platform != "darwin":
    FIELDS["bufferSize"] += [2**63 - 1, -(2**63)]
    FIELDS["smallMask"] += [2**63 - 1, -(2**63)]
    FIELDS["elementSizeBytes"] += [2**62, 2**63 - 1, -(2**63)]
# A storage elsewhere may be right for a ring that C owns; reading from it would not end well.
FOREIGN_FIELDS = {**FIELDS, "buffer": [0]}
DAMAGES = [(name, value) for name, values in FIELDS.items() for value in values]
FOREIGN_DAMAGES = [(name, value) for name, values in FOREIGN_FIELDS.items() for value in values]

TIMEOUTS = [
    "float('nan')",
    "''",
    "'1'",
    "b''",
    "()",
    "object()",
    "1j",
    "-1",
    "-float('inf')",
    "-10**400",
    "10**400",
    "True",
    "Index(0)",
    "Index('1')",
    "Index(ValueError)",
    "Index(TypeError)",
    "Float(0.0)",
    "Float(float('nan'))",
    "Float(1)",
    "Float('1')",
    "Float(ValueError)",
    "Float(TypeError)",
    "Float(OverflowError)",
    "numpy.float32('nan')",
    "numpy.zeros(2)",
    "ffi.NULL",
    "ffi.cast('double', float('nan'))",
]

SIZES = [f"({size})" for size in NUMBERS]


def method(name, arguments):
    return [f"ring.{name}{each}" for each in arguments]


def wait(name):
    """What is there, or can never come: nothing that is waited for."""
    sizes = [f"({size}, 0)" for size in NUMBERS]
    timeouts = [f"(1, {timeout})" for timeout in TIMEOUTS] + [f"(99, {t})" for t in TIMEOUTS]
    return method(name, [*sizes, *timeouts])


def awaited(name):
    return [f"asyncio.run({call})" for call in wait(name)]


#: Methods that take a size and nothing else, with or without a default.
SIZED = [name for name, each in ring_methods.METHODS.items() if [*each.parameters] == ["size"]]
NEED_A_SIZE = [name for name in SIZED if ring_methods.METHODS[name].needs_size]

#: The calls for each name in the class. A list without a wrong one would say nothing; see below.
CALLS = {
    **{name: method(name, SIZES) for name in SIZED},
    "__init__": [
        *(f"RingBuffer({number}, 8)" for number in UNFIT),
        *(f"RingBuffer(4, {number})" for number in UNFIT),
        *(f"RingBuffer({number}, 2**62)" for number in NUMBERS if number != "1"),
        *(f"RingBuffer({number}, buffer=bytearray(16))" for number in NUMBERS),
        *(f"RingBuffer(4, buffer={memory})" for memory in MEMORY + NO_MEMORY),
        *(f"RingBuffer(2, None, {memory})" for memory in MEMORY),
        "RingBuffer(4)",
        "RingBuffer(4, None, None)",
        "RingBuffer(4, 8, bytearray(32))",
        "RingBuffer(4, 'x', 'y')",
        "RingBuffer(0, 'x')",
        "RingBuffer('x', 'x')",
        "RingBuffer(2**62, 2)",
        "RingBuffer(2**40, 2**40)",
        "RingBuffer(2**40, 2**20)",
        "RingBuffer(2**63 - 2, 1)",
        "RingBuffer(2**60, 4)",
        "ring.__init__(4, 8)",
        "ring.__init__(0, 'x')",
        "ring.__init__('x', 8)",
        "init(None, None)(4, 8)",
        "init('ffi', None)(4, 8)",
        "init(ffi_without_declarations, None)(4, 8)",
        "init(NotImplemented, None)('x', 8)",
    ],
    "__len__": ["len(ring)"],
    "__repr__": ["repr(ring)"],
    "__reduce_ex__": ["ring.__reduce_ex__(2)", "copy.copy(ring)", "pickle.dumps(ring)"],
    "_data": ["ring._data and None"],
    "_ptr": [
        "ring._ptr and None",
        *(f"setattr(ring, '_ptr', {pointer})" for pointer in POINTERS),
    ],
    "address": ["ring.address and None"],
    "elementsize": ["ring.elementsize"],
    "flush": ["ring.flush()"],
    "from_pointer": [f"RingBuffer.from_pointer({pointer}) and None" for pointer in POINTERS],
    "read_available": ["ring.read_available"],
    "readinto": method("readinto", [f"({memory})" for memory in MEMORY + NO_MEMORY]),
    "wait_for_data": wait("wait_for_data"),
    "wait_for_data_async": awaited("wait_for_data_async"),
    "wait_for_room": wait("wait_for_room"),
    "wait_for_room_async": awaited("wait_for_room_async"),
    "write": [
        *method("write", [f"({memory})" for memory in MEMORY + NO_MEMORY]),
        *method(
            "write", [f"({memory}, 3)" for memory in MEMORY + NO_MEMORY if "cast(" not in memory]
        ),
        *method("write", [f"(bytes(8), {size})" for size in NUMBERS]),
        *method("write", [f"(ffi.new('short[3]'), {size})" for size in NUMBERS]),
        "ring.write(None, 'x')",
        "ring.write(ffi.NULL, 1)",
        "ring.write(ffi.cast('char *', 0), 10**6)",
    ],
    "write_available": ["ring.write_available"],
}

#: Calls with a wrong number of arguments, or wrong names: what is called, the call, what is named.
#: Both refuse them with a TypeError that names the same, in other words: for the portable class,
#: these are the interpreter's own, which differ from version to version.
WRONG_ARGUMENTS = [
    ("__init__", "RingBuffer()", "elementsize"),
    ("__init__", "RingBuffer(size=8)", "elementsize"),
    ("__init__", "RingBuffer(4, 8, None, 1)", "__init__"),
    ("__init__", "RingBuffer(4, 8, length=3)", "length"),
    ("__init__", "RingBuffer(4, elementsize=4, size=8)", "elementsize"),
    ("from_pointer", "RingBuffer.from_pointer()", "pointer"),
    ("from_pointer", "RingBuffer.from_pointer(1, 2)", "from_pointer"),
    ("from_pointer", "RingBuffer.from_pointer(address=8)", "address"),
    ("from_pointer", "RingBuffer.from_pointer(8, pointer=8)", "pointer"),
    ("flush", "ring.flush(1)", "flush"),
    ("flush", "ring.flush(size=1)", "flush"),
    ("__reduce_ex__", "ring.__reduce_ex__()", "protocol"),
    ("__reduce_ex__", "ring.__reduce_ex__(1, 2)", "__reduce_ex__"),
    ("readinto", "ring.readinto()", "data"),
    ("readinto", "ring.readinto(bytearray(4), 1)", "readinto"),
    ("readinto", "ring.readinto(bytearray(4), data=bytearray(4))", "data"),
    ("readinto", "ring.readinto(buffer=bytearray(4))", "buffer"),
    ("write", "ring.write()", "data"),
    ("write", "ring.write(size=1)", "data"),
    ("write", "ring.write(b'1234', 1, 2)", "write"),
    ("write", "ring.write(b'1234', count=1)", "count"),
    ("write", "ring.write(b'1234', 1, size=1)", "size"),
    *(
        each
        for name in SIZED
        for each in [
            *([(name, f"ring.{name}()", "size")] if name in NEED_A_SIZE else []),
            (name, f"ring.{name}(1, 2)", name),
            (name, f"ring.{name}(1, size=1)", "size"),
            (name, f"ring.{name}(count=1)", "count"),
        ]
    ),
    *(
        each
        for name in (
            "wait_for_data",
            "wait_for_data_async",
            "wait_for_room",
            "wait_for_room_async",
        )
        for each in [
            (name, f"ring.{name}(1, 2, 3)", name),
            (name, f"ring.{name}(1, size=1)", "size"),
            (name, f"ring.{name}(1, 0, timeout=1)", "timeout"),
            (name, f"ring.{name}(count=1)", "count"),
        ]
    ),
]
#: Attributes that cannot be assigned or deleted; the words are the interpreter's, for both.
ATTRIBUTES = ["address", "elementsize", "read_available", "write_available"]

#: Names without calls, and why.
NO_CALLS = {
    "__doc__": "a text",
    "__module__": "a text",
    "__new__": "takes anything, for subclasses",
    "__init_subclass__": "of object",
    "_ffi": "given by init(), and checked when the first ring is made: see __init__",
    "_lib": "given by init()",
    "_checked_ffi": "what the native class remembers",
    "_pin": "of the portable class, for StreamCallback",
    "_repr_html_": "a picture, or None where there is nothing to draw",
    "_repr_svg_": "a picture, or None where there is nothing to draw",
    "__dict__": "of the portable class",
    "__weakref__": "of the portable class",
    "__firstlineno__": "where the portable class is in its file, from Python 3.13 on",
    "__static_attributes__": "what its methods assign, from Python 3.13 on",
}


@pytest.fixture(scope="module")
def names(require):
    """What the calls refer to."""
    for module in "cffi", "numpy":
        require(importlib.util.find_spec(module), f"{module} is not installed")
    import copy
    import pickle

    import cffi
    import numpy

    ffi = cffi.FFI()
    ffi.cdef(pa_ringbuffer.cdef() + "struct opaque; struct pair { int a, b; };")

    def released():
        view = memoryview(bytearray(8))
        view.release()
        return view

    def closed():
        mapping = mmap.mmap(-1, mmap.PAGESIZE)
        mapping.close()
        return mapping

    return {
        **{each.__name__: each for each in (Index, Float, Number, released, closed)},
        **{each.__name__: each for each in (array, asyncio, copy, ctypes, mmap, numpy, pickle)},
        "ffi": ffi,
        "ffi_without_declarations": cffi.FFI(),
    }


class World:
    """One of the two implementations, and what makes rings in the same states with both."""

    def __init__(self, module):
        self.module = module
        self.RingBuffer = module.RingBuffer

    def good(self):
        ring = self.RingBuffer(4, 8)
        ring.advance_write_index(5)
        ring.advance_read_index(5)
        ring.write(CONTENT)
        return ring

    def uninitialised(self):
        return self.RingBuffer.__new__(self.RingBuffer)

    def readonly(self):
        ring = self.RingBuffer(4, buffer=bytes(32))
        ring.advance_write_index(6)
        return ring

    def foreign(self):
        owner = self.good()
        ring = self.RingBuffer.from_pointer(owner.address)
        ring._data = owner
        return ring

    def damaged(self, ring, field, value):
        struct = Fields.from_address(ring.address)
        setattr(struct, field, value)
        return ring


STATES = {
    "good": lambda world: world.good(),
    "uninitialised": lambda world: world.uninitialised(),
    "readonly": lambda world: world.readonly(),
    "foreign": lambda world: world.foreign(),
    "damaged": lambda world: world.damaged(world.good(), "bigMask", 7),
}
WORLDS = World(pa_ringbuffer), World(portable)


def called(world, names, call, ring):
    """What comes of a call: its result, or its exception."""
    names = {**names, "RingBuffer": world.RingBuffer, "init": world.module.init, "ring": ring}
    try:
        result = eval(call, names)
    except Exception as error:
        return type(error), str(error)
    if isinstance(result, world.RingBuffer):
        return "a ring", repr(result)
    if isinstance(result, tuple):
        return tuple(each.tobytes() if isinstance(each, memoryview) else each for each in result)
    return result


def without_addresses(outcome):
    """The same without the addresses of this very ring, which no other has."""
    if isinstance(outcome, tuple):
        return tuple(map(without_addresses, outcome))
    if isinstance(outcome, str) and "field buffer" in outcome:
        return re.sub(r"\d{6,}", "ADDRESS", outcome)
    return outcome


def difference(names, call, make):
    outcomes = [without_addresses(called(world, names, call, make(world))) for world in WORLDS]
    if outcomes[0] != outcomes[1] or type(outcomes[0]) is not type(outcomes[1]):
        return [f"{call}\n    native:   {outcomes[0]}\n    portable: {outcomes[1]}"]
    return []


def is_refused(outcome):
    return isinstance(outcome, tuple) and isinstance(outcome[0], type)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", CALLS)
def test_both_classes_say_the_same(names, name, state):
    different = []
    for call in CALLS[name]:
        different += difference(names, call, STATES[state])
    assert not different, "\n".join(different)


@pytest.mark.parametrize(
    ("field", "value"), DAMAGES, ids=[f"{name}={value}" for name, value in DAMAGES]
)
def test_both_say_the_same_of_an_overwritten_field(names, field, value):
    different = []
    for calls in CALLS.values():
        for call in calls[:1]:
            different += difference(
                names, call, lambda world: world.damaged(world.good(), field, value)
            )
    assert not different, "\n".join(different)


@pytest.mark.parametrize(
    ("field", "value"), FOREIGN_DAMAGES, ids=[f"{name}={value}" for name, value in FOREIGN_DAMAGES]
)
def test_both_say_the_same_of_a_struct_of_others_that_is_no_ring(names, field, value):
    def unused(world):
        return world.damaged(world.foreign(), field, value)

    def used(world):
        ring = world.foreign()
        len(ring)
        return world.damaged(ring, field, value)

    different = difference(names, "RingBuffer.from_pointer(ring.address)", unused)
    for make in unused, used:
        for call in ("len(ring)", "ring.read_available", "repr(ring)"):
            different += difference(names, call, make)
    assert not different, "\n".join(different)


@pytest.mark.parametrize("state", ["good", "uninitialised"])
@pytest.mark.parametrize(
    ("name", "call", "named"), WRONG_ARGUMENTS, ids=[call for _, call, _ in WRONG_ARGUMENTS]
)
def test_wrong_arguments_are_named(names, name, call, named, state):
    for world in WORLDS:
        outcome = called(world, names, call, STATES[state](world))
        assert is_refused(outcome)
        assert outcome[0] is TypeError
        assert re.search(rf"\b{named}\b", outcome[1]), outcome


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_attributes_cannot_be_changed(attribute):
    for world in WORLDS:
        ring = world.good()
        with pytest.raises(AttributeError):
            setattr(ring, attribute, 1)
        with pytest.raises(AttributeError):
            delattr(ring, attribute)


def test_each_name_in_the_class_has_calls_that_are_refused(names):
    """So that a new method is not forgotten here."""
    listed = set(CALLS) | set(NO_CALLS)
    for world in WORLDS:
        here = {
            name
            for cls in world.RingBuffer.__mro__[:-1]
            for name in vars(cls)
            # What is private to a class is not seen from outside.
            if not re.match(r"_[A-Za-z]+__", name)
        }
        assert here <= listed, f"without calls: {sorted(here - listed)}"
        for name, calls in CALLS.items():
            assert name in here or name in dir(world.RingBuffer)
            outcomes = [
                called(world, names, call, make(world))
                for make in STATES.values()
                for call in calls
            ]
            assert any(map(is_refused, outcomes)) or name == "__repr__", name


def test_each_method_with_arguments_has_calls_with_wrong_ones():
    import inspect

    listed = {name for name, *_ in WRONG_ARGUMENTS}
    for name in CALLS:
        value = inspect.getattr_static(portable.RingBuffer, name)
        if not isinstance(value, property) and name not in ("__len__", "__repr__"):
            assert name in listed, f"no call of {name}() with wrong arguments"


def test_a_message_names_the_argument_and_what_was_given(names):
    """Of the errors that are ours: not those of objects that were passed, nor of their memory."""
    foreign = re.compile(
        "raised by the object|__index__ returned|contiguous|writable|read-?only|released|mmap|3118"
    )
    for name, calls in CALLS.items():
        for call in calls:
            outcome = called(WORLDS[0], names, call, WORLDS[0].good())
            if not is_refused(outcome) or foreign.search(outcome[1]):
                continue
            text = outcome[1]
            assert re.search(
                r"\b(elementsize|size|buffer|data|timeout|pointer|_ptr|_data|ffi)\b"
                r"|can be neither copied nor pickled|already initialised|no memory for",
                text,
            ), (name, call, text)
            assert re.search(r"\bnot\b|no memory for|neither|already|must declare", text), (
                name,
                call,
                text,
            )


def test_the_calls_can_be_read():
    for calls in CALLS.values():
        for call in calls:
            ast.parse(call, mode="eval")
