"""The three layers as one: asked from the top, filled upwards, written and emptied together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from metrics import cache
from metrics.durations import seconds
from settings.cache import Cache as Settings
from stream.cache.entry import Codec, Entry, Packed, PoisonedError
from stream.cache.flights import Flights
from stream.cache.guard import LayerError
from stream.cache.keys import covering_tag
from stream.cache.layer import Edge, EdgeWrite
from stream.cache.memory import Life, Memory
from stream.cache.shared import Shared, Written
from stream.cache.tally import Tally


class Found(NamedTuple):
    """What the layers below memory brought: an entry that may be stale, and who gave it (or `none`, `error`)."""

    entry: Entry | None
    source: str


class Layers:
    """Memory, Redis, and an edge if there is one."""

    def __init__(self, wanted: Settings, codec: Codec, shared: Shared, edge: Edge | None, tally: Tally) -> None:
        self.memory = Memory(wanted.memory.items, wanted.memory.size, seconds(wanted.memory.ttl))
        self.shared, self.edge = shared, edge
        self.fetches: Flights[Found] = Flights()
        self._codec, self._tally = codec, tally

    # -- reading -----------------------------------------------------------------------------------------------------
    async def fetch(self, key: str) -> Found:
        """Asks the layers below memory, once for all who ask at this moment."""
        return await self.fetches.join(key, lambda: self._fetch(key))

    async def _fetch(self, key: str) -> Found:
        source = "none"
        try:
            packed = await self.from_redis(key)
            if packed is not None:
                self._hold(packed)
                return Found(packed.entry, cache.REDIS)
        except LayerError:
            source = "error"
        if self.edge is None:
            return Found(None, source)
        try:
            packed = await self._from_edge(self.edge, key)
        except LayerError:
            return Found(None, "error")
        if packed is None:
            return Found(None, source)
        await self._fill(packed)
        return Found(packed.entry, cache.CDN)

    async def from_redis(self, key: str) -> Packed | None:
        """What Redis holds; what is no value of this key is counted and deleted. Raises LayerError."""
        began, packed = time.monotonic(), None
        try:
            data = await self.shared.get(key)
            packed = self._opened(key, data)
        except PoisonedError:
            self.shared.guard.count("poisoned")
            await self.shared.discard(key)
        finally:
            self._asked(cache.REDIS, began, hit=packed is not None)
        return packed

    async def _from_edge(self, edge: Edge, key: str) -> Packed | None:
        began, packed = time.monotonic(), None
        try:
            data = await edge.get(key)
            packed = self._opened(key, data)
        except PoisonedError:
            edge.guard.count("poisoned")
            await edge.discard(key)
        finally:
            self._asked(cache.CDN, began, hit=packed is not None)
        return packed

    def _opened(self, key: str, data: bytes | None) -> Packed | None:
        """The entry in these bytes, unless it may no longer be served. Raises PoisonedError."""
        if data is None:
            return None
        packed = self._codec.unpack(key, data)
        return packed if packed.entry.expires > time.time() * 1000 else None

    def _asked(self, layer: str, began: float, *, hit: bool) -> None:
        self._tally.took(layer, "get", time.monotonic() - began)
        (self._tally.hits if hit else self._tally.misses)[layer] += 1

    def _hold(self, packed: Packed) -> None:
        """Fills memory, unless the key has changed since it was asked for."""
        if not self.fetches.spoilt(packed.entry.key):
            self.keep(packed)

    def keep(self, packed: Packed) -> bool:
        """Puts a value into memory for what is left of its life."""
        now = time.time() * 1000
        life = Life((packed.entry.fresh - now) / 1000, (packed.entry.expires - now) / 1000)
        return self.memory.put(packed.entry, packed.size, life, time.monotonic())

    async def _fill(self, packed: Packed) -> None:
        """Fills Redis and memory from the edge."""
        left = int(packed.entry.expires - time.time() * 1000)
        if self.fetches.spoilt(packed.entry.key) or left <= 0:
            return
        self._hold(packed)
        try:
            await self.shared.fill(Written(packed.entry.key, packed.data, left))
        except LayerError:
            return

    # -- writing -----------------------------------------------------------------------------------------------------
    async def write(self, values: Sequence[tuple[Packed, int]], edgewise: EdgeWrite) -> dict[str, bool]:
        """Writes values (with their milliseconds in Redis) through all layers; tells which took all of them.

        Memory comes first: word of a later write by another process must find it. What the edge does later counts as taken.
        """
        began = time.monotonic()
        keys = [packed.entry.key for packed, _ in values]
        held = []
        for packed, _ in values:
            self.fetches.spoil(packed.entry.key)
            held.append(self.keep(packed))
        done = {cache.MEMORY: all(held)}
        self._tally.took(cache.MEMORY, "set", time.monotonic() - began)
        began = time.monotonic()
        try:
            await self.shared.set([Written(packed.entry.key, packed.data, kept) for packed, kept in values])
            done[cache.REDIS] = True
        except LayerError:
            done[cache.REDIS] = False
        self._tally.took(cache.REDIS, "set", time.monotonic() - began)
        for key in keys if not done[cache.MEMORY] else ():
            self.fetches.spoil(key)  # memory did not take the new value, and must not be given the old one either
        if self.edge:
            done[cache.CDN] = await self._write_edge(self.edge, keys, edgewise if done[cache.REDIS] else EdgeWrite.DROP)
        return done

    async def _write_edge(self, edge: Edge, keys: Sequence[str], edgewise: EdgeWrite) -> bool:
        if edgewise is not EdgeWrite.NOW:
            edge.later(keys, refill=edgewise is EdgeWrite.SOON)
            return not edge.guard.open
        began = time.monotonic()
        try:
            await edge.refill(keys)
        except LayerError:
            return False
        finally:
            self._tally.took(cache.CDN, "set", time.monotonic() - began)
        return True

    # -- removing ----------------------------------------------------------------------------------------------------
    def forget(self, pattern: str) -> int:
        """Removes a pattern from memory; what is under way may bring it back no more."""
        self.fetches.spoil_all()
        return self.memory.remove_matching(pattern)

    async def remove(self, pattern: str) -> dict[str, int]:
        """Removes a pattern from all layers; tells how many values each dropped, -1 for a layer that failed."""
        removed: dict[str, int] = {}
        began = time.monotonic()
        removed[cache.MEMORY] = self.forget(pattern)
        self._tally.took(cache.MEMORY, "invalidate", time.monotonic() - began)
        began = time.monotonic()
        try:
            removed[cache.REDIS] = await self.shared.remove(pattern)
        except LayerError:
            removed[cache.REDIS] = -1
        self._tally.took(cache.REDIS, "invalidate", time.monotonic() - began)
        self.forget(pattern)  # what a fetch or a loader has brought back before Redis was rid of it
        if self.edge:
            began = time.monotonic()
            try:
                removed[cache.CDN] = await self.edge.purge((covering_tag(pattern),))
            except LayerError:
                removed[cache.CDN] = -1
            self._tally.took(cache.CDN, "invalidate", time.monotonic() - began)
        for layer, count in removed.items():
            self._tally.instruments.inc(cache.INVALIDATIONS, layer, by=max(0, count))
        return removed
