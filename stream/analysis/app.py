"""Wiring of the analysis process; it decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
from aiohttp import web

from metrics import analysis as ai
from metrics.durations import seconds
from metrics.instruments import Instruments
from metrics.model import Sample
from metrics.process import ProcessSamples
from settings import Paths, Site
from settings.hosts import known_names
from settings.secrets import read_secret
from stream.admin import Admin
from stream.analysis.desk import Desk, ProblemError
from stream.analysis.engine import Engine
from stream.analysis.following import Follower
from stream.analysis.horizons import horizons
from stream.analysis.lease import Lease
from stream.analysis.messages import Analysis, AnalysisRequest
from stream.analysis.publisher import Publisher
from stream.analysis.records import Records, expire, unscored
from stream.analysis.versions import Shelf
from stream.analysis.worker import Worker
from stream.client import own_url
from stream.loop import ended
from stream.store import queries
from stream.store.connect import conninfo, role_of, session
from stream.store.database import Database
from stream.store.errors import StoreError

_FLUSH_EVERY, _LOOK_EVERY, _EXPIRE_EVERY = 0.5, 60.0, 600.0  # seconds
_LOG = logging.getLogger("watchfloor.analysis")


def now_ms() -> int:
    """The time, ms UTC."""
    return time.time_ns() // 1_000_000


class AnalysisServer:
    """The process on one event loop; make it within the loop. `database` is closed with it."""

    def __init__(self, site: Site, paths: Paths, database: Database) -> None:
        wanted = site.analysis
        self.database, self._retention = database, round(seconds(wanted.retention) * 1000)
        self.counts = Instruments(ai.COUNTED)
        self.engine = Engine(horizons(site), max(round(1000 * site.profile.factor), 100))
        publisher = Publisher(
            self.engine, Shelf(paths.data / "analysis", wanted.versions), _ms(site, wanted.publish), self.counts
        )  # fmt: skip
        records = Records(wanted.unsaved, self.counts)
        self.worker = Worker(self.engine, records, publisher, self.counts, _ms(site, wanted.every), now_ms)
        self.desk = Desk(self._answer, wanted.queue, seconds(wanted.deadline), self.counts, known_names(site))
        token = read_secret(Path(wanted.token_file), "analysis.token_file") if wanted.token_file else ""
        self.follower = Follower(self.engine, own_url(site), token, self.counts)
        self.lease = Lease(session(site, conninfo(site, paths, role_of("analysis")), "analysis-lease"))
        self._store_trouble = self._look_trouble = ""
        self._stopping = False
        sources = [self.counts.collect, self.worker.collect, self._collect, database.samples, ProcessSamples("analysis").collect]
        admin = Admin(sources, lambda: not self._stopping, self.degraded)
        self._http = web.AppRunner(self.desk.application(admin.application()), access_log=None, shutdown_timeout=1.0)
        self._tasks: list[asyncio.Task[None]] = []

    def _answer(self, request: AnalysisRequest) -> Analysis:
        if self.lease.taken:
            raise ProblemError("standby", "another process has the lease: ask that one")
        return self.worker.answer(request)

    def degraded(self) -> Sequence[str]:
        """What does not work as it should, though questions are answered."""
        found = [*self.database.degraded, *self.worker.publisher.degraded]
        found += ["stands by: another process has the lease"] if self.lease.taken else []
        found += [f"the stream is not followed: {self.follower.trouble}"] if self.follower.trouble else []
        return found + [trouble for trouble in (self._store_trouble, self._look_trouble) if trouble]

    def _collect(self) -> Iterator[Sample]:
        yield ai.QUEUE.sample(self.desk.waiting)
        yield ai.QUEUE_LIMIT.sample(self.desk.limit)
        yield ai.LEASE.sample(int(self.lease.held))

    # -- life --------------------------------------------------------------------------------------------------------
    async def start(self, sock: socket.socket) -> None:
        """Answers on this socket, and goes to work."""
        self.worker.publisher.begin(now_ms())
        await self._http.setup()
        runs = (self.lease.run(), self.follower.run(), self.desk.run(), self._tick(), self._store(), self._look())
        self._tasks = [asyncio.create_task(run) for run in runs]
        await web.SockSite(self._http, sock).start()

    async def stop(self) -> None:
        """Takes no question any more, stores what it holds, frees the port."""
        self._stopping = True
        await self._http.cleanup()
        held = self.lease.held
        await ended(self._tasks)
        if held:
            with contextlib.suppress(StoreError, TimeoutError, psycopg.Error):
                async with asyncio.timeout(3.0):
                    while await self.worker.records.flush(self.database):
                        pass
        await self.database.close()
        _LOG.info("stopped", extra={"event": "stopped"})

    async def _tick(self) -> None:
        """Lets time pass, on the grid of the market."""
        step = self.engine.step_ms / 1000
        while True:
            await asyncio.sleep(step - time.time() % step)
            try:
                if self.lease.taken:
                    self.worker.stand_by()
                else:
                    self.worker.tick(writes=self.lease.held)
            except Exception:  # noqa: BLE001  # whatever a model raises, time goes on
                _LOG.exception("a step failed, the next one goes on", extra={"event": "step_failed"})
                self.counts.inc(ai.ERRORS, "model")

    async def _store(self) -> None:
        """Stores what waits, while the lease is held."""
        while True:
            await asyncio.sleep(_FLUSH_EVERY)
            if not self.lease.held:
                continue
            try:
                while await self.worker.records.flush(self.database):
                    pass
                self._store_trouble = ""
            except StoreError as error:
                self._store_trouble = f"predictions wait for the data store: {error}"
            except psycopg.Error:
                lost = self.worker.records.drop()
                _LOG.exception("the data store refuses %d predictions, they are lost", lost, extra={"event": "refused"})

    async def _look(self) -> None:
        """Learns the ids of currencies; with the lease, takes over what is not scored yet, and deletes what has had its time."""
        took, expired = False, 0.0
        while True:
            try:
                found = await queries.cryptocurrencies(self.database, limit=1000)
                self.worker.ids = {one.symbol: one.id for one in found}
                if self.lease.held and not took:
                    await self._take_over()
                took = self.lease.held
                if self.lease.held and time.monotonic() - expired > _EXPIRE_EVERY:
                    expired = time.monotonic()
                    await expire(self.database, now_ms() - self._retention)
                self._look_trouble = ""
            except StoreError:
                self._look_trouble = ""  # the database's own watch tells of it
            except psycopg.Error as error:  # no table yet, a right not given yet: soon again
                words = (
                    f"the data store refuses what is looked up: {(str(error).strip() or type(error).__name__).splitlines()[0]}"
                )
                if words != self._look_trouble:
                    _LOG.warning(words, extra={"event": "look_refused"})
                self._look_trouble = words
            held = self.lease.held
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY if self.worker.ids else _FLUSH_EVERY):
                    await self.lease.changed(held)

    async def _take_over(self) -> None:
        known = {one.id for one in self.worker.open}
        left = [one for one in await unscored(self.database, self.worker.records.most) if one.id not in known]
        self.worker.open += [one for one in left if one.horizon in self.engine.horizons]
        _LOG.info("has the lease; %d predictions wait for their outcome", len(left), extra={"event": "lease"})


def _ms(site: Site, duration: str) -> int:
    return round(seconds(site.scaled(duration)) * 1000)
