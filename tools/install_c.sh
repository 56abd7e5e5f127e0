#!/bin/sh
# Builds the C library and installs it: static and shared library, headers, pkg-config file.
#
#   PREFIX=/usr/local [DESTDIR=/somewhere] tools/install_c.sh
#
# For systems without cargo-c, which does the same through the metadata in Cargo.toml.
set -eu

if [ -z "${PREFIX:-}" ]; then
    echo "install_c.sh: PREFIX is missing: say where to install, for example PREFIX=/usr/local" >&2
    exit 2
fi
case $PREFIX in
    /*) ;;
    *) PREFIX=$PWD/$PREFIX ;;
esac
root=${DESTDIR:-}$PREFIX
crate=$(cd "$(dirname "$0")/../crates/pa-ringbuffer-capi" && pwd)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$crate/Cargo.toml" | head -n 1)
target=${CARGO_TARGET_DIR:-$crate/target}
mkdir -p "$target"
target=$(cd "$target" && pwd)

cargo build --release --locked --manifest-path "$crate/Cargo.toml" --target-dir "$target"
built=$target/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}release

# Into every static library rustc puts the run-time functions of the compiler as well. A program
# with a second Rust library would then have them twice, which linkers refuse when told to take
# whole archives. The ring is in one object file, which needs none of them: it alone is installed.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=$work/libpa_ringbuffer.a
member=$(${AR:-ar} t "$built/libpa_ringbuffer.a" | grep '^pa_ringbuffer' || true)
if (cd "$work" && ${AR:-ar} x "$built/libpa_ringbuffer.a" "$member") 2>/dev/null; then
    mv "$work/$member" "$work/pa_ringbuffer.o"
    others=$(${NM:-nm} -u "$work/pa_ringbuffer.o" | awk 'NF { print $NF }' |
        grep -Ev '^_?(memcpy|memmove|memset|memcmp|bcmp)$' || true)
else
    others="an object file of its own for the ring"
fi
if [ -z "$others" ]; then
    ${AR:-ar} rcs "$archive" "$work/pa_ringbuffer.o"
else
    # Correct as well, only larger, and no partner for other Rust libraries as whole archives.
    echo "install_c.sh: keeping rustc's whole archive, because of: $others" >&2
    cp "$built/libpa_ringbuffer.a" "$archive"
fi

install -d "$root/lib/pkgconfig" "$root/include"
install -m 644 "$archive" "$root/lib/libpa_ringbuffer.a"
install -m 644 "$crate"/include/*.h "$root/include"
if [ -e "$built/libpa_ringbuffer.dylib" ]; then
    install -m 755 "$built/libpa_ringbuffer.dylib" "$root/lib/libpa_ringbuffer.$version.dylib"
    ln -sf "libpa_ringbuffer.$version.dylib" "$root/lib/libpa_ringbuffer.0.dylib"
    ln -sf libpa_ringbuffer.0.dylib "$root/lib/libpa_ringbuffer.dylib"
else
    install -m 755 "$built/libpa_ringbuffer.so" "$root/lib/libpa_ringbuffer.so.$version"
    ln -sf "libpa_ringbuffer.so.$version" "$root/lib/libpa_ringbuffer.so.0"
    ln -sf libpa_ringbuffer.so.0 "$root/lib/libpa_ringbuffer.so"
fi
# Paths relative to the file itself: the installed tree may be moved.
cat >"$root/lib/pkgconfig/pa_ringbuffer.pc" <<EOF
prefix=\${pcfiledir}/../..
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: pa_ringbuffer
Description: PortAudio's lock-free ring buffer, and a callback for PortAudio streams
Version: $version
Libs: -L\${libdir} -lpa_ringbuffer
Cflags: -I\${includedir}
EOF
