from typing import Any

# What CFFI makes has no types of its own.
ffi: Any
lib: Any
