"""Loads a value once, however many callers of however many processes miss it at the same moment."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

from redis.asyncio.lock import Lock

from metrics import cache
from metrics.instruments import Instruments
from stream.cache.entry import Entry
from stream.cache.flights import Flights
from stream.cache.guard import LayerError
from stream.cache.shared import LOCK_SECONDS, Shared

Loader: TypeAlias = Callable[[], Awaitable[Any]]
_LOOK = 0.05  # seconds after which the other process's work is looked for, should its word be lost


class Wanted(NamedTuple):
    """What to load: a key, how, how long it lives (s), and its tags."""

    key: str
    loader: Loader
    ttl: float
    tags: tuple[str, ...]


class Loading:
    """Runs loaders. `peek` gives a fresh value of layer 2; `keep` makes an entry of what was loaded and stores it if told so."""

    def __init__(
        self,
        shared: Shared,
        counts: Instruments,
        peek: Callable[[str], Awaitable[Entry | None]],
        keep: Callable[[Wanted, Any, bool], Awaitable[Entry]],
    ) -> None:
        self.flights: Flights[Entry] = Flights()
        self._shared, self._counts, self._peek, self._keep = shared, counts, peek, keep
        self._arrivals: dict[str, asyncio.Event] = {}

    async def load(self, wanted: Wanted) -> Entry:
        """The value, by its loader or by another process's. Raises what the loader raises."""
        if wanted.key in self.flights:
            self._counts.inc(cache.COALESCED, "process")
        return await self.flights.join(wanted.key, lambda: self._load(wanted))

    def refresh(self, wanted: Wanted) -> None:
        """The same in the background, for the next who ask; a loader that fails is counted and tried at the next question."""
        self.flights.begin(wanted.key, lambda: self._load(wanted))

    def arrived(self, key: str) -> None:
        """Another process has written the key."""
        if event := self._arrivals.get(key):
            event.set()

    async def _load(self, wanted: Wanted) -> Entry:
        lock = self._shared.lock(wanted.key)
        mine, found = await self._turn(wanted.key, lock)
        try:
            return found or await self._run(wanted)
        finally:
            if mine:
                with contextlib.suppress(LayerError):
                    await self._shared.give(lock)

    async def _turn(self, key: str, lock: Lock) -> tuple[bool, Entry | None]:
        """Whether the lock is ours, and the value if meanwhile somebody has stored it. Without Redis everybody may load."""
        event = self._arrivals[key] = asyncio.Event()
        end, waited, mine = time.monotonic() + LOCK_SECONDS, False, False
        try:
            while time.monotonic() < end:
                mine = await self._shared.take(lock)
                found = await self._peek(key)
                if mine or found:
                    return mine, found
                if not waited:
                    waited = True
                    self._counts.inc(cache.COALESCED, "processes")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await event.wait()
                event.clear()
        except LayerError:
            return mine, None
        finally:
            del self._arrivals[key]
        return False, None

    async def _run(self, wanted: Wanted) -> Entry:
        began, result = time.monotonic(), "failed"
        try:
            data = await wanted.loader()
            result = "loaded" if data is not None else "absent"
        finally:
            self._counts.inc(cache.LOADED, result)
            self._counts.observe(cache.LOAD_DURATION, time.monotonic() - began)
        # A value that changed while it was loaded may be the older one: those who wait get it, nobody after them.
        return await self._keep(wanted, data, not self.flights.spoilt(wanted.key))
