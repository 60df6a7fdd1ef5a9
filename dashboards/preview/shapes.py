"""From Prometheus's answers to what bar gauges, heatmaps and state timelines draw. Pure; times in seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dashboards.preview import fields, frames
from dashboards.preview.frames import MOST_SERIES, Answer, Grid, Line
from dashboards.preview.model import FieldConfig, Panel
from metrics import units

_Rows = dict[float, list[float | None]]


def bargauge(panel: Panel, answers: Sequence[Answer], grid: Grid, now: float) -> dict[str, Any]:
    """The payload of a bar gauge: one bar a series, its share of the way from the field's min to its max."""
    calcs = panel.options.get("reduceOptions", {}).get("calcs") or ["lastNotNull"]
    drawn = frames.lines(panel, answers, grid)
    found = [(line, fields.reduced(line.values, str(calcs[0]))) for line in drawn[:MOST_SERIES]]
    known = [value for _, value in found if value is not None]
    made = []
    for line, value in found:
        low, high = _ends(line.config, known)
        shown = (value is None and line.config.no_value) or fields.text(value, line.config, now)
        made.append({
            "name": line.name, "text": shown, "value": value, "share": _share(value, low, high),
            "state": fields.judged(value, line.config), "color": _hue(value, line.config),
            "marks": _marks(line.config, low, high),
        })  # fmt: skip
    return {"items": made, "more": max(0, len(drawn) - MOST_SERIES)}


def _ends(config: FieldConfig, known: Sequence[float]) -> tuple[float, float]:
    """Where a bar is empty and full: the field's own ends, else 0 and the longest bar."""
    low = min(0.0, *known, 0.0) if config.min is None else config.min
    return low, max([low, *known]) if config.max is None else config.max


def _share(value: float | None, low: float, high: float) -> float:
    return 0.0 if value is None or high <= low else min(1.0, max(0.0, (value - low) / (high - low)))


def _hue(value: float | None, config: FieldConfig) -> str:
    """The CSS colour of a value that has no state: its mapping's, else its threshold's."""
    mapped = fields.mapping(value, config) or {}
    if mapped.get("color"):
        return fields.color(mapped["color"])
    reached = [name for bound, name in fields.bounds(config.thresholds, config) if value is not None and value >= bound]
    return fields.color(reached[-1]) if reached else ""


def _marks(config: FieldConfig, low: float, high: float) -> list[dict[str, Any]]:
    """Thresholds on the bar's way, each with its state and its value in words."""
    return [
        {"share": _share(bound, low, high), "state": fields.state_of(name), "text": fields.text(bound, config, 0)}
        for bound, name in fields.bounds(config.thresholds, config)
        if low < bound < high
    ]


def statetimeline(panel: Panel, answers: Sequence[Answer], grid: Grid, now: float) -> dict[str, Any]:
    """The payload of a state timeline: spans `[first, last, state]` by points of the grid, and the states."""
    drawn = frames.lines(panel, answers, grid)
    states: list[dict[str, Any]] = []
    places: dict[tuple[str, str, str], int] = {}
    rows = [{"name": line.name, "spans": _spans(line, states, places, now)} for line in drawn[:MOST_SERIES]]
    return _on(grid) | {"rows": rows, "states": states, "more": max(0, len(drawn) - MOST_SERIES)}


def _on(grid: Grid) -> dict[str, Any]:
    return {"start": grid.over.start * 1000, "step": grid.step * 1000, "count": grid.count}


def _spans(
    line: Line, states: list[dict[str, Any]], places: dict[tuple[str, str, str], int], now: float
) -> list[tuple[int, int, int]]:
    spans: list[tuple[int, int, int]] = []
    for index, value in enumerate(line.values):
        if value is None:
            continue
        key = (fields.text(value, line.config, now), fields.judged(value, line.config), _hue(value, line.config))
        if key not in places:
            places[key] = len(states)
            states.append(dict(zip(("text", "state", "color"), key, strict=True)))
        if spans and spans[-1][1] == index - 1 and spans[-1][2] == places[key]:
            spans[-1] = (spans[-1][0], index, places[key])
        else:
            spans.append((index, index, places[key]))
    return spans


def heatmap(panel: Panel, answers: Sequence[Answer], grid: Grid, _now: float) -> dict[str, Any]:
    """The payload of a heatmap from buckets: a row a bucket from the lowest up, a value a point of the grid.

    Cumulative buckets (`format: heatmap`) are taken apart, as Grafana's data source does it.
    """
    if panel.options.get("calculate"):
        return {"rows": [], "none": "computed from series, which is not done here: open in Grafana"}
    axis = panel.options.get("yAxis", {})
    unit, decimals = str(axis.get("unit") or ""), axis.get("decimals")
    cumulative = any(answer.target.format == "heatmap" for answer in answers)
    found = _buckets(answers, grid)
    bounds = sorted(found)
    rows = []
    for place, bound in enumerate(bounds):
        below = bounds[place - 1] if place else None
        values = _taken_apart(found[bound], found[below]) if cumulative and below is not None else found[bound]
        rows.append({"name": _between(below, bound, unit, decimals), "top": _text(bound, unit, decimals), "values": [
            None if value is None else frames.compact(value) for value in values]})  # fmt: skip
    known = [value for row in rows for value in row["values"] if value]
    cell = str(panel.options.get("cellValues", {}).get("unit") or "")
    reverse = axis.get("reverse") is True
    shown = rows[::-1] if reverse else rows
    if not known:
        shown = []
    none = panel.field_config.defaults.no_value or "nothing was observed"
    return _on(grid) | {"rows": shown, "most": max(known, default=0), "unit": cell, "exponent": _exponent(panel), "none": none}


def _exponent(panel: Panel) -> float:
    color = panel.options.get("color", {})
    given = color.get("exponent", 0.5)
    return (
        float(given)
        if color.get("scale", "exponential") == "exponential" and isinstance(given, int | float) and given > 0
        else 1.0
    )


def _buckets(answers: Sequence[Answer], grid: Grid) -> _Rows:
    """Values by upper bound, series of the same bound summed."""
    found: _Rows = {}
    for answer in answers:
        for series in answer.found:
            try:
                bound = float(series.metric.get("le", ""))
            except ValueError:
                continue
            values = frames.on_grid(series, grid)
            before = found.get(bound)
            found[bound] = values if before is None else [_sum(*pair) for pair in zip(before, values, strict=True)]
    return found


def _sum(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else one + other


def _taken_apart(upper: Sequence[float | None], lower: Sequence[float | None]) -> list[float | None]:
    """What lies between two cumulative buckets; a scrape between their reads can make it negative, which is nothing."""
    return [None if high is None else max(0.0, high - (low or 0.0)) for high, low in zip(upper, lower, strict=True)]


def _text(bound: float, unit: str, decimals: int | None) -> str:
    return "∞" if math.isinf(bound) else units.write(bound, unit, decimals)


def _between(below: float | None, bound: float, unit: str, decimals: int | None) -> str:
    if math.isinf(bound):
        return f"above {_text(below, unit, decimals)}" if below is not None else "all"
    return (
        f"up to {_text(bound, unit, decimals)}"
        if below is None
        else f"{_text(below, unit, decimals)} to {_text(bound, unit, decimals)}"
    )
