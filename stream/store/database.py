"""The data store as the rest of the workload sees it: connections for reading and for writing, counted by operation.

    async with database.reading("prices") as connection: ...     # the replica while it keeps up, else the primary
    async with database.writing("add_analysis") as connection: ...   # the primary, in a transaction

An operation's name is one of `metrics.database.OPERATIONS`. Whatever keeps the store from answering is a `StoreError`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import msgspec
import psycopg
from psycopg import errors
from psycopg.abc import Params, QueryNoTemplate
from psycopg.rows import dict_row

from metrics import database as db
from metrics.durations import seconds
from metrics.instruments import Instruments
from metrics.model import Sample
from settings import Paths, Site
from stream.loop import ended
from stream.store.connect import conninfo, role_of, session, share
from stream.store.errors import StoreError, TooSlowError, UnavailableError
from stream.store.pool import Connection, Pool
from stream.store.watch import Watch

T = TypeVar("T", bound=msgspec.Struct)
SLOW_SECONDS = 1.0
_LOG = logging.getLogger("watchfloor.store")


class Database:
    """The pools of one process. `open` makes it; it never waits for a server, and works as soon as one is there."""

    def __init__(self, site: Site, primary: Pool, replica: Pool | None, counts: Instruments) -> None:
        self.site, self._primary, self._replica, self._counts = site, primary, replica, counts
        self.watch = Watch(self, primary, replica, seconds(site.database.replica_lag))
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, site: Site, process: str = "stream", *, worker: int = 0, workers: int = 1, paths: Paths | None = None
    ) -> Self:
        """The store of a site for one of its processes ("stream", "analysis", "store").

        Raises SettingsError where the settings do not say how to reach it.
        """
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # each attempt to connect would be a line
        paths = paths or Paths.from_environment()
        counts = Instruments(db.COUNTED)
        own, settings = share(site, process, worker, workers), site.database.pool
        primary = Pool("primary", session(site, conninfo(site, paths, role_of(process)), process), own, settings, counts)
        second = conninfo(site, paths, replica=True)
        replica = Pool("replica", session(site, second, process), own, settings, counts) if second else None
        database = cls(site, primary, replica, counts)
        for pool in filter(None, (primary, replica)):
            await pool.open()
        database._task = asyncio.create_task(database.watch.run(), name="store watch")
        return database

    async def close(self) -> None:
        """Lets go of every connection."""
        if self._task:
            await ended([self._task])
        for pool in filter(None, (self._replica, self._primary)):
            await pool.close()

    # -- connections -------------------------------------------------------------------------------------------------
    @asynccontextmanager
    async def reading(self, operation: str) -> AsyncIterator[Connection]:
        """A connection in autocommit to the replica while it keeps up, else to the primary; rows are dicts."""
        async with contextlib.AsyncExitStack() as stack:
            connection = await self._reader(operation, stack)
            connection.row_factory = dict_row
            yield connection

    async def _reader(self, operation: str, stack: contextlib.AsyncExitStack) -> Connection:
        if self._replica and self.watch.replica_ready:
            try:
                return await stack.enter_async_context(self._taken(operation, self._replica))
            except UnavailableError:
                self.watch.replica_ready = False
        return await stack.enter_async_context(self._taken(operation, self._primary))

    @asynccontextmanager
    async def writing(self, operation: str) -> AsyncIterator[Connection]:
        """A connection to the primary, in a transaction that ends with the block; rows are dicts."""
        async with self._taken(operation, self._primary) as connection:
            connection.row_factory = dict_row
            async with connection.transaction():
                yield connection

    @asynccontextmanager
    async def asking(self, operation: str, *, replica: bool = False) -> AsyncIterator[Connection]:
        """A connection in autocommit to the primary, or to the replica whether it keeps up or not; rows are dicts."""
        pool = self._replica if replica and self._replica else self._primary
        async with self._taken(operation, pool) as connection:
            connection.row_factory = dict_row
            yield connection

    @asynccontextmanager
    async def _taken(self, operation: str, pool: Pool) -> AsyncIterator[Connection]:
        """A connection of a pool; what happens to it is counted, and told as a StoreError where it is none of ours."""
        self._counts.inc(db.QUERIES, operation)
        began = 0.0
        try:
            async with pool.connection() as connection:
                if operation in db.READING:
                    self._counts.inc(db.READS, pool.name)
                began = time.perf_counter()
                yield connection
        except StoreError as error:
            self._counts.inc(db.ERRORS, operation, error.reason)
            raise
        except errors.QueryCanceled as error:
            self._counts.inc(db.ERRORS, operation, TooSlowError.reason)
            raise TooSlowError(f"{operation}: longer than {self.site.database.statement_timeout}") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self._counts.inc(db.ERRORS, operation, UnavailableError.reason)
            raise UnavailableError(f"the {pool.name} went away: {str(error).strip().splitlines()[0]}") from error
        except psycopg.Error:
            self._counts.inc(db.ERRORS, operation, "refused")
            raise
        finally:
            if began:
                took = time.perf_counter() - began
                self._counts.observe(db.DURATION, took, operation)
                self._counts.inc(db.SLOW, operation, by=took > SLOW_SECONDS)

    # -- short forms -------------------------------------------------------------------------------------------------
    async def fetch(self, operation: str, kind: type[T], query: QueryNoTemplate, params: Params | None = None) -> list[T]:
        """All rows of a query as `kind`, whose fields are the query's columns; a replica that breaks costs a second question."""
        try:
            rows = await self._fetched(operation, query, params)
        except UnavailableError:
            if not self.watch.replica_ready:
                raise
            self.watch.replica_ready = False
            rows = await self._fetched(operation, query, params)
        self.rows(operation, len(rows))
        return msgspec.convert(rows, list[kind])  # type: ignore[valid-type]  # a type in a variable

    async def _fetched(self, operation: str, query: QueryNoTemplate, params: Params | None) -> list[Any]:
        async with self.reading(operation) as connection:
            return await (await connection.execute(query, params)).fetchall()

    def rows(self, operation: str, count: int) -> None:
        """Counts rows that an operation read or wrote."""
        self._counts.inc(db.ROWS, operation, by=count)

    @property
    def answers(self) -> bool:
        """Whether a server could be read from at the last look, two seconds ago: who need not know better need not wait."""
        return self.watch.answers or self.watch.replica_ready

    # -- what is told of it ------------------------------------------------------------------------------------------
    @property
    def degraded(self) -> Sequence[str]:
        """What is wrong with the store, in sentences; empty when nothing is."""
        return self.watch.problems()

    def samples(self) -> Iterator[Sample]:
        """The samples of now."""
        yield from self._counts.collect()
        for pool in filter(None, (self._primary, self._replica)):
            yield from pool.samples()
        if self.watch.lag is not None:
            yield db.REPLICA_LAG.sample(self.watch.lag)
