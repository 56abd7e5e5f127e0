"""Words of reports."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number of things: '1 block', '2 blocks'."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def block_sizes(smallest: int, largest: int) -> str:
    """The frames of blocks: '64 to 256 frames', or '64 frames' if all have that many."""
    sizes = counted(largest, "frame")
    return sizes if smallest == largest else f"{smallest} to {sizes}"
