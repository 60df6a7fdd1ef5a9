"""Loads values before anybody asks: on SPEC's schedule by one process of many, and on demand by any."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol, TypeAlias

from metrics import cache as declared
from metrics.model import Sample
from settings.cache import Warming as Settings
from stream.cache.cache import Cache, Item
from stream.cache.kinds import KINDS, Kind, Priority, by_kind, due, until_next
from stream.cache.lease import Lease
from stream.cache.tasks import ended

_LOG = logging.getLogger("watchfloor.cache")
_YOUNG = 0.5  # of its life: a younger value outlasts the next round or is written by the feed anyway
_FAILED_AGAIN = 30.0  # seconds before a round that could not even list its keys is tried again


class Source(Protocol):
    """Where the values of one kind come from; whoever wires gives one a kind."""

    async def keys(self) -> Sequence[str]:
        """The keys worth warming."""
        ...

    async def load(self, keys: Sequence[str]) -> Mapping[str, Any]:
        """The values of these keys, without those that do not exist; plain, as the cache wants them."""
        ...


@dataclass(order=True)
class _Batch:
    """Keys of one kind that are loaded together; the most urgent first, then the one that came first."""

    priority: Priority
    number: int
    kind: Kind = field(compare=False)
    keys: list[str] = field(compare=False)
    done: asyncio.Future[dict[str, str]] = field(compare=False)


_Round: TypeAlias = tuple[Kind, float, list[asyncio.Future[dict[str, str]]]]


class Warmer:
    """Warms a cache from sources by kind; use `start` and `close` within a running loop. A kind without a source is left out."""

    def __init__(self, cache: Cache, sources: Mapping[str, Source], lease: Lease, wanted: Settings) -> None:
        self.sources = dict(sources)
        self._cache, self._lease, self._wanted = cache, lease, wanted
        self._counts = cache.tally.instruments
        self._queue: asyncio.PriorityQueue[_Batch] = asyncio.PriorityQueue()
        self._numbers = count()
        self._waiting = dict.fromkeys(KINDS, 0)
        self._last: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to warm, as soon as it is this process's turn."""
        self._tasks = [asyncio.create_task(self._work(), name="warmer") for _ in range(self._wanted.concurrency)]
        if self._wanted.enabled and self.sources:
            self._lease.start()
            self._tasks.append(asyncio.create_task(self._schedule(), name="warming schedule"))

    async def close(self) -> None:
        """Warms no more; who waits for keys on demand is told that they failed."""
        await ended(self._tasks)
        while not self._queue.empty():
            batch = self._queue.get_nowait()
            if not batch.done.done():
                batch.done.set_result(dict.fromkeys(batch.keys, "failed"))
        await self._lease.close()

    # -- on demand ---------------------------------------------------------------------------------------------------
    async def warm(self, keys: Sequence[str]) -> dict[str, str]:
        """Loads these keys before all others, also those whose values are young; tells each key's result.

        `warmed`, `absent` (there is no such value), or `failed` (its kind has no source, its source failed, or no layer took it).
        Raises ValueError, before anything is loaded, for a key of no kind.
        """
        batches = [self._ask(kind, some, Priority.DEMANDED) for kind, some in by_kind(keys).items()]
        results = await asyncio.gather(*(done for each in batches for done in each))
        return {key: result for told in results for key, result in told.items()}

    def _ask(self, kind: Kind, keys: Sequence[str], priority: Priority) -> list[asyncio.Future[dict[str, str]]]:
        asked = []
        for start in range(0, len(keys), self._wanted.batch):
            some = list(keys[start : start + self._wanted.batch])
            done: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
            self._waiting[kind.name] += len(some)
            self._queue.put_nowait(_Batch(priority, next(self._numbers), kind, some, done))
            asked.append(done)
        return asked

    # -- on schedule -------------------------------------------------------------------------------------------------
    async def _schedule(self) -> None:
        while True:
            await self._lease.wait()
            rounds = [await self._begin(kind) for kind in due(self._last, time.monotonic()) if kind.name in self.sources]
            await asyncio.gather(*(self._end(*begun) for begun in rounds if begun))
            wait = until_next({kind: self._last.get(kind, 0.0) for kind in self.sources}, time.monotonic())
            await asyncio.sleep(min(1.0, wait))

    async def _begin(self, kind: Kind) -> _Round | None:
        """Begins a round of a kind: its keys, but not those whose values are young, wait for their turn."""
        began = time.monotonic()
        self._last[kind.name] = began
        try:
            keys = await self.sources[kind.name].keys()
        except Exception:  # noqa: BLE001  # a task's edge: a source that is away is tried again soon
            _LOG.exception("cannot tell which keys to warm", extra={"event": "warming_failed", "kind": kind.name})
            self._counts.inc(declared.WARMED, kind.name, "failed")
            self._last[kind.name] = began - kind.every + min(_FAILED_AGAIN, kind.every)
            return None
        old: list[str] = []
        for key in keys:
            answer = await self._cache.get(key)
            (self._fresh if answer.hit and answer.age < kind.ttl * _YOUNG else old.append)(key)
        return kind, began, self._ask(kind, old, kind.priority)

    async def _end(self, kind: Kind, began: float, asked: list[asyncio.Future[dict[str, str]]]) -> None:
        results = await asyncio.gather(*asked)
        self._counts.observe(declared.WARM_DURATION, time.monotonic() - began, kind.name)
        if "failed" not in {result for told in results for result in told.values()}:
            self._counts.set(declared.WARM_LAST, time.time(), kind.name)

    def _fresh(self, key: str) -> None:
        self._counts.inc(declared.WARMED, key.partition(":")[0], "fresh")

    # -- the work itself ---------------------------------------------------------------------------------------------
    async def _work(self) -> None:
        while True:
            batch = await self._queue.get()
            results = dict.fromkeys(batch.keys, "failed")
            try:
                results |= await self._load(batch)
            except Exception:  # noqa: BLE001  # a task's edge: one bad batch must not end the warmer
                _LOG.exception("warming failed", extra={"event": "warming_failed", "kind": batch.kind.name})
            finally:
                self._waiting[batch.kind.name] -= len(batch.keys)
                for result in results.values():
                    self._counts.inc(declared.WARMED, batch.kind.name, result)
                if not batch.done.done():
                    batch.done.set_result(results)

    async def _load(self, batch: _Batch) -> dict[str, str]:
        source = self.sources.get(batch.kind.name)
        if source is None:
            return {}
        values = await source.load(batch.keys)
        items = [Item(key, values[key], batch.kind.ttl) for key in batch.keys if values.get(key) is not None]
        taken = await self._cache.set_many(items) if items else {}
        result = "warmed" if any(taken.values()) else "failed"
        return dict.fromkeys(batch.keys, "absent") | {item.key: result for item in items}

    def samples(self) -> Iterator[Sample]:
        """Progress; the rest is among the cache's own samples."""
        for kind, number in self._waiting.items():
            yield declared.WARM_WAITING.sample(number, kind)
        yield declared.WARM_LEADER.sample(int(self._lease.held))
