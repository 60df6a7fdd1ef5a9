"""Paired measurements on a machine that others share: alternate, take ratios pair by pair, give the spread.

Two runs far apart differ by what else the machine did; two in a row hardly do. So each pair's ratio counts, and the order
within a pair changes from pair to pair.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

RESAMPLES = 2000
T = TypeVar("T")


@dataclass(frozen=True)
class Interval:
    """A median and the 95 % bootstrap interval around it."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3g} [{self.low:.3g}, {self.high:.3g}]"


def bootstrap(values: Sequence[float], seed: int = 1) -> Interval:
    """The median of `values` (at least one) and its percentile bootstrap interval; the same values give the same answer."""
    if not values:
        raise ValueError("no values: measure at least one pair")
    source = random.Random(seed)  # noqa: S311  # resampling, not secrets
    medians = sorted(statistics.median(source.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return Interval(statistics.median(values), medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES) - 1])


def alternate(ours: Callable[[], T], theirs: Callable[[], T], pairs: int) -> list[tuple[T, T]]:
    """Measures both in turn, the first one of a pair changing: `pairs` pairs of (ours, theirs)."""
    result = []
    for number in range(pairs):
        if number % 2:
            right = theirs()
            result.append((ours(), right))
        else:
            left = ours()
            result.append((left, theirs()))
    return result


def ratios(pairs: Sequence[tuple[float, float]]) -> Interval:
    """Ours by theirs, pair by pair."""
    return bootstrap([ours / theirs for ours, theirs in pairs])
