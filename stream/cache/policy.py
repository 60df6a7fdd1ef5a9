"""How long a value lives, layer by layer. Pure: chance and clock are given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from metrics.durations import seconds
from settings.cache import Cache as Settings


class Lifetime(NamedTuple):
    """Seconds from now: how long it is fresh, how long it may be served at all, how long Redis keeps it."""

    fresh: float
    held: float
    redis: float


@dataclass(frozen=True)
class Lifetimes:
    """The rules of one site. `edge` is the edge's own time in seconds, 0 without an edge."""

    redis: float
    edge: float
    stale: float
    negative: float
    jitter: float

    @classmethod
    def of(cls, wanted: Settings, edge: float) -> Lifetimes:
        """The rules that the settings tell."""
        return cls(seconds(wanted.redis.ttl), edge, seconds(wanted.stale), seconds(wanted.negative_ttl), wanted.jitter)

    def of_value(self, ttl: float | None, *, absent: bool, chance: float) -> Lifetime:
        """The life of a value whose writer wants `ttl` seconds; without a wish every layer keeps it for its own time.

        Known absence lives for its own short time. `chance`, from 0 to 1, shortens by up to the jitter, so that what was written
        together does not end together. Raises ValueError for a wish that is no time.
        """
        if ttl is not None and not (math.isfinite(ttl) and ttl > 0):
            raise ValueError(f"a time to live of {ttl} s: give a number above zero, or none")
        factor = 1 - self.jitter * chance
        if absent:
            fresh = min(self.negative, ttl or self.negative) * factor
            return Lifetime(fresh, fresh, fresh)
        if ttl is None:
            fresh = max(self.redis, self.edge) * factor
            return Lifetime(fresh, fresh, self.redis * factor)
        fresh = ttl * factor
        return Lifetime(fresh, fresh + self.stale, fresh + self.stale)
