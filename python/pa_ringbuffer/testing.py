"""Tools for testing audio code without a sound card."""

try:
    from ._native import VirtualDevice
except ModuleNotFoundError as error:
    if error.name != f"{__package__}._native":
        raise
    raise ImportError(
        "pa_ringbuffer.testing needs the extension module, which this installation does not have: "
        "there are wheels with it for CPython 3.9 and newer"
    ) from None

__all__ = ["VirtualDevice"]
