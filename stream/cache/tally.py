"""What the cache counts: plain numbers where it is hot, instruments elsewhere."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from metrics import cache
from metrics.instruments import Instruments
from metrics.model import Distribution, Sample

_HOT = frozenset({cache.REQUESTS, cache.HITS, cache.MISSES, cache.LATENCY, cache.EVICTIONS})
_BOUNDS = cache.LATENCY.buckets


class Tally:
    """The counters of one process's cache."""

    def __init__(self) -> None:
        self.instruments = Instruments(metric for metric in cache.COUNTED if metric not in _HOT)
        self.requests = dict.fromkeys(cache.SOURCES, 0)
        self.hits = dict.fromkeys(cache.LAYERS, 0)
        self.misses = dict.fromkeys(cache.LAYERS, 0)
        self._memory = [0] * (len(_BOUNDS) + 1)
        self._memory_sum = 0.0
        self._took: dict[tuple[str, str], tuple[list[int], list[float]]] = {
            (layer, operation): ([0] * (len(_BOUNDS) + 1), [0.0])
            for layer in cache.LAYERS
            for operation in cache.OPERATIONS
            if (layer, operation) != (cache.MEMORY, "get")
        }

    def memory_hit(self, seconds: float) -> None:
        """The hot path: a question answered from memory; `requests` and `hits` are told apart when they are collected."""
        self._memory[bisect_left(_BOUNDS, seconds)] += 1
        self._memory_sum += seconds

    @property
    def memory_hits(self) -> int:
        """Questions answered from memory."""
        return sum(self._memory)

    def took(self, layer: str, operation: str, seconds: float) -> None:
        """How long a layer took."""
        counts, total = self._took[layer, operation]
        counts[bisect_left(_BOUNDS, seconds)] += 1
        total[0] += seconds

    def collect(self) -> Iterator[Sample]:
        """The samples of now."""
        memory = {cache.MEMORY: self.memory_hits}
        for source, number in (self.requests | memory).items():
            yield cache.REQUESTS.sample(number, source)
        for layer, number in (self.hits | memory).items():
            yield cache.HITS.sample(number, layer)
        for layer, number in self.misses.items():
            yield cache.MISSES.sample(number, layer)
        yield cache.LATENCY.sample(Distribution(tuple(self._memory), self._memory_sum), cache.MEMORY, "get")
        for (layer, operation), (counts, total) in self._took.items():
            yield cache.LATENCY.sample(Distribution(tuple(counts), total[0]), layer, operation)
        yield from self.instruments.collect()
