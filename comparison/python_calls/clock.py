"""Nanoseconds per call.

The called function is in a local variable, as in an optimised program, and the time includes the
loop.
"""

import itertools
import time

_clock = time.perf_counter_ns
CALLS = 2000  # per measurement


def repeat(count=CALLS):
    """An iterable for the loop that creates no numbers."""
    return itertools.repeat(None, count)


def loop(function):
    """A function that loops over `repeat()`."""
    begin = _clock()
    function()
    return (_clock() - begin) / CALLS


def calls(call, argument, count=CALLS):
    begin = _clock()
    for _ in repeat(count):
        call(argument)
    return (_clock() - begin) / count


def calls_of_two(call, first, second, count=CALLS):
    """With two arguments."""
    begin = _clock()
    for _ in repeat(count):
        call(first, second)
    return (_clock() - begin) / count


def pairs(put, data, get, *argument):
    """A call of `put(data)` and then one of `get(*argument)`."""
    begin = _clock()
    if argument:
        (argument,) = argument
        for _ in repeat():
            put(data)
            get(argument)
    else:
        for _ in repeat():
            put(data)
            get()
    return (_clock() - begin) / CALLS


def bursts(measure, reset, size):
    """`measure(count)` in bursts of at most *size* calls, each after a `reset()`."""
    size = min(size, CALLS)
    times = []
    for _ in range(CALLS // size):
        reset()
        times.append(measure(size))
    return sum(times) / len(times)


def in_turns(measurements, rounds):
    """The results of each of the *measurements*, which take turns."""
    results = {name: [] for name in measurements}
    for _ in range(rounds):
        for name, measure in measurements.items():
            results[name].append(measure())
    return results
