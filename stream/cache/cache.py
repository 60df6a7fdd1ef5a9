"""The cache as everybody uses it: three layers behind `get`, `set`, `load`, `invalidate`."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, Self

from redis.exceptions import RedisError

from metrics import cache
from metrics.durations import seconds
from metrics.model import Sample
from settings.cache import Cache as Settings
from stream.cache.answer import Answer, LayerStatistics, Statistics
from stream.cache.coherence import Coherence
from stream.cache.entry import Codec, Entry, Packed
from stream.cache.guard import Guard
from stream.cache.keys import checked_key, checked_pattern
from stream.cache.layer import Edge, EdgeWrite
from stream.cache.layers import Layers
from stream.cache.lease import Lease
from stream.cache.loading import Loader, Loading, Wanted
from stream.cache.policy import Lifetimes
from stream.cache.shared import Change, RedisAddress, Shared
from stream.cache.tally import Tally
from stream.cache.tasks import bounded, ended

_monotonic = time.monotonic
_LEAVE = 3.0  # seconds that one part may take to close
_SETTLE = 1.0  # seconds that the first connection to Redis may take


class Item(NamedTuple):
    """One value to set: see `Cache.set`."""

    key: str
    value: Any
    ttl: float | None = None
    tags: tuple[str, ...] = ()


class Cache:
    """One process's cache; use it as an async context, within a running loop.

    Keys are 1 to 200 letters, digits and `. _ : @ -`. Values are plain: None, booleans, numbers, texts, bytes, lists and dicts by
    text; what comes back is what MessagePack makes of them, from every layer alike. A layer that fails is a miss.
    """

    def __init__(self, wanted: Settings, address: RedisAddress, edge: Edge | None = None, tally: Tally | None = None) -> None:
        self.tally = tally or Tally()
        origin, counts = secrets.token_hex(6), self.tally.instruments
        self._codec = Codec(wanted.compress_size)
        self._shared = Shared(address, seconds(wanted.redis.timeout), counts, origin)
        self._layers = Layers(wanted, self._codec, self._shared, edge, self.tally)
        self._memory = self._layers.memory
        self.edge_ttl = edge.ttl if edge else 0.0
        self._lifetimes = Lifetimes.of(wanted, self.edge_ttl)
        self._loading = Loading(self._shared, counts, self._peek, self._keep)
        self._coherence = Coherence(self._shared.redis, self._shared.channel, origin, self._changed, self._lost)
        self._check = seconds(wanted.memory.check)
        self._sweeping: asyncio.Task[None] | None = None

    # -- life --------------------------------------------------------------------------------------------------------
    async def __aenter__(self) -> Self:
        self._coherence.start()
        with contextlib.suppress(RedisError, OSError, TimeoutError):  # then the first caller finds out
            await self._shared.settle(_SETTLE)
        self._sweeping = asyncio.create_task(self._sweep(), name="cache sweep")
        return self

    async def __aexit__(self, *_: object) -> None:
        await ended([self._sweeping])
        for part in (self._loading.flights, self._layers.fetches, self._coherence, self._shared, self._layers.edge):
            if part is not None:
                await bounded(part.close(), _LEAVE, f"closing {type(part).__name__}")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._check)
            self._memory.sweep(_monotonic())

    # -- asking ------------------------------------------------------------------------------------------------------
    async def get(self, key: str, *, stale: bool = False) -> Answer:
        """What is known of a key; with `stale`, also a value past its time that is still held."""
        began = _monotonic()
        held = self._memory.get(key, began)
        if held is not None and (stale or held.fresh > began):
            entry, late, took = held.entry, held.fresh <= began, _monotonic() - began
            self.tally.memory_hit(took)
            if late:
                self.tally.instruments.inc(cache.STALE)
            return Answer(entry.data, cache.MEMORY, True, took, entry.created / 1000, late)
        return await self._below(checked_key(key), began, stale=stale)

    async def _below(self, key: str, began: float, *, stale: bool) -> Answer:
        """What the layers below memory know."""
        self.tally.misses[cache.MEMORY] += 1
        entry, source = await self._layers.fetch(key)
        late = entry is not None and entry.fresh <= time.time() * 1000
        if entry is None or (late and not stale):
            source = "none" if entry is not None else source
            self.tally.requests[source] += 1
            return Answer(None, source, hit=False, latency=_monotonic() - began)
        self.tally.requests[source] += 1
        if late:
            self.tally.instruments.inc(cache.STALE)
        return Answer(entry.data, source, hit=True, latency=_monotonic() - began, created=entry.created / 1000, stale=late)

    async def load(self, key: str, loader: Loader, ttl: float | None = None, tags: Collection[str] = ()) -> Answer:
        """The same, and what is missing comes from `loader`, which runs once for all who wait, in all processes.

        A value past its time (`ttl` seconds, else layer 2's own) is given once more, marked stale, while it is loaded anew. A
        loader that finds nothing returns None, which is remembered for a short while. Raises what the loader raises.
        """
        began = _monotonic()
        answer = await self.get(key, stale=True)
        if answer.hit and not answer.stale:
            return answer
        wanted = Wanted(key, loader, ttl or self._lifetimes.redis, tuple(tags))
        if answer.hit:
            self._loading.refresh(wanted)
            return answer
        entry = await self._loading.load(wanted)
        return Answer(entry.data, "none", hit=False, latency=_monotonic() - began, created=entry.created / 1000)

    async def _peek(self, key: str) -> Entry | None:
        """A fresh value that another caller or process has stored meanwhile; for a loader about to run. Raises LayerError."""
        now = _monotonic()
        held = self._memory.get(key, now)
        if held is not None and held.fresh > now:
            return held.entry
        packed = await self._layers.from_redis(key)
        if packed is None or packed.entry.fresh <= time.time() * 1000:
            return None
        if not self._loading.flights.spoilt(key):
            self._layers.keep(packed)
        return packed.entry

    async def stored(self, key: str) -> Packed | None:
        """What layer 2 holds of a key, as bytes; for the edge. Raises LayerError."""
        return await self._layers.from_redis(key)

    # -- writing -----------------------------------------------------------------------------------------------------
    async def set(self, key: str, value: Any, ttl: float | None = None, tags: Collection[str] = ()) -> dict[str, bool]:
        """Writes a value through all layers; tells, by layer, whether it was taken.

        Fresh for `ttl` seconds; without it every layer keeps it for its own time. None: known to be absent, for a short while.
        `tags` are for the edge, beside those that the key implies. Raises ValueError for what is no key or time, TypeError or
        ValueError for a value that MessagePack cannot hold or that is too large.
        """
        return await self.set_many((Item(key, value, ttl, tuple(tags)),))

    async def set_many(self, items: Sequence[Item], edgewise: EdgeWrite = EdgeWrite.NOW) -> dict[str, bool]:
        """The same for many at once, a layer having taken all or not; `edgewise` tells when the edge shall do its part."""
        values = [self._packed(item) for item in items]
        for item in items:
            self._loading.flights.spoil(item.key)
        return await self._layers.write(values, edgewise)

    def _packed(self, item: Item) -> tuple[Packed, int]:
        life = self._lifetimes.of_value(item.ttl, absent=item.value is None, chance=random.random())  # noqa: S311  # no secret
        now = time.time() * 1000
        entry = Entry(
            checked_key(item.key), int(now), int(now + life.fresh * 1000), int(now + life.held * 1000), item.tags, item.value
        )
        return self._codec.pack(entry), max(1, int(life.redis * 1000))

    async def _keep(self, wanted: Wanted, data: Any, store: bool) -> Entry:  # noqa: FBT001  # what the loader's caller knows
        value = self._packed(Item(wanted.key, data, wanted.ttl, wanted.tags))
        if store:
            await self._layers.write((value,), EdgeWrite.SOON)
        return value[0].entry

    # -- removing ----------------------------------------------------------------------------------------------------
    async def invalidate(self, pattern: str) -> dict[str, int]:
        """Removes every key of a pattern (`*`: any text, `?`: one character) from all layers, in all processes.

        Tells, by layer, how many values went; -1 for a layer that failed and will drop them before it is asked again. Raises
        ValueError for what is no pattern.
        """
        checked_pattern(pattern)
        self._loading.flights.spoil_all()
        return await self._layers.remove(pattern)

    def _changed(self, change: Change) -> None:
        """Another process wrote keys, or removed a pattern."""
        for key in change.keys:
            self._memory.remove(key)
            self._layers.fetches.spoil(key)
            self._loading.flights.spoil(key)
            self._loading.arrived(key)
        if change.pattern:
            self._layers.forget(change.pattern)
            self._loading.flights.spoil_all()

    def _lost(self) -> None:
        """What other processes did for a while is not known."""
        self._memory.clear()
        self._layers.fetches.spoil_all()
        self._loading.flights.spoil_all()

    def lease(self, name: str) -> Lease:
        """A lease among the processes that share layer 2. Names begin with a letter; no value has such a lock."""
        return Lease(self._shared, f"@{name}")

    # -- what is told of it ------------------------------------------------------------------------------------------
    @property
    def degraded(self) -> list[str]:
        """What does not work as it should, in sentences."""
        words = {cache.REDIS: "the cache's Redis does not answer", cache.CDN: "the edge cache does not answer"}
        return [words[guard.layer] for guard in self._guards() if guard.away]

    @property
    def coherent(self) -> bool:
        """Whether it hears of other processes' writes."""
        return self._coherence.connected

    def _guards(self) -> list[Guard]:
        return [self._shared.guard, *([self._layers.edge.guard] if self._layers.edge else [])]

    def statistics(self) -> Statistics:
        """Questions and answers since the start, by layer and of all."""
        tally = self.tally
        hits = tally.hits | {cache.MEMORY: tally.memory_hits}
        sizes = {cache.MEMORY: len(self._memory)}
        layers = {
            layer: LayerStatistics(sizes.get(layer), hits[layer] + tally.misses[layer], hits[layer]) for layer in cache.LAYERS
        }
        answered = sum(tally.requests[layer] for layer in cache.REMOTE) + tally.memory_hits
        requests = answered + tally.requests["none"] + tally.requests["error"]
        return Statistics(layers, answered / requests if requests else 0.0, requests, answered)

    def samples(self) -> Iterator[Sample]:
        """The samples of now, for the admin port."""
        yield from self.tally.collect()
        for cause, number in self._memory.evicted.items():
            yield cache.EVICTIONS.sample(number, cause)
        yield cache.ENTRIES.sample(len(self._memory))
        yield cache.BYTES.sample(self._memory.bytes)
        yield cache.COHERENT.sample(int(self.coherent))
        left = {guard.layer for guard in self._guards() if guard.away}
        for layer in cache.REMOTE:
            yield cache.BREAKER_OPEN.sample(int(layer in left), layer)
