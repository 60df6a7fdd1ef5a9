"""How far the distribution of a figure has moved: the population stability index against the time before. Pure.

PSI = Σ (p - q)·ln(p / q) over the bins of the reference's deciles (Siddiqi, Credit Risk Scorecards, 2006: below 0.1 nothing has
changed, above 0.25 much has). Each decile is a bin of its own, so that figures of few values are told as well.
"""

from __future__ import annotations

import math
import random
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence

MOST_NAMES = 40  # figures of one model that are followed; a row can name any
_KEPT = 60  # values of a figure that one slot keeps, by chance
_DECILES = 9
_UNSEEN = 0.5  # rows that an empty bin counts as: a ratio needs something


def psi(reference: Sequence[float], current: Sequence[float]) -> float:
    """The index of two samples, neither empty."""
    ordered = sorted(reference)
    edges = sorted({ordered[len(ordered) * place // (_DECILES + 1)] for place in range(1, _DECILES + 1)})
    before, now = (
        Counter(bisect_left(edges, value) + bisect_right(edges, value) for value in part) for part in (ordered, current)
    )
    bins = before.keys() | now.keys()
    total = 0.0
    for one in bins:
        expected, found = (max(part[one], _UNSEEN) / part.total() for part in (before, now))
        total += (found - expected) * math.log(found / expected)
    return total


class Reservoir:
    """Values of many figures by slot of time, a few of each by chance. `slot` in seconds, `slots` are kept."""

    def __init__(self, slot: float, slots: int) -> None:
        self._slot, self._slots = slot, slots
        self._held: dict[tuple[str, str, str], dict[int, tuple[list[int], array[float]]]] = {}
        self._names: Counter[str] = Counter()
        self._chance = random.Random(7)  # noqa: S311  # which values stay is no secret

    def add(self, at: float, model: str, kind: str, name: str, value: float) -> None:
        """Takes a value of a model's figure; what is not finite has no place in a distribution."""
        key = (model, kind, name)
        if not math.isfinite(value) or (key not in self._held and self._names[model] >= MOST_NAMES):
            return
        if key not in self._held:
            self._names[model] += 1
        count, values = self._held.setdefault(key, {}).setdefault(int(at / self._slot), ([0], array("f")))
        count[0] += 1
        if len(values) < _KEPT:
            values.append(value)
        elif (place := self._chance.randrange(count[0])) < _KEPT:
            values[place] = value

    def forget(self, now: float) -> None:
        """Drops slots that are too old."""
        oldest = int(now / self._slot) - self._slots
        for slots in self._held.values():
            for slot in [slot for slot in slots if slot < oldest]:
                del slots[slot]

    def split(self, since: float) -> Iterator[tuple[tuple[str, str, str], list[float], list[float]]]:
        """Of each figure the values before a time, and those since, to the slot."""
        first = int(since / self._slot)
        for key, slots in self._held.items():
            before = [value for slot, (_, values) in slots.items() if slot < first for value in values]
            yield key, before, [value for slot, (_, values) in slots.items() if slot >= first for value in values]
