"""Plain numbers that a service changes as it runs and a scrape reads: no locks, for one event loop or one thread."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import product

from metrics.model import Counter, Distribution, Gauge, Histogram, Labels, Metric, Single


class Instruments:
    """The current values of some declared metrics.

    Every child over closed label sets exists at 0 from the start, so that the first increment is seen by `rate()`.
    """

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._values: dict[Metric, dict[Labels, float]] = {}
        self._histograms: dict[Histogram, dict[Labels, tuple[list[int], list[float]]]] = {}
        for metric in metrics:
            children = self._closed_children(metric)
            if isinstance(metric, Histogram):
                self._histograms[metric] = {labels: self._empty(metric) for labels in children}
            else:
                self._values[metric] = dict.fromkeys(children, 0) if isinstance(metric, Counter) else {}

    @staticmethod
    def _closed_children(metric: Metric) -> list[Labels]:
        if any(label not in metric.closed for label in metric.labels):
            return []
        return list(product(*(metric.closed[label] for label in metric.labels)))

    @staticmethod
    def _empty(metric: Histogram) -> tuple[list[int], list[float]]:
        return [0] * (len(metric.buckets) + 1), [0.0]

    def __contains__(self, metric: object) -> bool:
        return metric in self._values or metric in self._histograms

    def inc(self, metric: Counter, *labels: str, by: float = 1) -> None:
        """Adds `by` (not negative) to a counter's child."""
        children = self._values[metric]
        children[labels] = children.get(labels, 0) + by

    def set(self, metric: Gauge, value: float, *labels: str) -> None:
        """Sets a gauge's child, in the metric's unit."""
        self._values[metric][labels] = value

    def forget(self, metric: Gauge, *labels: str) -> None:
        """Removes a gauge's child, if there is one: an absent value is not 0."""
        self._values[metric].pop(labels, None)

    def observe(self, metric: Histogram, value: float, *labels: str) -> None:
        """Counts one observation, in the metric's unit."""
        children = self._histograms[metric]
        counts, total = children.get(labels) or children.setdefault(labels, self._empty(metric))
        counts[bisect_left(metric.buckets, value)] += 1
        total[0] += value

    def collect(self) -> Iterator[Single]:
        """The samples of now."""
        for metric, children in self._values.items():
            for labels, value in children.items():
                yield metric, labels, value
        for histogram, states in self._histograms.items():
            for labels, (counts, total) in states.items():
                yield histogram, labels, Distribution(tuple(counts), total[0])
