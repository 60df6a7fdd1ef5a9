"""The admin port: /metrics, /healthz (the process answers) and /readyz (it accepts clients, and what is degraded)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus

from aiohttp import web

from metrics.expose import Renderer, negotiate
from metrics.model import Sample

Source = Callable[[], Iterable[Sample]]


class Admin:
    """`sources` give the samples; `ready` whether clients are accepted; `degraded` what does not work as it should."""

    def __init__(self, sources: Sequence[Source], ready: Callable[[], bool], degraded: Callable[[], Sequence[str]]) -> None:
        self._sources, self._ready, self._degraded = sources, ready, degraded
        self._renderer = Renderer()

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._readiness)
        return app

    async def _metrics(self, request: web.Request) -> web.Response:
        wanted = negotiate(request.headers.get("Accept", ""), request.headers.get("Accept-Encoding", ""))
        samples = (sample for source in self._sources for sample in source())
        return web.Response(body=self._renderer.render(samples, wanted), headers=wanted.headers)

    async def _alive(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readiness(self, _: web.Request) -> web.Response:
        if not self._ready():
            body = {"status": "not-ready", "degraded": list(self._degraded())}
            return web.json_response(body, status=HTTPStatus.SERVICE_UNAVAILABLE)
        degraded = list(self._degraded())
        return web.json_response({"status": "degraded" if degraded else "ok", "degraded": degraded})
