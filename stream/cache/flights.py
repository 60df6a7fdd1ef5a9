"""One piece of work per key at a time, however many wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from stream.cache.tasks import ended

T = TypeVar("T")


class Flights(Generic[T]):
    """Work under way, by key. A caller that is cancelled leaves the others' work alone."""

    def __init__(self) -> None:
        self._flying: dict[str, asyncio.Task[T]] = {}
        self._dirty: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._flying

    def join(self, key: str, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Future[T]:
        """Joins the work of a key, or begins it; what it raises, all who joined get."""
        return asyncio.shield(self.begin(key, work))

    def begin(self, key: str, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Begins the work of a key, unless it is under way, for nobody who waits."""
        task = self._flying.get(key)
        if task is None:
            self._dirty.discard(key)
            task = self._flying[key] = asyncio.create_task(work(), name=f"cache {key}")
            task.add_done_callback(lambda done: self._landed(key, done))
        return task

    def _landed(self, key: str, task: asyncio.Task[T]) -> None:
        del self._flying[key]
        self._dirty.discard(key)  # keys are clients' to choose: what is kept of each must end with its flight
        if not task.cancelled():
            task.exception()  # retrieved: every caller may have gone

    def spoil(self, key: str) -> None:
        """The key's value has changed: what is under way may bring an older one."""
        if key in self._flying:
            self._dirty.add(key)

    def spoil_all(self) -> None:
        """The same of every key."""
        self._dirty.update(self._flying)

    def spoilt(self, key: str) -> bool:
        """Whether the value changed since the work began."""
        return key in self._dirty

    async def close(self) -> None:
        """Ends whatever is under way."""
        await ended(list(self._flying.values()))
