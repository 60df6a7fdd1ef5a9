"""One pool of connections to one server, with what is told of it.

A server that is away costs a caller a moment and not the whole wait: while the last attempt to connect has failed, a caller waits
just long enough for the next one.
"""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from metrics import database as db
from metrics.durations import seconds
from metrics.instruments import Instruments
from metrics.model import Sample
from settings.database import Pool as PoolSettings
from stream.store.connect import Share
from stream.store.errors import BusyError, UnavailableError

Connection: TypeAlias = psycopg.AsyncConnection[Any]
_LOOK = 1.0  # seconds between looks whether the server has gone while a caller waits
_AWAY_WAIT = 0.25  # seconds that a caller waits for a server that did not answer last time


async def _usable(connection: Connection) -> None:
    """Refuses a connection that the server has ended: it tells so, and an idle connection is told nothing else."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await AsyncConnectionPool.check_connection(connection)


class Pool:
    """Connections to one server; `name` is its label, `conninfo` has everything that a session needs."""

    def __init__(self, name: str, conninfo: str, share: Share, settings: PoolSettings, counts: Instruments) -> None:
        self.name, self.share, self._counts = name, share, counts
        self.used = 0  # connections that callers hold
        self.away = False  # the last attempt to connect has failed
        self.why = ""
        self._acquire = seconds(settings.acquire)
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo, min_size=share.min, max_size=share.max, max_idle=seconds(settings.idle), timeout=self._acquire,
            open=False, check=_usable, reconnect_timeout=1.0, connection_class=self._connecting(),
            kwargs={"autocommit": True, "prepare_threshold": 2}, name=name, num_workers=2,
        )  # fmt: skip

    def _connecting(self) -> type[Connection]:
        pool = self

        class Told(psycopg.AsyncConnection[Any]):
            """A connection whose making tells the pool how it went."""

            @classmethod
            async def connect(cls, *args: Any, **kwargs: Any) -> Any:
                """Connects, or raises what psycopg raises."""
                try:
                    made = await super().connect(*args, **kwargs)
                except (psycopg.Error, OSError) as error:
                    pool.away, pool.why = (
                        True,
                        str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__,
                    )
                    raise
                pool.away, pool.why = False, ""
                return made

        return Told

    async def open(self) -> None:
        """Begins to connect; waits for nothing."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Closes every connection."""
        await self._pool.close(timeout=2.0)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit. Raises BusyError when none is free in time, UnavailableError without a server."""
        began = time.perf_counter()
        try:
            taken = await self._take(began + self._acquire)
        except PoolClosed as error:
            raise UnavailableError("the pool is closed") from error
        finally:
            self._counts.observe(db.WAIT, time.perf_counter() - began, self.name)
        self.used += 1
        try:
            yield taken
        finally:
            self.used -= 1
            await asyncio.shield(self._pool.putconn(taken))

    async def _take(self, deadline: float) -> Connection:
        """Waits in parts, so that a server that goes away meanwhile is noticed."""
        while True:
            left = deadline - time.perf_counter()
            try:
                return await self._pool.getconn(_AWAY_WAIT if self.away else max(0.001, min(left, _LOOK)))
            except PoolTimeout:
                if self.away:
                    raise UnavailableError(f"the {self.name} does not answer: {self.why}") from None
                if left <= _LOOK:
                    raise BusyError(f"no connection of {self.share.max} became free within {self._acquire:g} s") from None

    def samples(self) -> Iterator[Sample]:
        """The samples of now."""
        stats = self._pool.get_stats()
        yield db.CONNECTIONS.sample(self.used, self.name, "used")
        yield db.CONNECTIONS.sample(stats.get("pool_available", 0), self.name, "idle")
        yield db.LIMIT.sample(self.share.max, self.name)
        yield db.WAITING.sample(stats.get("requests_waiting", 0), self.name)
