"""The message of an installation without the extension module about those that have it."""

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
