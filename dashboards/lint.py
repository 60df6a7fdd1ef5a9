"""What a dashboard must have, judged on its JSON alone: the same rules for ours and for a file that somebody brings.

Whether an expression is valid PromQL is judged by the tests, which have a parser.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dashboards import heat, kinds, series, top
from metrics import catalog, stack

KINDS = ("timeseries", "stat", "table", "bargauge", "heatmap", "state-timeline", "row")
VARIABLES = ("datasource", "cluster", "job", "instance", top.VARIABLE)
SCHEMA_VERSION = 42
LEGEND = ("lastNotNull", "mean", "max")
_OUTER_BY = re.compile(r"\s*\w+\s+by\s*\(([^)]*)\)")
_FIXED_RANGE = re.compile(r"\b(?:rate|irate|increase)\([^\[\]]*\[(\d[^\]]*)\]")
CONSTANT_FALLBACK = re.compile(r"\bor\b.*\bvector\s*\(", re.DOTALL)
_NORMAL = re.compile(r"\S[.)?] Normal\b(.*)", re.DOTALL)  # a sentence of its own, after what is shown
_NEXT = re.compile(r"[.)?!] +[A-Z0-9`]")  # where a sentence ends and the next begins
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_LONG = ("5m", "10m", "1h", "24h", "30d")  # a range that is the question itself: "in the last hour"


def lint_text(text: str) -> list[str]:
    """What is wrong with a dashboard's file, each as `panel: problem: fix`; an empty list when nothing is."""
    try:
        board = json.loads(text)
    except ValueError as error:
        return [f"is not JSON ({error}): build it again"]
    return lint(board) if isinstance(board, dict) else ["is no dashboard: build it again"]


def lint(board: Mapping[str, Any]) -> list[str]:
    """The same for a dashboard that is already parsed."""
    return [*_lint_board(board), *_lint_frame(board), *(finding for panel in panels(board) for finding in _lint_panel(panel))]


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel, rows themselves left out, those inside folded rows included."""
    for panel in board.get("panels", []):
        if panel.get("type") == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def _lint_board(board: Mapping[str, Any]) -> Iterator[str]:
    if not re.fullmatch(r"[a-z0-9-]{1,40}", str(board.get("uid", ""))):
        yield "uid: is missing or not fixed: give lower-case letters, digits and hyphens"
    for key in ("title", "description"):
        if not board.get(key):
            yield f"{key}: is empty: say what the dashboard answers"
    if board.get("schemaVersion") != SCHEMA_VERSION:
        yield f"schemaVersion: is {board.get('schemaVersion')}: {SCHEMA_VERSION} is what Grafana provisions"
    if board.get("rows"):
        yield "rows: were removed in Grafana 5: use panels of type row"
    have = [variable.get("name") for variable in board.get("templating", {}).get("list", [])]
    for name in VARIABLES:
        if name not in have:
            yield f"variable {name}: is missing: every dashboard offers {', '.join(VARIABLES)}"
    everything = [*board.get("panels", []), *panels(board)]
    ids = {id(panel): panel.get("id") for panel in everything}
    if len(set(ids.values())) != len(ids) or None in ids.values():
        yield "id: two panels share one, or one has none: give each panel its own"


def _lint_frame(board: Mapping[str, Any]) -> Iterator[str]:
    """What every dashboard has around its panels: crosshair, marks, neighbours, an open first row."""
    if board.get("graphTooltip") != 1:
        yield "graphTooltip: is not the shared crosshair: set 1"
    found = [str(item.get("expr", "")) for item in board.get("annotations", {}).get("list", [])]
    for what, metric in (("alerts", "ALERTS"), ("events", stack.EVENT_TIME.name)):
        if not any(metric in expr for expr in found):
            yield f"annotations: lack {what}: draw {metric} on every time axis"
    if not any(link.get("url", "").startswith("/d/") for link in board.get("links", [])):
        yield "links: lead to no neighbour: link the other dashboards"
    for title, histogram in heat.missing(list(panels(board))):
        yield f"{title}: percentiles of {histogram} stand alone: add its heatmap, or a reason to dashboards/heat.py"
    first: Mapping[str, Any] = next(iter(board.get("panels", [])), {})
    if first.get("type") != "row" or first.get("collapsed"):
        yield "first row: is folded or not there: begin with an open row that tells whether it is fine"


def _lint_panel(panel: dict[str, Any]) -> Iterator[str]:
    name = panel.get("title") or f"panel {panel.get('id')}"
    if panel.get("type") not in KINDS:
        yield f"{name}: type {panel.get('type')!r}: use one of {', '.join(KINDS)}"
    for key in ("title", "description"):
        if not panel.get(key):
            yield f"{name}: {key} is empty: say what it shows, what is normal, what to do"
    yield from _lint_description(name, panel)
    if not panel.get("targets"):
        yield f"{name}: has no query: an empty panel tells nothing"
    if not kinds.unit(panel):
        yield f"{name}: has no unit: a number without one is read wrongly"
    if panel.get("maxDataPoints") is not None:
        yield f"{name}: maxDataPoints is set: leave it to the panel's width"
    if panel.get("datasource", {}).get("uid") != "${datasource}":
        yield f"{name}: datasource is not the variable: use uid ${{datasource}}"
    for target in panel.get("targets", []):
        yield from _lint_target(name, target)
    yield from _lint_lines(name, panel)


def _lint_description(name: str, panel: Mapping[str, Any]) -> Iterator[str]:
    """What it shows, what is normal, and then what to do: in words, or by the link to a runbook."""
    description = str(panel.get("description") or "")
    normal = _NORMAL.search(description)
    if description and not normal:
        yield f"{name}: description does not tell what is normal: after what it shows, write `Normal: …`"
    if normal and not _NEXT.search(normal[1]) and not panel.get("links"):
        yield f"{name}: description does not tell what to do: after what is normal, write a sentence, or link a runbook"


def _lint_lines(name: str, panel: Mapping[str, Any]) -> Iterator[str]:
    """How many lines or bars there are, and what the legend says of each."""
    if panel.get("type") not in ("timeseries", "bargauge", "state-timeline", "stat"):
        return
    for target in panel.get("targets", []):
        if why := top.wrong(target.get("expr", ""), instant=bool(target.get("instant"))):
            yield f"{name} {target.get('refId')}: {why}"
    total = sum(
        series.most(expr, _labels(expr, target)) for target in panel.get("targets", []) if (expr := target.get("expr", ""))
    )
    if total > series.MAX_SERIES:
        said = f"may draw {total:.0f} lines" if math.isfinite(total) else "may draw any number of lines"
        yield f"{name}: {said}: cut it to ${top.VARIABLE} by topk"
    legend = panel.get("options", {}).get("legend", {})
    if panel.get("type") == "timeseries" and not set(LEGEND) <= set(legend.get("calcs", [])):
        yield f"{name}: the legend lacks one of {', '.join(LEGEND)}: give all three"


def _labels(expr: str, target: Mapping[str, Any]) -> set[str]:
    """The labels that tell its series apart, as far as the text tells: those of its legend, and of its outermost `by (…)`."""
    outer = _OUTER_BY.match(expr.lstrip("("))
    by = {label.strip() for label in outer[1].split(",")} if outer else set()
    return by | set(series.named(str(target.get("legendFormat") or "")))


def _lint_target(name: str, target: Mapping[str, Any]) -> Iterator[str]:
    where, expr = f"{name} {target.get('refId')}", target.get("expr", "")
    if not expr.strip():
        yield f"{where}: has no expression: write one"
    if "intervalFactor" in target:
        yield f"{where}: intervalFactor is set: it halves the resolution"
    if CONSTANT_FALLBACK.search(expr):
        yield f"{where}: falls back to a constant, which hides missing data: find an expression that exists at 0"
    for window in _FIXED_RANGE.findall(_TEXT.sub('""', expr)):
        if window not in _LONG:
            yield f"{where}: rate over {window}: use $__rate_interval, so that zooming works"
    if target.get("datasource", {}).get("uid") != "${datasource}":
        yield f"{where}: datasource is not the variable: use uid ${{datasource}}"
    names = catalog.read_by(expr)
    if names and 'instance=~"$instance"' not in expr and 'cluster=~"$cluster"' not in expr:
        yield f"{where}: no selector uses the variables: narrow it by $cluster or $instance"


def described(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel as programs read it: for the documentation and for the test that every metric is drawn."""
    for panel in panels(board):
        targets = [target["expr"] for target in panel["targets"]]
        yield {
            "dashboard": board["uid"],
            "dashboard_title": board["title"],
            "id": panel["id"],
            "title": panel["title"],
            "type": panel["type"],
            "description": panel["description"],
            "unit": kinds.unit(panel),
            "units": list(units(panel)),
            "targets": targets,
            "metrics": sorted({name for expr in targets for name in catalog.read_by(expr)}),
        }


def units(panel: dict[str, Any]) -> Iterator[str]:
    """The units of a panel's values: its own, or those of the columns or series that have another."""
    config = panel["fieldConfig"]
    special = [
        f"{override['matcher']['options']}: {item['value']}"
        for override in config.get("overrides", ())
        for item in override["properties"]
        if item["id"] == "unit"
    ]
    own = kinds.unit(panel)
    if not special or panel["type"] != "table":
        yield own
    yield from special
