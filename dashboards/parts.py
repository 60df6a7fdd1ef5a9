"""What panels are made of: queries and what values mean, and the JSON that several kinds share. No grafanalib here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from dashboards import top
from dashboards.series import MAX_SERIES, most, named
from metrics import catalog
from metrics.durations import seconds
from metrics.model import Signal, Unit
from metrics.query import Aggregate, Expr, Function, Rate, Selector, Window
from settings import Site, look

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Fixed order, so that the same thing looks the same everywhere; `text` is Grafana's black or white.
SERIES_COLOURS = (look.SERIES_DARK[0], look.SERIES_DARK[1], "text", look.SERIES_LIGHT[3])
_KEEP = {"topk", "bottomk", "round", "clamp_min", "clamp_max", "label_replace", "abs", "sort_desc"}  # functions that keep a unit
_WINDOW = re.compile(r"\[(\d+[smhdw])\]")
_LONG = 6 * 3600.0  # seconds
_LEVELS = {"warning": look.WARNING, "critical": look.CRITICAL}
# Labels whose own word a person would not use.
_HEADINGS = {"slo": "SLO", "datname": "Database", "relname": "Table", "alertname": "Alert", "alertstate": "State"}


@dataclass(frozen=True)
class Query:
    """One query of a panel: an expression or a signal, how its series are called (`{{instance}}`), what narrows it.

    `scope` are the dashboard's variables that apply; None means those of its panels. A `limit` is what the panel's other
    lines are held against: dashed, with nothing below it filled.
    """

    what: Expr | Signal
    legend: str = "{{instance}}"
    scope: tuple[str, ...] | None = None
    limit: bool = False

    @property
    def expr(self) -> Expr:
        """What is asked: a recorded signal is read from its recording, which is what its alert compares."""
        if not isinstance(self.what, Signal):
            return self.what
        recorded = catalog.find(self.what.recorded_as) if self.what.recorded_as else None
        return recorded.select() if recorded else self.what.expr


@dataclass(frozen=True)
class States:
    """What the values of a 0-or-1 series mean, each with its word: colour alone tells nobody anything."""

    one: str = "up"
    zero: str = "DOWN"
    one_colour: str = look.OK
    zero_colour: str = look.CRITICAL


@dataclass(frozen=True)
class Column:
    """One value column of a table: its query, heading, and how its cells look."""

    what: Expr | Signal
    title: str
    unit: Unit
    states: States | None = None
    signal: Signal | None = None
    decimals: int | None = None


Words: TypeAlias = Mapping[int, tuple[str, str]]  # value to word and colour


def words(states: States | Words) -> Words:
    """The words of values; those of `States` are 0 and 1."""
    if not isinstance(states, States):
        return states
    return {0: (states.zero, states.zero_colour), 1: (states.one, states.one_colour)}


def worst(states: States | Words) -> str:
    """Which cut keeps the states that a person must see: the lowest where the lowest value is the bad one."""
    found = words(states)
    return "bottomk" if found and found[min(found)][1] in (look.CRITICAL, look.WARNING) else "topk"


def threshold(site: Site, signal: Signal, level: str) -> float | None:
    """The signal's threshold of that level, as this site's override of its alert sets it."""
    override = site.alerts.get(signal.alerts.get(level, ""))
    declared: float | None = getattr(signal, level)
    return declared if override is None or override.threshold is None else override.threshold


def steps(site: Site, signal: Signal, fine: str) -> list[dict[str, Any]]:
    """Grafana's threshold steps: each colour holds from its value upwards."""
    found = [(threshold(site, signal, level), colour) for level, colour in _LEVELS.items()]
    marks = sorted((value, colour) for value, colour in found if value is not None)
    if not signal.bad_below:
        return [step(fine), *(step(colour, value) for value, colour in marks)]
    colours = [*(colour for _, colour in marks), fine]
    return [step(colour, value) for colour, value in zip(colours, [None, *(value for value, _ in marks)], strict=True)]


def links(site: Site, signal: Signal | None) -> list[dict[str, Any]]:
    """Links to the runbooks of the signal's alerts."""
    runbooks = f"{site.public(site.ports.inbox)}/runbooks"
    names = dict.fromkeys(signal.alerts.values()) if signal else {}
    return [{"title": f"Runbook {name}", "url": f"{runbooks}/{name}", "targetBlank": True} for name in names]


def least_step(expr: str) -> str:
    """The least step of a query that looks back over hours: a 240th of its longest window; empty for a shorter window.

    A day's percentile moves little in six minutes, and at each step Prometheus reads the whole day.
    """
    longest = max((seconds(window) for window in _WINDOW.findall(expr)), default=0.0)
    return f"{longest / 240:.0f}s" if longest >= _LONG else ""


def step(colour: str, value: float | None = None) -> dict[str, Any]:
    """One threshold step."""
    return {"color": colour, "value": value}


def ref(index: int) -> str:
    """Grafana's letter of the query at that place."""
    return chr(ord("A") + index)


def signal_of(queries: Sequence[Query]) -> Signal | None:
    """The signal of a panel that draws one alone."""
    first = queries[0].what
    return first if isinstance(first, Signal) and len(queries) == 1 else None


def unit_of(queries: Sequence[Query]) -> Unit:
    """The unit that all queries share, from their declarations. Raises ValueError when they do not, or it is not known."""
    units = {query.what.unit if isinstance(query.what, Signal) else unit_in(query.what) for query in queries}
    if len(units) != 1 or None in units:
        raise ValueError(f"{len(units)} units in one panel, or one that follows from no declaration: name the panel's unit")
    return next(unit for unit in units if unit)


def unit_in(expr: Expr) -> Unit | None:
    """The unit of an expression's values, where they are still those of one metric; None after arithmetic."""
    if isinstance(expr, Selector | Rate | Window):
        selector = expr if isinstance(expr, Selector) else expr.selector
        metric = selector.metric or catalog.find(selector.name)
        if metric is None:
            return None
        return metric.unit.per_second if isinstance(expr, Rate) and expr.function != "increase" else metric.unit
    if isinstance(expr, Aggregate):
        return Unit.COUNT if expr.op == "count" else unit_in(expr.inner)
    if isinstance(expr, Function):
        return _unit_of_function(expr)
    return None


def _unit_of_function(expr: Function) -> Unit | None:
    inner = next((arg for arg in expr.args if isinstance(arg, Expr)), None)
    if expr.name == "histogram_quantile":  # of the observations, not of how often there was one
        while isinstance(inner, Aggregate):
            inner = inner.inner
        return unit_in(inner.selector) if isinstance(inner, Rate) else None
    return unit_in(inner) if expr.name in _KEEP and inner else None


def capped(queries: Sequence[Query], *, instant: bool = False, worst: str = "") -> list[Query]:
    """The queries, each cut to its share of the lines that a panel draws where it could give more: the worst ones stay.

    `worst` is topk or bottomk where neither the query nor its signal says it. Raises ValueError for more queries than can share.
    """
    share = max(1, MAX_SERIES // len(queries))
    plain = [_uncut(query) for query in queries]
    cut = [_most(query) > share for query, _ in plain]
    if any(cut) and len(queries) > top.MOST_QUERIES:
        raise ValueError(f"{len(queries)} queries of open labels in one panel: at most {top.MOST_QUERIES} can share its lines")
    return [
        replace(query, what=top.Top(op or worst or _worst(query), query.expr, len(queries), instant)) if need else query
        for (query, op), need in zip(plain, cut, strict=True)
    ]


def _uncut(query: Query) -> tuple[Query, str]:
    """The query without a cut of its own, and what that cut was."""
    expr = query.what
    if not isinstance(expr, Function) or expr.name not in top.CUTS:
        return query, ""
    inner = expr.args[1]
    return (replace(query, what=inner), expr.name) if isinstance(inner, Expr) else (query, "")


def _worst(query: Query) -> str:
    return "bottomk" if isinstance(query.what, Signal) and query.what.bad_below else "topk"


def _most(query: Query) -> float:
    try:
        labels = {*query.expr.labels, *top.kept(query.expr)}
    except ValueError:  # PromQL as it stands, which hides its labels
        labels = set(named(query.legend))
    return most(query.expr.for_panel(), labels)


def colours(queries: Sequence[Query], colours: Sequence[str]) -> list[dict[str, Any]]:
    """A colour for each query that gives one series a machine; those with more series take the palette's. Limits look alike."""
    return [
        {"matcher": {"id": "byFrameRefID", "options": ref(index)}, "properties": _LIMIT if query.limit else [_fixed(colour)]}
        for index, (query, colour) in enumerate(zip(queries, colours, strict=False))
        if "{{" not in query.legend.replace("{{instance}}", "")
    ]


def heading(label: str) -> str:
    """A label as a heading of a table or a variable."""
    return _HEADINGS.get(label) or label.capitalize()


def _fixed(colour: str) -> dict[str, Any]:
    return {"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}


_LIMIT = [
    _fixed("text"),
    {"id": "custom.fillOpacity", "value": 0},
    {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 6]}},
]


def mappings(states: States | Words) -> list[dict[str, Any]]:
    """The value mapping of states: each value's word and colour."""
    options = {
        str(value): {"text": word, "color": colour, "index": index}
        for index, (value, (word, colour)) in enumerate(words(states).items())
    }
    return [{"type": "value", "options": options}]


def special(text: str) -> dict[str, Any]:
    """The mapping of a value that is not there."""
    return {"type": "special", "options": {"match": "null+nan", "result": {"text": text, "color": look.UNKNOWN, "index": 2}}}
