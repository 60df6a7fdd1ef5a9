"""Brings dashboards into a Grafana: by uid, as often as one likes, and nothing that others made is touched.

First everything is looked at, then written: one dashboard that is not ours, and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.grafana import folders
from dashboards.grafana.client import Client, GrafanaError, RefusedError

TAG = "watchfloor"  # by this a dashboard is known as ours
_OF_GRAFANA = ("id", "version")  # keys that Grafana gives; they say nothing about what is shown


class NotOursError(GrafanaError):
    """A dashboard has one of our uids and is not ours to write."""


@dataclass(frozen=True)
class Written:
    """What was done with one dashboard: `created`, `updated`, or `unchanged`; `url` is where it is."""

    title: str
    done: str
    url: str


@dataclass(frozen=True)
class _Plan:
    board: dict[str, Any]
    known: dict[str, Any] | None  # what Grafana has under that uid: dashboard and meta


async def bring(client: Client, boards: Sequence[Mapping[str, Any]], source: str = "") -> list[Written]:
    """Writes `boards` into the folder Watchfloor; `source` is the data source that they open with (empty: Grafana's default).

    A dashboard that people have moved to another folder stays there. Raises NotOursError, before anything was written, when a
    uid is taken; GrafanaError.
    """
    plans = [await _planned(client, pointed(board, source)) for board in boards]
    if foreign := [why for plan in plans if (why := _not_ours(plan))]:
        raise NotOursError("\n".join([*foreign, f"nothing was changed: {client.url}: rename theirs, or leave ours out"]))
    if all(plan.known for plan in plans) and all(map(_same, plans)):
        return [_told(plan, "unchanged") for plan in plans]
    folder = await folders.ensured(client) if any(plan.known is None for plan in plans) else ""
    return [await _written(client, plan, folder) for plan in plans]


def pointed(board: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The dashboard, opening with that data source; its other variables as they are."""
    listed = [
        {**variable, "current": {"text": source, "value": source} if source else {}}
        if variable["type"] == "datasource"
        else variable
        for variable in board["templating"]["list"]
    ]
    return {**board, "templating": {**board["templating"], "list": listed}}


async def _planned(client: Client, board: dict[str, Any]) -> _Plan:
    return _Plan(board, await client.find(f"/api/dashboards/uid/{board['uid']}"))


def _not_ours(plan: _Plan) -> str:
    if plan.known is None:
        return ""
    theirs, name = plan.known["dashboard"], f"{plan.board['title']} (uid {plan.board['uid']})"
    if TAG not in (theirs.get("tags") or []):
        return f"{name}: a dashboard that is not ours has this uid: {theirs.get('title')!r}, without the tag {TAG}"
    if plan.known.get("meta", {}).get("provisioned"):
        return f"{name}: is provisioned there from a file: change that file"
    return ""


def _same(plan: _Plan) -> bool:
    assert plan.known
    ours, theirs = (
        {key: value for key, value in board.items() if key not in _OF_GRAFANA} for board in (plan.board, plan.known["dashboard"])
    )
    return ours == theirs


def _told(plan: _Plan, done: str) -> Written:
    assert plan.known
    return Written(plan.board["title"], done, str(plan.known.get("meta", {}).get("url", "")))


async def _written(client: Client, plan: _Plan, folder: str) -> Written:
    if plan.known and _same(plan):
        return _told(plan, "unchanged")
    meta = plan.known.get("meta", {}) if plan.known else {}
    # With its version, and without `overwrite`, Grafana refuses to bury what somebody saved since we looked.
    version = plan.known["dashboard"].get("version", 0) if plan.known else 0
    body = {
        "dashboard": {**plan.board, "id": None, "version": version},
        "folderUid": meta.get("folderUid", "") if plan.known else folder,
        "overwrite": False,
        "message": "brought by Watchfloor",
    }
    try:
        made = await client.post("/api/dashboards/db", body)
    except RefusedError as error:
        if error.kind == "version-mismatch":
            text = f"{plan.board['title']}: was saved by somebody else meanwhile: {client.url}: repeat"
            raise RefusedError(text, error.status, error.kind) from error
        raise
    return Written(plan.board["title"], "updated" if plan.known else "created", str(made.get("url", "")))
