"""Ends background tasks for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

_AGAIN = 0.2  # seconds after which a task that swallowed its cancellation is told again


async def ended(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    """Returns when all have ended. A library busy with an error of its own may swallow a cancellation: it gets another."""
    left = {task for task in tasks if task is not None and not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN)
