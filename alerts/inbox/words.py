"""Numbers and times as a person reads them. Pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from metrics import units
from metrics.model import Unit

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def length(seconds: float) -> str:
    """A length of time: `0.42 s`, `12.3 s`, `4 min 20 s`, `3 h 5 min`, `2 d 4 h`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    for unit, big, small, least in ((_DAY, "d", "h", _HOUR), (_HOUR, "h", "min", _MINUTE), (_MINUTE, "min", "s", 1)):
        if round(seconds) >= unit:
            whole, rest = divmod(round(seconds), unit)
            return f"{whole} {big} {rest // least} {small}" if rest // least else f"{whole} {big}"
    raise AssertionError("a length is below or above a minute")


def age(seconds: float) -> str:
    """How long something has lasted, roughly: `12 s`, `4 min`, `3 h`, `2 d`."""
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name}"
    return f"{max(0, int(seconds))} s"


def left(seconds: float) -> str:
    """How long something still lasts: `1 h 59 min`, `3 d 4 h`, `12 min`, `40 s`."""
    for unit, smaller, big, small in ((_DAY, _HOUR, "d", "h"), (_HOUR, _MINUTE, "h", "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {big} {int(seconds % unit // smaller)} {small}"
    return age(seconds)


def clock(at: float) -> str:
    """A Unix time for people, in UTC: `2026-11-22 09:04:11 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def number(text: str, unit: Unit = Unit.NONE) -> str:
    """A value as Prometheus writes it (`9.1234e+01`), to three significant digits with its unit: `91.2%`; other text stays."""
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text
    # "False" would need its question beside it; the number is what the rule compares.
    return units.write(value, "" if unit is Unit.BOOL else unit.grafana)


def count(many: int, one: str, more: str = "") -> str:
    """`1 alert`, `2 alerts`."""
    return f"{many} {one if many == 1 else more or one + 's'}"
