"""The inbox put together: routes, middlewares, and the tasks that run beside them."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path

import aiohttp
from aiohttp import web

from alerts.inbox import api, api_events, guard, insight, intake, pages, problems, snapshot
from alerts.inbox.alertmanager import Alertmanager
from alerts.inbox.desk import Desk
from alerts.inbox.figures import Figures
from alerts.inbox.firstbad import Prometheus
from alerts.inbox.hub import Hub
from alerts.inbox.listing import Listing
from alerts.inbox.parts import PARTS, Parts
from alerts.inbox.runbooks import Runbooks
from alerts.inbox.store import Store
from alerts.inbox.timing import Timing
from alerts.inbox.watchdog import LIMIT_SECONDS
from metrics.durations import seconds
from metrics.expose import negotiate
from settings import Paths, Site
from settings.hosts import known_names
from settings.look import BASE_CSS
from settings.paths import ALERTMANAGER_USER
from settings.secrets import read_secret

_ASSETS = Path(__file__).parent / "assets"
_FORGET_EVERY = 3600.0
_AGAIN = 5.0
_DAY, _MOST_EXPOSED = 86400.0, 20  # which posted events are a metric: enough to be scraped, few enough to stay cheap
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
log = logging.getLogger("watchfloor.inbox")


def application(site: Site, paths: Paths, bearer: str, desk: Desk) -> web.Application:
    """The inbox of `site`; `bearer` is the token that deliveries carry, `desk` the open database, closed by the caller."""
    app = web.Application(
        client_max_size=intake.MOST_BYTES,
        middlewares=[problems.middleware(pages.failure), guard.host_guard(known_names(site))],
    )
    app.on_response_prepare.append(guard.add_headers)
    app.cleanup_ctx.append(lambda app: _running(app, site, paths, bearer, desk))
    snapshot.prepare(app)
    app.add_routes(_routes())
    return app


def _routes() -> list[web.RouteDef]:
    return [
        web.post("/api/alerts", intake.receive),
        web.get("/api/notifications", api.notifications),
        web.get("/api/incidents", api.incidents),
        web.get(r"/api/incidents/{id:[0-9]{1,18}}", api.incident),
        web.post(r"/api/incidents/{id:[0-9]{1,18}}/acknowledge", api.acknowledge),
        web.get("/api/silences", api.silences),
        web.post("/api/silences", api.make_silence),
        web.delete("/api/silences/{id:[0-9A-Za-z-]+}", api.expire_silence),
        web.get("/api/events", api_events.listed),
        web.post("/api/events", api_events.post),
        web.get("/api/stream", _stream),
        web.get("/", pages.board),
        web.post(r"/incidents/{id:[0-9]{1,18}}/acknowledge", pages.acknowledge),
        web.get(r"/incidents/{id:[0-9]{1,18}}/snapshot", snapshot.snapshot),
        web.post("/silences", pages.silence),
        web.post("/silences/{id:[0-9A-Za-z-]+}/expire", pages.expire),
        web.get("/runbooks", pages.runbooks),
        web.get("/runbooks/{alert}", pages.runbook),
        web.get("/why/{alert}", insight.why),
        web.get("/silence", insight.silence),
        web.get("/assets/{name:[a-z]+[.](?:css|js|svg)}", _asset),
        web.get("/metrics", _metrics),
        web.get("/healthz", _healthz),
        web.get("/readyz", _readyz),
    ]


def _password(site: Site, paths: Paths) -> aiohttp.BasicAuth | None:
    """How the appliance's own Alertmanager knows us; another one is asked without."""
    if site.endpoints.alertmanager or not paths.alertmanager_password.exists():
        return None
    return aiohttp.BasicAuth(ALERTMANAGER_USER, read_secret(paths.alertmanager_password, "alertmanager_password"))


async def _running(app: web.Application, site: Site, paths: Paths, bearer: str, desk: Desk) -> AsyncIterator[None]:
    """Between these two halves the service answers."""
    async with aiohttp.ClientSession() as session:
        figures, hub = Figures(), Hub()
        timing = Timing(desk, Prometheus(site, paths, session), figures, hub.changed)
        alertmanager = Alertmanager(site.alertmanager_url, session, _password(site, paths))
        parts = Parts(site, bearer, desk, figures, hub, timing, alertmanager, Runbooks.of(paths), desk.watchdog_at, paths)
        app[PARTS] = parts
        app.on_shutdown.append(_close_streams)
        tasks = [
            asyncio.create_task(_always(work)) for work in (timing.run, partial(_forget, parts), partial(_watch_pulse, parts))
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _close_streams(app: web.Application) -> None:
    app[PARTS].hub.close()


async def _always(work: Callable[[], Awaitable[None]]) -> None:
    """Carries out what never ends by itself; begins again when it breaks."""
    while True:
        try:
            await work()
        except Exception:  # the edge of a task: deliveries must be kept, whatever breaks beside them
            log.exception("broke and begins again: %r", work)
        await asyncio.sleep(_AGAIN)


async def _forget(parts: Parts) -> None:
    """Removes resolved incidents and posted events past the retention: now and every hour, in small transactions."""
    kept = seconds(parts.site.inbox.retention)
    while True:
        while await parts.desk.write(Store.forget_resolved, parts.clock() - kept):
            parts.hub.changed()
        await parts.desk.write(Store.forget_posted, parts.clock() - kept)
        await asyncio.sleep(_FORGET_EVERY)


async def _watch_pulse(parts: Parts) -> None:
    """The state itself follows the clock; open pages are told when it turns."""
    state = parts.pulse().state
    while True:
        await asyncio.sleep(min(2.0, LIMIT_SECONDS * parts.site.profile.factor / 10))
        if parts.pulse().state != state:
            state = parts.pulse().state
            log.warning("the Watchdog is %s", state)
            parts.hub.changed()


async def _stream(request: web.Request) -> web.StreamResponse:
    return await request.app[PARTS].hub.stream(request)


async def _asset(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    file = BASE_CSS if name == "base.css" else _ASSETS / name
    if not file.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(file, headers={"Content-Type": f"{_TYPES[file.suffix]}; charset=utf-8", "Cache-Control": "no-cache"})


async def _metrics(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    wanted = negotiate(request.headers.get("Accept", ""), request.headers.get("Accept-Encoding", ""))
    firing, bare, _ = await parts.desk.read(Listing.counts)
    now = parts.clock()
    events = await parts.desk.read(Listing.posted, now - _DAY, now, _MOST_EXPOSED)
    return web.Response(body=parts.figures.exposition(firing, bare, parts.pulse(), events, wanted), headers=wanted.headers)


async def _healthz(_request: web.Request) -> web.Response:
    """The process answers."""
    return web.json_response({"status": "ok"})


async def _readyz(request: web.Request) -> web.Response:
    """Deliveries can be kept: the database takes a write; 503 with the reason otherwise."""
    try:
        async with asyncio.timeout(3):
            await request.app[PARTS].desk.write(Store.check)
    except (sqlite3.Error, TimeoutError) as error:
        reason = str(error) or "the database does not answer in 3 s"
        return web.json_response({"status": "failed", "reason": reason}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return web.json_response({"status": "ok"})
