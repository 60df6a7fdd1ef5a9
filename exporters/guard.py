"""The cardinality guard: a scrape has no more series than allowed, of a metric and in all, and what is cut is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from metrics.model import Column, Distribution, Keys, Metric, Sample

_STEADY = 0.9  # of what would fit: a limit that fits stays until then, or the last series would come and go with others' number


class Kept(NamedTuple):
    """What is left of a scrape, how many series of which metric were cut, the limit of each; whether it is a whole scrape's."""

    samples: Sequence[Sample]
    cut: Mapping[Metric, int] = {}
    limit: int = 0
    of_all: bool = False


class Guard:
    """Keeps each metric to `limit` series a scrape, and the whole to `most` samples; one for each target, for all its scrapes.

    Prometheus refuses a scrape with more samples than its `sample_limit`, whole: rather than nothing, the metrics with the most
    series have fewer, all of them as many, so that of a table of many rows the same rows are left in all.
    """

    def __init__(self, limit: int, most: int) -> None:
        self._limit, self._most = limit, most
        self._last = limit
        # What is left of cut keys, kept so that their text is made once.
        self._left: WeakKeyDictionary[Keys, tuple[int, Keys]] = WeakKeyDictionary()

    def within(self, samples: Sequence[Sample]) -> Kept:
        """The samples within the limits, the first ones.

        Collectors yield in an order of their own that does not change from scrape to scrape, so that it is the same series
        that stay.
        """
        wide = sum(_weight(sample[2]) for sample in samples if isinstance(sample[2], tuple))
        if len(samples) + wide <= min(self._limit, _STEADY * self._most):  # no metric can have more: the usual case costs nothing
            self._last = self._limit
            return Kept(samples)
        sizes: Counter[Metric] = Counter()
        heavy: dict[Metric, int] = {}
        for metric, _, value in samples:
            sizes[metric] += len(value.values) if isinstance(value, Column) else 1
            heavy[metric] = _weight(value) if isinstance(value, Distribution) else 1
        limit = self._fitting(sizes, heavy)
        over = {metric: size - limit for metric, size in sizes.items() if size > limit}
        return Kept(self._cut(samples, over, limit), over, limit, limit < self._limit) if over else Kept(samples)

    def _fitting(self, sizes: Mapping[Metric, int], heavy: Mapping[Metric, int]) -> int:
        """How many series a metric may have, so that all together fit; `heavy`: the samples of one series."""

        def told(limit: int) -> int:
            return sum(min(size, limit) * heavy[metric] for metric, size in sizes.items())

        if (whole := told(self._limit)) <= self._most:
            if whole <= _STEADY * self._most:
                self._last = self._limit
            return self._last
        least, most = 0, self._limit
        while most - least > 1:
            middle = (least + most) // 2
            least, most = (middle, most) if told(middle) <= self._most else (least, middle)
        if not _STEADY * least <= self._last <= least:
            self._last = least
        return self._last

    def _cut(self, samples: Sequence[Sample], over: Mapping[Metric, int], limit: int) -> list[Sample]:
        kept: list[Sample] = []
        left = dict.fromkeys(over, limit)
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


def _weight(value: float | Distribution | Column) -> int:
    """How many of Prometheus's samples it becomes: of a histogram its buckets, their sum and their count."""
    if isinstance(value, Column):
        return len(value.values)
    return len(value.counts) + 2 if isinstance(value, Distribution) else 1
