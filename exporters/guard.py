"""The cardinality guard: no metric of one scrape has more series than allowed, and what is cut is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from metrics.model import Column, Keys, Metric, Sample


class Guard:
    """Keeps each metric to `limit` series a scrape; one for each target, kept from scrape to scrape."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # What is left of cut keys, kept so that their text is made once.
        self._left: WeakKeyDictionary[Keys, tuple[int, Keys]] = WeakKeyDictionary()

    def within(self, samples: Sequence[Sample]) -> tuple[Sequence[Sample], dict[Metric, int]]:
        """The samples with at most `limit` a metric, the first ones, and how many of which metric were cut.

        Collectors yield in an order of their own that does not change from scrape to scrape, so that it is the same series
        that stay.
        """
        wide = sum(len(sample[2].values) for sample in samples if isinstance(sample[2], Column))
        if len(samples) + wide <= self._limit:  # no metric can have more: the usual case costs nothing
            return samples, {}
        sizes: Counter[Metric] = Counter()
        for metric, _, value in samples:
            sizes[metric] += len(value.values) if isinstance(value, Column) else 1
        over = {metric: size - self._limit for metric, size in sizes.items() if size > self._limit}
        return (self._cut(samples, over), over) if over else (samples, {})

    def _cut(self, samples: Sequence[Sample], over: dict[Metric, int]) -> list[Sample]:
        kept: list[Sample] = []
        left = dict.fromkeys(over, self._limit)
        for sample in samples:
            metric, labels, value = sample
            if metric not in over:
                kept.append(sample)
                continue
            room, size = left[metric], len(value.values) if isinstance(value, Column) else 1
            left[metric] = max(0, room - size)
            if size <= room:
                kept.append(sample)
            elif room and isinstance(value, Column):
                kept.append((metric, labels, Column(self._first(value.keys, room), value.unpacked()[:room])))
        return kept

    def _first(self, keys: Keys, count: int) -> Keys:
        known = self._left.get(keys)
        if known is None or known[0] != count:
            known = self._left[keys] = (count, Keys(keys.rows[:count]))
        return known[1]
