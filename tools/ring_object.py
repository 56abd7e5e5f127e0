"""Cut the ring's own object file out of the static library that rustc builds.

rustc also puts the compiler's run-time functions into every static library, megabytes of them. A
program with a second Rust library would have them twice: linkers refuse that for whole archives,
and on some systems they collide with those of the C compiler. The ring is in one object file, which
needs none of these functions.

This program reads and writes archives and object files of all systems, because a system's own tools
only know its own formats, and Windows has no such tools:

    python tools/ring_object.py libpa_ringbuffer.a out.a     an archive with that object file only
    python tools/ring_object.py libpa_ringbuffer.a out.o     the object file itself

The functions keep the visibility that rustc gives them. `hidden()` changes it, for the library in
Python's wheels.
"""

import pathlib
import re
import struct
import sys

MAGIC = b"!<arch>\n"
MACH_O = b"\xcf\xfa\xed\xfe"
I386_COFF = b"\x4c\x01"
MEMBER = "pa_ringbuffer.o"
#: What each C library has, and what each linker makes.
KNOWN = {"memcpy", "memmove", "memset", "memcmp", "bcmp", "bzero", "_GLOBAL_OFFSET_TABLE_"}
#: How the callback finds the system's call that wakes a thread: on Linux, Apple's systems, Windows.
KNOWN |= {"syscall", "dlsym", "GetModuleHandleA", "GetProcAddress"}
KNOWN |= {"GetModuleHandleA@4", "GetProcAddress@8"}
KNOWN |= {"_imp__GetModuleHandleA@4", "_imp__GetProcAddress@8"}
#: Microsoft's C library has these for programs with floating-point numbers.
KNOWN |= {"_fltused"}


class NotOneObject(Exception):
    """The ring is spread over several object files, or needs more than a C compiler provides."""


def _text(data, start):
    return data[start : data.index(b"\0", start)].decode()


def members(archive):
    """Pairs of name and content, in GNU's, BSD's and Microsoft's form."""
    if not archive.startswith(MAGIC):
        raise NotOneObject("an archive, which this file is not")
    position, long_names = len(MAGIC), b""
    while position + 60 <= len(archive):
        header = archive[position : position + 60]
        name, size = header[:16].decode().rstrip(), int(header[48:58])
        content = archive[position + 60 : position + 60 + size]
        position += 60 + size + size % 2
        if name.startswith("#1/"):
            length = int(name[3:])
            name, content = content[:length].rstrip(b"\0").decode(), content[length:]
        elif name == "//":
            long_names = content
        elif re.fullmatch(r"/\d+", name):
            name = re.split(rb"/?[\n\0]", long_names[int(name[1:]) :], maxsplit=1)[0].decode()
        elif name not in ("/", "/SYM64/"):
            name = name.rstrip("/")
        yield name, content


def _elf(data):
    wide = data[4] == 2
    order = "<" if data[5] == 1 else ">"
    sections_at = struct.unpack_from(order + ("Q" if wide else "I"), data, 40 if wide else 32)[0]
    size, count = struct.unpack_from(order + "HH", data, 58 if wide else 46)
    layout = order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")
    sections = [struct.unpack_from(layout, data, sections_at + size * n) for n in range(count)]
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        names_at = sections[section[6]][4]
        entry = order + ("IBBHQQ" if wide else "IIIBBH")
        for at in range(section[4], section[4] + section[5], struct.calcsize(entry)):
            fields = struct.unpack_from(entry, data, at)
            name, (info, where) = fields[0], fields[1:4:2] if wide else fields[3:6:2]
            if info >> 4:  # not STB_LOCAL
                yield _text(data, names_at + name), where != 0, at + (5 if wide else 13)


def _mach_o(data):
    commands, position = struct.unpack_from("<I", data, 16)[0], 32
    for _ in range(commands):
        command, size = struct.unpack_from("<II", data, position)
        if command == 2:  # LC_SYMTAB
            at, count, names_at, _ = struct.unpack_from("<IIII", data, position + 8)
            for n in range(count):
                name, kind, _, _, _ = struct.unpack_from("<IBBHQ", data, at + 16 * n)
                if kind & 0xE0 == 0 and kind & 0x01:  # no N_STAB, but N_EXT
                    yield _text(data, names_at + name), kind & 0x0E != 0, at + 16 * n + 4
        position += size


def _coff(data):
    at, count = struct.unpack_from("<II", data, 8)
    names_at, n = at + 18 * count, 0
    while n < count:
        name, _, section, _, kind, more = struct.unpack_from("<8sIhHBB", data, at + 18 * n)
        if kind == 2:  # IMAGE_SYM_CLASS_EXTERNAL
            if name[:4] == b"\0\0\0\0":
                text = _text(data, names_at + struct.unpack("<I", name[4:])[0])
            else:
                text = name.rstrip(b"\0").decode()
            yield text, section != 0, None
        n += 1 + more


def entries(data):
    """Of each symbol that the linker sees: name, "is it defined here?", and where in the data its
    visibility is, if the system has that."""
    if data.startswith(b"\x7fELF"):
        return _elf(data)
    if data.startswith(MACH_O):
        return _mach_o(data)
    if struct.unpack_from("<H", data)[0] in (0x8664, 0x014C, 0xAA64):
        return _coff(data)
    raise NotOneObject("an object file in a known form (ELF, Mach-O or COFF)")


def symbols(data):
    """Names that an object file defines for others, and those it needs, as the linker has them."""
    defined, needed = set(), set()
    for name, here, _ in entries(data):
        (defined if here else needed).add(name)
    return defined, needed


def hidden(data):
    """The object file, with functions that a shared library linked with it does not export.

    In an extension module they neither replace another library's functions of the same names, nor
    are they replaced. A DLL exports only what its linker is told to.
    """
    changed = bytearray(data)
    for _, here, position in entries(data):
        if here and position is not None:
            if data.startswith(MACH_O):
                changed[position] |= 0x10  # N_PEXT
            else:
                changed[position] = changed[position] & ~0x03 | 0x02  # STV_HIDDEN
    return bytes(changed)


def _underscored(data):
    """Whether the system puts an underscore in front of each C name."""
    return data.startswith((MACH_O, I386_COFF))


def cut_out(archive):
    """The ring's object file in rustc's archive; NotOneObject if it cannot be on its own."""
    found = [data for name, data in members(archive) if name.startswith("pa_ringbuffer")]
    if len(found) != 1:
        raise NotOneObject(f"one object file of the ring in the archive, where {len(found)} are")
    _, needed = symbols(found[0])
    if _underscored(found[0]):
        needed = {name.removeprefix("_") for name in needed}
    # C reserves names with two underscores for the compiler, whose own library defines them and is
    # linked with every program (__aarch64_cas4_acq, __aeabi_unwind_cpp_pr0).
    foreign = {name for name in needed - KNOWN if not re.match("__(?!rust)", name)}
    if foreign:
        raise NotOneObject(f"a ring that does not need {', '.join(sorted(foreign))}")
    return found[0]


def _member(name, content):
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(content):<10}`\n".encode()
    return header + content + b"\n" * (len(content) % 2)


def archive_of(data):
    """A static library of one object file."""
    names = sorted(name.encode() for name in symbols(data)[0])
    strings = b"".join(name + b"\0" for name in names)
    if data.startswith(MACH_O):
        return _bsd_archive(data, names, strings)
    windows = not data.startswith(b"\x7fELF")

    def index(at):
        first = struct.pack(f">I{len(names)}I", len(names), *[at] * len(names)) + strings
        # Microsoft's linker reads a second one, in another byte order.
        second = struct.pack(f"<III{len(names)}H", 1, at, len(names), *[1] * len(names)) + strings
        return _member("/", first) + (_member("/", second) if windows else b"")

    at = len(MAGIC) + len(index(0))
    return MAGIC + index(at) + _member(f"{MEMBER}/", data)


def _bsd_archive(data, names, strings):
    # Apple's linker requires all members at multiples of eight.
    def member(name, content):
        name += "\0" * (4 + -len(name) % 8)
        content = name.encode() + content + b"\n" * (-len(content) % 8)
        return _member(f"#1/{len(name)}", content)

    strings += b"\0" * (-len(strings) % 8)

    def index(at):
        position, pairs = 0, b""
        for name in names:
            pairs += struct.pack("<II", position, at)
            position += len(name) + 1
        content = struct.pack("<I", len(pairs)) + pairs + struct.pack("<I", len(strings)) + strings
        return member("__.SYMDEF", content)

    return MAGIC + index(len(MAGIC) + len(index(0))) + member(MEMBER, data)


def main(source, target):
    source, target = pathlib.Path(source), pathlib.Path(target)
    data = cut_out(source.read_bytes())
    target.write_bytes(data if target.suffix in (".o", ".obj") else archive_of(data))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except NotOneObject as error:
        sys.exit(f"{sys.argv[1]}: needed is {error}")
