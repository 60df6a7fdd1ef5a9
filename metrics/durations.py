"""Durations as Prometheus writes them: `5m`, `1h30m`, `250ms`."""

import re

_SECONDS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"([0-9]+)(ms|[ywdhms])")
_WHOLE = re.compile("".join(f"(?:[0-9]+{unit})?" for unit in _SECONDS))


def seconds(text: str) -> float:
    """Seconds in a Prometheus duration.

    Raises ValueError, with the accepted form in its words, for anything else.
    """
    if text == "0":
        return 0.0
    if not text or not _WHOLE.fullmatch(text):
        msg = f"{text!r} is no duration: write it as Prometheus does, for example 30s, 5m, 1h30m"
        raise ValueError(msg)
    return sum(int(count) * _SECONDS[unit] for count, unit in _PART.findall(text))


def text(value: float) -> str:
    """The shortest Prometheus duration of `value` seconds, rounded to a millisecond (at least 1ms unless zero)."""
    left = round(value * 1000)
    if left <= 0:
        return "0s" if value <= 0 else "1ms"
    parts = []
    for unit, factor in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, factor)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def scaled(duration: str, factor: float) -> str:
    """`duration` times `factor`, as Prometheus writes it; the very same string when the factor is 1."""
    return duration if factor == 1 else text(seconds(duration) * factor)
