"""Signals and market conditions, made each second from what the rooms know, and kept in the cache: what the fast endpoints tell.

A process that has no rooms of its own to look at finds what others made, by the same keys.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from settings.api import Conditions as Limits
from stream.api import live
from stream.api.conditions import Surge, conditions
from stream.api.live import Snapshot
from stream.api.signals import signal
from stream.api.types import Condition, Currency, Signal
from stream.cache.answer import Answer
from stream.messages import MARKET

SIGNALS, CONDITIONS = "api:trading-signals", "api:market-conditions"
EVERY = 1.0  # seconds
_OWN = 3 * EVERY  # what this process made is told for so long, without a look at what others made
_TTL = 60.0  # seconds; older is not told any more
_LOG = logging.getLogger("watchfloor.stream.api")


class Values(Protocol):
    """The part of the cache that is used here."""

    async def get(self, key: str, *, stale: bool = False) -> Answer:
        """What is known of a key."""
        ...

    async def set(self, key: str, value: Any, ttl: float | None = None) -> dict[str, bool]:
        """Keeps a value."""
        ...


@dataclass(frozen=True)
class Made:
    """Values, and when they were made (Unix time, s)."""

    values: Sequence[Any]
    at: float


class Fresh:
    """Makes and finds them. `snapshot` gives a room's newest updates; `cache` None: they stay in this process."""

    def __init__(self, snapshot: Snapshot, limits: Limits, cache: Values | None = None) -> None:
        self._snapshot, self._limits, self._cache = snapshot, limits, cache
        self._surges: dict[str, Surge] = {}
        self._held: dict[str, Made] = {}

    async def run(self) -> None:
        """Makes them each second until it is cancelled; one failure is no end."""
        while True:
            try:
                await self.make(time.time())
            except Exception:  # noqa: BLE001  # the edge of a task: the next second is another try
                _LOG.exception("signals and conditions were not made", extra={"event": "fresh_failed"})
            await asyncio.sleep(EVERY)

    async def make(self, now: float) -> None:
        """Makes both from what is known; nothing where nothing is."""
        known = live.currencies(self._snapshot)
        if not known:
            return
        told = [one for one in map(signal, known) if one is not None]
        found = sorted(self._found(known, now), key=lambda one: (one.severity != "critical", one.symbol, one.kind))
        for key, values in ((SIGNALS, told), (CONDITIONS, found)):
            self._held[key] = Made(values, now)
            if self._cache is not None:
                await self._cache.set(key, msgspec.to_builtins(values), _TTL)

    def _found(self, known: Iterable[Currency], now: float) -> Iterable[Condition]:
        for one in known:
            surge = None
            if one.market is not None and one.market.volume_24h is not None:
                watched = self._surges.setdefault(one.symbol, Surge())
                watched.add(now, self._volume(one.symbol))
                surge = watched.times
            yield from conditions(one, surge, self._limits)

    def _volume(self, symbol: str) -> float:
        """What is traded a second: of the market room, whose window is a second."""
        data = next(update.data for update in self._snapshot(MARKET) if update.symbol == symbol)
        return float(data.get("volume") or 0.0)

    async def signals(self) -> Made | None:
        """The trading signals; None where nobody has made any lately."""
        return await self._get(SIGNALS, Signal)

    async def conditions(self) -> Made | None:
        """The market conditions, the most severe first; None as above."""
        return await self._get(CONDITIONS, Condition)

    async def _get(self, key: str, kind: type[Any]) -> Made | None:
        held = self._held.get(key)
        now = time.time()
        if held is not None and (now - held.at < _OWN or self._cache is None):
            return held if now - held.at < _TTL else None
        answer = await self._cache.get(key, stale=True) if self._cache is not None else None
        if answer is None or not answer.hit or answer.data is None:
            return held if held is not None and now - held.at < _TTL else None
        values: list[Any] = msgspec.convert(answer.data, list[kind])  # type: ignore[valid-type]  # a type in a variable
        return Made(values, answer.created)
