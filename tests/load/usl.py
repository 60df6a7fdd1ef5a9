"""The Universal Scalability Law: how throughput grows with the number of instances, and where it ends.

X(N) = one * N / (1 + contention * (N - 1) + coherence * N * (N - 1)): what one does, what waits for one another, what all tell
each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np


@dataclass(frozen=True)
class Law:
    """A fit; residuals are found ÷ predicted - 1, in the order of what was measured."""

    one: float
    contention: float
    coherence: float
    residuals: tuple[float, ...] = ()

    def at(self, count: float) -> float:
        """What so many instances do."""
        return self.one * count / (1 + self.contention * (count - 1) + self.coherence * count * (count - 1))

    @property
    def limit(self) -> tuple[float, float]:
        """The number of instances that does most, and how much; without an end infinitely many, which do one ÷ contention."""
        if self.coherence <= 0:
            return float("inf"), self.one / self.contention if self.contention > 0 else float("inf")
        best = sqrt(max(0.0, 1 - self.contention) / self.coherence)
        return max(1.0, best), self.at(max(1.0, best))


def fit(found: Sequence[tuple[int, float]]) -> Law:
    """The law of (instances, throughput), at least three; least squares of N ÷ X, which is linear in its three parameters.

    A parameter below 0 has no meaning: it is set to 0 and the others are fitted again. Raises ValueError for too few.
    """
    if len({count for count, _ in found}) < 3:
        raise ValueError(f"{len(found)} measurements: give throughput at three numbers of instances at least")
    counts = np.array([count for count, _ in found], dtype=float)
    wanted = counts / np.array([rate for _, rate in found])
    columns = {"one": np.ones_like(counts), "contention": counts - 1, "coherence": counts * (counts - 1)}
    while True:
        solved = np.linalg.lstsq(np.stack(list(columns.values()), axis=1), wanted, rcond=None)[0]
        value = dict(zip(columns, (float(one) for one in solved), strict=True))
        below = [name for name, one in value.items() if one < 0 and name != "one"]
        if not below:
            break
        del columns[min(below, key=lambda name: value[name])]
    inverse = value["one"]
    law = Law(1 / inverse, value.get("contention", 0.0) / inverse, value.get("coherence", 0.0) / inverse)
    return Law(law.one, law.contention, law.coherence, tuple(rate / law.at(count) - 1 for count, rate in found))
