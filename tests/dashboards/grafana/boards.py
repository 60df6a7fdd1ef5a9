"""A small dashboard on what every Prometheus tells of itself, in the shape in which ours are built."""

from __future__ import annotations

from typing import Any

SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name, "type": "query", "query": query, "multi": True, "includeAll": True, "allValue": ".*", "regex": "",
        "sort": 1, "current": {"text": ["All"], "value": ["$__all"]}, "datasource": SOURCE,
    }  # fmt: skip


def panel(number: int, title: str, *exprs: str, instant: bool = False, nothing: str = "") -> dict[str, Any]:
    targets = [
        {
            "refId": "ABC"[at],
            "expr": expr,
            "instant": instant,
            "range": not instant,
            "datasource": SOURCE,
            "format": "time_series",
        }
        for at, expr in enumerate(exprs)
    ]
    defaults = {"unit": "short"} | ({"noValue": nothing} if nothing else {})
    return {"id": number, "type": "timeseries", "title": title, "targets": targets, "fieldConfig": {"defaults": defaults}}


def board(*panels: dict[str, Any], uid: str = "watchfloor-small", title: str = "Small") -> dict[str, Any]:
    chosen = {"name": "datasource", "type": "datasource", "query": "prometheus", "current": {"value": "watchfloor-prometheus"}}
    return {
        "uid": uid, "title": title, "tags": ["watchfloor"], "schemaVersion": 42, "version": 1, "panels": list(panels),
        "templating": {"list": [chosen, variable("job", "label_values(up, job)")]},
    }  # fmt: skip


GOOD = (
    panel(1, "Requests", 'sum(rate(prometheus_http_requests_total{job=~"$job"}[$__rate_interval]))'),
    panel(2, "Up", 'up{job=~"$job"}', instant=True),
    panel(3, "Firing", 'ALERTS{alertname="NeverHeardOf"}', nothing="nothing fires"),
)
