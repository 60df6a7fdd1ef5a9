"""The maintenance process: its tasks, its admin port, its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, create_subprocess_exec
from collections.abc import Sequence

from aiohttp import web

from metrics.process import ProcessSamples
from settings import Site
from stream.admin import Admin
from stream.store.database import Database
from stream.store.errors import StoreError
from stream.store.upkeep.figures import Figures

_LOG = logging.getLogger("watchfloor.store")
_FIGURES_EVERY = 5.0  # seconds
_AGAIN = 2.0  # seconds until a migration that failed is tried again


class Upkeep:
    """The maintenance of one data store."""

    def __init__(self, site: Site, database: Database) -> None:
        self.site, self.database = site, database
        self.migrated = self.tried = False
        self._said = ""
        self._figures = Figures(database)
        sources = [database.samples, self._figures.samples, ProcessSamples("store").collect]
        self.admin = Admin(sources, lambda: self.tried, self.degraded)

    def degraded(self) -> Sequence[str]:
        """What does not work as it should."""
        return self.database.degraded

    async def run(self) -> None:
        """Migrates, then keeps the store in shape, until cancelled."""
        while not self.migrated:
            await self.migrate()
            if not self.migrated:
                await asyncio.sleep(_AGAIN)
        while True:
            with contextlib.suppress(StoreError):  # the database's own watch tells of it
                await self._figures.look()
            await asyncio.sleep(_FIGURES_EVERY)

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
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        await runner.cleanup()
        await database.close()
    return 0
