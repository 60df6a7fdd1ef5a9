"""Time ranges and steps, as Grafana reckons them. Seconds since the epoch unless a name says ms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from metrics.durations import seconds, text

_EXPRESSION = re.compile(r"now(?P<moves>(?:[+-]\d+[smhdwMy])*)(?:/(?P<round>[smhdwMy]))?")
_MOVE = re.compile(r"([+-])(\d+)([smhdwMy])")
_FIXED = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

# Grafana's rangeutil.roundInterval: an interval below the first becomes the second, both in ms.
_INTERVALS = (
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1_500, 1_000), (3_500, 2_000),
    (7_500, 5_000), (12_500, 10_000), (17_500, 15_000), (25_000, 20_000), (45_000, 30_000), (90_000, 60_000),
    (210_000, 120_000), (450_000, 300_000), (750_000, 600_000), (1_050_000, 900_000), (1_500_000, 1_200_000),
    (2_700_000, 1_800_000), (5_400_000, 3_600_000), (9_000_000, 7_200_000), (16_200_000, 10_800_000),
    (32_400_000, 21_600_000), (86_400_000, 43_200_000), (604_800_000, 86_400_000), (1_814_400_000, 604_800_000),
    (3_628_800_000, 2_592_000_000),
)  # fmt: skip
_YEAR_MS = 31_536_000_000
# Prometheus refuses more than 11,000 points a series.
MOST_POINTS = 11_000
_MILLISECONDS_DIGITS = 11


@dataclass(frozen=True)
class Range:
    """A range of time."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


def instant(expression: str, now: float, offset_minutes: int = 0, *, end: bool = False) -> float:
    """The time that `now-6h`, `now/d`, epoch milliseconds or an ISO date stand for.

    `now` is the time of asking, `offset_minutes` the observer's minutes east of UTC (days begin at that midnight); `end`
    rounds up to the last moment of the unit, as the right side of a range does. Raises ValueError in words.
    """
    expression = expression.strip()
    if expression.isdigit() and _MILLISECONDS_DIGITS <= len(expression) < 19:
        return int(expression) / 1000
    found = _EXPRESSION.fullmatch(expression)
    if not found:
        return _iso(expression, offset_minutes)
    try:
        moment = datetime.fromtimestamp(now, timezone(timedelta(minutes=offset_minutes)))
        for sign, count, unit in _MOVE.findall(found["moves"]):
            moment = _moved(moment, int(sign + count), unit)
        return (_rounded(moment, found["round"], end=end) if found["round"] else moment).timestamp()
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{expression!r} lies outside the calendar") from error


def _iso(expression: str, offset_minutes: int) -> float:
    try:
        moment = datetime.fromisoformat(expression)
    except ValueError as error:
        raise ValueError(f"{expression!r} is no time: write now-6h, now/d, epoch milliseconds or 2026-01-31T12:00") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    try:
        return moment.astimezone(UTC).timestamp()
    except OverflowError as error:
        raise ValueError(f"{expression!r} lies outside the calendar") from error


def _moved(moment: datetime, count: int, unit: str) -> datetime:
    if unit in _FIXED:
        return moment + timedelta(seconds=count * _FIXED[unit])
    months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    for day in (moment.day, 30, 29, 28):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            if day == 28:  # the year itself is wrong
                raise
    return moment


def _rounded(moment: datetime, unit: str, *, end: bool) -> datetime:
    start = moment.replace(microsecond=0)
    if unit != "s":
        start = start.replace(second=0)
    if unit not in "sm":
        start = start.replace(minute=0)
    if unit not in "smh":
        start = start.replace(hour=0)
    if unit == "w":
        start -= timedelta(days=(start.weekday() + 1) % 7)  # Grafana's weeks begin on Sunday by default
    elif unit in "My":
        start = start.replace(day=1, month=1 if unit == "y" else start.month)
    return _moved(start, 1, unit) - timedelta(milliseconds=1) if end else start


def resolve(start: str, end: str, now: float, offset_minutes: int = 0) -> Range:
    """The range between two expressions.

    Raises ValueError, in words for a person, for an unknown expression or a start that is not before the end.
    """
    wanted = Range(instant(start, now, offset_minutes), instant(end, now, offset_minutes, end=True))
    if wanted.seconds <= 0:
        raise ValueError(f"the range from {start} to {end} is empty: its start must lie before its end")
    return wanted


def rounded_interval(milliseconds: float) -> int:
    """The round interval, in ms, that Grafana takes for a computed one."""
    return next((chosen for below, chosen in _INTERVALS if milliseconds < below), _YEAR_MS)


def interval(wanted: Range, width: int, least: float) -> float:
    """`$__interval` in seconds for a range drawn over `width` points: never below `least` or what Prometheus refuses."""
    computed = rounded_interval(wanted.seconds * 1000 / max(width, 1)) / 1000
    safe = rounded_interval(wanted.seconds * 1000 / MOST_POINTS) / 1000
    return max(computed, least, safe)


def rate_interval(step: float, scrape_interval: float) -> float:
    """`$__rate_interval` in seconds: wide enough for two samples even when one scrape is missed."""
    return max(step + scrape_interval, 4 * scrape_interval)


def aligned(wanted: Range, step: float) -> Range:
    """Start and end moved down to multiples of the step, so that points stay where they are from refresh to refresh."""
    return Range(wanted.start // step * step, wanted.end // step * step)


def duration(value: str, otherwise: float) -> float:
    """Seconds of a least step such as `10s` or `>10s`; `otherwise` for anything that is none."""
    try:
        return seconds(value.lstrip(">")) or otherwise
    except ValueError:
        return otherwise


def written(value: float) -> str:
    """Seconds as a duration that PromQL reads, in one unit as Grafana writes it."""
    milliseconds = round(value * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds >= size and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return text(value) if value < 1 else f"{milliseconds}ms"
