"""Detects failures caused by JACK or the machine rather than by the program."""

import re
import signal

import pytest

#: Runs a test again that JACK or a busy machine has spoilt.
AGAIN = pytest.mark.flaky(reruns=2, only_rerun=["JackCrash", "MachineTooSlow"])


class JackCrash(Exception):
    """JACK has taken a program with it before that could tell anything."""


class MachineTooSlow(Exception):
    """A program that has more than a second for something has lost sound all the same."""


def jack_has_crashed(status, errors):
    """Whether a program has fallen victim to JACK's issue 216 while it closed a stream.

    When a client unregisters its ports, its notification thread may be walking the list of them
    (JackClient::HandleLatencyCallback): 3 of about 30 000 streams. The stream is stopped by then,
    so the thread that has crashed, none of Python's, is not one that runs a callback, and all that
    a callback uses is still there. The programs tell what they have to tell before they close; the
    tests of others are run again.
    """
    closing = re.search(
        r"most recent call first\):\n.*sounddevice.*\.py\", line \d+ in close", errors
    )
    return status == -signal.SIGSEGV and closing and "Current thread" not in errors
