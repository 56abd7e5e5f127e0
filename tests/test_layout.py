"""A struct with a different declaration is detected before it is used."""

import sys

import pytest

FIELDS = (
    "bufferSize",
    "writeIndex",
    "readIndex",
    "bigMask",
    "smallMask",
    "elementSizeBytes",
    "buffer",
)


@pytest.fixture
def declare(require):
    """Makes CFFI instances with any struct."""
    try:
        import cffi
    except ImportError:
        cffi = None
    require(cffi, "CFFI is not installed")

    def declare(fields, integer="int32_t" if sys.platform == "darwin" else "long"):
        ffi = cffi.FFI()
        ffi.cdef(f"typedef {integer} ring_buffer_size_t;")
        ffi.cdef(
            "typedef struct PaUtilRingBuffer { "
            + " ".join(f"{ctype} {name};" for name, ctype in fields)
            + " } PaUtilRingBuffer;"
        )
        return ffi

    return declare


def correct():
    return [(name, "ring_buffer_size_t") for name in FIELDS[:-1]] + [("buffer", "char *")]


def refused(implementation, ffi, match):
    cls = implementation.init(ffi, None)
    for arguments in (4, 8), (4, None, bytearray(32)):
        with pytest.raises(TypeError, match=match):
            cls(*arguments)


def test_the_correct_layout_is_accepted(implementation, new_ffi):
    ring = implementation.init(new_ffi(), None)(4, 8)
    assert ring.write(b"abcd") == 1
    assert ring._ptr.writeIndex == 1
    assert ring.read() == b"abcd"


@pytest.mark.parametrize("name", FIELDS[:-1])
def test_an_integer_of_another_size(implementation, declare, name):
    fields = [(n, "short" if n == name else ctype) for n, ctype in correct()]
    refused(implementation, declare(fields), name)


def test_integers_of_another_size(implementation, declare):
    refused(implementation, declare(correct(), "short"), "bufferSize")


def test_a_buffer_that_is_no_pointer(implementation, declare):
    refused(implementation, declare([*correct()[:-1], ("buffer", "char")]), "buffer")


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field(implementation, declare, name):
    fields = [field for field in correct() if field[0] != name]
    refused(implementation, declare(fields), "|".join(FIELDS[FIELDS.index(name) :]))


@pytest.mark.parametrize("position", range(6))
def test_exchanged_fields(implementation, declare, position):
    fields = correct()
    fields[position : position + 2] = reversed(fields[position : position + 2])
    refused(implementation, declare(fields), FIELDS[position])


@pytest.mark.parametrize("position", range(8))
def test_an_additional_field(implementation, declare, position):
    fields = correct()
    fields.insert(position, ("padding", "ring_buffer_size_t"))
    refused(implementation, declare(fields), "|".join([*FIELDS[position:], "padding"]))


def test_a_struct_without_fields(implementation, require):
    import cffi

    ffi = cffi.FFI()
    ffi.cdef("typedef struct PaUtilRingBuffer PaUtilRingBuffer;")
    refused(implementation, ffi, "bufferSize")


def test_no_struct_at_all(implementation):
    import cffi

    refused(implementation, cffi.FFI(), "PaUtilRingBuffer")


@pytest.mark.parametrize("ffi", [NotImplemented, None, 42, object()])
def test_no_cffi_instance_at_all(implementation, ffi):
    refused(implementation, ffi, "ffi|FFI|CFFI")


def test_an_assigned_pointer_is_checked_as_well(implementation, declare):
    ffi = declare([(n, "short" if n == "readIndex" else ctype) for n, ctype in correct()])
    cls = implementation.init(ffi, None)
    ring = cls.__new__(cls)
    with pytest.raises(TypeError, match="readIndex"):
        ring._ptr = ffi.new("PaUtilRingBuffer *")


def test_the_genuine_declaration_is_accepted(implementation, genuine):
    assert len(implementation.init(*genuine)(4, 8)) == 8
