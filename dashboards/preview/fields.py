"""What a value looks like: overrides, thresholds, mappings, colours. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import field

from dashboards.preview.model import FieldConfig, FieldOptions, Override, Part, Thresholds
from metrics import units
from settings import look

# Grafana's colour names mean a hue; a threshold's hue means a state.
_STATE_OF = {
    look.OK.lower(): "ok", look.WARNING.lower(): "warning", look.CRITICAL.lower(): "critical", look.INFO.lower(): "info",
    look.UNKNOWN.lower(): "unknown", "green": "ok", "yellow": "warning", "orange": "warning", "red": "critical", "blue": "info",
    "gray": "unknown", "grey": "unknown",
}  # fmt: skip
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_NAMED = {"purple": "#CC79A7", "white": "#FFFFFF", "black": "#000000"}
_STATE_HUES = {
    "ok": look.OK, "warning": look.WARNING, "critical": look.CRITICAL, "info": look.INFO, "unknown": look.UNKNOWN,
}  # fmt: skip


class Field(Part, frozen=True):
    """What identifies one field of a result, for override matchers."""

    name: str
    ref_id: str = ""
    type: str = "number"
    labels: dict[str, str] = field(default_factory=dict)


def configured(options: FieldOptions, wanted: Field) -> FieldConfig:
    """The defaults with every matching override applied; an override with a wrong value is left out."""
    config = options.defaults
    for override in options.overrides:
        if _matches(override, wanted):
            config = _applied(config, override)
    return config


def _matches(override: Override, one: Field) -> bool:
    kind, wanted = override.matcher.id, override.matcher.options
    if kind == "byName":
        return bool(one.name == wanted)
    if kind == "byRegexp":
        body = re.fullmatch(r"/(.*)/(\w*)", str(wanted), re.DOTALL)
        try:
            return re.search(body[1] if body else str(wanted), one.name) is not None
        except re.error:
            return False
    if kind == "byFrameRefID":
        return bool(one.ref_id == wanted)
    if kind == "byType":
        return bool(one.type == wanted)
    return False


def _applied(config: FieldConfig, override: Override) -> FieldConfig:
    changed: dict[str, Any] = {}
    custom = dict(config.custom)
    for item in override.properties:
        if item.id.startswith("custom."):
            custom[item.id.removeprefix("custom.")] = item.value
        else:
            changed[item.id] = item.value
    try:
        read = msgspec.convert({key: value for key, value in changed.items() if value is not None}, FieldConfig, strict=False)
    except msgspec.ValidationError:
        return config
    known = {info.encode_name: info.name for info in msgspec.structs.fields(FieldConfig)}
    kept = {known[key]: getattr(read, known[key]) for key in changed if key in known}
    return msgspec.structs.replace(config, custom=custom, **kept)


def color(name: str | None) -> str:
    """A colour as CSS takes it, empty for one that is not known: files hold names as well as hex."""
    if not name:
        return ""
    if _HEX.fullmatch(name):
        return name
    plain = re.sub(r"^(?:super-light|light|semi-dark|dark)-", "", name)
    return _STATE_HUES.get(_STATE_OF.get(plain, ""), _NAMED.get(plain, ""))


def state_of(name: str | None) -> str:
    """The state that a colour means: ok, warning, critical, info, unknown; empty when it means none."""
    plain = re.sub(r"^(?:super-light|light|semi-dark|dark)-", "", (name or "").lower())
    return _STATE_OF.get(plain, "")


def bounds(thresholds: Thresholds, config: FieldConfig) -> list[tuple[float, str]]:
    """Thresholds as (value, colour), in the field's unit; the base step begins at minus infinity."""
    least, most = config.min or 0.0, 100.0 if config.max is None else config.max
    found = []
    for step in thresholds.steps:
        value = -math.inf if step.value is None else step.value
        if thresholds.mode == "percentage" and step.value is not None:
            value = least + (most - least) * step.value / 100
        found.append((value, step.color))
    return sorted(found, key=lambda item: item[0])


def judged(value: float | None, config: FieldConfig) -> str:
    """The state of a value by its mapping's colour, else by its thresholds."""
    mapped = mapping(value, config)
    if mapped and mapped.get("color"):
        return state_of(mapped["color"])
    if value is None or math.isnan(value):
        return "unknown" if len(config.thresholds.steps) > 1 else ""
    steps = bounds(config.thresholds, config)
    if len(steps) < 2:  # one colour for every value judges nothing
        return ""
    reached = [name for bound, name in steps if value >= bound]
    return state_of(reached[-1]) if reached else ""


def mapping(value: float | None, config: FieldConfig) -> dict[str, Any] | None:
    """The text and colour that a mapping gives to a value, if one does."""
    for item in config.mappings:
        found = _MAPPERS[item.type](value, item.options) if item.type in _MAPPERS else None
        if isinstance(found, dict):
            return found
    return None


def _by_value(value: float | None, options: Mapping[str, Any]) -> Any:
    if value is None or not math.isfinite(value):
        return None
    return options.get(str(int(value)) if value == int(value) else json.dumps(value))


def _by_range(value: float | None, options: Mapping[str, Any]) -> Any:
    if value is None or math.isnan(value):
        return None
    least, most = options.get("from"), options.get("to")
    inside = (least is None or value >= least) and (most is None or value <= most)
    return options.get("result") if inside else None


def _by_special(value: float | None, options: Mapping[str, Any]) -> Any:
    match = options.get("match")
    none, nan = value is None, value is not None and math.isnan(value)
    hit = {"null": none, "nan": nan, "null+nan": none or nan, "empty": none, "true": value == 1, "false": value == 0}
    return options.get("result") if hit.get(str(match)) else None


def _by_regex(value: float | None, options: Mapping[str, Any]) -> Any:
    if value is None:
        return None
    try:
        hit = re.search(str(options.get("pattern", "")).strip("/"), f"{value:.15g}")
    except re.error:
        return None
    return options.get("result") if hit else None


_MAPPERS = {"value": _by_value, "range": _by_range, "special": _by_special, "regex": _by_regex}


def text(value: float | None, config: FieldConfig, now: float) -> str:
    """A value as it is shown: mapped, or written in its unit. `now`, in seconds, for relative times."""
    mapped = mapping(value, config)
    if mapped and mapped.get("text"):
        return str(mapped["text"])
    return units.write(value, config.unit or "", config.decimals, now)


def reduced(values: Iterable[float | None], calc: str) -> float | None:
    """One number for a series, by Grafana's reducer ids; None when there is nothing to reduce."""
    listed = list(values)
    present = [value for value in listed if value is not None and not math.isnan(value)]
    if calc == "last":
        return listed[-1] if listed else None
    if calc == "first":
        return listed[0] if listed else None
    if not present:
        return 0.0 if calc in ("count", "sum") and listed else None
    return _REDUCERS.get(calc, _REDUCERS["lastNotNull"])(present)


_REDUCERS: dict[str, Callable[[list[float]], float]] = {
    "lastNotNull": lambda present: present[-1],
    "firstNotNull": lambda present: present[0],
    "mean": lambda present: sum(present) / len(present),
    "max": max,
    "min": min,
    "sum": sum,
    "count": len,
    "range": lambda present: max(present) - min(present),
    "delta": lambda present: present[-1] - present[0],
    "diff": lambda present: present[-1] - present[0],
}
CALC_NAMES = {
    "lastNotNull": "Last", "last": "Last", "firstNotNull": "First", "first": "First", "mean": "Mean", "max": "Max", "min": "Min",
    "sum": "Total", "count": "Count", "range": "Range", "delta": "Delta", "diff": "Difference",
}  # fmt: skip
