"""The HTTP side of an exporter: /metrics, /healthz, /readyz and a landing page."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterable
from itertools import chain

from aiohttp import web

from exporters.runner import Runner
from exporters.web import CONTENT_SECURITY_POLICY, LOOK, landing
from metrics import stack
from metrics.expose import Renderer, negotiate
from metrics.instruments import Instruments
from metrics.model import Sample
from metrics.process import ProcessSamples, version

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
DEFAULT_BUDGET = 10.0
_MARGIN = 0.5  # of the scrape's timeout, kept for rendering and the way back


def budget(header: str) -> float:
    """Seconds that collectors may take, from Prometheus's header; 10 s for anything that is no positive number."""
    try:
        seconds = float(header)
    except ValueError:
        return DEFAULT_BUDGET
    if not 0 < seconds < float("inf"):
        return DEFAULT_BUDGET
    return max(seconds - _MARGIN, seconds / 2)


class Exporter:
    """Answers requests about one domain. For one event loop."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._domain = runner.domain
        self._renderer = Renderer()
        self._process = ProcessSamples(self._domain.service)
        self._counts = Instruments((stack.EXPORTER_SCRAPES,))
        self._page = landing(self._domain, version())
        self._look = LOOK.read_text(encoding="utf-8")

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._alive)
        app.router.add_get("/", self._landing)
        app.router.add_get("/base.css", self._style)
        return app

    async def samples(self, names: Iterable[str] = (), seconds: float = DEFAULT_BUDGET) -> Iterable[Sample]:
        """What a scrape exposes; of the process too, unless collectors are named."""
        named = tuple(names)
        collected = await self._runner.collect(named, seconds)
        if named:
            return collected
        return chain(collected, self._counts.collect(), self._process.collect())

    async def _metrics(self, request: web.Request) -> web.Response:
        names = request.query.getall("collect[]", [])
        unknown = sorted(set(names) - set(self._domain.names))
        if unknown:
            known = ", ".join(self._domain.names)
            return web.Response(status=400, text=f"collect[]: unknown collector {unknown[0]!r}: known are {known}\n")
        self._counts.inc(stack.EXPORTER_SCRAPES, self._domain.name)
        samples = await self.samples(names, budget(request.headers.get(TIMEOUT_HEADER, "")))
        wanted = negotiate(request.headers.get("Accept", ""), request.headers.get("Accept-Encoding", ""))
        return web.Response(body=self._renderer.render(samples, wanted), headers=wanted.headers)

    async def _alive(self, _: web.Request) -> web.Response:
        # An exporter is ready as soon as it answers: it holds no connection that could be missing.
        return web.Response(text="ok\n")

    async def _landing(self, _: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Content-Type-Options": "nosniff"}
        return web.Response(text=self._page, content_type="text/html", headers=headers)

    async def _style(self, _: web.Request) -> web.Response:
        return web.Response(text=self._look, content_type="text/css")


async def serve(runner: Runner, sock: socket.socket) -> None:
    """Answers on a listening socket until SIGTERM or SIGINT; then ends what is under way and returns."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = web.AppRunner(Exporter(runner).application(), access_log=None, shutdown_timeout=2.0)
    await app.setup()
    try:
        await web.SockSite(app, sock).start()
        await stop.wait()
    finally:
        await app.cleanup()
        runner.close()
