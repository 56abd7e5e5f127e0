"""Waiting for rings in an event loop, with the help of a thread that is not Python's."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

from ._native import unwatch, watch

if TYPE_CHECKING:
    from ._native import RingBuffer, StreamCallback


def _settle(future: asyncio.Future[str], outcome: str) -> None:
    if not future.done():
        future.set_result(outcome)


def _deliver(loop: asyncio.AbstractEventLoop, future: asyncio.Future[str], outcome: str) -> None:
    """Hand an outcome over to the loop's thread."""
    try:
        loop.call_soon_threadsafe(_settle, future, outcome)
    except RuntimeError:
        # The loop is closed, and nobody waits any more.
        if not loop.is_closed():
            raise


async def outcome_of(
    ring: RingBuffer | None,
    side: str,
    size: int,
    timeout: float | None,
    stream: StreamCallback | None = None,
) -> str:
    """Wait for ``'data'`` or ``'room'``, and return why waiting has ended.

    That is ``'done'``, ``'timeout'``, or, if a stream's callback is given, ``'ended'`` or
    ``'stalled'``. Without a ring, only the end of the stream is awaited.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str] = loop.create_future()
    deliver = functools.partial(_deliver, loop, future)
    key = watch(ring, side, size, timeout, stream, deliver)
    if isinstance(key, str):
        # As with asyncio's own streams, what is there does not cost a turn of the loop.
        return key
    try:
        return await future
    finally:
        unwatch(key)


async def wait_for(ring: RingBuffer, side: str, size: int, timeout: float | None) -> bool:
    """:meth:`RingBuffer.wait_for_data_async` and its twin."""
    return await outcome_of(ring, side, size, timeout) == "done"
