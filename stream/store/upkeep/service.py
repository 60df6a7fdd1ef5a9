"""The maintenance process: its tasks, its admin port, its end."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, create_subprocess_exec
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence

import psycopg
from aiohttp import web

from metrics import database as db
from metrics.durations import seconds
from metrics.instruments import Instruments
from metrics.model import Sample
from metrics.process import ProcessSamples
from settings import Site
from stream.admin import Admin
from stream.loop import ended
from stream.store.database import Database
from stream.store.errors import StoreError
from stream.store.upkeep.figures import Figures
from stream.store.upkeep.optimize import optimize
from stream.store.upkeep.partitions import Partitions, rules_of

_LOG = logging.getLogger("watchfloor.store")
_FIGURES_EVERY = 5.0  # seconds
_RETRY = 30.0  # seconds until work that failed is tried again
_AGAIN = 2.0  # seconds until a migration that failed is tried again


class Upkeep:
    """The maintenance of one data store."""

    def __init__(self, site: Site, database: Database) -> None:
        self.site, self.database = site, database
        self.migrated = self.tried = False
        self._said = ""
        self._counts = Instruments((db.TASK_ERRORS, db.TASK_SUCCESS))
        self._figures = Figures(database)
        self._partitions = Partitions(database, rules_of(site))
        self._found: Counter[str] | None = None  # findings of the last report by kind
        self._wrong: dict[str, str] = {}  # by task, what its last run told
        sources = [database.samples, self._counts.collect, self._figures.samples, self._partitions.samples, self._findings]
        self.admin = Admin([*sources, ProcessSamples("store").collect], lambda: self.tried, self.degraded)

    def degraded(self) -> Sequence[str]:
        """What does not work as it should."""
        return [*self.database.degraded, *self._wrong.values()]

    async def run(self) -> None:
        """Migrates, then keeps the store in shape, until cancelled."""
        while not self.migrated:
            await self.migrate()
            if not self.migrated:
                await asyncio.sleep(_AGAIN)
        settings = self.site.database
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            group.create_task(self._regularly("partitions", seconds(settings.maintain), self._partitions.run))
            group.create_task(self._regularly("optimize", seconds(settings.optimize), self._report))

    async def _report(self) -> None:
        async with self.database.asking("optimize") as connection:
            report = await optimize(connection)
        self._found = Counter(finding.kind for finding in report.findings)
        for finding in report.findings:
            _LOG.info("%s: %s", finding.kind, finding.what, extra={"event": "finding", "evidence": finding.evidence})

    def _findings(self) -> Iterator[Sample]:
        for kind in db.FINDING_KINDS if self._found is not None else ():
            yield db.FINDINGS.sample((self._found or Counter())[kind], kind)

    async def _look(self) -> None:
        said = ""
        while True:
            try:
                await self._figures.look()
                said = ""
            except StoreError:  # the database's own watch tells of it
                said = ""
            except psycopg.Error as error:
                words = f"figures: {(str(error).strip() or type(error).__name__).splitlines()[0]}"
                if words != said:
                    _LOG.warning(words, extra={"event": "figures_refused"})
                said = words
            await asyncio.sleep(_FIGURES_EVERY)

    async def _regularly(self, task: str, every: float, work: Callable[[], Awaitable[object]]) -> None:
        """Does the work now and then, soon again after a failure; what it told of a failure is told until it succeeds."""
        while True:
            try:
                await work()
            except (StoreError, psycopg.Error) as error:
                self._counts.inc(db.TASK_ERRORS, task)
                words = f"{task}: {str(error).strip().splitlines()[0]}"
                if self._wrong.get(task) != words:
                    _LOG.warning(words, extra={"event": "maintenance_failed", "task": task})
                self._wrong[task] = words
                await asyncio.sleep(min(every, _RETRY))
            else:
                self._wrong.pop(task, None)
                self._counts.set(db.TASK_SUCCESS, time.time(), task)
                await asyncio.sleep(every)

    async def migrate(self) -> None:
        """Brings the schema to this version, in a process of its own: what it needs, this one need not carry."""
        running = await create_subprocess_exec(sys.executable, "-m", "stream.store", "migrate", stdout=PIPE, stderr=STDOUT)
        output, _ = await running.communicate()
        words = output.decode(errors="replace").strip()
        self.migrated = running.returncode == 0
        if words != self._said:
            _LOG.log(logging.INFO if self.migrated else logging.ERROR, words, extra={"event": "migrate"})
            self._said = words
        if self.migrated:
            await self.database.watch.look()
        self.tried = True


async def serve(site: Site, port: int) -> int:
    """Runs the maintenance until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = await Database.open(site, "store")
    upkeep = Upkeep(site, database)
    runner = web.AppRunner(upkeep.admin.application(), access_log=None)
    await runner.setup()
    working = asyncio.create_task(upkeep.run(), name="upkeep")
    try:
        await web.TCPSite(runner, site.bind, port).start()
        _LOG.info("maintenance listens on port %d", port, extra={"event": "listening", "port": port})
        await stop.wait()
    finally:
        await ended([working])
        await runner.cleanup()
        await database.close()
    return 0
