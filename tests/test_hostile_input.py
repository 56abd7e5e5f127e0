"""Whatever is done to rings, the process lives, and nothing but their memory is written.

`make verify` does it with more calls, `make fuzz` for as long as you like, and `make fuzz-valgrind`
watches every access.
"""

import importlib.util
import os
import sys

import pytest
from struct_fields import Fields


@pytest.mark.impossible(sys.implementation.name == "pypy", reason="too slow to be worth while")
def test_no_sequence_of_calls_breaks_anything(RingBuffer, require):
    require(importlib.util.find_spec("hypothesis"), "hypothesis is not installed")
    from hostile_machine import run

    # The same in every run.
    rounds = int(os.environ.get("HOSTILE_ROUNDS", "15"))
    run(RingBuffer, Fields, derandomize=True, max_examples=rounds, stateful_step_count=40)
