"""An incident's dashboard as one HTML file, around the time of the incident: what a person keeps, or hands on.

The preview's own command makes it, in a process that ends: what it takes of memory is not the inbox's. One at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import tempfile
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from alerts.inbox.listing import Listing
from alerts.inbox.parts import PARTS
from alerts.inbox.problems import ProblemError
from alerts.inbox.view import link, window

_BUSY = web.AppKey("snapshot", asyncio.Lock)
_PATIENCE = 30.0  # seconds
_UID = re.compile(r"/d/([A-Za-z0-9_-]{1,40})(?:/|$)")


def prepare(app: web.Application) -> None:
    """What `snapshot` needs of its application."""
    app[_BUSY] = asyncio.Lock()


async def snapshot(request: web.Request) -> web.Response:
    """`GET /incidents/{id}/snapshot`: the file; 404 without such an incident or dashboard, 503 while another is made."""
    found = await request.app[PARTS].desk.read(Listing.incident, int(request.match_info["id"]))
    if found is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "there is no such incident")
    words = asked(window(link(found.annotations.get("dashboard_url", "")), found))
    if not words:
        raise ProblemError(HTTPStatus.NOT_FOUND, "the incident names no dashboard")
    if request.app[_BUSY].locked():
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "another snapshot is being made: ask again in a moment")
    async with request.app[_BUSY]:
        body = await _made(words)
    name = re.sub(r"[^A-Za-z0-9_-]", "", found.alertname)[:60] or "incident"
    headers = {"Content-Disposition": f'attachment; filename="{name}-{found.id}.html"'}
    return web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)


def asked(url: str) -> list[str]:
    """The command's words for a dashboard's URL with its range and variables; none for one that leads elsewhere."""
    parts = urlsplit(url)
    uid = _UID.search(parts.path)
    if not uid:
        return []
    fields = dict(parse_qsl(parts.query))
    return [f"--dashboard={uid[1]}", f"--from={fields.get('from', '')}", f"--to={fields.get('to', '')}", *_variables(fields)]


def _variables(fields: Mapping[str, str]) -> list[str]:
    return [f"--var={name.removeprefix('var-')}={value}" for name, value in fields.items() if name.startswith("var-")]


async def _made(words: list[str]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="watchfloor-snapshot-") as folder:
        file = Path(folder) / "snapshot.html"
        command = [sys.executable, "-m", "dashboards.preview", "snapshot", *words, f"--out={file}"]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            async with asyncio.timeout(_PATIENCE):
                said, _ = await process.communicate()
        except TimeoutError as error:
            raise ProblemError(HTTPStatus.GATEWAY_TIMEOUT, "it took too long: Prometheus is slow, or away") from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if process.returncode != 0:
            last = said.decode(errors="replace").strip().splitlines()[-1:] or ["no word of why"]
            raise ProblemError(HTTPStatus.BAD_GATEWAY, f"no snapshot: {last[0][:200]}")
        return await asyncio.get_running_loop().run_in_executor(None, file.read_bytes)
