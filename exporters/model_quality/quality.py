"""Scores of scored predictions over a window. Pure: rows in, figures out.

- Interval score: width + 2/0.1 · distance outside (Gneiting & Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation,
  2007, equation 43), which neither a wide nor a narrow interval can cheat.
- Confidence interval of a share: Wilson's (Probable Inference, the Law of Succession, and Statistical Inference, 1927).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_MISS = 0.1
_Z95 = 1.959964
_ACTIONS = "recommendation-generation"  # its event is that the action was right: there is no other side to name


class Side(NamedTuple):
    """One prediction of one side, model or baseline: was it inside, right, how wide, how far off."""

    inside: bool
    hit: bool
    brier: float
    width: float
    interval_score: float


class Scored(NamedTuple):
    """One scored prediction; `at` is when it was scored, in seconds."""

    at: float
    model: str
    fallback: bool
    breached: bool | None
    own: Side
    baseline: Side


class Summary(NamedTuple):
    """Means over several predictions of one side."""

    accuracy: float
    hits: float
    brier: float
    width: float
    interval_score: float


def scored(row: Mapping[str, Any]) -> Scored:
    """A row of `ai_predictions` that has an outcome."""
    return Scored(
        row["scored_at"].timestamp(), row["model"], bool(row["fallback"]), row["breached"],
        _side(row, "", "happened"), _side(row, "baseline_", "baseline_happened"),
    )  # fmt: skip


def _side(row: Mapping[str, Any], prefix: str, event: str) -> Side:
    lower, upper, probability = row[f"{prefix}lower"], row[f"{prefix}upper"], row[f"{prefix}probability"]
    outcome, happened = row["outcome"], bool(row[event])
    outside = max(lower - outcome, outcome - upper, 0.0)
    return Side(
        inside=outside == 0,
        hit=happened if row["model"] == _ACTIONS else (probability >= 0.5) == happened,
        brier=(probability - happened) ** 2,
        width=upper - lower,
        interval_score=upper - lower + 2 / _MISS * outside,
    )


def summary(sides: Iterable[Side]) -> Summary:
    """The means; of at least one."""
    held = list(sides)
    return Summary(*(math.fsum(column) / len(held) for column in zip(*held, strict=True)))


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share of `count` independent outcomes."""
    square = _Z95**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z95 / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)
