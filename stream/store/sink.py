"""The store as a sink of the stream: each update is in the journal before its room hears of it, and in the database soon after.

`write` costs one write to a file. What waits there outlives this process, PostgreSQL and both. What a disk refuses waits in
memory until it takes it. What a journal that is full, or this memory, has no room for is lost; that is counted, and costs nobody
else anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import psycopg

from metrics import database as db
from metrics.instruments import Instruments
from metrics.model import Sample
from settings import Paths, Site
from settings.basic import in_bytes
from stream.loop import ended
from stream.messages import Update
from stream.store.database import Database
from stream.store.errors import StoreError
from stream.store.held import Held
from stream.store.journal import FullError, Journal
from stream.store.rows import UnfitError, lines
from stream.store.writer import BATCH_BYTES, Writer

LINGER = 0.5  # seconds that a batch is gathered
_AGAIN = 1.0  # seconds after a failure
_SYNC_EVERY = 0.1  # seconds: what a machine may lose with its power
_CLOSE_WITHIN = 2.0  # seconds in which what waits may still be written at the end
_HELD_BYTES = 16 * 2**20  # of rows in memory while the disk refuses them: half an hour at 100 rows a second
_ORPHANS_EVERY = 30.0  # seconds between looks for journals that no worker has any more
_HELD = "rows wait in memory: free space on its disk"
_COUNTED = (db.WRITTEN, db.LOST)
_LOG = logging.getLogger("watchfloor.store")


class StoreSink:
    """One worker's way into the data store; `start` it on the loop."""

    name = "store"

    def __init__(self, database: Database, folder: Path, cap: int, *, worker: int = 0, workers: int = 1) -> None:
        self._database, self._folder, self._cap = database, folder, cap
        self._worker, self._workers = worker, workers
        self._counts = Instruments(_COUNTED)
        self._journal: Journal | None = None
        self._writer: Writer | None = None
        self._held = Held(_HELD_BYTES)
        self._losing: set[str] = set()  # why rows are being lost: each reason is logged once
        self._marks: deque[tuple[int, float]] = deque()  # (position, monotonic time) of what waits, about one a second
        self._wake = asyncio.Event()
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._problem = self._journal_problem = ""

    @classmethod
    def of(cls, site: Site, database: Database, paths: Paths, *, worker: int = 0, workers: int = 1) -> Self:
        """The sink of a site's worker, its journals below the appliance's data."""
        return cls(database, paths.data / "stream" / "spool", in_bytes(site.database.spool), worker=worker, workers=workers)

    def start(self) -> None:
        """Opens the journal and begins to write; needs a running loop."""
        self._open()
        self._tasks = [
            asyncio.create_task(self._run(), name="store writer"),
            asyncio.create_task(self._sync(), name="store sync"),
        ]

    def _open(self) -> None:
        try:
            self._journal = Journal(self._folder / str(self._worker), self._cap)
        except OSError as error:
            self._journal_problem = f"database spool: {error.filename or self._folder}: {error.strerror or error}: {_HELD}"
            return
        self._journal_problem = ""
        self._writer = Writer(self._database, self._journal, self._counts)
        self._marks.append((self._journal.end, time.monotonic()))

    # -- taking ------------------------------------------------------------------------------------------------------
    def write(self, update: Update) -> None:
        """Puts an update's rows into the journal, or has them wait for it; what can do neither is counted."""
        try:
            payload = lines(update)
        except UnfitError as error:
            self._lose("unfit", 1, str(error))
            return
        if not payload or (not self._held and self._stored(payload)):
            return
        if not self._held.add(payload, time.monotonic()):
            self._lose("disk", payload.count(b"\n"), self._journal_problem)

    def _stored(self, payload: bytes) -> bool:
        """Whether a record is settled: it is in the journal, or the journal is at its cap. False: the disk refuses it now."""
        if self._journal is None:
            return False
        try:
            end = self._journal.append(payload)
        except FullError:
            self._lose("full", payload.count(b"\n"), "it is full")
            self._journal_problem = "database spool: it is full: rows are lost until the database takes them"
            return True
        except OSError as error:
            if not self._journal_problem:
                _LOG.warning("rows wait in memory", extra={"event": "rows_held", "reason": str(error)})
            self._journal_problem = f"database spool: {error.strerror or error}: {_HELD}"
            return False
        self._journal_problem = ""
        self._losing.clear()
        now = time.monotonic()
        if not self._marks or now - self._marks[-1][1] >= 1:
            self._marks.append((end, now))
        self._wake.set()
        return True

    def _relieve(self) -> None:
        """What waits in memory goes to disk, as far as it is taken."""
        while self._held and self._stored(self._held.first):
            self._held.pop()

    def _lose(self, reason: str, rows: int, why: str) -> None:
        self._counts.inc(db.LOST, reason, by=rows)
        if reason == "unfit" or reason not in self._losing:
            _LOG.error("rows are lost", extra={"event": "rows_lost", "reason": reason, "why": why})
        self._losing.add(reason)

    # -- writing -----------------------------------------------------------------------------------------------------
    async def _run(self) -> None:
        orphans = 0.0
        while not self._closing:
            if self._writer is None:
                await asyncio.sleep(_AGAIN)
                self._open()
                continue
            worked = await self._step(self._writer)
            if self._worker == 0 and time.monotonic() >= orphans and worked is not None:
                await self._adopt()
                orphans = time.monotonic() + _ORPHANS_EVERY
            if worked is None:
                await asyncio.sleep(_AGAIN)
            elif not worked or self._writer.pending < BATCH_BYTES:
                await self._gather()

    async def _gather(self) -> None:
        """Waits for something to write, and a moment longer, so that a batch is worth its transaction."""
        if self._writer and self._writer.pending <= 0:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ORPHANS_EVERY):
                    await self._wake.wait()
        if not self._closing:
            await asyncio.sleep(LINGER)

    async def _step(self, writer: Writer) -> bool | None:
        """One batch: whether there was one; None when the store did not take it."""
        try:
            worked = await writer.step()
        except (StoreError, psycopg.Error, OSError) as error:
            if not self._problem:
                _LOG.warning("rows wait on disk", extra={"event": "rows_wait", "reason": str(error)[:300]})
            self._problem = f"database: rows wait on disk: {str(error).strip().splitlines()[0]}"
            return None
        if self._problem:
            _LOG.info("rows are written again", extra={"event": "rows_written"})
        self._problem = ""
        while self._marks and writer.position is not None and self._marks[0][0] <= writer.position:
            self._marks.popleft()
        return worked

    async def _adopt(self) -> None:
        """Writes what journals hold whose worker is no more: there were more workers once."""
        for folder in sorted(self._folder.iterdir()):
            if not folder.name.isdigit() or int(folder.name) < self._workers:
                continue
            try:
                journal = Journal(folder, self._cap)
            except OSError:
                continue  # another process has it
            try:
                writer = Writer(self._database, journal, self._counts)
                while await self._step(writer):
                    _LOG.info("an orphaned journal is written", extra={"event": "journal_adopted", "folder": str(folder)})
            finally:
                journal.close()

    async def _sync(self) -> None:
        """Has the disk take what waits, and itself keep what was written, a few times a second."""
        while True:
            await asyncio.sleep(_SYNC_EVERY)
            self._relieve()
            journal = self._journal
            if journal and journal.synced < journal.end:
                try:
                    await asyncio.to_thread(journal.sync)
                except OSError as error:
                    self._journal_problem = f"database spool: {error.strerror or error}: rows are not safe"

    async def close(self) -> None:
        """Writes what waits, if the database takes it soon, and lets go of the journal; the rest waits for the next start."""
        self._closing = True
        self._relieve()
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN):
                await self._finish()
        await ended(self._tasks)
        self._relieve()
        while self._held:
            self._lose("disk", self._held.pop().count(b"\n"), self._journal_problem)
        if self._journal:
            with contextlib.suppress(OSError):
                self._journal.sync()
            self._journal.close()
            self._journal = self._writer = None

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks[:1])
        while self._writer and await self._step(self._writer):
            pass

    # -- what is told of it ------------------------------------------------------------------------------------------
    @property
    def degraded(self) -> Sequence[str]:
        """What is wrong, in sentences."""
        return [problem for problem in (self._journal_problem, self._problem) if problem]

    def samples(self) -> Iterator[Sample]:
        """The samples of now."""
        yield from self._counts.collect()
        pending = self._writer.pending if self._writer else 0
        since = [self._marks[0][1]] if pending > 0 and self._marks else [self._held.since] if self._held else []
        yield db.SPOOL_BYTES.sample(pending + self._held.size)
        yield db.SPOOL_LIMIT.sample(self._cap)
        yield db.SPOOL_AGE.sample(time.monotonic() - since[0] if since else 0)
        if self._journal:
            yield db.SPOOL_CORRUPT.sample(self._journal.corrupt)
