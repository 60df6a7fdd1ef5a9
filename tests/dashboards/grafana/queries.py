"""How the stand-in answers POST /api/ds/query: a real Prometheus is asked, its answer becomes data frames.

Intervals as Grafana's documentation tells them: `$__interval` is at least the data source's scrape interval, and
`$__rate_interval` is max(`$__interval` + scrape interval, 4 * scrape interval).
"""

from __future__ import annotations

import math
import re
from typing import Any

import aiohttp


async def answered(
    session: aiohttp.ClientSession, url: str, query: dict[str, Any], body: dict[str, Any], scrape: float
) -> dict[str, Any]:
    """One query's part of the answer: `frames`, or `error`, and a `status`."""
    start, end = int(body["from"]) / 1000, int(body["to"]) / 1000
    step = max(query["intervalMs"] / 1000, scrape)
    form = {"query": _put_in(query["expr"], step, scrape, end - start)}
    if query["instant"]:
        form["time"] = str(end)
    else:
        form |= {"start": str(start), "end": str(end), "step": str(step)}
    async with session.post(f"{url}/api/v1/{'query' if query['instant'] else 'query_range'}", data=form) as response:
        answer = await response.json()
    if answer["status"] != "success":
        return {"error": f"{answer['errorType']}: {answer['error']}", "status": 400, "frames": []}
    return {"status": 200, "frames": [_frame(query["refId"], series) for series in _series(answer["data"])]}


def _put_in(expr: str, step: float, scrape: float, length: float) -> str:
    rate = max(step + scrape, 4 * scrape)
    known = {
        "__rate_interval": f"{round(rate * 1000)}ms",
        "__interval": f"{round(step * 1000)}ms",
        "__range": f"{round(length)}s",
    }
    for name, value in known.items():
        expr = expr.replace("${" + name + "}", value).replace(f"${name}", value)
    assert not re.search(r"\$(?!\d)", expr), f"a variable is left: {expr}"
    return expr


def _series(data: dict[str, Any]) -> list[dict[str, Any]]:
    if data["resultType"] == "scalar":
        return [{"metric": {}, "values": [data["result"]]}]
    return [{"metric": one["metric"], "values": one.get("values") or [one["value"]]} for one in data["result"]]


def _frame(ref: str, series: dict[str, Any]) -> dict[str, Any]:
    """Columns of times in ms and of values; what JSON cannot hold is null, and told in `entities`."""
    numbers = [float(value) for _, value in series["values"]]
    special = {
        "NaN": [at for at, number in enumerate(numbers) if math.isnan(number)],
        "Inf": [at for at, number in enumerate(numbers) if number == math.inf],
        "NegInf": [at for at, number in enumerate(numbers) if number == -math.inf],
    }
    entities = {name: where for name, where in special.items() if where}
    fields = [{"name": "Time", "type": "time"}, {"name": "Value", "type": "number", "labels": series["metric"]}]
    values = [number if math.isfinite(number) else None for number in numbers]
    data: dict[str, Any] = {"values": [[round(moment * 1000) for moment, _ in series["values"]], values]}
    if entities:
        data["entities"] = [None, entities]
    return {"schema": {"refId": ref, "fields": fields}, "data": data}
