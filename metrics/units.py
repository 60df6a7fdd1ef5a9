"""A number with its unit, by Grafana's unit ids: three significant digits, thousands apart.

What the dashboards and the inbox write; `dashboards/preview/assets/units.js` is its equal in a browser.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

_SI = ("", "k", "M", "G", "T", "P", "E")
_SHORT = ("", " K", " Mil", " Bil", " Tri", " Quadr", " Quint")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_BELOW = (("m", 1e-3), ("µ", 1e-6), ("n", 1e-9))
# (suffix, seconds), from the smallest.
_TIMES = (
    (" ns", 1e-9), (" µs", 1e-6), (" ms", 1e-3), (" s", 1.0), (" min", 60.0), (" h", 3_600.0), (" d", 86_400.0),
    (" weeks", 604_800.0), (" years", 31_536_000.0),
)  # fmt: skip
_SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_BOOLS = {"bool": ("True", "False"), "bool_yes_no": ("Yes", "No"), "bool_on_off": ("On", "Off")}
_TINY_BELOW = 1e-3
_TINY_PLACES = 5  # of what is smaller: nobody reads 3.59e-5 at a glance, and 0.0000359 is no better
_EXPONENT_FROM = 1e15
_MOST_DECIMALS = 6
_QUANTIZED_BELOW = 1e21  # decimal keeps 28 digits


class Scale(NamedTuple):
    """How a unit is written: a plain suffix, or prefixes every `base` times."""

    suffix: str
    base: int = 0
    prefixes: Sequence[str] = ()
    below: bool = False  # also milli, micro, nano


_SCALES: dict[str, Scale] = {
    "none": Scale(""),
    "": Scale(""),
    "short": Scale("", 1000, _SHORT),
    "percent": Scale("%"),
    "celsius": Scale(" °C"),
    "rotrpm": Scale(" rpm"),
    "bytes": Scale("B", 1024, _BINARY),
    "decbytes": Scale("B", 1000, _SI),
    "bits": Scale("b", 1024, _BINARY),
    "decbits": Scale("b", 1000, _SI),
    "binBps": Scale("B/s", 1024, _BINARY),
    "Bps": Scale("B/s", 1000, _SI),
    "binbps": Scale("b/s", 1024, _BINARY),
    "bps": Scale("b/s", 1000, _SI),
    "pps": Scale("p/s", 1000, _SI),
    "ops": Scale("ops/s", 1000, _SI),
    "reqps": Scale("req/s", 1000, _SI),
    "rps": Scale("rd/s", 1000, _SI),
    "wps": Scale("wr/s", 1000, _SI),
    "iops": Scale("io/s", 1000, _SI),
    "cps": Scale("c/s", 1000, _SI),
    "eps": Scale("evt/s", 1000, _SI),
    "mps": Scale("msg/s", 1000, _SI),
    "hertz": Scale("Hz", 1000, _SI),
    "volt": Scale("V", 1000, _SI, below=True),
    "amp": Scale("A", 1000, _SI, below=True),
    "watt": Scale("W", 1000, _SI, below=True),
}


def write(value: float | None, unit: str = "", decimals: int | None = None, now: float | None = None) -> str:
    """`value` in `unit` as a person reads it; `decimals` overrules the three digits; `now`, in s, for relative times."""
    if value is None or math.isnan(value):
        return "–"  # noqa: RUF001  # the dash of the house for "no value"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"  # noqa: RUF001  # a true minus sign is as wide as a digit
    if unit in _BOOLS:
        return _BOOLS[unit][0 if value else 1]
    if unit == "dateTimeFromNow":
        return _relative(value / 1000 - (now or 0.0))
    sign = "−" if value < 0 else ""  # noqa: RUF001  # as above
    text = _written(abs(value), unit, decimals)
    return sign + text if any(digit in text for digit in "123456789") else text


def _written(value: float, unit: str, decimals: int | None) -> str:
    if unit == "percentunit":
        return digits(value * 100, decimals) + "%"
    if unit in _SECONDS:
        return _time(value, _SECONDS[unit], decimals)
    if unit == "sci":
        return _exponent(value)
    scale = _SCALES.get(unit) or _other(unit)
    if scale.base == 0:
        return (scale.prefixes[0] if scale.prefixes else "") + digits(value, decimals) + scale.suffix
    return _scaled(value, scale, decimals)


def _other(unit: str) -> Scale:
    """Grafana's own units (`suffix:x`, `prefix:x`, `si:x`), or any other id, shown as it is."""
    kind, colon, rest = unit.partition(":")
    if colon and kind == "prefix":
        return Scale("", 0, (rest,))
    if colon and kind == "si":
        return Scale(rest, 1000, _SI, below=True)
    return Scale(" " + (rest if colon and kind == "suffix" else unit))


def _scaled(value: float, scale: Scale, decimals: int | None) -> str:
    if scale.below and 0 < value < 1:
        prefix, size = next(((prefix, size) for prefix, size in _BELOW if value >= size), _BELOW[-1])
        return f"{digits(value / size, decimals)} {prefix}{scale.suffix}"
    power = 0
    while power < len(scale.prefixes) - 1 and float(_rounded(value, decimals)) >= scale.base:
        value /= scale.base
        power += 1
    prefix = scale.prefixes[power]
    space = "" if not (prefix + scale.suffix) or prefix.startswith(" ") else " "
    return digits(value, decimals) + space + prefix + scale.suffix


def _time(value: float, size: float, decimals: int | None) -> str:
    in_seconds = value * size
    chosen = (" s", 1.0) if value == 0 else _TIMES[0]
    for suffix, unit in _TIMES:
        if value and float(_rounded(in_seconds / unit, decimals)) >= 1:
            chosen = (suffix, unit)
    return digits(in_seconds / chosen[1], decimals) + chosen[0]


def _relative(distance: float) -> str:
    for suffix, unit in reversed(_TIMES[3:]):
        if abs(distance) >= unit:
            text = str(math.floor(abs(distance) / unit)) + suffix
            return f"{text} ago" if distance < 0 else f"in {text}"
    return "now"


def digits(value: float, decimals: int | None = None) -> str:
    """A number that is not negative, its thousands apart; without `decimals`, three significant digits, integers in full."""
    if value >= _EXPONENT_FROM:
        return _exponent(value)
    if decimals is None and 0 < value < _TINY_BELOW:
        text = _fixed(value, _TINY_PLACES).rstrip("0")
        return text if text != "0." else _exponent(value)
    whole, point, fraction = _rounded(value, decimals).partition(".")
    return f"{int(whole):,}{point}{fraction}"


def _rounded(value: float, decimals: int | None) -> str:
    """Rounded half up, as JavaScript's toFixed does."""
    if decimals is not None:
        return _fixed(value, max(0, min(decimals, _MOST_DECIMALS)))
    if value == math.floor(value):
        return _fixed(value, 0)
    places = _places(value)
    text = _fixed(value, places)
    return text if places == 0 or float(text) < 10 ** (3 - places) else _fixed(value, places - 1)


def _places(value: float) -> int:
    """Decimal places that leave three significant digits."""
    places, bound = 0, 100.0
    while places < 20 and value < bound:
        places, bound = places + 1, bound / 10
    return places


def _fixed(value: float, places: int) -> str:
    if value >= _QUANTIZED_BELOW:
        return format(value, ".0f")
    return format(Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), "f")


def _exponent(value: float) -> str:
    if value == 0:
        return "0"
    power = math.floor(math.log10(value))
    # Powers of ten are read from text: every language rounds those the same way, which its power function may not.
    mantissa = _fixed(value / float(f"1e{power}"), 2)
    if mantissa == "10.00":
        mantissa, power = "1.00", power + 1
    if mantissa.startswith("0."):
        mantissa, power = _fixed(value / float(f"1e{power - 1}"), 2), power - 1
    return f"{mantissa}e{power}"
