"""Arguments that are numbers, or values for both directions."""

from __future__ import annotations

import operator
from typing import Any


def integer(value: Any, name: str) -> int:
    """An argument that must be an integer."""
    if not hasattr(type(value), "__index__"):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
    # Errors raised in there propagate.
    return operator.index(value)


def number(value: Any, name: str, unit: str = "seconds") -> float:
    """An argument that must be a number of something."""
    if not (hasattr(type(value), "__float__") or hasattr(type(value), "__index__")):
        raise TypeError(f"{name} must be a number of {unit}, not {type(value).__name__}")
    return float(value)


def split(value: Any, name: str) -> tuple[Any, Any]:
    """A value for both directions, or a pair of values."""
    if isinstance(value, (str, bytes)):
        return value, value
    try:
        values = tuple(value)
    except TypeError:
        return value, value
    if len(values) != 2:
        raise ValueError(f"{name} must be one value or a pair (input, output), not {value!r}")
    return values
