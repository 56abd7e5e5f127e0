#!/bin/sh
# Fetches PortAudio's static library for 32 bits, on Debian and Ubuntu. Nothing is installed, and the
# system keeps its list of architectures.
set -eu

target=$1
rm -rf "$target"
mkdir -p "$target/lists/partial" "$target/cache"
target=$(cd "$target" && pwd)
cd "$target"
apt() {
    apt-get -qq -o APT::Architectures::=i386 -o Dir::State::Lists="$target/lists" \
        -o Dir::Cache="$target/cache" "$@"
}
# What is not found of all the lists need not be the one that is needed.
apt update || true
apt download portaudio19-dev:i386
dpkg-deb -x portaudio19-dev_*_i386.deb .
rm -rf lists cache
test -e usr/lib/i386-linux-gnu/libportaudio.a
