"""Ends background tasks for certain, and nothing for longer than it may take."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import Any

_AGAIN = 0.2  # seconds after which a task that swallowed its cancellation is told again
_PATIENCE = 2.0  # seconds after which one that does not end is left to the loop's end
_LOG = logging.getLogger("watchfloor.cache")


async def ended(tasks: Iterable[asyncio.Task[Any] | None], patience: float = _PATIENCE) -> None:
    """Returns when all have ended, after `patience` seconds at most.

    A library busy with an error of its own may swallow a cancellation: it gets another.
    """
    left = {task for task in tasks if task is not None and not task.done()}
    end = asyncio.get_running_loop().time() + patience
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN)
        if left and asyncio.get_running_loop().time() >= end:
            names = ", ".join(sorted(task.get_name() for task in left))
            _LOG.error("left behind, for they do not end: %s", names, extra={"event": "cache_left_behind"})
            return


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
