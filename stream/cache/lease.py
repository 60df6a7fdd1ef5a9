"""One process of many: a lease in the cache's Redis, held for as long as it is renewed."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time

from redis.asyncio.lock import Lock
from redis.exceptions import LockError

from stream.cache.guard import LayerError
from stream.cache.shared import Shared
from stream.cache.tasks import ended

SECONDS = 15.0
_RENEW = 5.0  # seconds between two attempts to get or renew it
_AGAIN = 0.5  # seconds after an attempt that Redis has not answered


class Lease:
    """The lease of `name`. Whoever holds it stops before it lapses, so that two never hold it at once."""

    def __init__(self, shared: Shared, name: str, seconds: float = SECONDS, renew: float = _RENEW) -> None:
        self._shared, self._name, self._seconds, self._renew = shared, name, seconds, renew
        self._lock: Lock | None = None
        self._token = secrets.token_hex(16)
        self._until = 0.0
        self._task: asyncio.Task[None] | None = None
        self._taken = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether it is ours now."""
        return time.monotonic() < self._until

    def start(self) -> None:
        """Begins to try."""
        self._task = asyncio.create_task(self._run(), name=f"lease {self._name}")

    async def wait(self) -> None:
        """Returns when it is ours."""
        while not self.held:
            self._taken.clear()
            await self._taken.wait()

    async def _run(self) -> None:
        while True:
            began, wait = time.monotonic(), self._renew
            try:
                if await self._try():
                    self._until = began + self._seconds - 1.0
                    self._taken.set()
            except LayerError:  # nobody has said no: while a process starts, its first calls are often late
                wait = min(wait, _AGAIN)
            await asyncio.sleep(wait)

    async def _try(self) -> bool:
        if self._lock is not None and self.held:
            lock = self._lock
            try:
                return await self._extend(lock)
            except LayerError:
                self._lock = None  # lapsed and taken, or Redis has forgotten it
                raise
        lock = self._lock = self._shared.lock(self._name, self._seconds)
        if await self._shared.take(lock, self._token):
            return True
        # The answer to an earlier attempt may have come too late: it would be ours, and nobody's as long as we do not look.
        return await self._shared.owns(lock, self._token) and await self._extend(lock)

    async def _extend(self, lock: Lock) -> bool:
        return bool(await self._shared.guard.call(lambda: lock.extend(self._seconds, replace_ttl=True)))

    async def close(self) -> None:
        """Gives it back, so that another may have it at once."""
        await ended([self._task])
        if self._lock is not None and self.held:
            self._until = 0.0
            with contextlib.suppress(LayerError, LockError):
                await self._shared.give(self._lock)
