"""What Grafana is asked for a dashboard: its variables' values and every target, and what an answer is worth.

Variables of the dashboard are put in here, as Grafana's page does; `$__rate_interval` and its like stay, because Grafana's own
data source knows its scrape interval: a wrong `timeInterval` there shows as missing data, as it would on a screen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from dashboards.grafana.client import Client, GrafanaError
from dashboards.preview import interpolate, variables
from dashboards.preview.interpolate import Value
from dashboards.preview.model import Dashboard, Panel, Target, Variable
from dashboards.preview.timerange import Range, interval

POINTS = 500  # about the width of a panel, in points
_OF_QUERIES = (
    HTTPStatus.MULTI_STATUS, HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY,
    HTTPStatus.GATEWAY_TIMEOUT,
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """A target, and what came: `data`, `silent` (nothing, and the panel says what nothing means), `empty`, `failed`; and why."""

    panel: str
    target: str
    state: str
    why: str = ""


async def values(client: Client, board: Dashboard, source: str, over: Range) -> dict[str, Value]:
    """Every variable's value, as a reader who chooses nothing sees it; options come from the data source. Raises GrafanaError."""
    known: dict[str, Value] = {}
    for variable in board.templating.variables:
        if variable.type != "query":
            options = variables.fixed_options(variable, source)
        else:
            options = [(item, item) for item in await _options(client, variable, source, over, known)]
        known[variable.name] = variables.choose(variable, options, ()).value
    return known


async def _options(client: Client, variable: Variable, source: str, over: Range, known: Mapping[str, Value]) -> list[str]:
    try:
        wanted = variables.question(interpolate.query(variable.query_text, known))
    except ValueError as error:
        raise GrafanaError(f"variable {variable.name}: {error}: this command knows no other") from error
    if not wanted.label:
        raise GrafanaError(f"variable {variable.name}: asks by query_result: this command knows label_values alone")
    path = f"/api/datasources/uid/{quote(source)}/resources/api/v1/label/{wanted.label}/values"
    asked = {"start": str(math.floor(over.start)), "end": str(math.ceil(over.end))}
    found = await client.get(path, **asked, **({"match[]": wanted.selector} if wanted.selector else {}))
    return variables.refined([str(item) for item in found.get("data") or []], variable.regex, variable.sort)


async def asked(client: Client, panel: Panel, source: str, over: Range, known: Mapping[str, Value]) -> list[Result]:
    """The results of a panel's visible targets, asked in one question as Grafana's page does. Raises GrafanaError."""
    shown = [target for target in panel.targets if not target.hide]
    if not shown:
        return []
    step = round(interval(over, POINTS, 1.0) * 1000)
    body = {
        "from": str(round(over.start * 1000)),
        "to": str(round(over.end * 1000)),
        "queries": [_query(target, source, step, known) for target in shown],
    }
    # With a query that failed the status is that query's, and the body tells each.
    answer = await client.ask("POST", "/api/ds/query", json=body, accepted=_OF_QUERIES)
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, dict):
        raise GrafanaError(f"{panel.title}: Grafana refuses the query: {(answer or {}).get('message', 'without a word')}")
    return [_judged(panel, target, results.get(target.ref_id)) for target in shown]


def _query(target: Target, source: str, step: int, known: Mapping[str, Value]) -> dict[str, Any]:
    return {
        "refId": target.ref_id,
        "datasource": {"type": "prometheus", "uid": source},
        "expr": interpolate.query(target.expr, known),
        "instant": target.instant,
        "range": target.range or not target.instant,
        "format": target.format,
        "intervalMs": step,
        "maxDataPoints": POINTS,
    }


def _judged(panel: Panel, target: Target, result: Any) -> Result:
    if not isinstance(result, dict):
        return Result(panel.title, target.ref_id, "failed", "Grafana's answer leaves it out")
    if error := result.get("error"):
        return Result(panel.title, target.ref_id, "failed", str(error))
    if has_data(result.get("frames") or []):
        return Result(panel.title, target.ref_id, "data")
    if words := panel.field_config.defaults.no_value:
        return Result(panel.title, target.ref_id, "silent", words)
    return Result(panel.title, target.ref_id, "empty", "no series, or nothing but NaN")


def has_data(frames: Sequence[Mapping[str, Any]]) -> bool:
    """Whether data frames (https://grafana.com/developers/dataplane) hold a number: NaN and null are none."""
    for frame in frames:
        fields = frame.get("schema", {}).get("fields", [])
        data = frame.get("data", {})
        # JSON has no NaN: `entities` tells where a null stands for NaN or for an infinity.
        special = data.get("entities") or [None] * len(fields)
        for field, column, entity in zip(fields, data.get("values", []), special, strict=False):
            infinite = bool(entity and (entity.get("Inf") or entity.get("NegInf")))
            if field.get("type") == "number" and (infinite or any(value is not None for value in column)):
                return True
    return False


def table(found: Mapping[str, Sequence[Result]]) -> Iterator[str]:
    """The coverage of each dashboard, by title, in lines; then every target that is empty or failed."""
    width = max(map(len, (*found, "DASHBOARD")))
    yield f"{'DASHBOARD':{width}}  {'TARGETS':>7}  {'DATA':>5}  {'SILENT':>6}  {'EMPTY':>5}  {'FAILED':>6}"
    for title, results in (*found.items(), ("all", [result for some in found.values() for result in some])):
        count = Counter(result.state for result in results)
        numbers = f"{count['data']:>5}  {count['silent']:>6}  {count['empty']:>5}  {count['failed']:>6}"
        yield f"{title:{width}}  {len(results):>7}  {numbers}"
    for title, results in found.items():
        for result in results:
            if result.state in ("empty", "failed"):
                yield f"{result.state}: {title}: {result.panel} {result.target}: {result.why}"
