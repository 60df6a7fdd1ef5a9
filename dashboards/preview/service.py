"""The HTTP edge: routes, headers, and the service's own metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from dashboards.preview import events, page, places, status
from dashboards.preview.ask import Ask, Reader, understood
from dashboards.preview.files import TYPES, VENDOR_PACKAGE, VENDOR_SCRIPT, Files
from dashboards.preview.library import Library
from dashboards.preview.model import Dashboard
from dashboards.preview.prometheus import Prometheus, QueryError
from dashboards.preview.variables import Choice
from metrics import stack
from metrics.durations import seconds
from metrics.expose import Renderer, negotiate
from metrics.instruments import Instruments
from metrics.process import ProcessSamples
from settings import Paths, Site
from settings.hosts import host_known, known_names
from settings.secrets import prometheus_login

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
# Asked by programs under whatever name they know this machine by; they tell no page anything.
_OPEN_TO_ALL = ("/metrics", "/healthz", "/readyz")
_CHOICES_FOR = 5.0  # seconds for which a page's panels share one answer about the variables
_MOST_REMEMBERED = 64


def prometheus_of(site: Site, observe: Callable[[float, str], None] = lambda _seconds, _reason: None) -> Prometheus:
    """The site's Prometheus with its user and password. Raises SettingsError for a password's file that cannot be used."""
    user, password = prometheus_login(site, Paths.from_environment()) or ("", "")
    return Prometheus(site.prometheus_url, user, password, observe)


def reader_of(site: Site, prometheus: Prometheus) -> Reader:
    """A reader whose least step is the site's scrape interval."""
    return Reader(prometheus, seconds(site.scaled(site.prometheus.scrape_interval)))


class Preview:
    """The service for one site and one folder of dashboards."""

    def __init__(self, site: Site, library: Library, files: Files | None = None) -> None:
        self._site, self._library, self._files = site, library, files or Files()
        self._counts = Instruments((stack.PREVIEW_REQUESTS, stack.PREVIEW_QUERY_DURATION, stack.PREVIEW_QUERY_ERRORS))
        self._process, self._renderer = ProcessSamples(stack.JOB_PREVIEW), Renderer()
        self._prometheus = prometheus_of(site, self._observe)
        self._reader = reader_of(site, self._prometheus)
        self._inbox = site.public(site.ports.inbox)
        self._names = known_names(site)
        self._remembered: dict[tuple[Any, ...], tuple[float, asyncio.Task[list[Choice]]]] = {}

    def app(self) -> web.Application:
        """The application, not yet started."""
        app = web.Application(middlewares=[self._every])
        app.cleanup_ctx.append(self._connected)
        app.router.add_get("/", self._home)
        app.router.add_get("/dashboards", self._list)
        app.router.add_get("/d/{uid}", self._dashboard)
        app.router.add_get("/d/{uid}/{slug}", self._dashboard)
        app.router.add_get("/api/panel/{uid}/{panel}", self._panel)
        app.router.add_get("/api/events/{uid}", self._events)
        app.router.add_get("/api/status", self._status)
        app.router.add_get("/assets/{name:.+}", self._asset)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._metrics)
        return app

    async def _connected(self, _app: web.Application) -> Any:
        async with self._prometheus:
            yield

    def _observe(self, duration: float, reason: str) -> None:
        self._counts.observe(stack.PREVIEW_QUERY_DURATION, duration)
        if reason:
            self._counts.inc(stack.PREVIEW_QUERY_ERRORS, reason)

    @web.middleware
    async def _every(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuses who came by a name that is not ours, counts the answer and puts the headers on it."""
        try:
            self._check_host(request)
            response = await handler(request)
        except web.HTTPException as error:
            self._counted(error.status)
            error.headers.update(_HEADERS)
            raise
        except Exception:
            self._counted(500)
            raise
        self._counted(response.status)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _check_host(self, request: web.Request) -> None:
        if request.path not in _OPEN_TO_ALL and not host_known(request.headers.get("Host", ""), self._names):
            raise web.HTTPMisdirectedRequest(text="this machine is not known by that name: set public_url in site.yaml\n")

    def _counted(self, code: int) -> None:
        self._counts.inc(stack.PREVIEW_REQUESTS, f"{code // 100}xx")

    async def _home(self, request: web.Request) -> web.StreamResponse:
        self._library.refresh()
        if home := self._library.home:
            raise web.HTTPFound(request.rel_url.with_path(f"/d/{home.uid}"))
        return await self._list(request)

    async def _list(self, _request: web.Request) -> web.StreamResponse:
        self._library.refresh()
        return self._html("Dashboards", page.index(self._library))

    def _html(self, title: str, body: str, code: int = 200) -> web.Response:
        return web.Response(text=page.document(title, self._files.tags(), body), content_type="text/html", status=code)

    async def _dashboard(self, request: web.Request) -> web.StreamResponse:
        self._library.refresh()
        dashboard = self._library.dashboards.get(request.match_info["uid"])
        if dashboard is None:
            told = f"There is no dashboard with the uid {request.match_info['uid']!r}."
            return self._html("Not found", page.missing(told, self._library), 404)
        pairs = list(request.query.items())
        ask = understood(dashboard, pairs, time.time())
        choices = await self._choices(dashboard, ask)
        made = page.outline(dashboard, self._library, ask, choices, pairs)
        made |= {"vendor": VENDOR_PACKAGE if self._files.path(VENDOR_SCRIPT) is None else "", "grafana": self._grafana(dashboard)}
        return self._html(made["title"], page.shell([page.data_block("outline", made)]))

    def _grafana(self, dashboard: Dashboard) -> str:
        base = self._site.endpoints.grafana.rstrip("/")
        return f"{base}/d/{dashboard.uid}" if base else ""

    async def _choices(self, dashboard: Dashboard, ask: Ask) -> list[Choice]:
        """The variables' values; panels of one page come at once and share one answer.

        Not with a page whose clock is wrong, for which "now" is another time.
        """
        moment = round(ask.over.end / _CHOICES_FOR)
        key = (id(dashboard), ask.start, ask.end, moment, tuple(sorted(ask.given.items())))
        now = time.monotonic()
        began, task = self._remembered.get(key, (-_CHOICES_FOR, None))
        if task is None or now - began > _CHOICES_FOR:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            task = asyncio.ensure_future(self._reader.choices(dashboard, ask))
            self._remembered[key] = (now, task)
        return await asyncio.shield(task)

    async def _panel(self, request: web.Request) -> web.StreamResponse:
        dashboard = self._library.dashboards.get(request.match_info["uid"])
        wanted = request.match_info["panel"]
        panel = dashboard.panel(int(wanted)) if dashboard and wanted.isascii() and wanted.isdigit() and len(wanted) < 19 else None
        if dashboard is None or panel is None:
            return _json({"error": "no such dashboard or panel: reload the page"}, 404)
        if not panel.drawn:
            return _json({"error": f"panels of the type {panel.type} are not drawn here: open it in Grafana"}, 404)
        ask = understood(dashboard, list(request.query.items()), time.time())
        if ask.problems:
            return _json({"error": "; ".join(ask.problems)}, 400)
        choices = await self._choices(dashboard, ask)
        values = places.values_in({choice.variable.name: choice.value for choice in choices}, ask.scoped)
        return _packed(request, await self._reader.panel(panel, ask, values))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        dashboard = self._library.dashboards.get(request.match_info["uid"])
        if dashboard is None:
            return _json({"error": "no such dashboard: reload the page"}, 404)
        ask = understood(dashboard, list(request.query.items()), time.time())
        choices = await self._choices(dashboard, ask)
        values = {choice.variable.name: choice.value for choice in choices}
        return _packed(request, await events.ask(self._prometheus, dashboard, ask, values))

    async def _status(self, _request: web.Request) -> web.StreamResponse:
        return _json(await status.ask(self._prometheus, self._inbox))

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        path = self._files.path(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound(text="no such file\n")
        lasting = "public, max-age=31536000, immutable" if "v" in request.query else "no-cache"
        return web.FileResponse(path, headers={"Content-Type": TYPES[path.suffix], "Cache-Control": lasting})

    async def _health(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def _ready(self, _request: web.Request) -> web.StreamResponse:
        """Ready means that clients are served; a lost Prometheus is told as degraded and drains nobody."""
        try:
            await self._prometheus.get("status/buildinfo", dict[str, str])
        except QueryError as error:
            return web.Response(text=f"degraded: {error}\n")
        return web.Response(text="ready\n")

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        wanted = negotiate(request.headers.get("Accept", ""), request.headers.get("Accept-Encoding", ""))
        samples = [*self._process.collect(), *self._counts.collect()]
        return web.Response(body=self._renderer.render(samples, wanted), headers=wanted.headers)


def _packed(request: web.Request, value: Any) -> web.Response:
    """JSON, compressed where it goes over a network."""
    response = _json(value)
    if request.remote not in ("127.0.0.1", "::1"):
        response.enable_compression()
    return response


def _json(value: Any, code: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=code)
