"""How memory and open files of our own processes run over a soak, and whether that is flat: a line, with an interval.

The last three quarters count; what comes before is warming up. A process's memory moves in steps and wanders, so that one sample
says much of the next: the line goes through the means of `BLOCKS` equal stretches, and the interval of 95 % is widened by what
neighbouring stretches still have in common. What has not moved at all may be about to take its next step: the interval is never
narrower than one step over the time. So a short run says that it was too short, and passes nothing.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metrics import process, stack
from tests.appliance import Appliance

BLOCKS = 12
# Student's t for 95 % and BLOCKS - 2 degrees of freedom.
_T = 2.228
_HOUR = 3600
_MOST_COMMON = 0.9  # correlation of neighbours, above which an interval would say nothing at all

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Quantity:
    """What is watched of a process: its step is the least by which it grows, its limit what it may grow an hour."""

    name: str
    metric: str
    unit: str
    size: float
    step: float
    limit: float


# CPython takes memory from the system in arenas of 256 KiB (3.11).
MEMORY = Quantity("memory", process.RESIDENT.name, "MB", 1e6, 0.262144, 1.0)
FILES = Quantity("open files", process.OPEN_FDS.name, "files", 1, 1, 2.0)
QUANTITIES = (MEMORY, FILES)

FLAT, GROWS, SHORT = "flat", "GROWS", "too short to tell"


@dataclass(frozen=True)
class Slope:
    """Growth of one quantity of one process: its last value, and units an hour with the interval around it."""

    service: str
    quantity: Quantity
    last: float
    per_hour: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """`FLAT` where the whole interval is below the limit, `GROWS` where it is above, else `SHORT`."""
        if self.high < self.quantity.limit:
            return FLAT
        return GROWS if self.low > self.quantity.limit else SHORT


def fitted(service: str, quantity: Quantity, points: Points) -> Slope:
    """The line through the last three quarters of `points` (Unix time, value as scraped)."""
    last = points[-1][1] / quantity.size if points else math.nan
    means = _means([(at, value / quantity.size) for at, value in points])
    if len(means) < BLOCKS:
        return Slope(service, quantity, last, math.nan, -math.inf, math.inf)
    times, values = zip(*means, strict=True)
    slope, level = statistics.linear_regression(times, values)
    rest = [value - level - slope * at for at, value in means]
    spread = math.sqrt(sum(one * one for one in rest) / (BLOCKS - 2))
    error = spread / (statistics.pstdev(times) * math.sqrt(BLOCKS)) * math.sqrt(_widened(rest))
    whole = (times[-1] - times[0]) * BLOCKS / (BLOCKS - 1)
    half = _T * error + quantity.step / whole
    return Slope(service, quantity, last, slope, slope - half, slope + half)


def _means(points: Points) -> list[tuple[float, float]]:
    """Mean hour and value of each stretch of the last three quarters; fewer than `BLOCKS` where one has no sample."""
    if not points:
        return []
    begin, end = points[0][0], points[-1][0]
    begin += (end - begin) / 4
    stretches: list[list[tuple[float, float]]] = [[] for _ in range(BLOCKS)]
    for at, value in points:
        if begin < at <= end:
            stretches[min(int((at - begin) / (end - begin) * BLOCKS), BLOCKS - 1)].append(((at - begin) / _HOUR, value))
    return [(statistics.fmean(at for at, _ in one), statistics.fmean(value for _, value in one)) for one in stretches if one]


def _widened(rest: Sequence[float]) -> float:
    """By how much the variance grows because neighbours have something in common: (1 + r) / (1 - r)."""
    whole = sum(one * one for one in rest)
    if not whole:
        return 1.0
    common = sum(one * other for one, other in itertools.pairwise(rest)) / whole
    common = min(max(common, 0.0), _MOST_COMMON)
    return (1 + common) / (1 - common)


def slopes(appliance: Appliance, seconds: float) -> list[Slope]:
    """Of each of our processes, over that long up to now, from what Prometheus scraped of it."""
    names = _services(appliance, seconds)
    found = []
    for quantity in QUANTITIES:
        for row in appliance.query(f"{quantity.metric}[{max(int(seconds), 1)}s]"):
            if service := names.get(_key(row["metric"])):
                points = [(float(at), float(value)) for at, value in row["values"]]
                found.append(fitted(service, quantity, points))
    return sorted(found, key=lambda one: (one.service, one.quantity.name))


def restarted(appliance: Appliance, seconds: float) -> list[str]:
    """Our services of which another process answered during that time: their lines are none."""
    names = _services(appliance, seconds)
    rows = appliance.query(f"changes({process.START_TIME.name}[{max(int(seconds), 1)}s]) > 0")
    return sorted({names[key] for row in rows if (key := _key(row["metric"])) in names})


def _services(appliance: Appliance, seconds: float) -> dict[tuple[str, ...], str]:
    """The service behind each series: whoever answered during that time, though its last scrape may have failed."""
    rows = appliance.query(f"last_over_time({stack.BUILD_INFO.name}[{max(int(seconds), 1)}s])")
    return {_key(row["metric"]): row["metric"]["service"] for row in rows}


def _key(labels: dict[str, Any]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in ("job", "instance", "worker"))
