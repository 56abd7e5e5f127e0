"""Arguments that a fuzzer passes to rings: objects that lie, refuse, or have side effects."""

import array
import ctypes
import mmap
import sys

from hypothesis import strategies as st

BITS = 8 * ctypes.sizeof(ctypes.c_long)

INTEGERS = st.one_of(
    st.integers(-3, 70),
    st.sampled_from(
        [sign * 2**power + more for sign in (1, -1) for power in (31, 62, 63, 64, 200)
         for more in (-1, 0, 1)]
    ),
)  # fmt: skip

#: None of them is very long, to keep the tests fast.
TIMEOUTS = st.sampled_from(
    [0, -1, 0.0, 1e-4, -1e300, float("nan"), float("-inf"), "x", b"", [], 0j]
)

#: What a field of the struct may hold.
FIELD_VALUES = st.one_of(
    st.integers(-9, 70),
    st.integers(-(2 ** (BITS - 1)), 2 ** (BITS - 1) - 1),
    st.sampled_from([sign * 2**power for sign in (1, -1) for power in range(BITS - 1)]),
)


class Surprise(Exception):
    """What objects raise that are asked for something."""


class Asked:
    """Something that does as it likes when it is asked for a number, a buffer or an attribute."""

    def __init__(self, action, answer):
        self._action, self._answer = action, answer

    def _react(self, *_):
        # Once, or what it does would ask it again and again.
        action, self._action = self._action, None
        if action is not None:
            action()
        if isinstance(self._answer, type) and issubclass(self._answer, BaseException):
            raise self._answer
        return self._answer


class Index(Asked):
    """Asked for an integer."""

    __index__ = __float__ = Asked._react

    def __repr__(self):
        return f"Index(…, {self._answer!r})"


class Buffer(Asked):
    """Asked for a buffer, by Python 3.12 and newer."""

    def __buffer__(self, flags):
        answer = self._react()
        return memoryview(answer) if isinstance(answer, (bytes, bytearray)) else answer

    def __release_buffer__(self, view):
        view.release()

    dtype = property(Asked._react)

    def __repr__(self):
        return f"Buffer(…, {self._answer!r})"


def plain_buffers(size):
    """Functions that make something that holds bytes, or should."""

    def released():
        view = memoryview(bytearray(size))
        view.release()
        return view

    def mapped(access):
        return mmap.mmap(-1, max(size, 1), access=access)

    def closed():
        mapping = mapped(mmap.ACCESS_WRITE)
        mapping.close()
        return mapping

    return [
        lambda: bytes(size),
        lambda: bytearray(size),
        lambda: memoryview(bytearray(size)),
        lambda: memoryview(bytes(size)),
        lambda: memoryview(bytearray(2 * size))[::2],
        lambda: memoryview(bytearray(size))[::-1],
        lambda: memoryview(bytearray(12)).cast("B", (3, 2, 2)),
        released,
        lambda: array.array("h", range(size)),
        lambda: array.array("d"),
        lambda: mapped(mmap.ACCESS_WRITE),
        lambda: mapped(mmap.ACCESS_READ),
        closed,
        lambda: (ctypes.c_char * size)(),
        lambda: ctypes.c_double(),
        lambda: ctypes.py_object(size),
        lambda: (ctypes.py_object * 2)(),
        lambda: ctypes.pointer(ctypes.c_int()),
    ]


def arrays(numpy, size):
    """The same with NumPy."""

    class Evil(numpy.ndarray):
        """Not contiguous, and its attributes are not what they should be."""

        dtype = property(lambda self: numpy.array(0, "V4").dtype)

        def view(self, *_):
            return bytearray(size)

    record = [("a", "u1"), ("b", "f8")]
    return [
        lambda: numpy.zeros(size, "u1"),
        lambda: numpy.zeros((size, 2), "f4"),
        lambda: numpy.zeros((size, 2), "f4").T,
        lambda: numpy.zeros(2 * size, "u1")[::2],
        lambda: numpy.zeros(size, "u1")[::-1],
        lambda: numpy.zeros(size, object),
        lambda: numpy.zeros(size, "M8[s]"),
        lambda: numpy.zeros(size, record),
        lambda: numpy.zeros(size, [("O:", "i4"), ("b", "O")]),
        lambda: numpy.zeros(size, "V3"),
        lambda: numpy.zeros((), "f8"),
        lambda: numpy.zeros((0, 3)),
        lambda: numpy.broadcast_to(numpy.zeros(1, "u1"), (size,)),
        lambda: numpy.zeros(size + 1, "u1")[1:].view("u1"),
        lambda: numpy.frombuffer(bytes(size), "u1"),
        lambda: numpy.float32(1),
        lambda: numpy.zeros(2 * size, "u1")[::2].view(Evil),
    ]


def cdata(ffi, room):
    """The same with CFFI. Pointers lead to this many bytes, as their user guarantees."""
    memory = ffi.new("char[]", room)
    kept = [memory]

    def inside(ctype):
        return lambda: ffi.cast(ctype, kept[0])

    return [
        lambda: ffi.new("char[]", 24),
        lambda: ffi.new("int[3]"),
        lambda: ffi.new("char[0]"),
        lambda: ffi.new("double *"),
        inside("char *"),
        inside("double *"),
        inside("void *"),
        inside("short *"),
        lambda: ffi.NULL,
        lambda: ffi.cast("double *", 0),
        lambda: ffi.cast("int", 7),
        lambda: ffi.cast("void(*)(void)", 0),
        lambda: ffi.from_buffer(bytearray(8)),
        lambda: ffi.new("void *[2]"),
    ]


def values(numpy, ffi, room, actions):
    """Anything at all; `actions` is a strategy for functions that do something to a ring."""
    sizes = st.sampled_from([0, 1, 3, 4, 8, 12, 24, 64])

    def made(makers):
        return sizes.flatmap(lambda size: st.sampled_from(makers(size))).map(lambda make: make())

    answers = st.one_of(
        INTEGERS, st.sampled_from([None, 1.5, "1", True, Surprise, KeyboardInterrupt])
    )
    choices = [
        INTEGERS,
        st.sampled_from([None, True, 2.5, float("nan"), "", "abc", b"", (), [], {}, object(), ...]),
        st.sampled_from([int, type, print]),
        made(plain_buffers),
        st.builds(Index, actions, answers),
    ]
    if sys.version_info >= (3, 12):
        contents = st.builds(bytearray, sizes)
        choices.append(st.builds(Buffer, actions, st.one_of(answers, contents)))
    if numpy is not None:
        choices.append(made(lambda size: arrays(numpy, size)))
    if ffi is not None:
        makers = cdata(ffi, room)
        choices.append(st.sampled_from(makers).map(lambda make: make()))
    return st.one_of(choices)
