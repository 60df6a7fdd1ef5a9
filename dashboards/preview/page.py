"""The pages: a dashboard's outline as data for the script, and the HTML around it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from dashboards.preview import interpolate, places
from dashboards.preview.ask import Ask
from dashboards.preview.interpolate import Value
from dashboards.preview.library import Broken, Library
from dashboards.preview.model import Dashboard, Link
from dashboards.preview.places import Placed, Section
from dashboards.preview.variables import Choice, for_page

REFRESHES = ("5s", "10s", "30s", "1m", "5m", "15m", "1h")
_REFRESH = re.compile(r"[0-9]{1,6}[smhd]")
_SAFE_LINK = re.compile(r"https?://|/(?![/\\])")


def outline(
    dashboard: Dashboard, library: Library, ask: Ask, choices: Sequence[Choice], pairs: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """What the script needs to build a dashboard's page before any data is there; `pairs` are the address's."""
    values = {choice.variable.name: choice.value for choice in choices}
    refresh, wrong = _refresh(dashboard, dict(pairs).get("refresh"))
    view = dict(pairs).get("viewPanel", "").removeprefix("panel-")
    sections, lost = _viewed(dashboard, choices, values, view) if view else (_sections(dashboard, choices, values), [])
    problems = [*ask.problems, *wrong, *lost, *(problem for choice in choices for problem in choice.problems)]
    return {
        "uid": dashboard.uid, "title": interpolate.title(dashboard.title, values), "description": dashboard.description,
        "dashboards": [[one.uid, one.title] for one in library.ordered],
        "broken": [{"file": one.file, "why": one.why} for one in library.broken],
        "variables": [for_page(choice) for choice in choices], "problems": problems,
        "from": ask.start, "to": ask.end, "refresh": refresh, "refreshes": _choices(dashboard, refresh),
        "utc": dashboard.timezone.lower() == "utc", "sections": sections, "view": "" if lost else view,
        "events": [one.name for one in dashboard.annotations.queries if one.enable and one.expression.strip()],
        "links": _links(dashboard.links, library, ask, values),
    }  # fmt: skip


def _refresh(dashboard: Dashboard, given: str | None) -> tuple[str, list[str]]:
    own = dashboard.refresh if isinstance(dashboard.refresh, str) else ""
    if given is None or given in ("", "off"):
        return (own if given is None and _REFRESH.fullmatch(own) else ""), []
    if not _REFRESH.fullmatch(given) or int(given[:-1]) == 0:
        return "", [f"refresh: {given!r} is no interval such as 30s or 1m; refreshing is off"]
    return given, []


def _choices(dashboard: Dashboard, chosen: str) -> list[str]:
    offered = [item for item in dashboard.timepicker.refresh_intervals if _REFRESH.fullmatch(item)] or list(REFRESHES)
    return offered if not chosen or chosen in offered else [chosen, *offered]


def _sections(dashboard: Dashboard, choices: Sequence[Choice], values: Mapping[str, Value]) -> list[dict[str, Any]]:
    """Panels under their rows; those before the first row stand in a section without a title."""
    return [_section(one, values) for one in places.sections(dashboard, places.chosen(choices))]


def _section(section: Section, values: Mapping[str, Value]) -> dict[str, Any]:
    title = interpolate.title(section.row.title, places.values_in(values, section.scoped)) or "More" if section.row else ""
    panels = [_panel(one, values) for one in section.panels]
    return {"id": section.key, "title": title, "collapsed": bool(section.row and section.row.collapsed), "panels": panels}


def _viewed(
    dashboard: Dashboard, choices: Sequence[Choice], values: Mapping[str, Value], view: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """One panel, or one copy of it, over the whole page, as Grafana's `viewPanel` shows it."""
    found = [one for section in places.sections(dashboard, places.chosen(choices)) for one in section.panels if one.key == view]
    if not found:
        return _sections(dashboard, choices, values), [f"viewPanel: this dashboard has no panel {view[:40]!r}; all are shown"]
    whole = _panel(found[0], values) | {"x": 0, "y": 0, "w": 24, "h": 18}
    return [{"id": "0", "title": "", "collapsed": False, "panels": [whole]}], []


def _panel(placed: Placed, values: Mapping[str, Value]) -> dict[str, Any]:
    panel, own = placed.panel, places.values_in(values, placed.scoped)
    return {
        "id": panel.id, "key": placed.key, "scoped": placed.scoped, "kind": panel.type if panel.drawn else "other",
        "type": panel.type, "title": interpolate.title(panel.title, own),
        "description": interpolate.title(panel.description, own),
        "x": placed.x, "y": placed.y, "w": placed.w, "h": placed.h,
        "text": str(panel.options.get("content", "")) if panel.type == "text" else "",
        "links": [made for link in panel.links if (made := _address(link.title, interpolate.link(link.url, own)))],
    }  # fmt: skip


def _address(title: str, url: str) -> list[str] | None:
    """A link that leads to a page: other schemes, such as javascript:, are left out."""
    return [title or url, url] if _SAFE_LINK.match(url) else None


def _links(links: Sequence[Link], library: Library, ask: Ask, values: Mapping[str, Value]) -> list[list[str]]:
    made: list[list[str]] = []
    for link in links:
        carried = [("from", ask.start), ("to", ask.end)] if link.keep_time else []
        if link.include_vars:
            carried += [(f"var-{name}", item) for name, value in values.items() for item in value.values if name in ask.given]
        tail = urlencode(carried)
        if link.type == "dashboards":
            found = [one for one in library.dashboards.values() if set(link.tags) <= set(one.tags)]
            made += [[one.title, f"/d/{quote(one.uid)}" + (f"?{tail}" if tail else "")] for one in found]
        elif link.url.startswith("/d/") and link.url.removeprefix("/d/").split("/")[0] in library.dashboards:
            continue  # the page's head leads there already
        elif one := _address(link.title, interpolate.link(link.url, values)):
            made.append([one[0], one[1] + (("&" if "?" in one[1] else "?") + tail if tail else "")])
    return made


def data_block(name: str, value: Any) -> str:
    """Data for a script, in the page: no character in it can end the element."""
    text = msgspec.json.encode(value).decode().replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f'<script type="application/json" id="{name}">{text}</script>'


def document(title: str, head: str, body: str) -> str:
    """A whole page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)} - Watchfloor</title>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def shell(blocks: Sequence[str]) -> str:
    """The body of a dashboard's page: the script fills it."""
    return (
        '<a class="skip" href="#panels">Skip to the panels</a>\n<header id="top"></header>\n<div id="strip"></div>\n'
        '<main id="panels" tabindex="-1"></main>\n<footer id="foot"></footer>\n'
        '<noscript><p class="card">This page draws with JavaScript, from this server alone. Switch it on to see the panels.</p>'
        "</noscript>\n" + "\n".join(blocks)
    )


def index(library: Library) -> str:
    """The body of the page that lists dashboards and broken files."""
    rows = "".join(
        f'<li><a href="/d/{quote(one.uid)}">{escape(one.title)}</a> <span class="muted">{escape(one.description)}</span></li>'
        for one in library.ordered
    )
    empty = f"<p>No dashboard files in <code>{escape(str(library.folder))}</code>. <code>make generate</code> writes them.</p>"
    listed = f'<ul class="list">{rows}</ul>' if rows else empty
    return f'<header class="bar"><h1>Dashboards</h1></header><main class="plain">{listed}{broken_files(library.broken)}</main>'


def broken_files(broken: Sequence[Broken]) -> str:
    """The files that could not be read, and why."""
    if not broken:
        return ""
    rows = "".join(f"<li><code>{escape(one.file)}</code> {escape(one.why)}</li>" for one in broken)
    return f'<section class="card broken"><h2><span class="state critical">Broken files</span></h2><ul>{rows}</ul></section>'


def missing(what: str, library: Library) -> str:
    """The body of the page for something that is not here."""
    return (
        f'<header class="bar"><h1>Not found</h1></header><main class="plain"><p>{escape(what)}</p>'
        f'<p><a href="/dashboards">All dashboards</a></p>{broken_files(library.broken)}</main>'
    )
