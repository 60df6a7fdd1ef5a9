"""Folders and data sources of a Grafana: found by uid or by name, made where they are missing."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from dashboards.grafana.client import Client, GrafanaError, RefusedError
from metrics.stack import DATASOURCE_PROMETHEUS

FOLDER, FOLDER_TITLE = "watchfloor", "Watchfloor"
_CONFLICTS = (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)


async def ensured(client: Client) -> str:
    """The uid of the folder Watchfloor: the one of our uid, else one of that title, else a new one. Raises GrafanaError."""
    if await client.find(f"/api/folders/{FOLDER}"):
        return FOLDER
    try:
        made = await client.post("/api/folders", {"uid": FOLDER, "title": FOLDER_TITLE})
    except RefusedError as error:
        if error.status not in _CONFLICTS:
            raise
        # Older Grafanas take no two folders of one title: theirs is used, and left as it is.
        for folder in await client.get("/api/folders", limit="1000"):
            if folder.get("title") == FOLDER_TITLE:
                return str(folder["uid"])
        raise
    return str(made["uid"])


async def datasource(client: Client, wanted: str = "") -> str:
    """The uid of the Prometheus to ask: `wanted`, else the appliance's own, else the default, else the only one.

    Raises GrafanaError where there is no such data source, or where only a person can choose.
    """
    if wanted:
        found = await client.find(f"/api/datasources/uid/{wanted}")
        if not found:
            raise GrafanaError(f"no data source has the uid {wanted!r}: {client.url}: Connections, Data sources tell the uids")
        return _prometheus([found], client.url)[0]
    known = await client.get("/api/datasources")
    every = _prometheus(known, client.url)
    chosen = [
        *(uid for uid in every if uid == DATASOURCE_PROMETHEUS),
        *(str(source["uid"]) for source in known if source.get("isDefault") and source["uid"] in every),
    ]
    if chosen or len(every) == 1:
        return (chosen or every)[0]
    raise GrafanaError(f"several Prometheus data sources, none the default: {client.url}: say ds= one of {', '.join(every)}")


def _prometheus(sources: Sequence[Any], url: str) -> list[str]:
    found = [str(source["uid"]) for source in sources if source.get("type") == "prometheus"]
    if not found:
        raise GrafanaError(f"no data source of type prometheus: {url}: add one there first")
    return found
