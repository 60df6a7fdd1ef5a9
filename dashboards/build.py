"""From grafanalib's objects to the classic JSON that Grafana of today provisions: the shape of schemaVersion 42.

grafanalib writes schemaVersion 12 with fields that later versions removed; one pass here drops and renames them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from grafanalib import core
from grafanalib._gen import DashboardEncoder

from dashboards import (
    alerting,
    analysis,
    app,
    cache,
    database,
    feed,
    kinds,
    layout,
    overview,
    postgres,
    probe,
    redis,
    slo,
    stack,
    system,
    websocket,
)
from settings import Site
from settings.files import replace_file

SCHEMA_VERSION = 42
BOARDS: tuple[Callable[[Site], core.Dashboard], ...] = (
    overview.dashboard, slo.dashboard, system.dashboard, database.dashboard, postgres.dashboard, cache.dashboard, redis.dashboard,
    websocket.dashboard, feed.dashboard, app.dashboard, analysis.dashboard, probe.dashboard, alerting.dashboard,
    stack.dashboard,
)  # fmt: skip

_DASHBOARD_KEYS = (
    "annotations", "description", "editable", "graphTooltip", "links", "panels", "refresh", "tags", "templating", "time",
    "timepicker", "timezone", "title", "uid", "version",
)  # fmt: skip
_PANEL_KEYS = (
    "datasource", "description", "fieldConfig", "gridPos", "id", "links", "options", "targets", "title", "transformations",
    "type",
)  # fmt: skip
_LINK = {"asDropdown": False, "includeVars": False, "keepTime": False, "tags": [], "targetBlank": False, "tooltip": ""}


def build(site: Site) -> dict[str, dict[str, Any]]:
    """The JSON of each dashboard that the site has something for, by file name `<uid>.json`; the same site, the same bytes."""
    found = {}
    for board in BOARDS:
        raw = json.loads(json.dumps(board(site), cls=DashboardEncoder))
        if layout.is_there(raw["uid"], site):
            found[f"{raw['uid']}.json"] = modern(raw)
    return found


def modern(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of grafanalib in the shape of schemaVersion 42."""
    kept = {key: raw[key] for key in _DASHBOARD_KEYS}
    return kept | {
        "editable": False,
        "fiscalYearStartMonth": 0,
        "links": [_LINK | link for link in raw["links"]],
        "panels": [_panel(panel) for panel in raw["panels"]],
        "preload": False,
        "schemaVersion": SCHEMA_VERSION,
        "templating": {"list": [_variable(variable) for variable in raw["templating"]["list"]]},
        "timepicker": {},
        "version": 1,
    }


def _panel(raw: Mapping[str, Any]) -> dict[str, Any]:
    if raw["type"] == "row":
        inner = [_panel(panel) for panel in raw["panels"]]
        return {key: raw[key] for key in ("collapsed", "gridPos", "id", "title", "type")} | {"panels": inner}
    panel = {key: raw[key] for key in _PANEL_KEYS if raw.get(key) is not None}
    panel["targets"] = [_target(target) for target in raw["targets"]]
    if not panel.get("transformations"):
        panel.pop("transformations", None)
    defaults = panel["fieldConfig"]["defaults"]
    for key in [key for key, value in defaults.items() if value is None]:
        del defaults[key]
    kinds.finish(panel)
    return panel


def _target(raw: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: raw[key] for key in ("datasource", "expr", "format", "instant", "legendFormat", "refId")}
    least = {"interval": raw["interval"]} if raw.get("interval") else {}
    return kept | least | {"editorMode": "code", "range": not raw["instant"]}


def _variable(raw: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: raw[key] for key in ("hide", "includeAll", "label", "multi", "name", "query", "refresh", "type")}
    if raw["type"] == "datasource":
        current = {"text": "Prometheus", "value": raw["current"]["value"]}
        return kept | {"current": current, "options": [], "regex": ""}
    if raw["type"] == "custom":
        default = raw["current"]["value"]
        options = [{"text": one, "value": one, "selected": one == default} for one in raw["query"].split(",")]
        return kept | {"current": {"text": default, "value": default}, "options": options}
    current = {"text": ["All"], "value": ["$__all"]}
    more = {"allValue": raw["allValue"], "datasource": raw["datasource"], "definition": raw["query"], "sort": raw["sort"]}
    return kept | more | {"current": current, "options": [], "regex": ""}


def text(dashboard: Mapping[str, Any]) -> str:
    """A dashboard's file: keys sorted, so that a diff shows what changed."""
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(boards: Mapping[str, Mapping[str, Any]], out: Path) -> None:
    """Writes each dashboard into `out`, replaced as a whole; dashboards that are no longer built are removed."""
    out.mkdir(parents=True, exist_ok=True)
    for name, board in boards.items():
        replace_file(out / name, text(board))
    for left in out.glob("watchfloor-*.json"):
        if left.name not in boards:
            left.unlink()
