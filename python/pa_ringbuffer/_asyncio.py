"""Waiting for rings in an event loop, with the help of a thread that is not Python's.

What waits belongs to its event loop: the loop keeps it (by a timer), the watching thread does not.
A loop that is closed drops its timers, and with them goes the watch, even where the task that
waited is still referred to.
"""

from __future__ import annotations

import asyncio
import functools
import weakref
from typing import TYPE_CHECKING, Callable, Literal

from ._native import unwatch, watch

if TYPE_CHECKING:
    from ._native import RingBuffer, Transfer

#: Seconds: longer than any loop runs, and not too much for the clock of any.
FOREVER = 10 * 365 * 86400.0


def _settle(future: asyncio.Future[str], outcome: str) -> None:
    if not future.done():
        future.set_result(outcome)


def _deliver(kept: weakref.ref[asyncio.Future[str]], outcome: str) -> None:
    """Hand an outcome over to the loop's thread."""
    future = kept()
    if future is None:
        return
    loop = future.get_loop()
    try:
        loop.call_soon_threadsafe(_settle, future, outcome)
    except RuntimeError:
        # The loop is closed, and its tasks wait no more.
        if not loop.is_closed():
            raise


def _forget(key: int, give_up: Callable[[], object] | None, timer: object) -> None:
    unwatch(key)
    if give_up is not None:
        give_up()


async def outcome_of(
    watch: Callable[[Callable[[str], None]], int | str], give_up: Callable[[], object] | None = None
) -> str:
    """Wait for what a function watches for, and return why it has ended.

    The function is called with another one, to be called with the outcome on any thread. It returns
    a key for `unwatch()`, or the outcome if that is known at once. If the loop is closed meanwhile,
    what waits will never go on, and is given up.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str] = loop.create_future()
    key = watch(functools.partial(_deliver, weakref.ref(future)))
    if isinstance(key, str):
        # As with asyncio's own streams, what is there does not cost a turn of the loop.
        return key
    timer = None
    try:
        timer = weakref.ref(
            loop.call_later(FOREVER, _settle, future, "timeout"),
            functools.partial(_forget, key, give_up),
        )
        return await future
    finally:
        unwatch(key)
        if timer is not None and (kept := timer()) is not None:
            kept.cancel()


async def complete(begin: Callable[[], Transfer]) -> Transfer:
    """Do the whole of a transfer, which a function begins, while other tasks go on.

    An exception can come from outside behind any call, from a signal handler for example. So a
    transfer has no name before it is sure to be given up: the traceback of an exception that is
    kept would keep it, and its side. And an error that has frames is not followed by another call.
    """
    transfer = None
    try:
        transfer = begin()
        while transfer.step():
            transfer.judge(await outcome_of(transfer.watch, transfer.give_up))
    except BaseException:
        if transfer is not None and not transfer.is_over:
            transfer.give_up()
        raise
    return transfer


async def wait_for(
    ring: RingBuffer, side: Literal["producer", "consumer"], size: int, timeout: float | None
) -> bool:
    """:meth:`RingBuffer.wait_for_data_async` and its twin."""
    return await outcome_of(functools.partial(watch, ring, side, size, timeout, None)) == "done"
