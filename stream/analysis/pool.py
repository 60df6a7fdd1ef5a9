"""The last so many values of a quantity, for quantiles and shares: what conformal intervals and naive baselines stand on."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable

MOST = 2_000  # values: a hundred beyond each end of a 90 % interval
LEAST = 200  # values, below which no interval is stated: they overlap in time, and symbols move together


class Pool:
    """The last `most` values, in order of arrival and in order of size."""

    def __init__(self, values: Iterable[float] = (), most: int = MOST) -> None:
        self._queue: deque[float] = deque()
        self._sorted: list[float] = []
        self._most = most
        for value in values:
            self.add(value)

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, value: float) -> None:
        """Takes one more value; the oldest goes when there are too many. What is no finite number is left out."""
        if not math.isfinite(value):
            return
        self._queue.append(value)
        insort(self._sorted, value)
        if len(self._queue) > self._most:
            del self._sorted[bisect_left(self._sorted, self._queue.popleft())]

    @property
    def values(self) -> list[float]:
        """The values, oldest first."""
        return list(self._queue)

    @property
    def ready(self) -> bool:
        """Whether there are enough values for a 90 % interval."""
        return len(self._queue) >= LEAST

    def lower(self, share: float) -> float:
        """The value below which a new one falls with at most `share`: the ⌊share·(n + 1)⌋-th smallest (conformal quantile)."""
        rank = math.floor(share * (len(self._sorted) + 1))
        return self._sorted[max(rank - 1, 0)]

    def upper(self, share: float) -> float:
        """The value above which a new one falls with at most `share`: the ⌈(1 - share)·(n + 1)⌉-th smallest."""
        rank = math.ceil((1 - share) * (len(self._sorted) + 1))
        return self._sorted[min(rank, len(self._sorted)) - 1]

    def above(self, value: float) -> float:
        """The share of values above `value` (ties count half), kept off 0 and 1 by one imagined value on either side."""
        high = len(self._sorted) - bisect_right(self._sorted, value)
        ties = len(self._sorted) - high - bisect_left(self._sorted, value)
        return (high + ties / 2 + 0.5) / (len(self._sorted) + 1)

    def mean_below(self, value: float) -> float:
        """The mean of the values at or below `value`; `value` itself where there are none."""
        below = self._sorted[: bisect_right(self._sorted, value)]
        return math.fsum(below) / len(below) if below else value
