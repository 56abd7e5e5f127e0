"""An echo whose audio callback is written in Rust."""

from ._native import Delay, callback

__all__ = ["Delay", "callback"]
