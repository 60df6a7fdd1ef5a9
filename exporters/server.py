"""The HTTP side of an exporter: /metrics, /probe, /healthz, /readyz and a landing page."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from aiohttp import web

from exporters.answer import answer
from exporters.guard import Guard
from exporters.runner import Runner
from exporters.web import CONTENT_SECURITY_POLICY, LOOK, landing
from metrics import stack
from metrics.expose import Renderer, negotiate
from metrics.instruments import Instruments
from metrics.model import Sample
from metrics.process import ProcessSamples, version

if TYPE_CHECKING:
    from exporters.gate import Gate

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
DEFAULT_BUDGET = 10.0
SERIES_LIMIT, SAMPLE_LIMIT = 20_000, 50_000
LOG = logging.getLogger("exporters")
_MARGIN = 0.5  # of the scrape's timeout, kept for rendering and the way back
_OWN_SAMPLES = 1_000  # of what Prometheus takes of a scrape, kept for what the exporter tells of itself


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
    """Answers requests about one domain: `/metrics` about the first target and itself, `/probe` about any. For one event loop.

    `limit` is how many series a metric may have in one scrape, `samples` how many samples Prometheus takes of one.
    """

    def __init__(self, runners: Sequence[Runner], limit: int = SERIES_LIMIT, samples: int = SAMPLE_LIMIT) -> None:
        self._runners = {runner.domain.target: runner for runner in runners}
        self._renderers = {target: Renderer() for target in self._runners}
        self._domain = runners[0].domain
        self._limits = limit, samples - min(_OWN_SAMPLES, samples // 2)
        self._guards = {target: Guard(*self._limits) for target in self._runners}
        self._process = ProcessSamples(self._domain.service)
        self._counts = Instruments((stack.EXPORTER_SCRAPES, stack.EXPORTER_SERIES_CUT))
        self._counts.inc(stack.EXPORTER_SCRAPES, self._domain.name, by=0)
        self._page = landing(self._domain, version(), [target for target in self._runners if target])
        self._look = LOOK.read_text(encoding="utf-8")

    def application(self, gate: Gate | None = None) -> web.Application:
        """The routes, behind a gate where there is one."""
        app = web.Application(middlewares=[gate.middleware] if gate else [])
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/probe", self._probe)
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._alive)
        app.router.add_get("/", self._landing)
        app.router.add_get("/base.css", self._style)
        return app

    async def samples(self, names: Iterable[str] = (), seconds: float = DEFAULT_BUDGET) -> Iterable[Sample]:
        """What a scrape exposes; of the process too, unless collectors are named."""
        named = tuple(names)
        collected = await self.collected(named, seconds)
        if named:
            return collected
        return chain(collected, self._counts.collect(), self._process.collect())

    async def collected(self, names: Sequence[str] = (), seconds: float = DEFAULT_BUDGET) -> Sequence[Sample]:
        """What the collectors tell of the first target, within the limit, and how they fared."""
        return await self._collected(self._runners[self._domain.target], names, seconds)

    def close(self) -> None:
        """Ends what the domains hold open."""
        for runner in self._runners.values():
            runner.close()

    async def _collected(self, runner: Runner, names: Sequence[str], seconds: float) -> Sequence[Sample]:
        guard = self._guards[runner.domain.target] if not names else Guard(*self._limits)  # a part of it has its own numbers
        kept = guard.within(await runner.collect(names, seconds))
        for metric, count in kept.cut.items():
            self._counts.inc(stack.EXPORTER_SERIES_CUT, self._domain.name, metric.name, by=count)
            if runner.first_cut(metric):
                key = "prometheus.sample_limit" if kept.of_all else "exporters.series_limit"
                LOG.warning(
                    "%s: has %d series more than the %d allowed (site.yaml: %s): they are left out",
                    metric.name, count, kept.limit, key,
                )  # fmt: skip
        return kept.samples

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._unknown(request):
            return refusal
        self._counts.inc(stack.EXPORTER_SCRAPES, self._domain.name)
        names = request.query.getall("collect[]", [])
        samples = await self.samples(names, budget(request.headers.get(TIMEOUT_HEADER, "")))
        return await self._rendered(request, self._domain.target, samples)

    async def _probe(self, request: web.Request) -> web.StreamResponse:
        targets = ", ".join(target for target in self._runners if target) or "none: this domain has one target, at /metrics"
        name = request.query.get("target", "")
        if not name:
            return web.Response(status=400, text=f"target: is missing: known are {targets}\n")
        runner = self._runners.get(name)
        if runner is None:
            return web.Response(status=404, text=f"target: unknown {name!r}: known are {targets}\n")
        if refusal := self._unknown(request):
            return refusal
        self._counts.inc(stack.EXPORTER_SCRAPES, self._domain.name)
        names = request.query.getall("collect[]", [])
        samples = await self._collected(runner, names, budget(request.headers.get(TIMEOUT_HEADER, "")))
        return await self._rendered(request, name, samples)

    def _unknown(self, request: web.Request) -> web.Response | None:
        unknown = sorted(set(request.query.getall("collect[]", [])) - set(self._domain.names))
        if not unknown:
            return None
        known = ", ".join(self._domain.names)
        return web.Response(status=400, text=f"collect[]: unknown collector {unknown[0]!r}: known are {known}\n")

    async def _rendered(self, request: web.Request, target: str, samples: Iterable[Sample]) -> web.StreamResponse:
        wanted = negotiate(request.headers.get("Accept", ""), request.headers.get("Accept-Encoding", ""))
        return await answer(request, self._renderers[target].parts(samples, openmetrics=wanted.openmetrics), wanted)

    async def _alive(self, _: web.Request) -> web.Response:
        # An exporter is ready as soon as it answers: that a target is down is what it is there to tell.
        return web.Response(text="ok\n")

    async def _landing(self, _: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Content-Type-Options": "nosniff"}
        return web.Response(text=self._page, content_type="text/html", headers=headers)

    async def _style(self, _: web.Request) -> web.Response:
        return web.Response(text=self._look, content_type="text/css")


async def serve(exporters: Sequence[tuple[Exporter, socket.socket]], gate: Gate | None = None) -> None:
    """Answers on listening sockets until SIGTERM or SIGINT; then ends what is under way and returns."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    started: list[web.AppRunner] = []
    try:
        for exporter, sock in exporters:
            app = web.AppRunner(exporter.application(gate), access_log=None, shutdown_timeout=2.0)
            started.append(app)
            await app.setup()
            await web.SockSite(app, sock, ssl_context=gate.tls if gate else None).start()
        await stop.wait()
    finally:
        await asyncio.gather(*(app.cleanup() for app in started))
        for exporter, _ in exporters:
            exporter.close()
