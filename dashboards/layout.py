"""Where panels stand: rows on Grafana's grid of 24 columns; variables, links and time range that every dashboard has."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from grafanalib import core

from dashboards import top
from dashboards.panels import DATASOURCE
from dashboards.parts import heading
from metrics.model import Metric
from metrics.query import TARGET_LABELS, Target
from metrics.stack import (
    DASHBOARD_ALERTS,
    DASHBOARD_ANALYSIS,
    DASHBOARD_API,
    DASHBOARD_APPLIANCE,
    DASHBOARD_CACHE,
    DASHBOARD_DATABASE,
    DASHBOARD_FEEDS,
    DASHBOARD_OVERVIEW,
    DASHBOARD_POSTGRES,
    DASHBOARD_PROBE,
    DASHBOARD_REDIS,
    DASHBOARD_SLO,
    DASHBOARD_SYSTEM,
    DASHBOARD_WEBSOCKET,
    DATASOURCE_PROMETHEUS,
    EVENT_TIME,
    WORKLOAD_DASHBOARDS,
)
from settings import Site, look

Panel: TypeAlias = core.Panel
Dashboard: TypeAlias = core.Dashboard

WIDTH = 24


@dataclass(frozen=True)
class Cell:
    """One panel and its size: columns of 24, and rows of 30 pixels."""

    panel: core.Panel
    width: int = 12
    height: int = 8


@dataclass(frozen=True)
class Row:
    """Panels under one heading; a folded row keeps them out of sight until somebody asks."""

    title: str
    cells: Sequence[Cell]
    folded: bool = False


def panel_id(title: str) -> int:
    """A panel's id, from its title: links to a panel survive others being added."""
    return 1 + zlib.crc32(title.encode()) % 1_000_000


def place(rows: Sequence[Row]) -> list[core.Panel]:
    """The panels of all rows with their places and ids; the panels of a folded row are inside it."""
    placed: list[core.Panel] = []
    top = 0
    for row in rows:
        heading = core.RowPanel(title=row.title, collapsed=row.folded, gridPos=core.GridPos(h=1, w=WIDTH, x=0, y=top))
        heading.id = panel_id(f"row {row.title}")
        panels, top = _flow(row.cells, top + 1)
        if row.folded:
            heading.panels = panels
            placed.append(heading)
        else:
            placed += [heading, *panels]
    return placed


def _flow(cells: Sequence[Cell], top: int) -> tuple[list[core.Panel], int]:
    """Cells from left to right, wrapped where a line is full; and the first free line below them."""
    panels = []
    for line in _lines(cells):
        asked, left = sum(cell.width for cell in line), 0
        for index, cell in enumerate(line):
            right = WIDTH * sum(each.width for each in line[: index + 1]) // asked  # a line that is not full is stretched
            cell.panel.gridPos = core.GridPos(h=cell.height, w=right - left, x=left, y=top)
            cell.panel.id = panel_id(cell.panel.title)
            panels.append(cell.panel)
            left = right
        top += max(cell.height for cell in line)
    return panels, top


def _lines(cells: Sequence[Cell]) -> list[list[Cell]]:
    lines: list[list[Cell]] = []
    for cell in cells:
        if not lines or sum(each.width for each in lines[-1]) + cell.width > WIDTH:
            lines.append([])
        lines[-1].append(cell)
    return lines


def variables(source: Metric, domain: Mapping[str, Metric]) -> core.Templating:
    """datasource, cluster, job and instance, narrowed from left to right; values come from the series of `source`.

    `domain` are the labels of the dashboard's own subject, each with the metric whose series tell its values.
    """
    chosen: list[core.Template] = [
        core.Template(
            name="datasource", label="Data source", type="datasource", query="prometheus", default=DATASOURCE_PROMETHEUS
        )
    ]
    scope: list[str] = []
    for name, metric in (*((name, source) for name in TARGET_LABELS), *domain.items()):
        inner = ", ".join(f'{label}=~"${label}"' for label in scope)
        query = f"label_values({metric.series[-1]}{{{inner}}}, {name})"
        chosen.append(
            core.Template(
                name=name, label=heading(name), query=query, dataSource=DATASOURCE, includeAll=True, multi=True,
                allValue=".*", refresh=core.REFRESH_ON_TIME_RANGE_CHANGE,
            )
        )  # fmt: skip
        scope += [name] if name in TARGET_LABELS else []
    most = ",".join(map(str, top.CHOICES))
    chosen.append(core.Template(name=top.VARIABLE, label="Top", type="custom", query=most, default=str(top.DEFAULT)))
    return core.Templating(list=chosen)


def is_there(uid: str, site: Site) -> bool:
    """Whether this site has what the dashboard of that uid shows."""
    if uid == DASHBOARD_POSTGRES:
        return site.watches_postgres
    if uid == DASHBOARD_REDIS:
        return site.watches_redis
    if uid == DASHBOARD_PROBE:
        return site.watches_streams
    return site.workload or uid not in WORKLOAD_DASHBOARDS


def _links(site: Site) -> list[dict[str, object]]:
    boards = [
        ("Overview", DASHBOARD_OVERVIEW),
        ("SLO and Error Budget", DASHBOARD_SLO),
        ("System Overview", DASHBOARD_SYSTEM),
        ("Database Performance", DASHBOARD_DATABASE),
        ("Database Tables and Queries", DASHBOARD_POSTGRES),
        ("Cache Performance", DASHBOARD_CACHE),
        ("Redis", DASHBOARD_REDIS),
        ("WebSocket Performance", DASHBOARD_WEBSOCKET),
        ("Feeds", DASHBOARD_FEEDS),
        ("API", DASHBOARD_API),
        ("AI Performance", DASHBOARD_ANALYSIS),
        ("From Outside", DASHBOARD_PROBE),
        ("Alerts and Notifications", DASHBOARD_ALERTS),
        ("The Appliance Itself", DASHBOARD_APPLIANCE),
    ]
    inside = [
        {"title": title, "type": "link", "url": f"/d/{uid}", "icon": "dashboard", "includeVars": True, "keepTime": True}
        for title, uid in boards
        if is_there(uid, site)
    ]
    inbox = {"title": "On-call inbox", "type": "link", "url": site.public(site.ports.inbox), "icon": "bell", "targetBlank": True}
    runbooks = inbox | {"title": "Runbooks", "url": f"{inbox['url']}/runbooks", "icon": "doc"}
    return [*inside, inbox, runbooks]


def _annotations() -> core.Annotations:
    """Firing alerts and posted events as marks on every time axis; `info` (the Watchdog) would mark everything."""
    firing = {
        "name": "Firing alerts",
        "datasource": DATASOURCE,
        "enable": True,
        "expr": 'ALERTS{alertstate="firing", severity!="info", cluster=~"$cluster"}',
        "iconColor": look.CRITICAL,
        "titleFormat": "{{alertname}}",
        "textFormat": "{{severity}} on {{instance}}",
        "step": "60s",
    }
    events = {
        "name": "Events",
        "datasource": DATASOURCE,
        "enable": True,
        "expr": EVENT_TIME.select(cluster="=~$cluster").render(Target("")) + " * 1000",
        "useValueForTime": True,
        "iconColor": look.INFO,
        "titleFormat": "{{kind}}: {{title}}",
        "textFormat": "{{instance}}",
        "tagKeys": "kind",
        "step": "60s",
    }
    return core.Annotations(list=[firing, events])


def dashboard(
    site: Site, rows: Sequence[Row], *, uid: str, title: str, description: str, source: Metric,
    domain: Mapping[str, Metric] = MappingProxyType({}),
) -> core.Dashboard:  # fmt: skip
    """A dashboard under a fixed uid, with a crosshair shared by its panels; `source` and `domain` as in `variables`."""
    return core.Dashboard(
        uid=uid,
        title=title,
        description=description,
        tags=["watchfloor"],
        panels=place(rows),
        templating=variables(source, domain),
        annotations=_annotations(),
        links=_links(site),
        graphTooltip=core.GRAPH_TOOLTIP_MODE_SHARED_CROSSHAIR,
        time=core.Time("now-1h", "now"),
        refresh="10s",
        timezone="browser",
    )
