"""The event loop of the stream server: uvloop's where it can be imported, else asyncio's own."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

_USED = "uvloop"
_TRIES, _EACH = 4, 0.5  # how often what is left is told to end, and the seconds that it has each time
_LOG = logging.getLogger("watchfloor.stream")


def choose() -> tuple[Callable[[], asyncio.AbstractEventLoop], str]:
    """What makes the loop, and its name and version for the log."""
    try:
        found = importlib.import_module(_USED)
    except ImportError as error:  # no wheel for this machine, or a library that it needs is missing
        return asyncio.new_event_loop, f"asyncio ({error})"
    make: Callable[[], asyncio.AbstractEventLoop] = found.new_event_loop
    return make, f"{_USED} {found.__version__}"


def run(work: Coroutine[Any, Any, None], make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Runs to the end on a loop of that kind. What `work` leaves behind and cannot be ended does not keep the process alive."""
    with asyncio.Runner(loop_factory=make) as runner:
        try:
            runner.run(work)
        finally:
            if names := runner.run(_ended()):
                _LOG.error("does not end: %s", ", ".join(names), extra={"event": "tasks_left"})
                logging.shutdown()
                os._exit(1)


async def _ended() -> list[str]:
    """Ends every other task; the names of those that go on all the same."""
    return await ended(task for task in asyncio.all_tasks() if task is not asyncio.current_task())


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> list[str]:
    """Ends these tasks, within 2 s; the names of those that go on all the same. One cancellation may get lost in a library."""
    left = {task for task in tasks if not task.done()}
    for _ in range(_TRIES):
        for task in left:
            task.cancel()
        if not left:
            break
        done, left = await asyncio.wait(left, timeout=_EACH)
        for task in done:
            task.cancelled() or task.exception()  # looked at, so that nobody complains of it
    return sorted(f"{task.get_name()} ({getattr(task.get_coro(), '__qualname__', '?')})" for task in left)
