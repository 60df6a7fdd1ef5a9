"""From Prometheus's answers to what a panel of time series or single numbers draws. Pure; times in seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from dashboards.preview import fields, legend
from dashboards.preview.model import FieldConfig, Panel, Target
from dashboards.preview.prometheus import Series
from dashboards.preview.timerange import Range

_DEFAULT_CALCS = ("lastNotNull", "mean", "max")
_SPARK_POINTS = 120
MOST_SERIES = 100


class Grid(Struct, frozen=True):
    """The points in time at which a query was evaluated: from `over.start` on, every `step` seconds."""

    over: Range
    step: float

    @property
    def count(self) -> int:
        """How many points there are."""
        return round((self.over.end - self.over.start) / self.step) + 1


class Answer(Struct, frozen=True):
    """The result of one target. `expr` is the query that was sent, `legend` its format with variables replaced."""

    target: Target
    expr: str
    legend: str
    found: list[Series]


class Line(Struct, frozen=True):
    """One series of a panel, on the grid, with how it is to be written."""

    name: str
    ref_id: str
    values: list[float | None]
    config: FieldConfig


def number(text: str) -> float | None:
    """A sample's value; None where there is nothing to draw (NaN, infinite)."""
    value = float(text)
    return value if math.isfinite(value) else None


def lines(panel: Panel, answers: Sequence[Answer], grid: Grid) -> list[Line]:
    """Every series of a panel, in the order of its targets."""
    made = []
    for answer in answers:
        called = legend.names(answer.legend, [series.metric for series in answer.found], answer.expr)
        for name, series in zip(called, answer.found, strict=True):
            field = fields.Field(name=name, ref_id=answer.target.ref_id, labels=series.metric)
            config = fields.configured(panel.field_config, field)
            values = on_grid(series, grid)
            if config.custom.get("transform") == "negative-Y":
                values = [None if value is None else -value for value in values]
            made.append(Line(config.display_name or name, answer.target.ref_id, values, config))
    return made


def on_grid(series: Series, grid: Grid) -> list[float | None]:
    """A series' values at the points of the grid, None where it has none."""
    values: list[float | None] = [None] * grid.count
    if series.value is not None:
        values[-1] = number(series.value[1])
    start, step, last = grid.over.start, grid.step, grid.count - 1
    for moment, text in series.values:
        place = round((moment - start) / step)
        if 0 <= place <= last:
            values[place] = number(text)
    return values


def timeseries(panel: Panel, answers: Sequence[Answer], grid: Grid, now: float) -> dict[str, Any]:
    """The payload of a time series panel: values on one grid, legend texts, axes, thresholds."""
    drawn = lines(panel, answers, grid)
    base = panel.field_config.defaults
    first_unit = drawn[0].config.unit if drawn else base.unit
    options = panel.options.get("legend", {})
    calcs = [calc for calc in options.get("calcs", _DEFAULT_CALCS) if calc in fields.CALC_NAMES]
    stacking = base.custom.get("stacking", {}).get("mode", "none")
    stacked = stacking in ("normal", "percent")
    if stacking == "percent":
        drawn = _shares(drawn)
        first_unit = "percentunit"
    ends = _bounds(base, _heights(drawn, first_unit, stacked=stacked))
    return {
        "start": grid.over.start * 1000, "step": grid.step * 1000, "count": grid.count,
        "calcs": [fields.CALC_NAMES[calc] for calc in calcs],
        "legend": options.get("displayMode", "list") != "hidden" and options.get("showLegend", True) is not False,
        "stack": stacked,
        "fill": _share(base.custom.get("fillOpacity"), 100), "bars": base.custom.get("drawStyle") == "bars",
        "log": base.custom.get("scaleDistribution", {}).get("type") == "log", "span": _span_gaps(base),
        "axis": {"unit": first_unit or "", "decimals": base.decimals} | ends,
        "thresholds": _thresholds(base), "more": max(0, len(drawn) - MOST_SERIES),
        "series": [_series(line, calcs, first_unit, now) for line in drawn[:MOST_SERIES]],
    }  # fmt: skip


def _shares(drawn: Sequence[Line]) -> list[Line]:
    """Each series as its share of the sum at each point."""
    sums = [sum(abs(value) for value in row if value is not None) for row in zip(*(line.values for line in drawn), strict=True)]
    return [
        Line(
            line.name, line.ref_id,
            [value / total if value is not None and total else None for value, total in zip(line.values, sums, strict=True)],
            msgspec.structs.replace(line.config, unit="percentunit"),
        )
        for line in drawn
    ]  # fmt: skip


def _heights(drawn: Sequence[Line], unit: str | None, *, stacked: bool) -> tuple[float, float] | None:
    """The lowest and the highest point on the first axis, of the sums where series are stacked; None without a value."""
    columns = [line.values for line in drawn[:MOST_SERIES] if line.config.unit == unit]
    rows = zip(*columns, strict=True) if stacked else columns
    found = [[value for value in row if value is not None] for row in rows]
    flat = [sum(values) for values in found if values] if stacked else [value for values in found for value in values]
    return (min(flat), max(flat)) if flat else None


def _bounds(config: FieldConfig, heights: tuple[float, float] | None) -> dict[str, float | None]:
    """The ends of the axis: the panel's own, moved out where a value lies beyond (a share measured as 1.0003 of 1).

    A curve that is cut off would hide that, and Dygraphs 2.2 complains of such points in the console.
    """
    low, high = config.min, config.max
    if heights is not None and config.custom.get("scaleDistribution", {}).get("type") != "log":  # there 0 has no place
        room = 0.02 * (heights[1] - heights[0] or abs(heights[1]))
        low = heights[0] - room if low is not None and heights[0] < low else low
        high = heights[1] + room if high is not None and heights[1] > high else high
    return {"min": low, "max": high}


def _share(value: Any, whole: float) -> float:
    return min(1.0, max(0.0, value / whole)) if isinstance(value, int | float) else 0.0


def _span_gaps(config: FieldConfig) -> bool:
    return config.custom.get("spanNulls") is True


def _series(line: Line, calcs: Sequence[str], first_unit: str | None, now: float) -> dict[str, Any]:
    config = line.config
    fixed = config.color.get("fixedColor") if config.color.get("mode") == "fixed" else None
    return {
        "name": line.name, "values": [compact(value) for value in line.values], "unit": config.unit or "",
        "decimals": config.decimals, "second": config.unit != first_unit,
        "color": "text" if fixed == "text" else fields.color(fixed),
        "calcs": [fields.text(fields.reduced(line.values, calc), config, now) for calc in calcs],
        "state": fields.judged(fields.reduced(line.values, "lastNotNull"), config),
        "dash": config.custom.get("lineStyle", {}).get("fill") in ("dash", "dot"),
    }  # fmt: skip


def compact(value: float | None) -> float | None:
    """Seven digits draw any screen exactly and make the answer half as long."""
    return None if value is None else float(f"{value:.7g}")


def _thresholds(config: FieldConfig) -> dict[str, Any]:
    style = config.custom.get("thresholdsStyle", {}).get("mode", "off")
    steps = [
        {"value": bound, "state": fields.state_of(name), "color": fields.color(name), "text": fields.text(bound, config, 0)}
        for bound, name in fields.bounds(config.thresholds, config)
        if math.isfinite(bound)
    ]
    base = next((step.color for step in config.thresholds.steps if step.value is None), "")
    return {"style": style, "steps": steps if style != "off" else [], "base": fields.state_of(base)}


def stat(panel: Panel, answers: Sequence[Answer], grid: Grid, now: float) -> dict[str, Any]:
    """The payload of a stat panel: one number a series, judged, with a small curve where the query has a range."""
    reduce = panel.options.get("reduceOptions", {}).get("calcs") or ["lastNotNull"]
    wants_curve = panel.options.get("graphMode", "area") != "none"
    mode = panel.options.get("textMode", "auto")
    drawn = lines(panel, answers, grid)
    named = mode in ("value_and_name", "name") or (mode == "auto" and len(drawn) > 1)
    instant = {answer.target.ref_id for answer in answers if answer.target.is_instant}
    items = []
    for line in drawn[:MOST_SERIES]:
        value = fields.reduced(line.values, str(reduce[0]))
        nothing = value is None and line.config.no_value
        items.append({
            "name": line.name if named else "", "text": nothing or fields.text(value, line.config, now), "value": value,
            "state": fields.judged(value, line.config), "only_name": mode == "name",
            "curve": _curve(line.values) if wants_curve and line.ref_id not in instant else [],
            "min": line.config.min, "max": line.config.max,
        })  # fmt: skip
    return {"items": items, "more": max(0, len(drawn) - MOST_SERIES)}


def _curve(values: Sequence[float | None]) -> list[float | None]:
    """At most 120 points: every n-th, the last one always among them."""
    every = max(1, math.ceil(len(values) / _SPARK_POINTS))
    thinned = list(values[::-1][::every])[::-1]
    return [compact(value) for value in thinned]
