"""PortAudio's ring buffer for Python, in pure Python on top of CFFI.

This file depends only on CFFI. You can copy it into your own project as ``pa_ringbuffer.py``.

How it works
------------

``_Geometry`` does the arithmetic on the two indices, using fields that were checked before. Code in
another language drives the other side of the ring: whatever it writes to the fields, no byte
outside the storage is accessed. The user's compiled library only contributes what Python cannot do:
the memory barriers, and publishing an index after them.

Each side of the ring has its own lock, because a transfer takes many bytecodes, and another Python
thread may run between any two of them. The two sides never wait for each other, and compiled code
never waits.
"""

__version__ = "0.2.0"

import math
import platform
import re
import struct
import sys
import sysconfig
import time
import weakref
from operator import index
from threading import Lock, RLock

__all__ = ["RingBuffer", "cdef", "init"]

_INTEGER_FIELDS = (
    "bufferSize",
    "writeIndex",
    "readIndex",
    "bigMask",
    "smallMask",
    "elementSizeBytes",
)
_FIELDS = (*_INTEGER_FIELDS, "buffer")

# Seconds between two checks of a ring in a wait, because the other side sends no signal: while data
# may arrive at any moment, and after that.
_WAIT_INTERVAL = 1e-3
_IDLE_INTERVAL = 2.5e-3
_MOMENT = 50e-3

_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def _is_darwin():
    return platform.system() == "Darwin"


def cdef():
    """Return the C declarations of PortAudio's ring buffer.

    Pass them to ``FFI.cdef()``. A C compiler also accepts them in place of PortAudio's own header.
    On macOS they differ: sizes and indices have 32 bits there.

    >>> import pa_ringbuffer
    >>> 'PaUtilRingBuffer' in pa_ringbuffer.cdef()
    True

    :returns: One type definition, one struct and ten functions.
    :rtype: str

    """
    return """
/* The ring buffer of PortAudio, as declared by its pa_ringbuffer.h. */

typedef {} ring_buffer_size_t;

typedef struct PaUtilRingBuffer {{
    ring_buffer_size_t bufferSize;
    volatile ring_buffer_size_t writeIndex;
    volatile ring_buffer_size_t readIndex;
    ring_buffer_size_t bigMask;
    ring_buffer_size_t smallMask;
    ring_buffer_size_t elementSizeBytes;
    char *buffer;
}} PaUtilRingBuffer;

ring_buffer_size_t PaUtil_InitializeRingBuffer(
    PaUtilRingBuffer *rbuf, ring_buffer_size_t elementSizeBytes,
    ring_buffer_size_t elementCount, void *dataPtr);

void PaUtil_FlushRingBuffer(PaUtilRingBuffer *rbuf);

ring_buffer_size_t PaUtil_GetRingBufferWriteAvailable(const PaUtilRingBuffer *rbuf);

ring_buffer_size_t PaUtil_GetRingBufferReadAvailable(const PaUtilRingBuffer *rbuf);

ring_buffer_size_t PaUtil_WriteRingBuffer(
    PaUtilRingBuffer *rbuf, const void *data, ring_buffer_size_t elementCount);

ring_buffer_size_t PaUtil_ReadRingBuffer(
    PaUtilRingBuffer *rbuf, void *data, ring_buffer_size_t elementCount);

ring_buffer_size_t PaUtil_GetRingBufferWriteRegions(
    PaUtilRingBuffer *rbuf, ring_buffer_size_t elementCount,
    void **dataPtr1, ring_buffer_size_t *sizePtr1,
    void **dataPtr2, ring_buffer_size_t *sizePtr2);

ring_buffer_size_t PaUtil_AdvanceRingBufferWriteIndex(
    PaUtilRingBuffer *rbuf, ring_buffer_size_t elementCount);

ring_buffer_size_t PaUtil_GetRingBufferReadRegions(
    PaUtilRingBuffer *rbuf, ring_buffer_size_t elementCount,
    void **dataPtr1, ring_buffer_size_t *sizePtr1,
    void **dataPtr2, ring_buffer_size_t *sizePtr2);

ring_buffer_size_t PaUtil_AdvanceRingBufferReadIndex(
    PaUtilRingBuffer *rbuf, ring_buffer_size_t elementCount);
""".format("int32_t" if _is_darwin() else "long")


def init(ffi, lib):
    """Return the class ``RingBuffer`` for a CFFI module.

    Neither argument is used before the first instance is made, so documentation builds can pass
    mocks.

    :param ffi: A CFFI instance that has the declarations of ``cdef()``.
    :param lib: The library of the same CFFI module. If it lacks PortAudio's functions, the class
        works without them.
    :returns: A class whose instances own a C struct declared by *ffi*, which can be passed to
        functions in *lib*.

    For a CFFI module with the name ``_example``::

        from _example import ffi, lib

        RingBuffer = pa_ringbuffer.init(ffi, lib)
        lib.fill(RingBuffer(elementsize=4, size=1024)._ptr)

    """
    namespace = {
        "__doc__": _RingBufferBase.__doc__,
        # The name under which the package is known; Sphinx shows it.
        "__module__": __name__[: -len(".portable")] if __name__.endswith(".portable") else __name__,
        "_ffi": ffi,
        "_lib": lib,
    }
    return type("RingBuffer", (_RingBufferBase,), namespace)


class _Unshared:
    """Slices like a memoryview, but gives each slice a view of its own.

    CPython counts the memoryviews derived from one another without a lock (gh-127716). If two
    threads create or release such views at the same time without a GIL, the memory can be released
    while it is in use.
    """

    __slots__ = ("_exporter", "_readonly")

    def __init__(self, exporter, readonly):
        self._exporter = exporter
        self._readonly = readonly

    def __getitem__(self, part):
        view = memoryview(self._exporter)
        return (view.toreadonly() if self._readonly else view)[part]


def _sliceable(exporter, readonly=False):
    if _FREE_THREADED:
        return _Unshared(exporter, readonly)
    view = memoryview(exporter)
    return view.toreadonly() if readonly else view


class _Geometry:
    """The fields that do not change while a ring is in use, checked for consistency."""

    __slots__ = ("base", "big_mask", "element_size", "fixed", "size", "small_mask", "view")

    def __init__(self, fixed, size, big_mask, small_mask, element_size, base, view):
        self.fixed = fixed
        self.size = size
        self.big_mask = big_mask
        self.small_mask = small_mask
        self.element_size = element_size
        self.base = base
        self.view = view

    def readable(self, write_index, read_index):
        """Number of elements between two indices, which may have any value."""
        filled = (write_index - read_index) & self.big_mask
        return filled if filled < self.size else self.size

    def writable(self, write_index, read_index):
        return self.size - self.readable(write_index, read_index)

    def chunk(self, index, count):
        """The location of *count* elements starting at *index*: a position and two lengths."""
        position = index & self.small_mask
        first = self.size - position
        if count <= first:
            return position, count, 0
        if first < 0:
            # Only a size that is not a power of two, after the ring has wrapped, or a damaged index
            # leads here. PortAudio's C continues with this negative length; the only safe answer is
            # nothing.
            return 0, 0, 0
        return position, first, min(count - first, position)

    def regions(self, chunk):
        position, first, second = chunk
        element_size = self.element_size
        start = position * element_size
        view = self.view
        return (
            first + second,
            view[start : start + first * element_size],
            view[: second * element_size],
        )


# Differs from every struct; stands for fields that have not been read yet.
_UNKNOWN = _Geometry(b"", 0, 0, 0, 0, None, None)


class _CompiledOrdering:
    """Barriers and index stores by the functions in the user's library.

    PortAudio's ``Get...Regions`` contains the barrier that must follow the load of the other side's
    index; the rest of it is arithmetic. ``Advance...`` contains the barrier that must precede its
    own store.
    """

    def __init__(self, ffi, integer, functions):
        self._get_write, self._advance_write, self._get_read, self._advance_read = functions
        # Written by the functions and never read: the regions are computed here from checked
        # fields, whereas the functions do not check them.
        pointers = ffi.new("void *[2]")
        sizes = ffi.new(f"{integer}[2]")
        self._unread = pointers, sizes, pointers + 1, sizes + 1

    def before_writing(self, ring):
        self._get_write(ring, 0, *self._unread)

    def before_reading(self, ring):
        self._get_read(ring, 0, *self._unread)

    def publish_write(self, ring, count, index):
        return self._advance_write(ring, count)

    def publish_read(self, ring, count, index):
        return self._advance_read(ring, count)


class _PythonOrdering:
    """The same without compiled functions.

    An index is one aligned machine word, which CFFI loads and stores in one piece. What remains is
    the order relative to the elements:

    - x86 never reorders two loads or two stores, and the compiler that built the interpreter cannot
      move anything across the calls in between. Nothing more is needed there.
    - 64-bit ARM may reorder both. Releasing a lock keeps earlier accesses before it, acquiring one
      keeps later accesses after it, and a release is not reordered with a later acquire. Acquiring
      and releasing a lock twice therefore orders everything before against everything after. (Once
      is not enough: accesses on both sides could move into the critical section.) This relies on
      locks that use such instructions, as in CPython and PyPy on Linux and macOS; the language does
      not guarantee it.
    - Between Python threads with a GIL, handing over the GIL is enough.
    """

    @staticmethod
    def _fence():
        # A new lock each time, so that it is never contended, not even by a signal handler that
        # interrupts this function.
        lock = Lock()
        with lock:
            pass
        with lock:
            pass

    def before_writing(self, ring):
        self._fence()

    before_reading = before_writing

    def publish_write(self, ring, count, index):
        self._fence()
        ring.writeIndex = index
        return index

    def publish_read(self, ring, count, index):
        self._fence()
        ring.readIndex = index
        return index


def _integer_code():
    """The struct module's code for ``ring_buffer_size_t``."""
    return "i" if _is_darwin() else "l"


def _check_layout(ffi):
    """Make sure that a CFFI instance and we mean the same by ``PaUtilRingBuffer``."""
    try:
        ring = ffi.typeof("PaUtilRingBuffer")
    except AttributeError as error:
        raise TypeError(f"ffi must be a CFFI instance, not {ffi!r}") from error
    except Exception as error:
        raise TypeError(
            "ffi must declare PaUtilRingBuffer; hand it the declarations of cdef()"
        ) from error
    declared = dict(getattr(ring, "fields", None) or ())
    for position, name in enumerate(_FIELDS):
        kind, code = ("pointer", "P") if name == "buffer" else ("primitive", _integer_code())
        # A count of 0 adds alignment, as a C compiler does, and no data.
        offset = struct.calcsize(f"@{position}{_integer_code()}0{code}")
        size = struct.calcsize(code)
        if name not in declared:
            raise TypeError(f"ffi declares PaUtilRingBuffer without its field {name}")
        field = declared[name]
        actual_size = ffi.sizeof(field.type)
        if (field.offset, actual_size, field.type.kind) != (offset, size, kind):
            raise TypeError(
                f"ffi declares the field {name} of PaUtilRingBuffer as {field.type.cname} with "
                f"{actual_size} bytes at offset {field.offset}; it must be "
                f"{'a pointer' if kind == 'pointer' else 'an integer'} with {size} bytes at "
                f"offset {offset}"
            )
    for name in declared:
        if name not in _FIELDS:
            raise TypeError(f"ffi declares PaUtilRingBuffer with an unknown field {name}")


class _Binding:
    """What a CFFI instance and its library provide, after checking it."""

    def __init__(self, ffi, lib):
        _check_layout(ffi)
        code = _integer_code()
        self.ffi = ffi
        self.lib = lib
        self.format = struct.Struct(f"@6{code}P")
        self.fixed_offset = struct.calcsize(f"@3{code}")
        self.largest = 2 ** (8 * struct.calcsize(code) - 1) - 1
        names = (
            "PaUtil_GetRingBufferWriteRegions",
            "PaUtil_AdvanceRingBufferWriteIndex",
            "PaUtil_GetRingBufferReadRegions",
            "PaUtil_AdvanceRingBufferReadIndex",
        )
        functions = [getattr(lib, name, None) for name in names]
        if all(function is not None for function in functions):
            fields = dict(ffi.typeof("PaUtilRingBuffer").fields)
            integer = ffi.getctype(fields["bufferSize"].type)
            self.ordering = _CompiledOrdering(ffi, integer, functions)
        else:
            self.ordering = _PythonOrdering()

    def struct_pointer(self, pointer, name):
        """Check a pointer to a struct, which may belong to any CFFI instance."""
        ctype = self.ffi.typeof(pointer) if isinstance(pointer, self.ffi.CData) else None
        if getattr(ctype, "kind", None) not in ("pointer", "array") or ctype.item.cname not in (
            "PaUtilRingBuffer",
            "struct PaUtilRingBuffer",
            "void",
        ):
            raise TypeError(
                f"{name} must be a CFFI pointer to PaUtilRingBuffer, "
                f"not {_type_name(pointer, self.ffi)}"
            )
        return self._checked_address(int(self.ffi.cast("uintptr_t", pointer)), name)

    def struct_address(self, address, name):
        """Check the address of a struct."""
        wanted = "an address (int) or a CFFI pointer to PaUtilRingBuffer"
        address = _integer(address, name, wanted)
        largest = 2 ** (8 * struct.calcsize("P")) - 1
        if not 0 <= address <= largest:
            shown = _shown(address, 2**64)
            raise ValueError(f"{name} must be an address, from 1 to {largest}, not {shown}")
        return self._checked_address(address, name)

    def _checked_address(self, address, name):
        if address == 0:
            raise ValueError(f"{name} must not be NULL")
        alignment = struct.calcsize("P")
        if address % alignment:
            raise ValueError(
                f"{name} must be the address of a PaUtilRingBuffer, a multiple of {alignment}, "
                f"not {address}"
            )
        return self.ffi.cast("PaUtilRingBuffer *", address)

    def cdata_memory(self, data):
        """Address and size of a CFFI array, or of the target of a pointer.

        The size is None if the C type has none. The third result is whether this size is exact:
        only the caller knows how much memory follows a pointer's target.
        """
        ffi = self.ffi
        ctype = ffi.typeof(data)
        if ctype.kind not in ("array", "pointer"):
            raise _not_memory(data, "data", ffi)
        if data == ffi.NULL:
            raise ValueError("data must not be NULL")
        address = ffi.cast("char *", data)
        if ctype.kind == "array":
            return address, ffi.sizeof(data), True
        # Compilers define sizeof(void) as 1.
        if ctype.item.kind == "void":
            return address, None, False
        try:
            return address, ffi.sizeof(ctype.item), False
        except Exception:
            return address, None, False


def _count(nbytes, exact, element_size, size):
    """Number of elements to transfer to or from *nbytes* bytes; all if *size* is negative."""
    if size < 0:
        if nbytes is None:
            raise TypeError(
                "data must be a pointer to a type of known size, not to void or an opaque type: "
                "cast it, or use ffi.buffer()"
            )
        return _whole(nbytes, element_size, "data")
    if exact and size * element_size > nbytes:
        raise ValueError(
            f"size must be at most {nbytes // element_size}, the number of elements in data, "
            f"not {_shown(size)}"
        )
    return size


def _whole(nbytes, element_size, name):
    count, rest = divmod(nbytes, element_size)
    if rest:
        raise ValueError(
            f"the size of {name} in bytes must be a multiple of elementsize ({element_size}), "
            f"not {nbytes}"
        )
    return count


def _type_name(value, ffi):
    if isinstance(value, ffi.CData):
        return f"CData of type '{ffi.typeof(value).cname}'"
    return type(value).__name__


def _not_memory(value, name, ffi):
    cdata = " or a CFFI array" if name == "buffer" else ", or a CFFI array or pointer"
    return TypeError(f"{name} must be a bytes-like object{cdata}, not {_type_name(value, ffi)}")


def _raised_by(error):
    """Whether an exception was raised by Python code rather than by the called function."""
    return error.__traceback__.tb_next is not None


def _integer(value, name, wanted="an integer"):
    # Exceptions from an object's own method propagate.
    if hasattr(type(value), "__index__"):
        try:
            # A subclass of int may print and compare differently.
            return int.__index__(index(value))
        except TypeError as error:
            if _raised_by(error):
                raise
    raise TypeError(f"{name} must be {wanted}, not {type(value).__name__}")


def _shown(number, largest=2**63 - 1):
    """A number for an error message. Python refuses to print thousands of digits."""
    if number <= -(2**63):
        return f"{-(2**63)} or less"
    return f"{largest} or more" if number >= largest else number


def _seconds(value, name):
    """A number of seconds; None becomes infinity."""
    if value is None:
        return math.inf
    try:
        if not any(hasattr(type(value), method) for method in ("__float__", "__index__")):
            raise TypeError
        seconds = float(value)
    except TypeError as error:
        if _raised_by(error):
            raise
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}") from None
    except OverflowError as error:
        if _raised_by(error):
            raise
        raise OverflowError(
            f"{name} must be a number of seconds that fits into a float, not a larger one"
        ) from None
    if math.isnan(seconds):
        raise ValueError(f"{name} must be a number of seconds, not nan")
    return seconds


def _nothing(*_objects):
    pass


def _keep_from_collector(ring, *objects):
    """Have objects die with the last reference to them instead of being garbage-collected.

    The collector clears garbage in any order, and CFFI, ctypes and memoryviews release memory when
    they are cleared, although code that runs during the collection may still use a ring. Objects
    registered here are not garbage before *ring* is. The price: a reference cycle that leads
    through one of them is never freed.
    """
    if sys.implementation.name == "cpython":
        finalizer = weakref.finalize(ring, _nothing, *objects)
        finalizer.atexit = False


def _may_lead_back(exporter):
    """Whether an exporter's attributes can refer to the ring.

    If so, it is an array or similar object of a class written in Python, and clearing it removes
    only its attributes. ctypes objects have attributes, too, but clearing them releases their
    memory.
    """
    ctypes = any(getattr(cls, "__module__", None) == "_ctypes" for cls in type(exporter).__mro__)
    return hasattr(exporter, "__dict__") and not ctypes


def _memory(value, name, ffi, writable=False):
    """A memoryview of any C-contiguous buffer, except for arrays of Python objects.

    This asks *value* for its memory only once: an exporter written in Python may answer differently
    the second time.
    """
    if _FREE_THREADED and isinstance(value, memoryview):
        # Other threads may use it, too; see _Unshared.
        from pickle import PickleBuffer

        value = PickleBuffer(value)
    try:
        view = memoryview(value)
    except TypeError as error:
        # The exporter's own error, since Python 3.12.
        if hasattr(type(value), "__buffer__"):
            raise
        raise _not_memory(value, name, ffi) from error
    except ValueError:
        # NumPy cannot export the format of dates, but it can export them as nameless bytes.
        dtype = getattr(value, "dtype", None)
        if getattr(dtype, "hasobject", True):
            raise
        view = memoryview(value.view(f"V{dtype.itemsize}"))
    # Field names may contain any letter.
    if "O" in view.format and "O" in re.sub(":[^:]*:", "", view.format):
        raise TypeError(f"{name} must hold plain numbers or bytes, not Python objects")
    if (writable and view.readonly) or not view.c_contiguous:
        problem = "writable" if writable and view.readonly else "C-contiguous"
        # This provokes the exporter's own error, which is what the user should see.
        try:
            ffi.release(ffi.from_buffer(value, require_writable=writable))
        except TypeError as error:
            # PyPy's name for it.
            raise BufferError(f"{name} must be {problem}") from error
        raise BufferError(f"{name} must be {problem}")
    return view


class _Keep:
    """Keeps objects alive as long as a CFFI pointer, by being its (idle) destructor."""

    def __init__(self, *objects):
        self._objects = objects

    def __call__(self, pointer):
        pass


class _Side:
    """One of the two sides of a ring, which only one thread at a time may use."""

    def __init__(self):
        self._lock = RLock()
        self._busy = False

    def alone(self, function, *arguments):
        """Call a function while no other thread uses this side.

        A signal handler or a finalizer that runs in the middle of the function can lead the same
        thread here a second time. Waiting would be a deadlock, and continuing would tear elements.
        """
        with self._lock:
            if self._busy:
                raise RuntimeError(
                    "this call has interrupted another one on the same side of the ring, which "
                    "must return first"
                )
            try:
                self._busy = True
                return function(*arguments)
            finally:
                self._busy = False


class _Ring:
    """A struct, the storage it points to, and the operations on them.

    :meth:`_refresh` judges a struct whose fields differ from those checked before.
    """

    def __init__(self, binding, pointer):
        self.binding = binding
        self.ffi = binding.ffi
        self.pointer = pointer
        self.producer = _Side()
        self.consumer = _Side()
        self._ordering = binding.ordering
        self._struct = memoryview(self.ffi.buffer(pointer, binding.format.size))
        self._fixed = self._struct[binding.fixed_offset :]
        self._geometry = _UNKNOWN

    readonly = False

    def geometry(self):
        geometry = self._geometry
        # One comparison covers the four fields at the end of the struct. It takes place each time,
        # because there is no other way to know whether other code has changed them.
        if self._fixed == geometry.fixed and self.pointer.bufferSize == geometry.size:
            return geometry
        return self._refresh()

    def _fields(self):
        """A copy of the fields, which does not change while it is being checked."""
        copy = bytes(self._struct)
        fields = dict(zip(_FIELDS, self.binding.format.unpack(copy)))
        return fields, copy[self.binding.fixed_offset :]

    def transfer_geometry(self, element_size):
        """The geometry for a transfer whose elements were counted with this element size."""
        geometry = self.geometry()
        if element_size != geometry.element_size:
            raise RuntimeError(
                f"the ring's field elementSizeBytes was changed from {element_size} to "
                f"{geometry.element_size} during the transfer"
            )
        return geometry

    def writable_geometry(self):
        """The geometry of a ring that Python may write to."""
        geometry = self.geometry()
        if self.readonly:
            raise TypeError(
                "the ring's buffer is read-only: it can be read and its write index advanced, but "
                "not written to"
            )
        return geometry

    def readable(self):
        pointer = self.pointer
        return self.geometry().readable(pointer.writeIndex, pointer.readIndex)

    def writable(self):
        pointer = self.pointer
        return self.geometry().writable(pointer.writeIndex, pointer.readIndex)

    def write_chunk(self, geometry, count):
        pointer = self.pointer
        write_index = pointer.writeIndex
        count = min(count, geometry.writable(write_index, pointer.readIndex))
        if count:
            self._ordering.before_writing(pointer)
        return write_index, geometry.chunk(write_index, count)

    def read_chunk(self, geometry, count):
        pointer = self.pointer
        read_index = pointer.readIndex
        count = min(count, geometry.readable(pointer.writeIndex, read_index))
        if count:
            self._ordering.before_reading(pointer)
        return read_index, geometry.chunk(read_index, count)

    # The following methods change the ring; their callers own its side.

    def put(self, source, count, element_size):
        geometry = self.transfer_geometry(element_size)
        write_index, (position, first, second) = self.write_chunk(geometry, count)
        count = first + second
        if count:
            base = geometry.base
            nbytes = first * element_size
            memmove = self.ffi.memmove
            memmove(base + position * element_size, source, nbytes)
            if second:
                source = self._addressable(source)
                memmove(base, source + nbytes, second * element_size)
            self._publish_write(geometry, count, write_index)
        return count

    def take_into(self, target, count, element_size):
        geometry = self.transfer_geometry(element_size)
        read_index, (position, first, second) = self.read_chunk(geometry, count)
        count = first + second
        if count:
            base = geometry.base
            nbytes = first * element_size
            memmove = self.ffi.memmove
            memmove(target, base + position * element_size, nbytes)
            if second:
                target = self._addressable(target)
                memmove(target + nbytes, base, second * element_size)
            self._publish_read(geometry, count, read_index)
        return count

    def _addressable(self, memory):
        """Memory as CFFI array: a memoryview can only be sliced in whole items."""
        return self.ffi.from_buffer(memory) if isinstance(memory, memoryview) else memory

    def take(self, count, leave=False):
        geometry = self.geometry()
        if count < 0:
            count = geometry.size
        read_index, chunk = self.read_chunk(geometry, count)
        count, first, second = geometry.regions(chunk)
        elements = bytearray(first)
        elements += second
        if count and not leave:
            self._publish_read(geometry, count, read_index)
        return elements

    def take_latest(self, count):
        geometry, pointer = self.geometry(), self.pointer
        read_index = pointer.readIndex
        available = geometry.readable(pointer.writeIndex, read_index)
        if available:
            self._ordering.before_reading(pointer)
        older = max(available - count, 0)
        chunk = geometry.chunk(read_index + older, available - older)
        count, first, second = geometry.regions(chunk)
        elements = bytearray(first)
        elements += second
        # Only after allocating the memory for the elements that are returned.
        if available:
            self._publish_read(geometry, older + count, read_index)
        return elements

    def advance_write(self, count):
        geometry = self.geometry()
        write_index = self.pointer.writeIndex
        available = geometry.writable(write_index, self.pointer.readIndex)
        if count > available:
            raise ValueError(
                f"size must be at most {available}, the number of elements that can be written "
                f"now, not {_shown(count)}"
            )
        return self._publish_write(geometry, count, write_index)

    def advance_read(self, count):
        geometry = self.geometry()
        read_index = self.pointer.readIndex
        available = geometry.readable(self.pointer.writeIndex, read_index)
        if count > available:
            raise ValueError(
                f"size must be at most {available}, the number of elements that can be read "
                f"now, not {_shown(count)}"
            )
        return self._publish_read(geometry, count, read_index)

    def discard(self, count):
        geometry = self.geometry()
        read_index = self.pointer.readIndex
        count = min(count, geometry.readable(self.pointer.writeIndex, read_index))
        if count:
            self._publish_read(geometry, count, read_index)
        return count

    def flush(self):
        self.producer.alone(self.consumer.alone, self._flush)

    def _flush(self):
        self.geometry()
        self.pointer.readIndex = 0
        self.pointer.writeIndex = 0

    def _publish_write(self, geometry, count, write_index):
        new_index = (write_index + count) & geometry.big_mask
        return self._ordering.publish_write(self.pointer, count, new_index)

    def _publish_read(self, geometry, count, read_index):
        new_index = (read_index + count) & geometry.big_mask
        return self._ordering.publish_read(self.pointer, count, new_index)


class _OwnRing(_Ring):
    """A struct of our own, whose correct fields are known without reading them."""

    def __init__(self, binding, element_size, size, data, readonly, exporter=None):
        ffi = binding.ffi
        ring = ffi.new("PaUtilRingBuffer *")
        ring.bufferSize = size
        ring.bigMask = 2 * size - 1
        ring.smallMask = size - 1
        ring.elementSizeBytes = element_size
        ring.buffer = base = ffi.cast("char *", data)
        # The pointer to the struct gives access to the storage.
        super().__init__(binding, ffi.gc(ring, _Keep(data)))
        self.given = self.pointer
        self.data = data
        if not _may_lead_back(exporter):
            _keep_from_collector(self, self.pointer, data)
        self.readonly = readonly
        self._capacity = size
        self._initial, fixed = self._fields()
        self._geometry = _Geometry(
            fixed,
            size,
            2 * size - 1,
            size - 1,
            element_size,
            base,
            _sliceable(ffi.buffer(data), readonly),
        )

    def _refresh(self):
        fields, fixed = self._fields()
        for name in ("buffer", "elementSizeBytes", "smallMask", "bigMask"):
            if fields[name] != self._initial[name]:
                raise RuntimeError(
                    f"the ring's field {name} was overwritten: it must be {self._initial[name]}, "
                    f"not {fields[name]}"
                )
        size = fields["bufferSize"]
        if not 1 <= size <= self._capacity:
            raise RuntimeError(
                f"the ring's field bufferSize was overwritten: it must be from 1 to "
                f"{self._capacity}, not {size}"
            )
        old = self._geometry
        self._geometry = geometry = _Geometry(
            fixed, size, old.big_mask, old.small_mask, old.element_size, old.base, old.view
        )
        return geometry


class _ForeignRing(_Ring):
    """A struct owned by other code, which may initialise or change it at any time."""

    def __init__(self, binding, pointer, given, data=None):
        super().__init__(binding, pointer)
        self.given = given
        self._data = data
        _keep_from_collector(self, pointer, given, data)

    @property
    def data(self):
        return self._data

    @data.setter
    def data(self, data):
        self._data = data
        _keep_from_collector(self, data)
        # Regions must keep the new object alive.
        self._geometry = _UNKNOWN

    def problem(self, fields=None):
        """The first field that an initialised ring cannot have, and why, or None."""
        if fields is None:
            fields, _ = self._fields()
        size, small_mask = fields["bufferSize"], fields["smallMask"]
        if not fields["buffer"]:
            name, expected = "buffer", "a pointer to the elements"
        elif fields["elementSizeBytes"] < 1:
            largest = min(self.binding.largest, sys.maxsize)
            name, expected = "elementSizeBytes", f"from 1 to {largest}"
        elif small_mask < 0 or small_mask & (small_mask + 1):
            name, expected = "smallMask", "a power of 2 minus 1"
        elif fields["bigMask"] != 2 * small_mask + 1:
            name, expected = "bigMask", f"{2 * small_mask + 1} (twice smallMask plus 1)"
        elif not 1 <= size <= small_mask + 1:
            name, expected = "bufferSize", f"from 1 to {small_mask + 1} (smallMask plus 1)"
        elif fields["elementSizeBytes"] > sys.maxsize // size:
            name = "elementSizeBytes"
            expected = f"from 1 to {sys.maxsize // size} (what fits into the address space)"
        else:
            return None
        return f"the ring's field {name} must be {expected}, not {fields[name] or 0}"

    def _refresh(self):
        fields, fixed = self._fields()
        problem = self.problem(fields)
        if problem:
            raise RuntimeError(f"{problem}; was the ring initialised?")
        ffi = self.ffi
        size, element_size = fields["bufferSize"], fields["elementSizeBytes"]
        keep = _Keep(self.given, self._data)
        base = ffi.gc(ffi.cast("char *", fields["buffer"]), keep)
        geometry = _Geometry(
            fixed,
            size,
            fields["bigMask"],
            fields["smallMask"],
            element_size,
            base,
            _sliceable(ffi.buffer(base, size * element_size)),
        )
        self._geometry = geometry
        return geometry


class _OwnFFI:
    """A CFFI instance, created when first needed; CFFI is imported then."""

    def __init__(self):
        self._ffi = None
        self._lock = Lock()

    def __get__(self, instance, owner):
        with self._lock:
            if self._ffi is None:
                try:
                    from cffi import FFI
                except ImportError as error:
                    raise ImportError("this RingBuffer needs CFFI: pip install cffi") from error
                ffi = FFI()
                ffi.cdef(cdef())
                self._ffi = ffi
            return self._ffi


def _picture(ring, base, html=False):
    """SVG of a ring and its two indices; None if it cannot be drawn.

    :param base: The class of rings that it is derived from. What subclasses say may be wrong.
    :param html: Whether the picture becomes a part of a page, and has the colour of its text;
        otherwise, it has a grey that can be read on white and on black.

    """
    import ctypes

    try:
        address = base.address.__get__(ring)
        fields = ctypes.string_at(address, struct.calcsize(f"@6{_integer_code()}"))
        size, element_size = base.__len__(ring), base.elementsize.__get__(ring)
        text = "".join(char if char.isprintable() else "?" for char in repr(ring)[1:-1])
    except Exception:
        # Not initialised, or damaged: repr() says more.
        return None
    _, write, read, big_mask, *_ = struct.unpack(f"@6{_integer_code()}", fields)
    if not size:
        return None
    filled = min((write - read) & big_mask, size)

    def hand(index, name, length, down):
        angle = 2 * math.pi * (index % size) / size
        x, y = math.sin(angle), -math.cos(angle)
        anchor = "middle" if abs(x) < 0.3 else "start" if x > 0 else "end"
        # Where both hands are in the same place, one name is above the other.
        return (
            f'<line x1="{40 * x:.2f}" y1="{40 * y:.2f}" x2="{length * x:.2f}" '
            f'y2="{length * y:.2f}" stroke="currentColor" stroke-width="1.5"/>'
            f'<text x="{(length + 4) * x:.2f}" y="{(length + 8) * y + 3 + down:.2f}" '
            f'text-anchor="{anchor}">{name} {index % size}</text>'
        )

    turn = 360 * (read % size) / size - 90
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    colour = "" if html else ' color="#808080"'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200" '
        f'viewBox="-160 -100 320 200" role="img"{colour} fill="currentColor" '
        f'font-family="sans-serif" font-size="10"><title>{text}</title>'
        '<g fill="none" stroke-width="14">'
        '<circle r="52" stroke="currentColor" stroke-opacity="0.25"/>'
        f'<circle r="52" stroke="#3584c8" pathLength="{size}" '
        f'stroke-dasharray="{filled} {size - filled}" transform="rotate({turn:.2f})"/></g>'
        f"{hand(read, 'read', 66, 6)}{hand(write, 'write', 78, -6)}"
        f'<text text-anchor="middle" y="-3">{filled} of {size}</text>'
        f'<text text-anchor="middle" y="10">{element_size} bytes each</text></svg>'
    )


class _RingBufferBase:
    """PortAudio's lock-free ring buffer, for one producer and one consumer.

    A ring buffer carries elements of a fixed size from one thread, the producer, to another,
    the consumer. Neither ever waits for the other: if there is too little room, or too little
    data, fewer elements are transferred, and the return value says how many. All *size*
    elements are usable.

    Usually Python is on one side, and a PortAudio callback or other compiled code on the other.
    The compiled side gets a pointer to the C struct ``PaUtilRingBuffer`` (see ``address``) and
    uses PortAudio's C functions, or compatible ones.

    One thread at a time may write (``write()``, ``get_write_buffers()`` and
    ``advance_write_index()``), and one thread at a time may read (``read()``, ``readinto()``,
    ``get_read_buffers()`` and ``advance_read_index()``). Writing and reading may happen at the
    same time. If several Python threads share a side, each ``write()``, ``read()`` and
    ``readinto()`` is atomic, but a chunk takes two calls: hold a lock of your own from getting
    the buffers until you have advanced the index. Call ``flush()`` only while no thread is
    writing or reading. Any thread may ask for the number of available elements.

    :param elementsize: The size of one element in bytes. For audio, this is typically the
        number of channels times the number of bytes per sample.
    :type elementsize: int
    :param size: The number of elements in the ring, which must be a power of 2. Their memory is
        allocated and filled with zeros. Give either *size* or *buffer*.
    :type size: int, optional
    :param buffer: Existing memory to use instead: a C-contiguous buffer, or a CFFI array. It is
        not copied, and the ring keeps it alive. Its size in bytes must be *elementsize* times a
        power of 2. If it is read-only, Python cannot write elements, but
        ``advance_write_index()`` can pass the elements that it already holds to the consumer.
    :type buffer: buffer, optional
    :raises TypeError: If neither or both of *size* and *buffer* are given, or one of the
        arguments has an unsuitable type.
    :raises ValueError: If *elementsize* is not positive, if the number of elements is not a
        power of 2, or if the size of *buffer* is not a multiple of *elementsize*.
    :raises OverflowError: If *elementsize* times *size* exceeds the address space.
    :raises MemoryError: If there is not enough memory.

    A ring for 1024 stereo frames of ``'float32'`` samples:

    >>> import pa_ringbuffer
    >>> ring = pa_ringbuffer.RingBuffer(elementsize=2 * 4, size=1024)
    >>> ring.write(bytes(8 * 100))
    100
    >>> ring.read_available, ring.write_available
    (100, 924)
    >>> len(ring.read())
    800

    """

    # Subclasses bring their own. These make a class that needs no compiled module.
    _ffi = _OwnFFI()
    _lib = None

    __ring = None
    # Until something is assigned to _data, which may well be None.
    __data = ...
    __binding = None

    def __new__(cls, *args, **kwargs):
        # Subclasses may have an __init__() with other arguments, or none at all.
        return super().__new__(cls)

    def __init__(self, elementsize, size=None, buffer=None):
        self.__refuse_second_ring()
        binding = self.__bind()
        elementsize = _integer(elementsize, "elementsize")
        # A number from which on they are not told apart is too large anywhere.
        self.__refuse_beyond(min(binding.largest, 2**63 - 2), elementsize, "elementsize")
        if elementsize < 1:
            raise ValueError(
                f"elementsize must be a positive number of bytes, not {_shown(elementsize)}"
            )
        if (size is None) == (buffer is None):
            raise TypeError(
                "exactly one of size (a number of elements) and buffer must be given, "
                f"not {'none' if size is None else 'both'}"
            )
        if buffer is None:
            size = _integer(size, "size")
            data, readonly = None, False
        else:
            data, nbytes, readonly = self.__borrow(binding.ffi, buffer)
            size = _whole(nbytes, elementsize, "buffer")
        # The masks need one bit more.
        self.__refuse_beyond(binding.largest // 2 + 1, size, "size")
        if size < 1 or size & (size - 1):
            raise ValueError(f"size must be a power of 2, not {_shown(size)}")
        if elementsize * size > sys.maxsize:
            raise OverflowError(
                f"elementsize x size must be at most {sys.maxsize} bytes, "
                f"not {elementsize} x {size}"
            )
        if data is None:
            try:
                data = binding.ffi.new("unsigned char[]", elementsize * size)
            except (MemoryError, OverflowError):
                raise MemoryError(f"no memory for {size} elements of {elementsize} bytes") from None
        # Finding out about the arguments can have run any Python code.
        self.__refuse_second_ring()
        self.__ring = _OwnRing(binding, elementsize, size, data, readonly, buffer)

    @staticmethod
    def __refuse_beyond(most, number, name):
        if number > most:
            raise OverflowError(f"{name} must be at most {most}, not {_shown(number)}")

    def __refuse_second_ring(self):
        if self.__ring is not None:
            raise RuntimeError(
                "the ring buffer is already initialised, and C code may be using it: make a new "
                "RingBuffer instead"
            )

    @classmethod
    def __bind(cls):
        """Check a CFFI instance once per class, when it is first needed."""
        ffi, lib = cls._ffi, cls._lib
        binding = cls.__dict__.get("_RingBufferBase__binding")
        if binding is None or binding.ffi is not ffi or binding.lib is not lib:
            cls.__binding = binding = _Binding(ffi, lib)
        return binding

    @staticmethod
    def __borrow(ffi, buffer):
        """Memory of a buffer or CFFI array as CFFI array, its size, and whether it is read-only."""
        if isinstance(buffer, ffi.CData):
            if ffi.typeof(buffer).kind != "array":
                raise _not_memory(buffer, "buffer", ffi)
            return buffer, ffi.sizeof(buffer), False
        view = _memory(buffer, "buffer", ffi)
        return ffi.from_buffer(view), view.nbytes, view.readonly

    def __initialised(self):
        ring = self.__ring
        if ring is None:
            raise RuntimeError(
                "the ring buffer is not initialised: RingBuffer.__init__() was not called"
            )
        return ring

    def __copy(self, transfer, data, writable):
        """Call *transfer* with memory, and what ``_Binding.cdata_memory()`` tells of its size."""
        binding = self.__bind() if self.__ring is None else self.__ring.binding
        if isinstance(data, binding.ffi.CData):
            return transfer(*binding.cdata_memory(data))
        with _memory(data, "data", binding.ffi, writable) as view:
            return transfer(view, view.nbytes, True)

    @classmethod
    def from_pointer(cls, pointer):
        """Use a ring that other code, such as a C program, has initialised.

        The ring is checked and used in place. Its memory must stay valid as long as the returned
        object, or a buffer obtained from it, is in use. The returned object keeps a CFFI pointer
        alive; it cannot do that for a number.

        :param pointer: The address of a C struct ``PaUtilRingBuffer``, as a number or as a pointer
            to this struct (or to ``void``) of any CFFI instance.
        :type pointer: CData pointer or int
        :returns: A new object of this class for the same ring.
        :raises TypeError: If *pointer* is something else.
        :raises ValueError: If *pointer* is NULL or misaligned, or if the struct is not an
            initialised ring. The message names the field that is wrong.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=8)
        >>> same = pa_ringbuffer.RingBuffer.from_pointer(ring.address)
        >>> ring.write(b'abcd')
        1
        >>> bytes(same.read())
        b'abcd'

        """
        self = _RingBufferBase.__new__(cls)
        binding = cls.__bind()
        if isinstance(pointer, binding.ffi.CData):
            # As _ptr, it must belong to our own CFFI instance.
            own = binding.struct_pointer(pointer, "pointer")
            own = binding.ffi.gc(own, _Keep(pointer))
        else:
            own = binding.struct_address(pointer, "pointer")
        ring = _ForeignRing(binding, own, own)
        problem = ring.problem()
        if problem:
            raise ValueError(f"pointer: {problem}")
        self.__ring = ring
        return self

    @property
    def address(self):
        """Address of the C struct ``PaUtilRingBuffer``, for the code on the other side of the ring.

        The number works with anything that can call C: ctypes, Numba, Cython, Rust etc. It is valid
        as long as this object exists. (:class:`int`)

        """
        ring = self.__initialised()
        return int(ring.ffi.cast("uintptr_t", ring.pointer))

    def _pin(self):
        """Address of the struct, what keeps it and the elements, element size, if read-only.

        For StreamCallback. A subclass cannot replace this: it is called by the name of this class.
        """
        ring = self.__initialised()
        geometry = ring.geometry()
        address = int(ring.ffi.cast("uintptr_t", ring.pointer))
        return address, (ring, self.__data, geometry), geometry.element_size, ring.readonly

    @property
    def _ptr(self):
        if self.__ring is None:
            raise AttributeError(
                "the ring buffer has no _ptr: RingBuffer.__init__() was not called"
            )
        return self.__ring.given

    @_ptr.setter
    def _ptr(self, pointer):
        # Exchanging one foreign ring for another is up to those who own them.
        if not isinstance(self.__ring, _ForeignRing):
            self.__refuse_second_ring()
        binding = self.__bind()
        struct_pointer = binding.struct_pointer(pointer, "_ptr")
        self.__ring = _ForeignRing(binding, struct_pointer, pointer, self.__data)

    @property
    def _data(self):
        if self.__data is not ...:
            return self.__data
        if not isinstance(self.__ring, _OwnRing):
            raise AttributeError(
                "the ring buffer has no _data: RingBuffer.__init__() was not called, and nothing "
                "was assigned"
            )
        return self.__ring.data

    @_data.setter
    def _data(self, data):
        self.__data = data
        if isinstance(self.__ring, _ForeignRing):
            self.__ring.data = data

    def flush(self):
        """Make the ring empty.

        Call this only while no thread is writing or reading, on either side.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=8)
        >>> ring.write(b'abcdefgh')
        2
        >>> ring.flush()
        >>> ring.read_available
        0

        """
        self.__initialised().flush()

    @property
    def write_available(self):
        """Number of elements that can be written now. (:class:`int`)

        Only :meth:`write` and :meth:`advance_write_index` decrease it.

        """
        return self.__initialised().writable()

    @property
    def read_available(self):
        """Number of elements that can be read now. (:class:`int`)

        Only methods that remove elements decrease it, such as :meth:`read`.

        """
        return self.__initialised().readable()

    def write(self, data, size=-1):
        """Copy elements into the ring and make them available for reading.

        This advances the write index: do not call :meth:`advance_write_index` afterwards.

        :param data: The elements: any C-contiguous buffer (of any type and shape; only its bytes
            matter), a CFFI array, or a CFFI pointer. Without *size*, a pointer stands for the one
            object that it points to.
        :type data: CData pointer or buffer
        :param size: The number of elements to write, at most the number in *data*. If it is
            negative or omitted, all elements in *data* are written. If *data* is a pointer, the
            caller must make sure that it points to at least *size* elements: this cannot be
            checked.
        :type size: int, optional
        :returns: The number of elements written, which is smaller than *size* if there is not
            enough room.
        :rtype: int
        :raises ValueError: If *size* exceeds the number of elements in *data*, if *size* is omitted
            and the size of *data* in bytes is not a multiple of the element size, or if *data* is
            NULL or not contiguous.
        :raises BufferError: If *data* is not contiguous. (The kind of error depends on *data*.)
        :raises TypeError: If *data* is something else, holds Python objects, or is a ``void *``
            without *size*; if *size* is not an integer; if the ring uses a read-only buffer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabbcc')
        3
        >>> ring.write(b'ddee')
        1

        """
        size = _integer(size, "size")

        def transfer(source, nbytes, exact):
            ring = self.__initialised()
            element_size = ring.writable_geometry().element_size
            count = _count(nbytes, exact, element_size, size)
            return ring.producer.alone(ring.put, source, count, element_size)

        return self.__copy(transfer, data, writable=False)

    def read(self, size=-1):
        """Remove elements from the ring and return them in a new buffer.

        This advances the read index: do not call :meth:`advance_read_index` afterwards.

        :param size: The number of elements to read. If it is negative or omitted, all available
            elements are read.
        :type size: int, optional
        :returns: The elements; fewer than *size* if fewer are available.
        :rtype: bytearray
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabbcc')
        3
        >>> ring.read(2)
        bytearray(b'aabb')
        >>> ring.read()
        bytearray(b'cc')

        """
        size = _integer(size, "size")
        ring = self.__initialised()
        return ring.consumer.alone(ring.take, size)

    def peek(self, size=-1):
        """Copy elements out of the ring without removing them.

        :param size: The number of elements, starting with the one that :meth:`read` would return
            first. If it is negative or omitted, all available elements are copied.
        :type size: int, optional
        :returns: The elements; fewer than *size* if fewer are available.
        :rtype: bytearray
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabb')
        2
        >>> ring.peek(1), ring.read_available
        (bytearray(b'aa'), 2)

        """
        size = _integer(size, "size")
        ring = self.__initialised()
        return ring.consumer.alone(ring.take, size, True)

    def read_latest(self, size):
        """Remove all elements from the ring and return the newest ones.

        Use this for meters and plots, which show the present. Afterwards the ring is empty, except
        for what the producer has written in the meantime.

        :param size: The number of elements to return.
        :type size: int
        :returns: The elements, oldest first; fewer than *size* if fewer are available.
        :rtype: bytearray
        :raises ValueError: If *size* is negative.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabbcc')
        3
        >>> ring.read_latest(1), ring.read_available
        (bytearray(b'cc'), 0)

        """
        size = self.__desired(size)
        ring = self.__initialised()
        return ring.consumer.alone(ring.take_latest, size)

    def wait_for_data(self, size=1, timeout=None):
        """Wait until elements can be read.

        The producer does not have to signal anything: this method checks the ring every millisecond
        (less often after a while), without needing Python for that. Other threads keep running, and
        Ctrl-C works.

        :param size: The number of elements that must be available.
        :type size: int, optional
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :type timeout: float, optional
        :returns: Whether *size* elements can be read now.
        :rtype: bool
        :raises ValueError: If *size* is negative or exceeds the ring's size, or *timeout* is not a
            number.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.wait_for_data(1, timeout=0.01)
        False
        >>> ring.write(b'aa')
        1
        >>> ring.wait_for_data(1)
        True

        """
        return self.__wait("readable", size, timeout)

    def wait_for_room(self, size=1, timeout=None):
        """Wait until there is room for elements.

        The same as :meth:`wait_for_data`, for the producer.

        :param size: The number of elements that must fit.
        :type size: int, optional
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :type timeout: float, optional
        :returns: Whether *size* elements can be written now.
        :rtype: bool
        :raises ValueError: If *size* is negative or exceeds the ring's size, or *timeout* is not a
            number.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.wait_for_room(4)
        True

        """
        return self.__wait("writable", size, timeout)

    async def wait_for_data_async(self, size=1, timeout=None):
        """:meth:`wait_for_data` as a coroutine, for ``asyncio``.

        :param size: The number of elements that must be available.
        :type size: int, optional
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :type timeout: float, optional
        :returns: Whether *size* elements can be read now.
        :rtype: bool

        >>> import asyncio, pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> asyncio.run(ring.wait_for_data_async(1, timeout=0.01))
        False

        """
        return await self.__wait_async("readable", size, timeout)

    async def wait_for_room_async(self, size=1, timeout=None):
        """:meth:`wait_for_room` as a coroutine, for ``asyncio``.

        :param size: The number of elements that must fit.
        :type size: int, optional
        :param timeout: Maximum time to wait, in seconds; no limit if omitted.
        :type timeout: float, optional
        :returns: Whether *size* elements can be written now.
        :rtype: bool

        >>> import asyncio, pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> asyncio.run(ring.wait_for_room_async(4))
        True

        """
        return await self.__wait_async("writable", size, timeout)

    def __awaited(self, side, size, timeout):
        """What tells how much is available, how much is needed, and the seconds to wait at most."""
        size = self.__desired(size)
        timeout = _seconds(timeout, "timeout")
        available = getattr(self.__initialised(), side)
        if size > len(self):
            raise ValueError(
                f"size must be at most {len(self)}, the number of elements in the ring, "
                f"not {_shown(size)}"
            )
        return available, size, timeout

    @staticmethod
    def __pauses(available, size, timeout):
        """Times to sleep until *size* elements are available or the time is over."""
        begin = time.monotonic()
        while available() < size:
            waited = time.monotonic() - begin
            if waited >= timeout:
                return
            interval = _WAIT_INTERVAL if waited < _MOMENT else _IDLE_INTERVAL
            yield min(timeout - waited, interval)

    def __wait(self, side, size, timeout):
        available, size, timeout = self.__awaited(side, size, timeout)
        for pause in self.__pauses(available, size, timeout):
            time.sleep(pause)
        return available() >= size

    async def __wait_async(self, side, size, timeout):
        import asyncio

        available, size, timeout = self.__awaited(side, size, timeout)
        for pause in self.__pauses(available, size, timeout):
            await asyncio.sleep(pause)
        return available() >= size

    def readinto(self, data):
        r"""Remove elements from the ring and store them in existing memory.

        This advances the read index: do not call :meth:`advance_read_index` afterwards.

        :param data: The memory to fill from its start: any writable C-contiguous buffer (of any
            type and shape; only its bytes matter), a CFFI array, or a CFFI pointer, which stands
            for the one object that it points to.
        :type data: CData pointer or buffer
        :returns: The number of elements read, which is smaller than the size of *data* if fewer are
            available. The rest of *data* does not change.
        :rtype: int
        :raises ValueError: If the size of *data* in bytes is not a multiple of the element size, or
            if *data* is NULL, read-only or not contiguous.
        :raises BufferError: If *data* is read-only or not contiguous. (The kind of error depends on
            *data*.)
        :raises TypeError: If *data* is something else, holds Python objects, or is a ``void *``.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aa')
        1
        >>> data = bytearray(4)
        >>> ring.readinto(data), data
        (1, bytearray(b'aa\x00\x00'))

        """

        def transfer(target, nbytes, exact):
            ring = self.__initialised()
            element_size = ring.geometry().element_size
            count = _count(nbytes, exact, element_size, -1)
            return ring.consumer.alone(ring.take_into, target, count, element_size)

        return self.__copy(transfer, data, writable=True)

    def discard(self, size):
        """Remove the oldest elements without copying them.

        :param size: The number of elements. If fewer are available, all of them are removed.
        :type size: int
        :returns: The number of elements removed.
        :rtype: int
        :raises ValueError: If *size* is negative.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabb')
        2
        >>> ring.discard(1), ring.read()
        (1, bytearray(b'bb'))

        """
        size = self.__desired(size)
        ring = self.__initialised()
        return ring.consumer.alone(ring.discard, size)

    def get_write_buffers(self, size):
        """Get the region(s) of the ring's memory where the next elements can be written.

        Fill the first buffer, then the second one, and call :meth:`advance_write_index` to make the
        elements available for reading.

        :param size: The number of elements desired.
        :type size: int
        :returns:
            * The number of elements that fit, at most *size*.
            * The first buffer.
            * The second buffer, which is empty unless the room continues at the start of the ring's
              memory.

            Both are writable, one-dimensional views of bytes. They keep the memory alive.
        :rtype: tuple (int, memoryview, memoryview)
        :raises ValueError: If *size* is negative.
        :raises TypeError: If *size* is not an integer, or if the ring uses a read-only buffer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> count, first, second = ring.get_write_buffers(3)
        >>> count, len(first), len(second)
        (3, 6, 0)
        >>> first[:] = b'aabbcc'
        >>> ring.advance_write_index(3)
        3

        """
        size = self.__desired(size)
        ring = self.__initialised()
        geometry = ring.writable_geometry()
        return geometry.regions(ring.write_chunk(geometry, size)[1])

    def advance_write_index(self, size):
        """Make the elements stored in the buffers from :meth:`get_write_buffers` available for
        reading.

        Not needed after :meth:`write`.

        :param size: The number of elements, at most :attr:`write_available`.
        :type size: int
        :returns: The new write index, which counts modulo twice the number of elements in the ring.
        :rtype: int
        :raises ValueError: If *size* is negative or too large.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=1, size=8)
        >>> count, first, second = ring.get_write_buffers(3)
        >>> first[:] = b'abc'
        >>> ring.advance_write_index(count)
        3
        >>> bytes(ring.read())
        b'abc'

        """
        size = self.__desired(size)
        ring = self.__initialised()
        return ring.producer.alone(ring.advance_write, size)

    def get_read_buffers(self, size):
        """Get the region(s) of the ring's memory where the next elements can be read.

        Use the first buffer, then the second one, and call :meth:`advance_read_index` to make room
        for new elements.

        :param size: The number of elements desired.
        :type size: int
        :returns:
            * The number of elements that are available, at most *size*.
            * The first buffer.
            * The second buffer, which is empty unless the elements continue at the start of the
              ring's memory.

            Both are one-dimensional views of bytes. They are writable unless the ring uses a
            read-only buffer, and keep the memory alive.
        :rtype: tuple (int, memoryview, memoryview)
        :raises ValueError: If *size* is negative.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=2, size=4)
        >>> ring.write(b'aabb')
        2
        >>> count, first, second = ring.get_read_buffers(1)
        >>> count, bytes(first), bytes(second)
        (1, b'aa', b'')
        >>> ring.advance_read_index(1)
        1

        """
        size = self.__desired(size)
        ring = self.__initialised()
        geometry = ring.geometry()
        return geometry.regions(ring.read_chunk(geometry, size)[1])

    def advance_read_index(self, size):
        """Make room for new elements after using the buffers from :meth:`get_read_buffers`.

        Not needed after :meth:`read` and :meth:`readinto`.

        :param size: The number of elements, at most :attr:`read_available`.
        :type size: int
        :returns: The new read index, which counts modulo twice the number of elements in the ring.
        :rtype: int
        :raises ValueError: If *size* is negative or too large.
        :raises TypeError: If *size* is not an integer.

        >>> import pa_ringbuffer
        >>> ring = pa_ringbuffer.RingBuffer(elementsize=1, size=8)
        >>> ring.write(b'abc')
        3
        >>> count, first, second = ring.get_read_buffers(2)
        >>> ring.advance_read_index(count)
        2
        >>> ring.read_available
        1

        """
        size = self.__desired(size)
        ring = self.__initialised()
        return ring.consumer.alone(ring.advance_read, size)

    @staticmethod
    def __desired(size):
        size = _integer(size, "size")
        if size < 0:
            raise ValueError(f"size must be 0 or more, not {_shown(size)}")
        return size

    @property
    def elementsize(self):
        """Size of one element in bytes. (:class:`int`)"""
        return self.__initialised().geometry().element_size

    def __len__(self):
        """Capacity of the ring: the number of elements that it can hold."""
        return self.__initialised().geometry().size

    def __repr__(self):
        name = type(self).__name__
        if self.__ring is None:
            return f"<{name}: not initialised>"
        try:
            return (
                f"<{name}: {self.read_available} of {len(self)} elements "
                f"of {self.elementsize} bytes>"
            )
        except Exception as error:
            return f"<{name}: {error}>"

    def _repr_html_(self):
        """The ring as a picture for notebooks, in the colours of the page."""
        return _picture(self, _RingBufferBase, html=True)

    def _repr_svg_(self):
        """The ring as a picture of its own."""
        return _picture(self, _RingBufferBase)

    def __reduce_ex__(self, protocol):
        raise TypeError(
            f"a {type(self).__name__} can be neither copied nor pickled: "
            "C code refers to it by its address"
        )


# Tools that look at __new__() first shall show the arguments that matter.
_RingBufferBase.__new__.__wrapped__ = _RingBufferBase.__init__


class RingBuffer(_RingBufferBase):
    __doc__ = _RingBufferBase.__doc__
