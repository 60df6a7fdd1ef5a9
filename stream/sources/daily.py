"""The real daily series that the replay draws from: changes from day to day, as logarithms, and the day's share of volume."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import fmean

_FILE = Path(__file__).parent / "data" / "daily.csv"
SERIES = {"nasdaq": "NASDAQ Composite", "sp500": "S&P 500", "wti": "WTI crude oil"}


@dataclass(frozen=True, slots=True)
class Daily:
    """`excess[name][day]`: log return less its mean; `mean[name]`: that mean; `activity[day]`: volume over its local mean."""

    first: str
    last: str
    mean: dict[str, float]
    excess: dict[str, tuple[float, ...]]
    activity: tuple[float, ...]


@cache
def daily() -> Daily:
    """The series, read once."""
    with _FILE.open(encoding="ascii", newline="") as file:
        rows = list(csv.DictReader(file))
    mean, excess = {}, {}
    for name in SERIES:
        closes = [float(row[name]) for row in rows]
        returns = [math.log(after / before) for before, after in pairwise(closes)]
        mean[name] = fmean(returns)
        excess[name] = tuple(value - mean[name] for value in returns)
    return Daily(rows[0]["date"], rows[-1]["date"], mean, excess, _activity([float(row["volume"]) for row in rows]))


def _activity(volumes: list[float], reach: int = 125) -> tuple[float, ...]:
    """Each day's volume over the mean of the half year around it, because markets grew over twenty years."""
    found = []
    for day in range(1, len(volumes)):
        near = volumes[max(0, day - reach) : day + reach]
        found.append(volumes[day] / fmean(near))
    return tuple(found)
