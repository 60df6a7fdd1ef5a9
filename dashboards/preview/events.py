"""What happened in the window: the dashboard's annotation queries, as Grafana's Prometheus data source makes events of them.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/annotate-visualizations/
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.preview import fields, interpolate, legend
from dashboards.preview.ask import Ask
from dashboards.preview.frames import number
from dashboards.preview.interpolate import Value
from dashboards.preview.model import Annotation, Dashboard
from dashboards.preview.prometheus import Prometheus, QueryError, Series
from dashboards.preview.timerange import aligned, duration, interval

MOST_EVENTS = 300
_STEP = 60.0  # seconds; Grafana's own for annotations
_POINTS = 400
_SEVERITIES = ("critical", "warning", "info")


async def ask(prometheus: Prometheus, dashboard: Dashboard, wanted: Ask, values: Mapping[str, Value]) -> dict[str, Any]:
    """Events of every annotation query, oldest first; `errors` are the queries that failed, `more` how many are left out."""
    queries = [one for one in dashboard.annotations.queries if one.enable and one.expression.strip()]
    results = await asyncio.gather(*(_one(prometheus, query, wanted, values) for query in queries), return_exceptions=True)
    found: list[dict[str, Any]] = []
    errors = []
    for query, result in zip(queries, results, strict=True):
        if isinstance(result, list):
            found += result
        elif isinstance(result, QueryError):
            errors.append(f"events {query.name!r}: {result}")
        else:
            raise result
    found.sort(key=lambda event: (event["from"], event["title"]))
    return {"events": found[-MOST_EVENTS:], "more": max(0, len(found) - MOST_EVENTS), "errors": errors}


async def _one(prometheus: Prometheus, query: Annotation, wanted: Ask, values: Mapping[str, Value]) -> list[dict[str, Any]]:
    step = interval(wanted.over, _POINTS, duration(query.step or "", _STEP))
    known = dict(values) | interpolate.timing(wanted.over, step, step)
    found = await prometheus.range(interpolate.query(query.expression, known), aligned(wanted.over, step), step)
    return [event for series in found for event in made(query, series, step, wanted)]


def made(query: Annotation, series: Series, step: float, wanted: Ask) -> list[dict[str, Any]]:
    """The events of one series: samples above 0, those that follow one another as one event that lasts; times in ms.

    With `useValueForTime` each value is itself a time in ms.
    """
    labels = series.metric
    title = legend.names(query.title_format or "", [labels], query.name)[0] if query.title_format else query.name
    texts = [legend.names(query.text_format, [labels], "")[0]] if query.text_format else []
    state = labels.get("severity", "") if labels.get("severity") in _SEVERITIES else fields.state_of(query.icon_color)
    base = {
        "name": query.name,
        "title": title,
        "text": " ".join(texts).strip(),
        "state": state,
        "color": fields.color(query.icon_color),
    }
    return [base | {"from": start * 1000, "to": end * 1000} for start, end in _spans(query, series, step, wanted)]


def _spans(query: Annotation, series: Series, step: float, wanted: Ask) -> list[tuple[float, float]]:
    samples = [(moment, number(text)) for moment, text in series.values]
    if query.use_value_for_time in (True, "on", "true"):
        times = sorted({value / 1000 for _, value in samples if value is not None and value > 0})
        return [(time, time) for time in times if wanted.over.start <= time <= wanted.over.end]
    return _joined([moment for moment, value in samples if value is not None and value > 0], step)


def _joined(moments: Sequence[float], step: float) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for moment in moments:
        if spans and moment - spans[-1][1] <= step * 1.5:
            spans[-1] = (spans[-1][0], moment)
        else:
            spans.append((moment, moment))
    return spans
