"""What messages say about parts that an installation does not have, and how to get them."""

#: As built by ``.github/workflows/ci.yml``; a test compares the two.
PLATFORMS = (
    "Linux (x86_64, aarch64, i686), Linux with musl (x86_64, aarch64), "
    "macOS (universal2), Windows (x64, x86, arm64)"
)
NO_EXTENSION = (
    "the extension module, which this installation of pa-ringbuffer does not have: wheels for "
    f"CPython 3.9 and newer (Windows on arm64: 3.11) on {PLATFORMS} include it; on other systems, "
    "pip builds it with a Rust compiler: "
    # Without --force-reinstall, pip keeps the installation that prints this.
    "pip install --force-reinstall --no-deps --no-binary pa-ringbuffer pa-ringbuffer"
)
#: What installs PortAudio's library, which sounddevice's wheels for Windows and macOS include.
GET_PORTAUDIO = (
    "'sudo apt install libportaudio2' on Debian and Ubuntu, "
    "'sudo dnf install portaudio' on Fedora, 'sudo pacman -S portaudio' on Arch, "
    "'brew install portaudio' on macOS"
)
