"""The frames to play, and the analysis of those that have arrived.

Each frame contains its own number, from 1, in the first channel, and in the second channel a value
that follows from the number and from the player's key. A float32 holds both exactly. This reveals
silence, repeated frames, frames with mismatched halves, and remains of an earlier player in JACK's
buffers.
"""

import numpy as np

RATE = 48000
CHANNELS = 2
FRAMESIZE = CHANNELS * 4

#: A float32 counts no further.
LAST = 1 << 24


def signal(count, key):
    """The first *count* frames of the player with this key."""
    numbers = np.arange(1, count + 1)
    return np.stack([numbers, _check(numbers, key)], axis=1).astype(np.float32)


def _check(numbers, key):
    # The same as control() in callbacks.c.
    return (numbers * 40503 + key * 12345) & 0xFFFF


def numbers(recording, key):
    """The number of each recorded frame, or 0 for silence or damage."""
    first, second = recording[:, 0], recording[:, 1]
    # NaN would only cause warnings in the comparisons.
    plausible = (first >= 1) & (first <= LAST)
    found = np.where(plausible, first, 0).astype(np.int64)
    right = plausible & (found == first) & (_check(found, key) == second)
    return np.where(right, found, 0)


def judge(recording, key, begin, end):
    """Describe the errors in the frames from *begin* to *end* of a recording.

    - ``wrong``: frames that are not the next one: of these, ``silent`` are zeros, ``repeated`` were
      there before or come too late, and the others make no sense;
    - ``missing``: frames that never arrived;
    - ``lost``: wrong frames, and missing ones that had no wrong frame in their place; ``share`` of
      all;
    - ``gaps``: how often the sound was interrupted, for whatever time.
    """
    found = numbers(recording[:end], key)
    newest = np.maximum.accumulate(found)
    previous = np.concatenate([[0], newest[:-1]])
    new = (found > previous)[begin:]
    jumps = np.where(new, (found - previous)[begin:] - 1, 0)
    goes_on = np.concatenate([[True], new[:-1]])
    wrong, missing = int((~new).sum()), int(jumps.sum())
    lost = max(wrong, missing)
    return {
        "received": end - begin,
        "wrong": wrong,
        "lost": lost,
        "share": lost / (end - begin),
        "silent": int((~recording[begin:end].any(axis=1)).sum()),
        "repeated": int((~new & (found[begin:] > 0)).sum()),
        "missing": missing,
        "gaps": int((goes_on & (~new | (jumps > 0))).sum()),
    }


def nothing_arrived(count):
    """The result for a recording that is all silence."""
    return judge(np.zeros((count, CHANNELS), np.float32), 0, 0, count)
