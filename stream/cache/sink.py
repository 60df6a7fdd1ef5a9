"""What the feed tells goes into the cache: the newest value of each symbol, and of each room all, a second late at most."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import msgspec

from metrics import cache as declared
from metrics.model import Sample
from stream.cache.cache import Cache, Item
from stream.cache.kinds import OF_ROOM, key
from stream.cache.layer import EdgeWrite
from stream.cache.tasks import ended
from stream.messages import Update

_LOG = logging.getLogger("watchfloor.cache")
_EVERY = 1.0  # seconds between two writes
_MOST = 10_000  # keys that may wait


class Seed(msgspec.Struct, frozen=True, array_like=True):
    """One symbol's newest update, as it is kept for the next start."""

    symbol: str
    data: dict[str, Any]
    source_time: int
    figure: float | None


def room_key(room: str) -> str:
    """Under which key a room's newest updates are kept."""
    return f"room:{room}"


class CacheSink:
    """Implements `stream.sink.Sink`: `write` notes an update, a task of its own writes once a second what is then the newest.

    Keys are `market-data:<symbol>`, `crypto-metrics:<symbol>`, `sentiment:<symbol>`, values the update's data. The edge drops
    what it held of them and fetches nothing: it keeps no value that changes every second.
    """

    name = "cache"

    def __init__(self, cache: Cache, every: float = _EVERY, most: int = _MOST) -> None:
        self._cache, self._every, self._most = cache, every, most
        self._waiting: dict[tuple[str, str], Update] = {}
        self._rooms: dict[str, dict[str, list[Any]]] = {}  # of each room its `Seed`s, as plain lists
        self._task: asyncio.Task[None] | None = None

    def write(self, update: Update) -> None:
        """Notes one update; a newer one of the same symbol takes its place. Needs a running loop."""
        name = (update.room, update.symbol)
        if update.room not in OF_ROOM:
            return
        if name not in self._waiting and len(self._waiting) >= self._most:
            self._cache.tally.instruments.inc(declared.SINK_DROPPED, "full")
            return
        self._waiting[name] = update
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="cache sink")

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            await self.flush()

    async def flush(self) -> None:
        """Writes what waits."""
        updates, self._waiting = list(self._waiting.values()), {}
        items, rooms = [], dict.fromkeys(update.room for update in updates)
        for update in updates:
            kind, data = OF_ROOM[update.room], self._plain(update)
            if data is not None:
                items.append(Item(key(kind, update.symbol), data, kind.ttl))
                seed = [update.symbol, data, update.source_time, update.figure]
                self._rooms.setdefault(update.room, {})[update.symbol] = seed
        known_rooms = [room for room in rooms if room in self._rooms]
        items += [Item(room_key(room), list(self._rooms[room].values()), OF_ROOM[room].ttl) for room in known_rooms]
        await self._set(items)

    def _plain(self, update: Update) -> dict[str, Any] | None:
        """The update's data, if it can be kept."""
        data = dict(update.data)
        try:
            msgspec.msgpack.encode(data)
        except (TypeError, ValueError) as error:
            self._refuse(f"{update.room} {update.symbol}", error)
            return None
        return data

    def _refuse(self, what: str, error: Exception) -> None:
        self._cache.tally.instruments.inc(declared.SINK_DROPPED, "unusable")
        _LOG.warning("%s is not kept: %s", what, error, extra={"event": "cache_unusable", "what": what})

    async def _set(self, items: list[Item]) -> None:
        if not items:
            return
        try:
            await self._cache.set_many(items, EdgeWrite.DROP)
        except (TypeError, ValueError):  # one value that is none must not cost the others
            for item in items:
                try:
                    await self._cache.set_many((item,), EdgeWrite.DROP)
                except (TypeError, ValueError) as error:
                    self._refuse(item.key, error)

    async def close(self) -> None:
        """Writes what still waits, and lets go."""
        await ended([self._task])
        await self.flush()

    def samples(self) -> Iterator[Sample]:
        """How much waits."""
        yield declared.SINK_WAITING.sample(len(self._waiting))


async def known(cache: Cache, room: str) -> list[Update]:
    """The newest updates of a room that the cache still knows; empty where it knows none."""
    answer = await cache.get(room_key(room), stale=True)
    try:
        seeds: list[Seed] = msgspec.convert(answer.data or [], list[Seed])
    except msgspec.ValidationError:
        return []
    return [Update(room, seed.symbol, seed.data, seed.source_time, seed.figure) for seed in seeds]
