"""Layer 1: the least recently used go first, bounded in items and bytes, each value with its time. Pure: the clock is given."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from stream.cache.entry import Entry
from stream.cache.keys import matcher


class Held(NamedTuple):
    """What is held of one key: fresh and held until these times of the monotonic clock (s); `size` in encoded bytes."""

    entry: Entry
    fresh: float
    until: float
    size: int


class Life(NamedTuple):
    """How many seconds a value is still fresh, and may still be held."""

    fresh: float
    held: float


class Memory:
    """At most `items` values and `size` bytes, each for `ttl` seconds at most."""

    def __init__(self, items: int, size: int, ttl: float) -> None:
        self._items, self._limit, self._ttl = items, size, ttl
        self._held: OrderedDict[str, Held] = OrderedDict()
        self.bytes = 0
        self.evicted = {"items": 0, "bytes": 0, "expired": 0}

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: str, now: float) -> Held | None:
        """What is held of a key and not past its time; it may be no longer fresh."""
        held = self._held.get(key)
        if held is None:
            return None
        if held.until <= now:
            self._evict(key, "expired")
            return None
        self._held.move_to_end(key)
        return held

    def put(self, entry: Entry, size: int, life: Life, now: float) -> bool:
        """Holds a value for its life, or for the layer's own time if that is less; False if it can't be held at all."""
        self.remove(entry.key)
        if size > self._limit or life.held <= 0:
            return False
        until = now + min(life.held, self._ttl)
        self._held[entry.key] = Held(entry, min(until, now + life.fresh), until, size)
        self.bytes += size
        while len(self._held) > self._items:
            self._evict(next(iter(self._held)), "items")
        while self.bytes > self._limit:
            self._evict(next(iter(self._held)), "bytes")
        return True

    def remove(self, key: str) -> bool:
        """Forgets one key; tells whether it was held."""
        held = self._held.pop(key, None)
        if held is not None:
            self.bytes -= held.size
        return held is not None

    def remove_matching(self, pattern: str) -> int:
        """Forgets every key of a pattern; returns how many."""
        fits = matcher(pattern).fullmatch
        return sum(self.remove(key) for key in [key for key in self._held if fits(key)])

    def clear(self) -> int:
        """Forgets everything; returns how many."""
        count = len(self._held)
        self._held.clear()
        self.bytes = 0
        return count

    def sweep(self, now: float) -> int:
        """Evicts what is past its time; returns how many."""
        late = [key for key, held in self._held.items() if held.until <= now]
        for key in late:
            self._evict(key, "expired")
        return len(late)

    def _evict(self, key: str, cause: str) -> None:
        self.remove(key)
        self.evicted[cause] += 1
