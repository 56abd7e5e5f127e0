#!/bin/sh
# Fetches PortAudio's static library for another architecture, on Debian and Ubuntu. Nothing is
# installed, and the system keeps its list of architectures.
#
#   portaudio_for.sh FOLDER i386
set -eu

target=$1 architecture=$2
rm -rf "$target"
mkdir -p "$target/lists/partial" "$target/cache"
target=$(cd "$target" && pwd)
cd "$target"
apt() {
    apt-get -qq -o APT::Architectures::="$architecture" -o Dir::State::Lists="$target/lists" \
        -o Dir::Cache="$target/cache" "$@"
}
# What is not found of all the lists need not be the one that is needed.
apt update || true
apt download "portaudio19-dev:$architecture"
dpkg-deb -x portaudio19-dev_*_"$architecture".deb .
rm -rf lists cache
ls usr/lib/*/libportaudio.a
