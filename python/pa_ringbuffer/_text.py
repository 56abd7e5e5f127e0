"""Words of reports."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number of things: '1 block', '2 blocks'."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
