"""Sums of scored predictions by model, version and slot of time, from which any window's figures come. Pure, bounded in memory.

Calibration error: the mean distance, over ten bins of the stated probability, between what was stated and how often it happened,
weighted by how many there are (Naeini, Cooper & Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning,
2015).
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any, NamedTuple

from exporters.model_quality.quality import Side, scored

_BINS = 10
_SIDE = 4 + 3 * _BINS  # inside, hits, width, Brier; and for each bin: how many, probabilities, events
_SIZE = 1 + 2 * _SIDE


class Figures(NamedTuple):
    """Means of one side over a window."""

    accuracy: float
    hits: float
    width: float
    brier: float
    calibration: float


class Tally:
    """`slot` is the length of a slot in seconds, `slots` how many of them are kept."""

    def __init__(self, slot: float, slots: int) -> None:
        self._slot, self._slots = slot, slots
        self._sums: dict[tuple[str, int], dict[int, array[float]]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Takes a scored row; the baseline standing in is no judgement of the model."""
        one = scored(row)
        if one.fallback:
            return
        slots = self._sums.setdefault((one.model, row["version"]), {})
        sums = slots.setdefault(int(one.at / self._slot), array("d", bytes(8 * _SIZE)))
        sums[0] += 1
        _add(sums, 1, one.own, row["probability"], bool(row["happened"]))
        _add(sums, 1 + _SIDE, one.baseline, row["baseline_probability"], bool(row["baseline_happened"]))

    def forget(self, now: float) -> None:
        """Drops slots that are too old."""
        oldest = int(now / self._slot) - self._slots
        for key, slots in list(self._sums.items()):
            for slot in [slot for slot in slots if slot < oldest]:
                del slots[slot]
            if not slots:
                del self._sums[key]

    def versions(self, model: str) -> list[int]:
        """The versions of a model that are known, the newest first."""
        return sorted((version for name, version in self._sums if name == model), reverse=True)

    def window(self, model: str, version: int, since: float) -> tuple[int, Figures, Figures] | None:
        """How many, the model's figures and the baseline's since a time, to the slot; None where there are none."""
        first = int(since / self._slot)
        chosen = [sums for slot, sums in self._sums.get((model, version), {}).items() if slot >= first]
        if not chosen:
            return None
        sums = [sum(column) for column in zip(*chosen, strict=True)]
        return int(sums[0]), _figures(sums[0], sums[1 : 1 + _SIDE]), _figures(sums[0], sums[1 + _SIDE :])


def _add(sums: array[float], begin: int, side: Side, probability: float, happened: bool) -> None:  # noqa: FBT001  # an event
    for place, value in enumerate((side.inside, side.hit, side.width, side.brier)):
        sums[begin + place] += value
    at = begin + 4 + 3 * min(int(probability * _BINS), _BINS - 1)
    sums[at] += 1
    sums[at + 1] += probability
    sums[at + 2] += happened


def _figures(count: float, sums: list[float]) -> Figures:
    bins = zip(*[iter(sums[4:])] * 3, strict=True)
    error = sum(abs(stated - events) for _, stated, events in bins) / count
    return Figures(sums[0] / count, sums[1] / count, sums[2] / count, sums[3] / count, error)
