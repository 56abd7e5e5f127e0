"""Waiting for rings in an event loop, with the help of a native thread.

The event loop owns each wait through a timer; the watching thread does not. When a loop is closed,
it drops its timers, which ends the watch even if something still refers to the waiting task.
"""

from __future__ import annotations

import asyncio
import functools
import weakref
from typing import TYPE_CHECKING, Callable, Literal

from ._native import unwatch, watch

if TYPE_CHECKING:
    from ._native import RingBuffer, Transfer

#: Seconds: longer than any loop runs, and within the range of every loop's clock.
FOREVER = 10 * 365 * 86400.0


def _settle(future: asyncio.Future[str], outcome: str) -> None:
    if not future.done():
        future.set_result(outcome)


def _deliver(kept: weakref.ref[asyncio.Future[str]], outcome: str) -> None:
    """Pass an outcome to the loop's thread."""
    future = kept()
    if future is None:
        return
    loop = future.get_loop()
    try:
        loop.call_soon_threadsafe(_settle, future, outcome)
    except RuntimeError:
        # The loop is closed, so its tasks no longer wait.
        if not loop.is_closed():
            raise


def _forget(key: int, give_up: Callable[[], object] | None, timer: object) -> None:
    unwatch(key)
    if give_up is not None:
        give_up()


async def outcome_of(
    watch: Callable[[Callable[[str], None]], int | str], give_up: Callable[[], object] | None = None
) -> str:
    """Wait for the event that a function watches for, and return the outcome.

    The function gets another function, which it calls with the outcome on any thread. It returns a
    key for `unwatch()`, or the outcome if it is known immediately. If the loop is closed in the
    meantime, the wait can never continue and is given up.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str] = loop.create_future()
    key = watch(functools.partial(_deliver, weakref.ref(future)))
    if isinstance(key, str):
        # As with asyncio's own streams, available data does not cost an iteration of the loop.
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
    """Begin a transfer with a function and complete it while other tasks run.

    After any call, an exception may arrive from outside, for example from a signal handler.
    Therefore the transfer gets a name only once it is certain to be given up: the traceback of a
    stored exception would keep the transfer and its side alive. An error that carries frames is not
    followed by another call.
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
    """:meth:`RingBuffer.wait_for_data_async` and :meth:`RingBuffer.wait_for_room_async`."""
    return await outcome_of(functools.partial(watch, ring, side, size, timeout, None)) == "done"
