"""What the cache tells: an answer, statistics."""

from __future__ import annotations

import time
from typing import Any

import msgspec


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What came of one question.

    `data` must not be changed: others hold the same object. `source` is memory, redis, cdn, none, or error (nothing was found
    and a layer failed). `hit` with `data` None: known to be absent. `latency` in seconds. `created` is when the value was made
    (s, Unix time; 0 without one); `stale` tells that it is past its time and is being loaded anew.
    """

    data: Any
    source: str
    hit: bool
    latency: float
    created: float = 0.0
    stale: bool = False

    @property
    def age(self) -> float:
        """Seconds since the value was made; 0 without one."""
        return max(0.0, time.time() - self.created) if self.created else 0.0


class LayerStatistics(msgspec.Struct, frozen=True):
    """One layer since the start: values it holds (None: it does not say), questions, answers."""

    size: int | None
    requests: int
    hits: int


class Statistics(msgspec.Struct, frozen=True):
    """All layers, and the cache as a whole: `hit_rate` from 0 to 1 (0 before the first question)."""

    layers: dict[str, LayerStatistics]
    hit_rate: float
    requests: int
    hits: int
