"""Ends background tasks for certain, and nothing for longer than it may take."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import Any

from stream import loop

_LOG = logging.getLogger("watchfloor.cache")


async def ended(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    """Returns when all have ended, after 2 s at most: what goes on is left to the loop's end, and named in the log."""
    if left := await loop.ended(task for task in tasks if task is not None):
        _LOG.error("left behind, for they do not end: %s", ", ".join(left), extra={"event": "cache_left_behind"})


async def bounded(work: Awaitable[object], seconds: float, what: str) -> None:
    """Waits for `work`, for so many seconds at most; whatever comes of it, a line in the log is all.

    It may be the work of a library that waits for a server that says nothing, and does not heed its cancellation.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task,), timeout=seconds)
    finally:
        task.add_done_callback(_retrieved)
        task.cancel()
    if not task.done():
        _LOG.warning("%s took longer than %g s: left to itself", what, seconds, extra={"event": "cache_left_behind"})
    elif not task.cancelled() and task.exception():
        _LOG.debug("%s: %s", what, task.exception())


def _retrieved(task: asyncio.Future[Any]) -> None:
    """Nobody waits for it any more: what it raised is nobody's complaint."""
    if not task.cancelled():
        task.exception()
