"""Proves dashboards in a Grafana: they go into a scratch folder, every target is asked there, the folder goes again.

Their uids are made up for the run, so that nothing which is there can be overwritten.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from dashboards.grafana import folders, targets
from dashboards.grafana.client import Client, GrafanaError
from dashboards.grafana.importing import pointed
from dashboards.preview import model
from dashboards.preview.timerange import Range

_AT_ONCE = 4  # questions that Grafana has to answer beside those of its people
_LONGEST_UID = 40


async def verified(
    client: Client, boards: Sequence[Mapping[str, Any]], source: str = "", over: float = 3600.0
) -> dict[str, list[targets.Result]]:
    """The result of every target by dashboard title, over the last `over` seconds; the folder is removed whatever happens.

    Raises GrafanaError.
    """
    uid = await folders.datasource(client, source)
    now = time.time()
    found = {}
    async with scratch(client) as folder:
        for board in boards:
            kept = await _there(client, pointed(board, uid), folder)
            found[kept.title] = await _board(client, kept, uid, Range(now - over, now))
    return found


@contextlib.asynccontextmanager
async def scratch(client: Client) -> AsyncIterator[str]:
    """A folder of this run, by uid; removed with all that is in it, also after an error or an interruption."""
    folder = f"wfv-{secrets.token_hex(4)}"
    made = asyncio.ensure_future(client.post("/api/folders", {"uid": folder, "title": f"Watchfloor verification {folder}"}))
    try:
        await asyncio.shield(made)  # interrupted here, it may still be made: it is waited for below
        yield folder
    finally:
        before = sys.exc_info()[1]
        await asyncio.wait([made])
        if made.exception() is None:
            await _removed(client, folder, before)


async def _removed(client: Client, folder: str, before: BaseException | None) -> None:
    try:
        await client.ask("DELETE", f"/api/folders/{folder}", params={"forceDeleteRules": "false"})
    except GrafanaError as error:
        first = f"{before}\n" if isinstance(before, GrafanaError) else ""
        stays = f"the scratch folder stays: {client.url}/dashboards/f/{folder}: {error}: remove it by hand"
        raise GrafanaError(first + stays) from error


async def _there(client: Client, board: Mapping[str, Any], folder: str) -> model.Dashboard:
    """The dashboard as Grafana has it after an import under a uid of this run."""
    uid = f"{folder}-{board['uid'].removeprefix('watchfloor-')}"[:_LONGEST_UID]
    body = {"dashboard": {**board, "uid": uid, "id": None}, "folderUid": folder, "overwrite": False}
    await client.post("/api/dashboards/db", body)
    kept = await client.get(f"/api/dashboards/uid/{uid}")
    try:
        return model.parse(msgspec.json.encode(kept["dashboard"]))
    except (ValueError, KeyError, TypeError) as error:
        raise GrafanaError(f"{board['title']}: Grafana keeps it in another form: {client.url}: {error}") from error


async def _board(client: Client, board: model.Dashboard, source: str, over: Range) -> list[targets.Result]:
    known = await targets.values(client, board, source, over)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(panel: model.Panel) -> list[targets.Result]:
        async with gate:
            return await targets.asked(client, panel, source, over, known)

    every = await asyncio.gather(*(one(panel) for panel in board.all_panels()))
    return [result for results in every for result in results]
