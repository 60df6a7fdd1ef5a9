"""What a reader asks for, and Prometheus's answers to it: variables, then one panel at a time.

An `Ask` is an address taken apart (pure); `Reader` carries it out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboards.preview import fields, frames, interpolate, legend, shapes, silence, tables, variables
from dashboards.preview.interpolate import Value
from dashboards.preview.model import Dashboard, Panel, Target, Variable
from dashboards.preview.prometheus import Prometheus, QueryError
from dashboards.preview.timerange import Range, aligned, duration, interval, resolve, rounded_interval

_LEAST_WIDTH, _MOST_WIDTH, _DEFAULT_WIDTH = 50, 4_000, 800
_MOST_OFFSET = 14 * 60


@dataclass(frozen=True)
class Ask:
    """A time range, a width in points, the observer's minutes east of UTC, and variables by name; what was wrong, told.

    `scoped` are the values that one copy of a repeated panel has for itself.
    """

    start: str
    end: str
    over: Range
    at: float
    width: int = _DEFAULT_WIDTH
    offset: int = 0
    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scoped: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def understood(dashboard: Dashboard, pairs: Sequence[tuple[str, str]], now: float) -> Ask:
    """The question in an address's key-value pairs; `now` is the time of asking, in seconds."""
    first = dict(reversed(pairs))
    problems = []
    offset = _integer(first.get("tzo"), 0, -_MOST_OFFSET, _MOST_OFFSET)
    at = _integer(first.get("at"), round(now * 1000), 0, 10**14) / 1000
    start, end = first.get("from") or dashboard.time.from_, first.get("to") or dashboard.time.to
    try:
        over = resolve(start, end, at, offset)
    except ValueError as error:
        start, end = "now-6h", "now"
        over = resolve(start, end, at, offset)
        problems.append(f"time range: {error}; the last 6 hours are shown")
    given: dict[str, tuple[str, ...]] = {}
    for key, value in pairs:
        if key.startswith("var-"):
            given[key[4:]] = (*given.get(key[4:], ()), value)
    known = {variable.name for variable in dashboard.templating.variables}
    problems += [f"variable {name!r} is not one of this dashboard's" for name in given if name not in known]
    width = _integer(first.get("width"), _DEFAULT_WIDTH, _LEAST_WIDTH, _MOST_WIDTH)
    scoped = {key[6:]: value for key, value in pairs if key.startswith("scope-") and key[6:] in known}
    return Ask(start, end, over, at, width, offset, given, scoped, tuple(problems))


def _integer(text: str | None, otherwise: int, least: int, most: int) -> int:
    try:
        return min(most, max(least, int(text))) if text else otherwise
    except ValueError:
        return otherwise


_DRAWN: dict[str, Callable[[Panel, Sequence[frames.Answer], frames.Grid, float], dict[str, Any]]] = {
    "timeseries": frames.timeseries,
    "stat": frames.stat,
    "bargauge": shapes.bargauge,
    "heatmap": shapes.heatmap,
    "state-timeline": shapes.statetimeline,
}
# Pixels for each point asked for: a line is two wide, cells and bands are looked at one by one. Half as many, half the work.
_POINTS_EACH = {"timeseries": 2, "heatmap": 5, "state-timeline": 2}


@dataclass(frozen=True)
class Prepared:
    """One query, ready to be sent."""

    target: Target
    expr: str
    legend: str
    step: float
    over: Range


def prepared(panel: Panel, ask: Ask, values: Mapping[str, Value], scrape_interval: float) -> list[Prepared]:
    """The queries of a panel's visible targets, with variables, interval and step put in."""
    points = min(panel.max_data_points or ask.width, ask.width) // _POINTS_EACH.get(panel.type, 1)
    made = []
    for target in panel.targets:
        if target.hide or not target.expr.strip():
            continue
        least = duration(target.interval or panel.interval or "", scrape_interval)
        step = interval(ask.over, points, min(least, _few(ask.over, scrape_interval)))
        known = dict(values) | interpolate.timing(ask.over, step, scrape_interval)
        expr, names = interpolate.query(target.expr, known), interpolate.title(target.legend_format, known)
        made.append(Prepared(target, expr, names, step, aligned(ask.over, step)))
    return made


def _few(over: Range, scrape_interval: float) -> float:
    """The longest step that leaves a dozen points: a least step made for days would leave a range of minutes without any."""
    return max(scrape_interval, rounded_interval(over.seconds * 1000 / 12) / 1000)


class Reader:
    """Asks one Prometheus; `scrape_interval` in seconds is the least step."""

    def __init__(self, prometheus: Prometheus, scrape_interval: float) -> None:
        self.prometheus = prometheus
        self.scrape_interval = scrape_interval

    async def choices(self, dashboard: Dashboard, ask: Ask) -> list[variables.Choice]:
        """The dashboard's variables in order, each with options and value; problems are in the choices."""
        made: list[variables.Choice] = []
        values: dict[str, Value] = interpolate.timing(ask.over, self.scrape_interval, self.scrape_interval)
        for variable in dashboard.templating.variables:
            choice = await self._choice(variable, ask, values)
            made.append(choice)
            values[variable.name] = choice.value
        return made

    async def _choice(self, variable: Variable, ask: Ask, values: Mapping[str, Value]) -> variables.Choice:
        given = ask.given.get(variable.name, ())
        if variable.type != "query":
            options = variables.fixed_options(variable, "Prometheus")
            sure = variable.type in ("custom", "interval", "constant", "textbox")
            return variables.choose(variable, options, given, sure=sure)
        try:
            options = [(item, item) for item in await self._options(variable, ask, values)]
        except (QueryError, ValueError) as error:
            choice = variables.choose(variable, [], given, sure=False)
            told = f"{variable.label or variable.name}: {error}"
            return variables.Choice(variable, (), choice.selected, choice.value, (told,))
        choice = variables.choose(variable, options, given)
        if options:
            return choice
        told = f"{variable.label or variable.name}: has no value in this time range; its panels may be empty"
        return variables.Choice(variable, (), choice.selected, choice.value, (*choice.problems, told))

    async def _options(self, variable: Variable, ask: Ask, values: Mapping[str, Value]) -> list[str]:
        wanted = variables.question(interpolate.query(variable.query_text, values))
        if wanted.label:
            found = await self.prometheus.label_values(wanted.label, wanted.selector, ask.over)
        else:
            found = [legend.full_name(series.metric) for series in await self.prometheus.instant(wanted.expr, ask.over.end)]
        return variables.refined(found, variable.regex, variable.sort)

    async def panel(self, panel: Panel, ask: Ask, values: Mapping[str, Value]) -> dict[str, Any]:
        """A panel's payload: its data, or why there is none; errors of queries in Prometheus's words. Raises nothing."""
        queries = prepared(panel, ask, values, self.scrape_interval)
        results = await asyncio.gather(*(self._answer(query) for query in queries), return_exceptions=True)
        answers, errors = [], []
        for query, result in zip(queries, results, strict=True):
            if isinstance(result, frames.Answer):
                answers.append(result)
            elif isinstance(result, QueryError):
                errors.append(f"query {query.target.ref_id}: {result}")
            else:
                raise result
        payload = self._drawn(panel, ask, queries, answers)
        payload["errors"] = list(dict.fromkeys(errors))
        if not errors and not any(answer.found for answer in answers):
            payload["silence"] = await self._silence(panel, ask, queries)
        return payload

    async def _answer(self, query: Prepared) -> frames.Answer:
        if query.target.is_instant or query.target.format == "table":
            found = await self.prometheus.instant(query.expr, query.over.end)
        else:
            found = await self.prometheus.range(query.expr, query.over, query.step)
        return frames.Answer(query.target, query.expr, query.legend, found)

    def _drawn(self, panel: Panel, ask: Ask, queries: Sequence[Prepared], answers: Sequence[frames.Answer]) -> dict[str, Any]:
        now = ask.over.end
        payload: dict[str, Any] = {
            "id": panel.id, "kind": panel.type, "from": ask.over.start * 1000, "to": ask.over.end * 1000,
            "queries": [{"ref": query.target.ref_id, "expr": query.expr} for query in queries],
        }  # fmt: skip
        if panel.type == "table":
            return payload | tables.table(panel, answers, now)
        step = min((query.step for query in queries), default=self.scrape_interval)
        grid = frames.Grid(aligned(ask.over, step), step)
        return payload | _DRAWN[panel.type](panel, answers, grid, now)

    async def _silence(self, panel: Panel, ask: Ask, queries: Sequence[Prepared]) -> dict[str, str]:
        """Words of the dashboard for "nothing" (`noValue`, a mapping of null), else the reason; both where they judge it bad."""
        if not queries:
            return {"text": "this panel has no query", "state": "unknown"}
        config = panel.field_config.defaults
        mapped = fields.mapping(None, config) or {}
        # A dash stands for an empty cell; of a table without any row it would say nothing.
        words = (config.no_value or str(mapped.get("text") or "")).strip("-")
        state = fields.state_of(mapped.get("color"))
        if words and state in ("", "ok", "info"):
            return {"text": words, "state": state, "words": "yes"}
        reason = await silence.why(self.prometheus, [query.expr for query in queries], ask.over.end, ask.offset)
        return {"text": words, "state": state, "words": "yes", "why": reason} if words else {"text": reason, "state": "unknown"}
